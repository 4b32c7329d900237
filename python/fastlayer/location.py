"""Where images are, as people write it: a transport, then a file, a directory or a reference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

from fastlayer.archive.blob import file_blob
from fastlayer.archive.contents import TRANSPORTS, find_contents, open_contents, scan_layer_file
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.media_type import for_layer
from fastlayer.platform import Platform
from fastlayer.reference import Reference
from fastlayer.registries import Registries
from fastlayer.stored.image import StoredLayer

if TYPE_CHECKING:
    from fastlayer.media_type import Compression
    from fastlayer.stored.contents import StoredContents
    from fastlayer.stored.image import StoredImage

__all__ = [
    "DOCKER",
    "find_place",
    "open_place",
    "placed_in",
    "read_image",
    "read_layer",
    "reference_in",
]

DOCKER: Final = "docker://"
"""How a reference to a registry is written where a file could be meant."""


def open_place(
    source: str | os.PathLike[str], registries: Registries | None = None
) -> StoredContents:
    """Look into what `source` names. See `Image.load` for what that can be.

    Raises `InvalidImageError` if it is something else, `InvalidReferenceError`, and `OSError`.
    """
    reference = reference_in(source)
    if reference is None:
        return open_contents(source)
    from fastlayer.registry.contents import RemoteContents  # noqa: PLC0415 (its client is large)

    return RemoteContents(reference, registries or Registries())


def find_place(
    source: str | os.PathLike[str], registries: Registries | None = None
) -> StoredContents | None:
    """Look into what `open_place` does; `None` for a file that may be a bare layer instead.

    Raises what that raises.
    """
    return find_contents(source) if reference_in(source) is None else open_place(source, registries)


def reference_in(source: str | os.PathLike[str]) -> Reference | None:
    """Read `docker://REFERENCE`; `None` if it is something else.

    Raises `InvalidReferenceError`.
    """
    if not isinstance(source, str) or not source.startswith(DOCKER):
        return None
    return Reference.parse(source.removeprefix(DOCKER)).with_default_tag()


def placed_in(folder: str, source: str) -> str:
    """Return `source` with its file or directory in `folder`, unless that is absolute."""
    if source.startswith(DOCKER):
        return source
    transport, colon, path = source.partition(":")
    if colon and transport in TRANSPORTS:
        return f"{transport}:{os.path.join(folder, path)}"  # noqa: PTH118
    return os.path.join(folder, source)  # noqa: PTH118 (a name with a `/` at its end keeps that)


def read_image(
    source: str | os.PathLike[str],
    *,
    platform: Platform | str | None = None,
    registries: Registries | None = None,
) -> StoredImage:
    """Read one image, that for `platform` if there are several. See `Image.load`."""
    if isinstance(platform, str):
        platform = Platform.parse(platform)
    return open_place(source, registries).image(platform)


def read_layer(path: str | os.PathLike[str]) -> StoredLayer:
    """Read a file that is a bare layer. See `StoredLayer.load`."""
    name = os.fsdecode(path)
    if find_contents(path) is not None:
        raise InvalidImageError(f"{quoted(name)} is an image, not a single layer")
    record = scan_layer_file(path)
    blob_type = for_layer(cast("Compression", record.compression), "oci")
    descriptor = Descriptor(blob_type, Digest(record.digest), record.size)
    return StoredLayer(descriptor, Digest(record.diff_id), file_blob(name))
