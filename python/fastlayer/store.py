"""Where blobs go: the little that a layer or image needs to know of its sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from fastlayer.digest import Digest

__all__ = ["BlobSink", "BlobStore"]


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
    """A place for blobs: an image archive, an image layout, a single file."""

    @property
    def outputs(self) -> Sequence[tuple[int, int]]:
        """Device and inode of further files being written, which no layer may read."""

    def blob(self) -> AbstractContextManager[BlobSink]:
        """Begin a blob. Leaving the context without a commit discards it."""

    def put(self, content: bytes) -> None:
        """Keep a whole blob, such as a document; nothing happens if it is there already."""
