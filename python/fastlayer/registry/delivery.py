"""How a blob gets into a repository, whatever happens on the way.

Of one that comes in chunks, the first is kept until the second is taken: until then another session
can begin, and a registry that takes no second chunk is sent all of it in one request, which cannot
go on after a cut. Later a session that is lost takes the blob with it, unless it can be read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastlayer.errors import RegistryError
from fastlayer.registry.retry import Tries
from fastlayer.registry.upload import SessionLostError, Upload, last_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastlayer.digest import Digest
    from fastlayer.registry.cancel import Cancel
    from fastlayer.registry.feed import Feed
    from fastlayer.registry.repository import Repository

__all__ = ["UploadLostError", "deliver", "upload_content"]


class UploadLostError(RegistryError):
    """What was sent of a blob is gone, and so is its beginning: who made it may make it again."""


_KEPT: Final = 2

# No registry is given more memory than this for a chunk.
_LONGEST_CHUNK: Final = 64 << 20


def deliver(
    repository: Repository,
    feed: Feed,
    digest_of: Callable[[], Digest],
    cancel: Cancel,
    begun: Upload | None = None,
    *,
    is_new: bool = False,
) -> None:
    """Send the blob of `feed`, in a new session or first in one that has `begun`.

    `digest_of` is called when all of it was read. Unless the registry is known not to have it
    (`is_new`), a blob of one chunk is sent only if it is not there already.

    Raises `RegistryError`, `InvalidImageError` and what reading raises; then no session is left.
    """
    delivery = _Delivery(repository, feed, digest_of, cancel, is_new=is_new)
    tries = Tries(repository.session.retrying, cancel)
    while True:
        try:
            delivery.attempt(begun)
        except SessionLostError as lost:
            if not delivery.may_begin_again(lost):
                raise delivery.failed(lost.error) from None
            if not tries.again(lost.retry_after):
                raise last_of(tries, lost.error) from None
            begun = None
        else:
            return


def upload_content(
    repository: Repository,
    digest: Digest,
    content: bytes | memoryview,
    cancel: Cancel,
    begun: Upload | None = None,
) -> None:
    """Send a whole blob that is in memory, in a new session or in one that has `begun`.

    Raises `RegistryError`, and `InvalidImageError` if it does not arrive as it was.
    """
    tries = Tries(repository.session.retrying, cancel)
    while True:
        upload = begun or Upload.begin(repository, cancel)
        try:
            upload.close(digest, content)
        except SessionLostError as lost:
            upload.abandon()
            if lost.refused or not tries.again(lost.retry_after):
                raise last_of(tries, lost.error) from None
            begun = None
        except BaseException:
            upload.abandon()
            raise
        else:
            return


class _Delivery:
    def __init__(
        self,
        repository: Repository,
        feed: Feed,
        digest_of: Callable[[], Digest],
        cancel: Cancel,
        *,
        is_new: bool,
    ) -> None:
        self._is_new = is_new
        self._repository = repository
        self._feed = feed
        self._digest_of = digest_of
        self._cancel = cancel
        self._kept: list[memoryview] = []
        # Whether those are all that was taken.
        self._is_all_kept = True
        # The chunk that is on its way after those.
        self._sent: memoryview | None = None
        self._in_one_request = False

    def attempt(self, begun: Upload | None) -> None:
        """Send all of it in one session."""
        upload = begun
        try:
            first = self._first()
            if len(first) < self._feed.size:
                digest = self._digest_of()
                upload = None  # which the next takes over
                if self._is_new or not self._repository.has_blob(digest, cancel=self._cancel):
                    upload_content(self._repository, digest, first, self._cancel, begun)
                return
            upload = begun or Upload.begin(self._repository, self._cancel)
            if self._in_one_request:
                upload.stream(self._chunks())
            else:
                for chunk in self._gathered(upload.minimum):
                    upload.send(chunk)
            upload.close(self._digest_of())
        except BaseException:
            if upload is not None:
                upload.abandon()
            raise

    def may_begin_again(self, lost: SessionLostError) -> bool:
        """Whether there is another way; the next attempt takes it."""
        if lost.refused:
            # A registry that takes no chunks may take all at once; one that takes not even that
            # will not take anything.
            if self._in_one_request:
                return False
            self._in_one_request = True
        if not self._is_all_kept:
            self._let_go()
            self._is_all_kept = self._feed.rewind()
        return self._is_all_kept

    def failed(self, error: RegistryError) -> RegistryError:
        """Return the error of the last attempt, with what would have helped."""
        if self._is_all_kept:
            return error
        message = f"{error}; without `--spool` there is nothing to send it again from"
        return UploadLostError(message, error.status, error.code)

    def _first(self) -> memoryview:
        if not self._kept:
            self._kept.append(self._feed.take() or memoryview(b""))
        return self._kept[0]

    def _chunks(self) -> Iterator[memoryview]:
        """Yield the chunks from the first on; who asks for the next one has sent the last."""
        yield from tuple(self._kept)
        while (chunk := self._feed.take()) is not None:
            if self._is_all_kept and len(self._kept) < _KEPT:
                self._kept.append(chunk)
                yield chunk
                continue
            self._is_all_kept = False
            self._let_go()
            self._sent = chunk
            yield chunk
        self._let_go()

    def _let_go(self) -> None:
        if self._is_all_kept:
            return
        for chunk in (*self._kept, self._sent):
            if chunk is not None:
                self._feed.give_back(chunk)
        self._kept.clear()
        self._sent = None

    def _gathered(self, minimum: int) -> Iterator[memoryview]:
        """Yield chunks of at least `minimum` bytes, the last one apart."""
        if minimum > _LONGEST_CHUNK:
            raise RegistryError(
                f"`{self._repository.name}` wants chunks of {minimum} bytes, "
                f"more than the limit of {_LONGEST_CHUNK}"
            )
        if minimum <= self._feed.size:
            yield from self._chunks()
            return
        gathered = bytearray()
        for chunk in self._chunks():
            gathered += chunk
            if len(gathered) >= minimum:
                yield memoryview(gathered)
                gathered = bytearray()
        if gathered:
            yield memoryview(gathered)
