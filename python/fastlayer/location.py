"""Where images are, as people write it: a transport, then a file, a directory or a reference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from fastlayer.archive.blob import file_blob
from fastlayer.archive.contents import find_contents, open_contents
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.media_type import for_layer, is_index
from fastlayer.platform import Platform
from fastlayer.stored.blob import scan_blob
from fastlayer.stored.choice import choose
from fastlayer.stored.image import StoredLayer
from fastlayer.stored.tree import read_index as read_stored_index
from fastlayer.stored.tree import read_stored

if TYPE_CHECKING:
    from fastlayer.media_type import Compression
    from fastlayer.stored.image import StoredImage
    from fastlayer.stored.tree import Stored, StoredIndex

__all__ = ["read_all", "read_image", "read_index", "read_layer"]


def read_image(
    source: str | os.PathLike[str], *, platform: Platform | str | None = None
) -> StoredImage:
    """Read one image, that for `platform` if there are several. See `Image.load`."""
    if isinstance(platform, str):
        platform = Platform.parse(platform)
    contents = open_contents(source)
    return choose(contents.images(), platform, where=quoted(contents.path))


def read_index(source: str | os.PathLike[str]) -> StoredIndex:
    """Read one index. See `Index.load`."""
    contents = open_contents(source)
    where = quoted(contents.path)
    if not contents.has_index:
        raise InvalidImageError(f"{where} has no index: it is an archive of single images")
    listed = [one for one in contents.chosen() if is_index(one.descriptor.media_type)]
    top = contents.index().manifests
    indexes = [one for one in listed if one.descriptor in top]
    if not indexes:
        raise InvalidImageError(f"{where} holds no index of several platforms")
    if len(indexes) > 1:
        tags = ", ".join(quoted(tag) for one in indexes for tag in one.tags)
        raise InvalidImageError(f"{where} holds {len(indexes)} indexes: choose one of {tags}")
    return read_stored_index(contents, indexes[0])


def read_all(source: str | os.PathLike[str]) -> list[tuple[Stored, tuple[str, ...]]]:
    """Read all that is there, or has the one tag asked for: images and indexes, with their tags."""
    contents = open_contents(source)
    if not contents.has_index:
        return [(image, image.tags) for image in contents.images()]
    top = {descriptor.digest for descriptor in contents.index().manifests}
    listed = [one for one in contents.chosen() if one.descriptor.digest in top]
    return [(read_stored(contents, one), one.tags) for one in listed]


def read_layer(path: str | os.PathLike[str]) -> StoredLayer:
    """Read a file that is a bare layer. See `StoredLayer.load`."""
    name = os.fsdecode(path)
    if find_contents(path) is not None:
        raise InvalidImageError(f"{quoted(name)} is an image, not a single layer")
    blob = file_blob(name)
    record = scan_blob(blob)
    blob_type = for_layer(cast("Compression", record.compression), "oci")
    descriptor = Descriptor(blob_type, Digest(record.digest), record.size)
    return StoredLayer(descriptor, Digest(record.diff_id), blob)
