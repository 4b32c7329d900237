"""Container images from files, directories and rootfs archives: one pass, no daemon, no root.

    import fastlayer as fl

    layer = fl.Layer.from_files({"app": "build/app"}, mode=0o755)
    image = (
        fl.Image.scratch(platform="linux/arm64")
        .append(layer)
        .with_config(entrypoint=["/app"], created="2025-04-18T19:07:30Z")
    )
    built = image.save("custom-image.tar", tags=["custom/hello:latest"])
    built.digest, built.config.digest, built.layers[0].diff_id

Layers and images are descriptions until a sink runs them: `save` (an archive that docker, podman,
containerd and skopeo load), `write_layout` (an OCI layout), `Layer.save` (a bare blob). `inspect`
and `validate` look at what is there, `diff` at what changed.
"""

from typing import TYPE_CHECKING

from fastlayer import dockerfile, edit
from fastlayer.archive.docker import save_archive
from fastlayer.built import BuiltImage, BuiltIndex
from fastlayer.built_layer import BuiltLayer
from fastlayer.changes import ConfigAdditions, ConfigRemovals
from fastlayer.config import ConfigSettings, Healthcheck, History, ImageConfig
from fastlayer.descriptor import Descriptor
from fastlayer.difference import Difference, Fact, diff
from fastlayer.digest import Digest
from fastlayer.errors import (
    DockerfileError,
    DockerfileWarning,
    FastlayerError,
    InternalError,
    InvalidArgumentError,
    InvalidConfigError,
    InvalidDigestError,
    InvalidImageError,
    InvalidPlatformError,
    InvalidReferenceError,
    MalformedArchiveError,
    MtreeError,
    NotBuiltError,
    OutOfOrderError,
    RegistryAuthError,
    RegistryError,
    RegistryWarning,
    SourceChangedError,
    SourceError,
    SourceWarning,
    UnmatchedEditError,
    UnsupportedEntryError,
)
from fastlayer.image import Image
from fastlayer.image_index import Index, IndexEntry
from fastlayer.inspection import Inspection, inspect
from fastlayer.later import later
from fastlayer.layer import Layer
from fastlayer.options import LayerOptions, PackOptions
from fastlayer.platform import Platform
from fastlayer.reference import Reference
from fastlayer.registries import Registries
from fastlayer.stored.image import StoredLayer
from fastlayer.validation import Problem, Report, validate

# Who makes a layer does not wait for what reads image files and knows distributions.
if TYPE_CHECKING:
    from fastlayer import recipes
    from fastlayer.image_file import ImageFile, read_image_file
else:
    __getattr__ = later(
        __name__,
        {
            **dict.fromkeys(("ImageFile", "read_image_file"), "fastlayer.image_file"),
            "recipes": "fastlayer.recipes",
        },
    )

__all__ = [
    "BuiltImage",
    "BuiltIndex",
    "BuiltLayer",
    "ConfigAdditions",
    "ConfigRemovals",
    "ConfigSettings",
    "Descriptor",
    "Difference",
    "Digest",
    "DockerfileError",
    "DockerfileWarning",
    "Fact",
    "FastlayerError",
    "Healthcheck",
    "History",
    "Image",
    "ImageConfig",
    "ImageFile",
    "Index",
    "IndexEntry",
    "Inspection",
    "InternalError",
    "InvalidArgumentError",
    "InvalidConfigError",
    "InvalidDigestError",
    "InvalidImageError",
    "InvalidPlatformError",
    "InvalidReferenceError",
    "Layer",
    "LayerOptions",
    "MalformedArchiveError",
    "MtreeError",
    "NotBuiltError",
    "OutOfOrderError",
    "PackOptions",
    "Platform",
    "Problem",
    "Reference",
    "Registries",
    "RegistryAuthError",
    "RegistryError",
    "RegistryWarning",
    "Report",
    "SourceChangedError",
    "SourceError",
    "SourceWarning",
    "StoredLayer",
    "UnmatchedEditError",
    "UnsupportedEntryError",
    "diff",
    "dockerfile",
    "edit",
    "inspect",
    "read_image_file",
    "recipes",
    "save_archive",
    "validate",
]
