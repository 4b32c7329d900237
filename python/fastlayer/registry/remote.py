"""Blobs that are read from a registry (distribution-spec, "Pulling blobs")."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.errors import InvalidImageError, RegistryError
from fastlayer.registry.cancel import Cancel
from fastlayer.registry.retry import Tries
from fastlayer.registry.transport import TransportError, content_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.digest import Digest
    from fastlayer.registry.repository import Repository
    from fastlayer.registry.transport import Response
    from fastlayer.store import Stretch

__all__ = ["RemoteBlob"]

_PARTIAL: Final = 206
_RANGE: Final = re.compile(r"bytes (\d{1,19})-\d{1,19}/(?:\d{1,19}|\*)")

# A server that cuts every answer is left alone unless each one is worth it.
_WORTH: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteBlob:
    """A blob in a repository: `size` bytes with a `digest`, which nobody has verified yet."""

    repository: Repository
    digest: Digest
    size: int

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.repository.name}@{self.digest}"

    @property
    def place(self) -> tuple[str, str]:
        """The repository and the digest."""
        return self.repository.name, self.digest

    def chunks(self) -> Iterator[bytes]:
        """Read the content once, piece by piece; where it is cut, it goes on from there.

        Raises `InvalidImageError` if it has not `size` bytes, and `RegistryError`.
        """
        session = self.repository.session
        tries = Tries(session.retrying, Cancel())
        position = failed_at = 0
        while position < self.size:
            try:
                with self._opened(position) as response:
                    for piece in self._pieces(response, position):
                        position += len(piece)
                        session.moved(len(piece))
                        yield piece
                reason = "it ended early"
            except TransportError as error:
                reason = str(error)
            if position < self.size:
                if position - failed_at >= _WORTH:
                    tries.succeeded()
                failed_at = position
                if not tries.again():
                    raise RegistryError(
                        f"`{self.name}` was cut after {position} of {self.size} bytes: "
                        f"{reason}{tries}"
                    )

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        """Fetch it into a file without a name, in the folder for temporary ones."""
        with tempfile.TemporaryFile() as file:
            try:
                for piece in self.chunks():
                    file.write(piece)
                file.flush()
            except OSError as error:
                error.filename = error.filename or tempfile.gettempdir()
                raise
            yield file.fileno(), 0, self.size, self.name

    def _opened(self, position: int) -> Response:
        headers = {"Range": f"bytes={position}-"} if position else {}
        expected = (200, _PARTIAL) if position else (200,)
        call = self.repository.call(
            "GET", f"blobs/{self.digest}", headers=headers, expected=expected
        )
        return self.repository.session.open(call)

    def _pieces(self, response: Response, position: int) -> Iterator[bytes]:
        """Yield what comes from `position` on, after a look at how much there is."""
        start = self._start(response, position)
        length = content_length(response.headers)
        if length is not None and start + length != self.size:
            raise self._wrong(start + length)
        passed = start
        for piece in response.pieces():
            passed += len(piece)
            if passed > self.size:
                raise self._wrong(passed, "at least ")
            # Who does not know ranges sends all of it again.
            wanted = piece[max(0, len(piece) - (passed - position)) :]
            if wanted:
                position = passed
                yield wanted
        if passed < self.size and response.header("transfer-encoding"):
            raise self._wrong(passed)

    def _start(self, response: Response, position: int) -> int:
        """Tell where an answer begins."""
        if response.status != _PARTIAL:
            return 0
        found = _RANGE.fullmatch(response.header("content-range").strip())
        if found is None or int(found[1]) != position:
            raise RegistryError(f"`{self.name}` was not sent from byte {position} on", _PARTIAL)
        return position

    def _wrong(self, size: int, how: str = "") -> InvalidImageError:
        return InvalidImageError(f"`{self.name}` has {how}{size} bytes, expected {self.size}")
