"""A blob that is made in a file without a name, and read from there."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from fastlayer.descriptor import Descriptor
from fastlayer.stored.blob import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.digest import Digest
    from fastlayer.store import Stretch

__all__ = ["SpooledBlob"]

_OCTETS: Final = "application/octet-stream"


class SpooledBlob:
    """First a sink for a blob, which can begin again, then the blob. `name` is for messages."""

    def __init__(self, name: str, file: int) -> None:
        self.name = name
        self.descriptor: Descriptor | None = None
        self.target = file

    @classmethod
    @contextmanager
    def begun(cls, name: str) -> Iterator[Self]:
        """Open the file, in the folder for temporary ones."""
        with tempfile.TemporaryFile(buffering=0) as file:
            yield cls(name, file.fileno())

    def commit(self, digest: Digest, size: int) -> None:
        """Keep the blob: all its bytes are written."""
        self.descriptor = Descriptor(_OCTETS, digest, size)

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.descriptor.size if self.descriptor else 0

    @property
    def place(self) -> int:
        """The file."""
        return self.target

    def chunks(self) -> Iterator[bytes]:
        """Read the content from its beginning."""
        return pieces((self.target, 0, self.size, self.name))

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        """Give the file as it is."""
        yield self.target, 0, self.size, self.name
