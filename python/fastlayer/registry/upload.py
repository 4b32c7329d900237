"""Blobs that are sent (distribution-spec, "Pushing blobs"): one upload session of a registry.

A chunk is in memory until the registry has taken it, so a session that is still there after a cut
goes on where it was. One that is gone is a `SessionLostError`: whoever has the blob begins again.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastlayer.errors import InvalidImageError, RegistryAuthError, RegistryError, quoted
from fastlayer.registry.cancel import Cancel
from fastlayer.registry.retry import PASSING, Tries
from fastlayer.registry.scope import pull, push
from fastlayer.registry.transport import TransportError
from fastlayer.registry.url import resolved, with_query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastlayer.digest import Digest
    from fastlayer.registry.call import Answer, Call
    from fastlayer.registry.repository import Repository

__all__ = ["SessionLostError", "Upload", "last_of"]

_CREATED: Final = 201
_TAKEN: Final = (200, 201, 202, 204)
_KEPT: Final = (200, 201, 204)
_NOT_FOUND: Final = 404
_WRONG_RANGE: Final = 416

# What registries call a session that is not there, or not as its `Location` says.
_GONE: Final = ("BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID")

# A session that goes on with less than this after each failure is given up at last.
_WORTH: Final = 1 << 20

# Before they answer, some registries move the blob to where it stays.
_CLOSING_SECONDS: Final = 300.0

# Nobody who gives up waits for the registry to hear of it.
_GOOD_BYE_SECONDS: Final = 2.0

_RANGE: Final = re.compile(r"(?:bytes[ =])?0-(\d{1,18})")
_OCTETS: Final = {"Content-Type": "application/octet-stream"}


class SessionLostError(Exception):
    """A session is of no use any more; `error` is what to raise if the blob cannot be sent again.

    `refused` is true if the registry did not take a chunk as such. `retry_after` is what it said.
    """

    def __init__(
        self, error: RegistryError, *, refused: bool = False, retry_after: str = ""
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.refused = refused
        self.retry_after = retry_after


class _Failure(NamedTuple):
    """What failed and may pass; if it `is_end`, not in this session."""

    error: RegistryError
    retry_after: str = ""
    is_end: bool = False


class Upload:
    """A session: `offset` bytes are taken, and chunks but the last have at least `minimum`."""

    def __init__(self, repository: Repository, begun: Answer, cancel: Cancel) -> None:
        self._repository = repository
        self._session = repository.session
        self._cancel = cancel
        self._location = begun.request.url
        self.offset = 0
        minimum = begun.header("oci-chunk-min-length")
        self.minimum = int(minimum) if re.fullmatch(r"[0-9]{1,18}", minimum) else 0
        self._move(begun)

    @classmethod
    def begin(cls, repository: Repository, cancel: Cancel) -> Upload:
        """Begin a session. Raises `RegistryError`."""
        call = repository.call(
            "POST", "blobs/uploads/", scopes=push(repository.path), expected=(202,), cancel=cancel
        )
        return cls(repository, repository.session.ask(call), cancel)

    @classmethod
    def mount(
        cls, repository: Repository, digest: Digest, source: str, cancel: Cancel
    ) -> Upload | None:
        """Have a blob of another repository; where that is refused, a session has begun instead.

        Raises `RegistryError`.
        """
        target = with_query("blobs/uploads/", mount=digest, **{"from": source})
        scopes = push(repository.path) | pull(source)
        call = repository.call(
            "POST", target, scopes=scopes, expected=(_CREATED, 202), cancel=cancel
        )
        try:
            answer = repository.session.ask(call)
        except RegistryError as error:
            if not (isinstance(error, RegistryAuthError) or _is_refusal(error.status)):
                raise
            return cls.begin(repository, cancel)
        return None if answer.status == _CREATED else cls(repository, answer, cancel)

    def send(self, chunk: memoryview) -> None:
        """Send the next part of the blob, and return when all of it is taken.

        Raises `SessionLostError`, and `RegistryError` where another session would not help.
        """
        start, end = self.offset, self.offset + len(chunk)
        tries = Tries(self._session.retrying, self._cancel)
        while self.offset < end:
            before = self.offset
            failure = self._send(chunk[before - start :])
            if failure is not None:
                if not tries.again(failure.retry_after):
                    raise last_of(tries, failure.error)
                self._look(start, end)
                if failure.error.status == _WRONG_RANGE and self.offset == before:
                    raise SessionLostError(failure.error, refused=True)
            if self.offset - before >= min(_WORTH, len(chunk)):
                tries.succeeded()
            self._session.moved(self.offset - before)

    def stream(self, chunks: Iterable[memoryview]) -> None:
        """Send the whole blob as it comes, in one request of which nobody knows the length.

        Raises `SessionLostError` also for what another session would help with.
        """
        call = self._call("PATCH", headers=_OCTETS, body=self._counted(chunks), length=None)
        try:
            answer = self._session.ask_once(call)
        except TransportError as error:
            raise SessionLostError(self._session.unreachable(call, error)) from None
        if answer.status not in _TAKEN:
            raise SessionLostError(
                self._session.refused(answer), retry_after=answer.header("retry-after")
            )
        self._move(answer)

    def close(self, digest: Digest, content: bytes | memoryview = b"") -> None:
        """End the session with the digest of the blob, after the last bytes of it, if any are left.

        Raises `InvalidImageError` if the registry got other bytes, and what `send` raises.
        """
        tries = Tries(self._session.retrying, self._cancel)
        while failure := self._close(digest, content):
            # It may have been done all the same, and only the answer was lost.
            if self._repository.has_blob(digest, cancel=self._cancel):
                break
            if failure.is_end or content:
                raise SessionLostError(failure.error, retry_after=failure.retry_after)
            if not tries.again(failure.retry_after):
                raise last_of(tries, failure.error)
            self._look(self.offset, self.offset)
        self._session.moved(len(content))

    def abandon(self) -> None:
        """Have the registry forget the session. That is a courtesy: a failure is no news."""
        call = self._call("DELETE", expected=_TAKEN, timeout=_GOOD_BYE_SECONDS, cancel=Cancel())
        with suppress(TransportError, RegistryError, OSError):
            self._session.ask_once(call)

    def _send(self, rest: memoryview) -> _Failure | None:
        """Send a chunk once, and take note of how much of it was taken; or tell what failed."""
        end = self.offset + len(rest)
        headers = {**_OCTETS, "Content-Range": f"{self.offset}-{end - 1}"}
        call = self._call("PATCH", headers=headers, body=[rest], length=len(rest))
        answer = self._asked(call)
        if isinstance(answer, _Failure):
            if answer.is_end:
                raise SessionLostError(answer.error)
            return answer
        offset = self._taken(answer, end)
        if offset == self.offset:
            return _Failure(RegistryError(f"{answer.request} was answered, but nothing was taken"))
        self.offset = offset
        return None

    def _close(self, digest: Digest, content: bytes | memoryview) -> _Failure | None:
        """End the session, or tell what failed."""
        call = self._call(
            "PUT",
            with_query(self._location, digest=digest),
            headers=_OCTETS,
            body=[content],
            length=len(content),
            expected=_KEPT,
            timeout=_CLOSING_SECONDS,
        )
        answer = self._asked(call)
        if isinstance(answer, _Failure):
            return answer
        stated = answer.header("docker-content-digest")
        if stated.partition(":")[0] == digest.algorithm and stated != digest:
            raise InvalidImageError(
                f"`{self._repository.name}` keeps a blob as {quoted(stated)}, expected `{digest}`"
            )
        return None

    def _asked(self, call: Call) -> Answer | _Failure:
        """Send a request once. A failure that may pass is told, others are raised."""
        try:
            answer = self._session.ask_once(call)
        except TransportError as error:
            unreachable = self._session.unreachable(call, error)
            if error.lasting:
                raise unreachable from None
            return _Failure(unreachable, error.retry_after)
        if answer.status in call.expected:
            self._move(answer)
            return answer
        refused = self._session.refused(answer)
        if answer.status in PASSING or answer.status == _WRONG_RANGE:
            return _Failure(refused, answer.header("retry-after"))
        if answer.status == _NOT_FOUND or refused.code in _GONE:
            return _Failure(refused, is_end=True)
        if isinstance(refused, RegistryAuthError):
            raise refused
        if refused.code == "DIGEST_INVALID":
            raise InvalidImageError(f"`{self._repository.name}` got other bytes: {refused}")
        raise SessionLostError(refused, refused=True)

    def _look(self, start: int, end: int) -> None:
        """Ask how far the session is, which has to be between what is in memory still."""
        call = self._call("GET", expected=(200, 202, 204))
        try:
            answer = self._session.ask(call)
        except RegistryError as error:
            if _is_refusal(error.status) and not isinstance(error, RegistryAuthError):
                raise SessionLostError(error) from None
            raise
        self._move(answer)
        offset = _end_of(answer)
        if not start <= offset <= end:
            raise SessionLostError(
                RegistryError(
                    f"`{self._repository.name}` has {offset} bytes of an upload, "
                    f"expected {start} to {end}"
                )
            )
        self.offset = offset

    def _taken(self, answer: Answer, end: int) -> int:
        """Return how far the session is after a chunk up to `end`: a registry may take less."""
        offset = _end_of(answer) if answer.header("range") else end
        # Nobody counts to zero in the same way: `0-0` is for nothing, and for one byte.
        if offset in (end, end + 1) or (offset == 0 and end == 1):
            return end
        if not self.offset <= offset < end:
            raise SessionLostError(
                RegistryError(f"{answer.request} left {offset} bytes, expected {end}")
            )
        return offset

    def _move(self, answer: Answer) -> None:
        """Take over the URL of the next request."""
        if location := answer.header("location"):
            try:
                self._location = resolved(location, answer.request.url)
            except ValueError as error:
                raise RegistryError(f"{answer.request} goes on nowhere: {error}") from None

    def _counted(self, chunks: Iterable[memoryview]) -> Iterable[memoryview]:
        for chunk in chunks:
            yield chunk
            self.offset += len(chunk)
            self._session.moved(len(chunk))

    def _call(self, method: str, target: str = "", **options: Any) -> Call:
        options.setdefault("cancel", self._cancel)
        options.setdefault("expected", _TAKEN)
        scopes = push(self._repository.path)
        return self._repository.call(method, target or self._location, scopes=scopes, **options)


def last_of(tries: Tries, error: RegistryError) -> RegistryError:
    """Return the error of the last try, which says how many there were."""
    return type(error)(f"{error}{tries}", error.status, error.code)


def _is_refusal(status: int | None) -> bool:
    """Whether a registry said no, and will say so again."""
    return status is not None and 400 <= status < 500 and status not in PASSING  # noqa: PLR2004


def _end_of(answer: Answer) -> int:
    """Return how many bytes a session has: `0-0` is said of an empty one too."""
    found = _RANGE.fullmatch(answer.header("range").strip())
    last = int(found[1]) if found else 0
    return last + 1 if last else 0
