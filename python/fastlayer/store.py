"""Where blobs go and come from: the little that a layer or image needs to know of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest

__all__ = [
    "BlobSink",
    "BlobStore",
    "FileStore",
    "ImageStore",
    "LayerStretch",
    "Room",
    "StoredBlob",
    "Stretch",
]

Stretch = tuple[int, int, int, str]
"""Part of an open file: its descriptor, the offset and the bytes, and what messages call it."""

LayerStretch = tuple[int, int, int, str, str | None]
"""One that is a layer: the same, and the SHA-256 that its tar must have, in hexadecimal digits."""


class StoredBlob(Protocol):
    """A blob that is there already, in a file, an archive, a layout or a registry.

    Nothing is read before it is asked for, and what is read is not verified.
    """

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def size(self) -> int:
        """Bytes of the content."""

    @property
    def place(self) -> Hashable:
        """Where it is: the same for two names of one blob."""

    def chunks(self) -> Iterator[bytes]:
        """Read the content once, piece by piece.

        Raises `InvalidImageError` if it is cut short, and `OSError`.
        """

    def stretch(self) -> AbstractContextManager[Stretch]:
        """Open it as part of a file; what is elsewhere is fetched into one without a name."""


class Room(Protocol):
    """Memory for bytes that are on their way elsewhere: it is given, filled and taken."""

    def room(self, size: int, /) -> memoryview | None:
        """Give memory for at most `size` bytes; after a moment without any, nothing.

        Raises `BrokenPipeError` if nobody wants more.
        """

    def filled(self, count: int, /) -> None:
        """Take the first `count` bytes of it, which are there now."""


class BlobSink(Protocol):
    """One blob in the making: its digest, and with it its name, are known only when it ends."""

    @property
    def name(self) -> str:
        """What messages call the output."""

    @property
    def target(self) -> int | Room:
        """Where its bytes go: an open file, from its position on, or memory."""

    def commit(self, digest: Digest, size: int) -> None:
        """Keep the blob: all its bytes are written. A blob not committed leaves no trace."""


class BlobStore(Protocol):
    """A place for the blobs that are made: an image archive, an image layout, a single file."""

    @property
    def outputs(self) -> Sequence[tuple[int, int]]:
        """Device and inode of further files being written, which no layer may read."""

    def blob(self) -> AbstractContextManager[BlobSink]:
        """Begin a blob. Leaving the context without a commit discards it."""


class FileSink(BlobSink, Protocol):
    """One in a file."""

    @property
    def target(self) -> int:
        """The open file."""


class FileStore(Protocol):
    """A place for blobs that are files, or in one."""

    def blob(self) -> AbstractContextManager[FileSink]:
        """Begin a blob."""


class ImageStore(BlobStore, Protocol):
    """A place for all that an image is made of. What is there already is not kept twice."""

    def copy(self, descriptor: Descriptor, blob: StoredBlob) -> None:
        """Keep a blob that is stored elsewhere, byte for byte.

        Raises `InvalidImageError` if it does not have the size and digest of `descriptor`; then
        it is not kept.
        """

    def put(self, content: bytes) -> None:
        """Keep a document that is a blob, such as a config."""

    def put_manifest(self, content: bytes, media_type: str) -> None:
        """Keep a manifest or index, after all that it refers to."""
