"""Images where they are stored: documents that were verified, layers that were found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.archive.listing import is_image
from fastlayer.config import ImageConfig
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import decode
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.manifest import Manifest
from fastlayer.media_type import for_config, for_layer

if TYPE_CHECKING:
    from fastlayer.archive.blob import Blob
    from fastlayer.archive.contents import Contents
    from fastlayer.archive.listing import ArchiveRow, Listed
    from fastlayer.archive.members import Members
    from fastlayer.media_type import Format
    from fastlayer.platform import Platform

__all__ = [
    "StoredImage",
    "StoredLayer",
    "check_config_name",
    "indexed_image",
    "named_digest",
    "row_image",
]

# How archives name a config after its digest: docker, podman, crane and kaniko.
_CONFIG_NAME: Final = re.compile(r"(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json)?")

_BLOB_NAME: Final = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer where it is stored. Its size was compared with the descriptor, its digest not yet.

    Without a manifest, the media type tells what the first bytes say.
    """

    descriptor: Descriptor
    diff_id: Digest
    blob: Blob


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in an archive or layout; its documents were verified.

    `descriptor`, `manifest` and `manifest_content` are `None` in an archive that has no manifest
    but Docker's `manifest.json`. The contents are the documents' own bytes. Tags are in the short
    form that people use, `custom/hello:latest`, or as the archive states them.
    """

    tags: tuple[str, ...]
    descriptor: Descriptor | None
    manifest: Manifest | None
    manifest_content: bytes | None
    config_descriptor: Descriptor
    config: ImageConfig
    config_content: bytes
    layers: tuple[StoredLayer, ...]

    @property
    def platform(self) -> Platform:
        """What the image runs on, as its config says."""
        return self.config.platform


def indexed_image(contents: Contents, listed: Listed) -> StoredImage | None:
    """Read an image of a layout; `None` for the manifest of something else.

    Raises what `Contents.images` raises.
    """
    descriptor = listed.descriptor
    what = f"the manifest {quoted(descriptor.digest)}"
    content = contents.content(descriptor, what=what)
    manifest = decode(content, Manifest, what=what)
    if not is_image(descriptor, manifest):
        return None
    what = f"the config {quoted(manifest.config.digest)}"
    config_content = contents.content(manifest.config, what=what)
    config = decode(config_content, ImageConfig, what=what)
    config.check_layer_count(len(manifest.layers))
    layers = zip(manifest.layers, config.rootfs.diff_ids, strict=True)
    return StoredImage(
        tags=listed.tags,
        descriptor=descriptor,
        manifest=manifest,
        manifest_content=content,
        config_descriptor=manifest.config,
        config=config,
        config_content=config_content,
        layers=tuple(_indexed_layer(contents, layer, diff_id) for layer, diff_id in layers),
    )


def row_image(members: Members, row: ArchiveRow) -> StoredImage:
    """Read an image of an archive without manifests.

    Raises what `Contents.images` raises.
    """
    content = members.find(row.config).read()
    check_config_name(row.config, content)
    config = decode(content, ImageConfig, what=f"the config {quoted(row.config)}")
    config.check_layer_count(len(row.layers))
    blobs = [members.find(name) for name in row.layers]
    # zstd is what Docker's own media types have no word for.
    zstd = any(blob.compression() == "zstd" for blob in blobs)
    family: Format = "oci" if zstd else "docker"
    return StoredImage(
        tags=row.tags,
        descriptor=None,
        manifest=None,
        manifest_content=None,
        config_descriptor=Descriptor(for_config(family), Digest.of(content), len(content)),
        config=config,
        config_content=content,
        layers=tuple(
            _row_layer(blob, diff_id, family)
            for blob, diff_id in zip(blobs, config.rootfs.diff_ids, strict=True)
        ),
    )


def check_config_name(name: str, content: bytes) -> None:
    """Check a config that an archive names after its digest.

    Raises `InvalidImageError`.
    """
    stated = _CONFIG_NAME.fullmatch(name)
    if stated and Digest.of(content).encoded != stated[1]:
        raise InvalidImageError(
            f"the config {quoted(name)} does not have the digest it is named by"
        )


def named_digest(name: str) -> Digest | None:
    """Tell the digest that a member of an archive is named by, if it lies where a layout has it."""
    stated = _BLOB_NAME.fullmatch(name)
    return Digest(f"sha256:{stated[1]}") if stated else None


def _indexed_layer(contents: Contents, descriptor: Descriptor, diff_id: Digest) -> StoredLayer:
    blob = contents.blob(descriptor)
    if blob.size != descriptor.size:
        raise InvalidImageError(
            f"the layer {quoted(descriptor.digest)} has {blob.size} bytes, "
            f"expected {descriptor.size}"
        )
    return StoredLayer(descriptor, diff_id, blob)


def _row_layer(blob: Blob, diff_id: Digest, family: Format) -> StoredLayer:
    compression = blob.compression()
    digest = named_digest(blob.name)
    if digest is None:
        # A plain tar has one digest, not two; nothing states that of a compressed one.
        digest = diff_id if compression == "none" else blob.digest()
    return StoredLayer(Descriptor(for_layer(compression, family), digest, blob.size), diff_id, blob)
