"""Documents and layers where they are stored: stretches of files."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from fastlayer.errors import InvalidImageError, named, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fastlayer.store import Stretch

__all__ = ["Blob", "file_blob"]

_CHUNK: Final = 1 << 20


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

    @property
    def place(self) -> tuple[str, int]:
        """The file and the offset."""
        return self.path, self.offset

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        """Open the content as part of its file.

        Raises `InvalidImageError` if the file is no regular one any more, and `OSError`.
        """
        with self.open() as descriptor:
            try:
                yield descriptor, self.offset, self.size, self.name
            except OSError as error:
                # The core knows no other name.
                if error.filename == self.name:
                    error.filename = self.path
                raise

    def chunks(self) -> Iterator[bytes]:
        """Read the content, piece by piece.

        Raises `InvalidImageError` if it is cut short, and `OSError`.
        """
        position, end = self.offset, self.offset + self.size
        with self.open() as descriptor, named(self.path):
            while position < end:
                chunk = os.pread(descriptor, min(_CHUNK, end - position), position)
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
    with named(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InvalidImageError(f"{quoted(path)} is neither a regular file nor a directory")
            yield descriptor
        finally:
            os.close(descriptor)
