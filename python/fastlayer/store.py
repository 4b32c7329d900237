"""Where blobs go and come from: the little that a layer or image needs to know of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest

__all__ = ["BlobSink", "BlobStore", "ImageStore", "StoredBlob", "Stretch"]

Stretch = tuple[int, int, int, str]
"""Part of an open file: its descriptor, the offset and the bytes, and what messages call it."""


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


class BlobSink(Protocol):
    """One blob in the making: its bytes go to a file whose name is known only when they end."""

    @property
    def name(self) -> str:
        """What messages call the output."""

    def fileno(self) -> int:
        """Give the open file; the blob begins at its current position."""

    def commit(self, digest: Digest, size: int) -> None:
        """Keep the blob: all its bytes are written. A blob not committed leaves no trace."""


class BlobStore(Protocol):
    """A place for the blobs that are made: an image archive, an image layout, a single file."""

    @property
    def outputs(self) -> Sequence[tuple[int, int]]:
        """Device and inode of further files being written, which no layer may read."""

    def blob(self) -> AbstractContextManager[BlobSink]:
        """Begin a blob. Leaving the context without a commit discards it."""


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
