"""Image indexes, which list manifests, and the header of an image layout.

Members: image-spec, image-index.md and image-layout.md; Docker calls an index a manifest list.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from fastlayer.descriptor import Descriptor
from fastlayer.document import REQUIRED
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.media_type import OCI_INDEX, is_index, is_well_formed

__all__ = ["ImageIndex", "ImageLayout"]

_SCHEMA_VERSION = 2


class ImageIndex(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of manifests, each for a platform, with a tag, or both.

    A document that states no media type is taken for an OCI index. `unknown` holds a document's
    members that are not these.

    Raises `InvalidArgumentError` if a value breaks the specification, and for what could also be
    read as a manifest.
    """

    schema_version: Annotated[int, REQUIRED] = _SCHEMA_VERSION
    media_type: str = OCI_INDEX
    artifact_type: str = ""
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        if self.schema_version != _SCHEMA_VERSION:
            raise InvalidArgumentError(
                f"unsupported `schemaVersion` {quoted(self.schema_version)}: expected `2`"
            )
        if not is_index(self.media_type):
            raise InvalidArgumentError(f"{quoted(self.media_type)} is not that of an index")
        if self.artifact_type and not is_well_formed(self.artifact_type):
            raise InvalidArgumentError(f"invalid artifact type {quoted(self.artifact_type)}")
        for name in ("config", "layers"):
            if name in self.unknown:
                raise InvalidArgumentError(f"an index must not have `{name}`, as a manifest has")


class ImageLayout(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The file `oci-layout`, which marks a folder or archive as an image layout."""

    image_layout_version: Annotated[Literal["1.0.0"], REQUIRED] = "1.0.0"
    unknown: Mapping[str, Any] = {}
