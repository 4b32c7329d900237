"""Documents and layers where they are stored: stretches of files."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from fastlayer.archive.output import named
from fastlayer.digest import Digest
from fastlayer.document import MAX_DOCUMENT_SIZE
from fastlayer.errors import InvalidImageError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fastlayer.media_type import Compression
    from fastlayer.store import Stretch

__all__ = ["Blob", "file_blob"]

_CHUNK: Final = 1 << 20

# Bytes that tell compressions apart.
_MAGIC: Final = 4
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"

# A zstd stream may begin with skippable frames: 0x184D2A50 to 0x184D2A5F, in little endian
# (RFC 8878, section 3.1.2).
_SKIPPABLE: Final = tuple(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))


@dataclass(frozen=True, slots=True)
class Blob:
    """A document or layer where it is stored: `size` bytes from `offset` on, in the file `path`.

    `name` is what messages call it. `open` opens the file: a blob is a value, and holds nothing
    open. What is read is not verified yet.
    """

    name: str
    path: str
    offset: int
    size: int
    open: Callable[[], AbstractContextManager[int]]

    def read(self, *, limit: int = MAX_DOCUMENT_SIZE) -> bytes:
        """Return the whole content, of at most `limit` bytes.

        Raises `InvalidImageError` if it is larger or cut short, and `OSError`.
        """
        if self.size > limit:
            raise InvalidImageError(
                f"{quoted(self.name)} has {self.size} bytes, more than the limit of {limit}"
            )
        return b"".join(self.chunks())

    def digest(self, algorithm: str = "sha256") -> Digest:
        """Compute the digest of the content as it is stored, by reading all of it.

        Raises `InvalidImageError` if it is cut short, and `OSError`.
        """
        state = hashlib.new(algorithm)
        for chunk in self.chunks():
            state.update(chunk)
        return Digest(f"{algorithm}:{state.hexdigest()}")

    def compression(self) -> Compression:
        """Tell by the first bytes how the content is compressed."""
        first = next(self.chunks(_MAGIC), b"")
        if first.startswith(_GZIP):
            return "gzip"
        return "zstd" if first.startswith((_ZSTD, *_SKIPPABLE)) else "none"

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        """Open the content as part of its file.

        Raises `InvalidImageError` if the file is no regular one any more, and `OSError`.
        """
        with self.open() as descriptor:
            yield descriptor, self.offset, self.size, self.name

    def chunks(self, step: int = _CHUNK) -> Iterator[bytes]:
        """Read the content, in pieces of `step` bytes.

        Raises `InvalidImageError` if it is cut short, and `OSError`.
        """
        position, end = self.offset, self.offset + self.size
        with self.open() as descriptor, named(self.path):
            while position < end:
                chunk = os.pread(descriptor, min(step, end - position), position)
                if not chunk:
                    raise InvalidImageError(f"{quoted(self.name)} is cut short")
                position += len(chunk)
                yield chunk


def file_blob(path: str) -> Blob:
    """Take a regular file as one blob, links in `path` followed.

    Raises `InvalidImageError` for anything else, and `OSError`.
    """
    with _opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
    return Blob(path, path, 0, size, partial(_opened, path))


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """Open a file without ever waiting: a pipe is refused like everything else that is no file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidImageError(f"{quoted(path)} is neither a regular file nor a directory")
        yield descriptor
    finally:
        os.close(descriptor)
