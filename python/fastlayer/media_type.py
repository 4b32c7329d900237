"""Media types of images, manifests, configs and layers.

The OCI types are those of image-spec, media-types.md; the Docker types are those of the
"Image Manifest Version 2, Schema 2".
"""

import re
from typing import Final, Literal

from fastlayer.errors import InvalidArgumentError, quoted

__all__ = [
    "DOCKER_CONFIG",
    "DOCKER_FOREIGN_LAYER",
    "DOCKER_FOREIGN_LAYER_GZIP",
    "DOCKER_LAYER",
    "DOCKER_LAYER_GZIP",
    "DOCKER_LAYER_ZSTD",
    "DOCKER_MANIFEST",
    "DOCKER_MANIFEST_LIST",
    "OCI_CONFIG",
    "OCI_EMPTY",
    "OCI_INDEX",
    "OCI_LAYER",
    "OCI_LAYER_GZIP",
    "OCI_LAYER_ZSTD",
    "OCI_MANIFEST",
    "OCI_NONDISTRIBUTABLE_LAYER",
    "OCI_NONDISTRIBUTABLE_LAYER_GZIP",
    "OCI_NONDISTRIBUTABLE_LAYER_ZSTD",
    "Compression",
    "Format",
    "compression_of",
    "family",
    "for_config",
    "for_index",
    "for_layer",
    "for_manifest",
    "is_foreign",
    "is_index",
    "is_layer",
    "is_manifest",
    "is_well_formed",
    "layer_in",
]

Compression = Literal["gzip", "zstd", "none"]
"""How the tar of a layer is compressed."""

Format = Literal["oci", "docker"]
"""Which family of documents describes an image."""

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"

# Deprecated by the specification; base images for Windows still have them.
OCI_NONDISTRIBUTABLE_LAYER: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar"
OCI_NONDISTRIBUTABLE_LAYER_GZIP: Final = (
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
)
OCI_NONDISTRIBUTABLE_LAYER_ZSTD: Final = (
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
)

DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# What some tools call a layer that Docker has no word for. It breaks others.
DOCKER_LAYER_ZSTD: Final = "application/vnd.docker.image.rootfs.diff.tar.zstd"
DOCKER_FOREIGN_LAYER: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar"
DOCKER_FOREIGN_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

_LAYERS: Final[dict[str, Compression]] = {
    OCI_LAYER: "none",
    OCI_LAYER_GZIP: "gzip",
    OCI_LAYER_ZSTD: "zstd",
    OCI_NONDISTRIBUTABLE_LAYER: "none",
    OCI_NONDISTRIBUTABLE_LAYER_GZIP: "gzip",
    OCI_NONDISTRIBUTABLE_LAYER_ZSTD: "zstd",
    DOCKER_LAYER: "none",
    DOCKER_LAYER_GZIP: "gzip",
    DOCKER_FOREIGN_LAYER: "none",
    DOCKER_FOREIGN_LAYER_GZIP: "gzip",
}

_FOREIGN: Final = frozenset(
    {
        OCI_NONDISTRIBUTABLE_LAYER,
        OCI_NONDISTRIBUTABLE_LAYER_GZIP,
        OCI_NONDISTRIBUTABLE_LAYER_ZSTD,
        DOCKER_FOREIGN_LAYER,
        DOCKER_FOREIGN_LAYER_GZIP,
    }
)

_LAYER_FOR: Final[dict[tuple[Format, Compression], str]] = {
    ("oci", "none"): OCI_LAYER,
    ("oci", "gzip"): OCI_LAYER_GZIP,
    ("oci", "zstd"): OCI_LAYER_ZSTD,
    ("docker", "none"): DOCKER_LAYER,
    ("docker", "gzip"): DOCKER_LAYER_GZIP,
}

# Layers that are told apart by who may distribute them, by their names in OCI's family.
_TWINS: Final = {
    OCI_NONDISTRIBUTABLE_LAYER: DOCKER_FOREIGN_LAYER,
    OCI_NONDISTRIBUTABLE_LAYER_GZIP: DOCKER_FOREIGN_LAYER_GZIP,
}

# RFC 6838, section 4.2, as image-spec asks of every `mediaType` and `artifactType`.
_WELL_FORMED: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
)


def for_layer(compression: Compression, format: Format) -> str:  # noqa: A002 (the word users know)
    """Return the media type of a layer.

    Raises `InvalidArgumentError` for a name that is neither, and for zstd in a Docker image:
    Docker's media types have none, and the one that some tools invented breaks others.
    """
    _check_format(format)
    if compression not in ("gzip", "zstd", "none"):
        raise InvalidArgumentError(
            f"unknown compression {quoted(compression)}: expected `gzip`, `zstd` or `none`"
        )
    if format == "docker" and compression == "zstd":
        raise InvalidArgumentError(
            "Docker's image format has no media type for `zstd` layers: "
            "use format `oci`, or compression `gzip`"
        )
    return _LAYER_FOR[format, compression]


def layer_in(format: Format, media_type: str) -> str:  # noqa: A002
    """Return the media type that a layer of `media_type` has in the other family, or its own.

    What is not that of a layer is left as it is. Raises `InvalidArgumentError` for zstd in a
    Docker image.
    """
    _check_format(format)
    for own, other in _TWINS.items():
        if media_type in (own, other):
            return own if format == "oci" else other
    compression = compression_of(media_type)
    if media_type == DOCKER_LAYER_ZSTD:
        compression = "zstd"
    return media_type if compression is None else for_layer(compression, format)


def family(media_type: str) -> Format:
    """Tell whose documents this media type is one of; what is not Docker's is OCI's."""
    return "docker" if media_type.startswith("application/vnd.docker.") else "oci"


def for_config(format: Format) -> str:  # noqa: A002
    """Return the media type of an image config."""
    _check_format(format)
    return OCI_CONFIG if format == "oci" else DOCKER_CONFIG


def for_manifest(format: Format) -> str:  # noqa: A002
    """Return the media type of an image manifest."""
    _check_format(format)
    return OCI_MANIFEST if format == "oci" else DOCKER_MANIFEST


def for_index(format: Format) -> str:  # noqa: A002
    """Return the media type of an image index, which Docker calls a manifest list."""
    _check_format(format)
    return OCI_INDEX if format == "oci" else DOCKER_MANIFEST_LIST


def compression_of(media_type: str) -> Compression | None:
    """How a layer of this media type is compressed; `None` if it is not that of a layer."""
    return _LAYERS.get(media_type)


def is_manifest(media_type: str) -> bool:
    """Whether this is the media type of an image manifest."""
    return media_type in (OCI_MANIFEST, DOCKER_MANIFEST)


def is_index(media_type: str) -> bool:
    """Whether this is the media type of an image index or manifest list."""
    return media_type in (OCI_INDEX, DOCKER_MANIFEST_LIST)


def is_layer(media_type: str) -> bool:
    """Whether this is the media type of a file system layer."""
    return media_type in _LAYERS


def is_foreign(media_type: str) -> bool:
    """Whether layers of this media type may be elsewhere than the image, at their `urls`."""
    return media_type in _FOREIGN


def is_well_formed(media_type: str) -> bool:
    """Whether the text has the form of a media type: `type/subtype` (RFC 6838, section 4.2)."""
    return _WELL_FORMED.fullmatch(media_type) is not None


def _check_format(format: str) -> None:  # noqa: A002
    if format not in ("oci", "docker"):
        raise InvalidArgumentError(f"unknown format {quoted(format)}: expected `oci` or `docker`")
