"""A manifest or index where it is stored, with all that it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from fastlayer.document import decode
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.index import ImageIndex
from fastlayer.manifest import Manifest
from fastlayer.media_type import is_index, is_manifest
from fastlayer.stored.image import indexed_image
from fastlayer.stored.listing import MAX_INDEX_DEPTH, Listed

if TYPE_CHECKING:
    from fastlayer.descriptor import Descriptor
    from fastlayer.store import StoredBlob
    from fastlayer.stored.image import ImageSource, StoredImage

__all__ = ["Stored", "StoredArtifact", "StoredIndex", "read_index", "read_stored"]


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A manifest that is no image, such as a signature or an attestation, with its blobs.

    Without `content` it is none that fastlayer knows: one blob, which is passed on.
    """

    descriptor: Descriptor
    content: bytes | None
    blobs: tuple[tuple[Descriptor, StoredBlob], ...]


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index whose documents were verified, and those that it leads to, in its order."""

    descriptor: Descriptor
    index: ImageIndex
    content: bytes
    entries: tuple[Stored, ...]


Stored: TypeAlias = "StoredImage | StoredIndex | StoredArtifact"


def read_stored(source: ImageSource, listed: Listed, depth: int = 0) -> Stored:
    """Read what a descriptor names, through indexes in indexes.

    Raises `InvalidImageError` if a document is missing, is not what its descriptor says or breaks
    the specification; and what the source raises.
    """
    descriptor = listed.descriptor
    if is_index(descriptor.media_type):
        return read_index(source, listed, depth)
    if not is_manifest(descriptor.media_type):
        # Readers must not fail for what they do not know (image-spec, image-index.md).
        return StoredArtifact(descriptor, None, ((descriptor, source.blob(descriptor)),))
    return indexed_image(source, listed) or _read_artifact(source, descriptor)


def read_index(source: ImageSource, listed: Listed, depth: int = 0) -> StoredIndex:
    """Read an index and all that it leads to.

    Raises what `read_stored` raises.
    """
    descriptor = listed.descriptor
    what = f"the index {quoted(descriptor.digest)}"
    if depth == MAX_INDEX_DEPTH:
        raise InvalidImageError(f"{what}: nested deeper than {MAX_INDEX_DEPTH} indexes")
    content = source.content(descriptor, what=what)
    index = decode(content, ImageIndex, what=what)
    entries = (
        read_stored(source, Listed(child, listed.tags), depth + 1) for child in index.manifests
    )
    return StoredIndex(descriptor, index, content, tuple(entries))


def _read_artifact(source: ImageSource, descriptor: Descriptor) -> StoredArtifact:
    what = f"the manifest {quoted(descriptor.digest)}"
    content = source.content(descriptor, what=what)
    manifest = decode(content, Manifest, what=what)
    blobs = {blob.digest: blob for blob in (manifest.config, *manifest.layers)}
    return StoredArtifact(
        descriptor, content, tuple((blob, source.blob(blob)) for blob in blobs.values())
    )
