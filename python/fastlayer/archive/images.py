"""Images of an archive that has no manifests but the rows of Docker's `manifest.json`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fastlayer.config import ImageConfig
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import decode
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.media_type import for_config, for_layer
from fastlayer.stored.blob import compression_of_blob, digest_of_blob, read_blob
from fastlayer.stored.image import StoredImage, StoredLayer

if TYPE_CHECKING:
    from fastlayer.archive.blob import Blob
    from fastlayer.archive.members import Members
    from fastlayer.archive.rows import ArchiveRow
    from fastlayer.media_type import Compression, Format
    from fastlayer.stored.budget import Budget

__all__ = ["check_config_name", "named_digest", "row_image"]

# How archives name a config after its digest: docker, podman, crane and kaniko.
_CONFIG_NAME: Final = re.compile(r"(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json)?")

_BLOB_NAME: Final = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def row_image(members: Members, row: ArchiveRow, budget: Budget) -> StoredImage:
    """Read an image of an archive without manifests.

    Raises what `Contents.images` raises.
    """
    blob = members.find(row.config)
    what = f"the config {quoted(row.config)}"
    content = read_blob(blob)
    budget.take(blob.place, len(content), what=what)
    check_config_name(row.config, content)
    config = decode(content, ImageConfig, what=what)
    config.check_layer_count(len(row.layers))
    blobs = [members.find(name) for name in row.layers]
    # zstd is what Docker's own media types have no word for.
    compressions = [compression_of_blob(blob) for blob in blobs]
    family: Format = "oci" if "zstd" in compressions else "docker"
    return StoredImage(
        tags=row.tags,
        descriptor=None,
        manifest=None,
        manifest_content=None,
        config_descriptor=Descriptor(for_config(family), Digest.of(content), len(content)),
        config=config,
        config_content=content,
        layers=tuple(
            _row_layer(blob, compression, diff_id, family)
            for blob, compression, diff_id in zip(
                blobs, compressions, config.rootfs.diff_ids, strict=True
            )
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


def _row_layer(
    blob: Blob, compression: Compression, diff_id: Digest, family: Format
) -> StoredLayer:
    digest = named_digest(blob.name)
    if digest is None:
        # A plain tar has one digest, not two; nothing states that of a compressed one.
        digest = diff_id if compression == "none" else digest_of_blob(blob)
    return StoredLayer(Descriptor(for_layer(compression, family), digest, blob.size), diff_id, blob)
