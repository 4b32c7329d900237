"""Images where they are stored: documents that were verified, layers that were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fastlayer.config import ImageConfig
from fastlayer.document import decode
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.manifest import Manifest
from fastlayer.stored.absent import AbsentBlob, may_be_absent
from fastlayer.stored.listing import is_image

if TYPE_CHECKING:
    import os

    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest
    from fastlayer.platform import Platform
    from fastlayer.store import StoredBlob
    from fastlayer.stored.listing import Listed

__all__ = ["ImageSource", "StoredImage", "StoredLayer", "indexed_image"]


class ImageSource(Protocol):
    """Where documents and blobs are found by their descriptors: a layout, a registry."""

    def content(self, descriptor: Descriptor, *, what: str) -> bytes:
        """Read a document and verify its size and digest; messages call it `what`."""

    def blob(self, descriptor: Descriptor) -> StoredBlob:
        """Find content; its digest is not compared."""


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer where it is stored. Its size was compared with the descriptor, its digest not yet.

    Without a manifest, the media type tells what the first bytes say.
    """

    descriptor: Descriptor
    diff_id: Digest
    blob: StoredBlob

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> StoredLayer:
        """Read a file that is a bare layer, plain or compressed with gzip or zstd, to its end.

        Images that it is appended to get its bytes as they are. Raises `InvalidImageError` and
        `MalformedArchiveError` for what is no layer, and `OSError`.
        """
        from fastlayer.location import read_layer  # noqa: PLC0415

        return read_layer(path)


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


def indexed_image(source: ImageSource, listed: Listed) -> StoredImage | None:
    """Read an image of a layout; `None` for the manifest of something else.

    Raises `InvalidImageError` if a document or layer is missing, is not what its descriptor says or
    breaks the specification; and what the source raises.
    """
    descriptor = listed.descriptor
    what = f"the manifest {quoted(descriptor.digest)}"
    content = source.content(descriptor, what=what)
    manifest = decode(content, Manifest, what=what)
    if not is_image(descriptor, manifest):
        return None
    what = f"the config {quoted(manifest.config.digest)}"
    config_content = source.content(manifest.config, what=what)
    config = decode(config_content, ImageConfig, what=what)
    config.check_layer_count(len(manifest.layers))
    layers = zip(manifest.layers, config.rootfs.diff_ids, strict=True)
    return StoredImage(
        tags=listed.tags or listed.reached_by,
        descriptor=descriptor,
        manifest=manifest,
        manifest_content=content,
        config_descriptor=manifest.config,
        config=config,
        config_content=config_content,
        layers=tuple(_indexed_layer(source, layer, diff_id) for layer, diff_id in layers),
    )


def _indexed_layer(source: ImageSource, descriptor: Descriptor, diff_id: Digest) -> StoredLayer:
    try:
        blob = source.blob(descriptor)
    except InvalidImageError:
        if not may_be_absent(descriptor):
            raise
        return StoredLayer(descriptor, diff_id, AbsentBlob(descriptor))
    if blob.size != descriptor.size:
        raise InvalidImageError(
            f"the layer {quoted(descriptor.digest)} has {blob.size} bytes, "
            f"expected {descriptor.size}"
        )
    return StoredLayer(descriptor, diff_id, blob)
