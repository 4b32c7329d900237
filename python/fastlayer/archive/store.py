"""Blobs as members of a tar that is being written, in one pass.

The name of a member is its digest, which is known only when its last byte is written: room is
left for the header, which is put there afterwards.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastlayer import engine
from fastlayer.archive.output import file_identity
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, named, quoted
from fastlayer.stored.blob import copy_blob, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.descriptor import Descriptor
    from fastlayer.store import StoredBlob

__all__ = ["ArchiveStore", "blob_path"]

_BLOCK = 512


def blob_path(digest: Digest) -> str:
    """Where a blob lies in an OCI layout (image-spec, image-layout.md, "Blobs")."""
    return f"blobs/{digest.algorithm}/{digest.encoded}"


class ArchiveStore:
    """A tar in an open, seekable file, from its position on; every blob is in it once."""

    def __init__(self, descriptor: int, name: str, outputs: Sequence[tuple[int, int]] = ()) -> None:
        self._descriptor = descriptor
        self._digests: set[Digest] = set()
        self.name = name
        # Layers are read before their blobs begin, so that this file must be known beforehand.
        with named(name):
            self.outputs = [*outputs, file_identity(descriptor)]

    @contextmanager
    def blob(self) -> Iterator[ArchiveBlob]:
        """Begin a blob; the file is as before when it is not committed."""
        with named(self.name):
            start = os.lseek(self._descriptor, 0, os.SEEK_CUR)
            write_all(self._descriptor, bytes(_BLOCK))
            blob = ArchiveBlob(self, self._descriptor)
            try:
                yield blob
            finally:
                if blob.member is None or blob.member[0] in self._digests:
                    os.ftruncate(self._descriptor, start)
                    os.lseek(self._descriptor, start, os.SEEK_SET)
                else:
                    self._finish(start, *blob.member)

    def put(self, content: bytes) -> None:
        """Add a document as a blob."""
        digest = Digest.of(content)
        if digest not in self._digests:
            self._digests.add(digest)
            self.add(blob_path(digest), content)

    def put_manifest(self, content: bytes, media_type: str) -> None:
        """Add a manifest or index as a blob, which is all that it is here."""
        self.put(content)

    def copy(self, descriptor: Descriptor, blob: StoredBlob) -> None:
        """Add a blob that is stored elsewhere, unless it is here."""
        if descriptor.digest.algorithm != "sha256":
            raise InvalidImageError(
                f"{quoted(blob.name)} is named by {quoted(descriptor.digest.algorithm)}, "
                "for which an archive has no room: write a layout"
            )
        if descriptor.digest not in self._digests:
            copy_blob(blob, descriptor, self)

    def add(self, name: str, content: bytes) -> None:
        """Add a member of any name."""
        with named(self.name):
            header = engine.member_header(name, len(content))
            write_all(self._descriptor, header + content + bytes(-len(content) % _BLOCK))

    def close(self) -> None:
        """Write the two zero blocks that end a tar."""
        with named(self.name):
            write_all(self._descriptor, bytes(2 * _BLOCK))

    def _finish(self, start: int, digest: Digest, size: int) -> None:
        self._digests.add(digest)
        write_all(self._descriptor, bytes(-size % _BLOCK))
        write_all(self._descriptor, engine.member_header(blob_path(digest), size), start)


class ArchiveBlob:
    """A blob whose bytes go straight to their place in the archive."""

    def __init__(self, store: ArchiveStore, descriptor: int) -> None:
        # The archive's file, at the place of the blob's first byte.
        self.target = descriptor
        self.name = store.name
        self.member: tuple[Digest, int] | None = None

    def commit(self, digest: Digest, size: int) -> None:
        """Keep the blob: its bytes stand between the header's room and the file's position."""
        self.member = (digest, size)
