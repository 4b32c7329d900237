"""Image manifests: the config and the layers that make one image.

Members: image-spec, manifest.md; Docker's "Image Manifest Version 2, Schema 2" has the same.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from fastlayer.descriptor import Descriptor
from fastlayer.document import REQUIRED
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.media_type import OCI_MANIFEST, is_manifest, is_well_formed

__all__ = ["Manifest"]

_SCHEMA_VERSION = 2


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image manifest; `layers` start with the base, `subject` is what an artifact is about.

    A document that states no media type is taken for an OCI manifest. `unknown` holds a
    document's members that are not these.

    Raises `InvalidArgumentError` if a value breaks the specification, and for what could also be
    read as an image index.
    """

    schema_version: Annotated[int, REQUIRED] = _SCHEMA_VERSION
    media_type: str = OCI_MANIFEST
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        if self.schema_version != _SCHEMA_VERSION:
            raise InvalidArgumentError(
                f"unsupported `schemaVersion` {quoted(self.schema_version)}: expected `2`"
            )
        if not is_manifest(self.media_type):
            raise InvalidArgumentError(f"{quoted(self.media_type)} is not that of a manifest")
        if self.artifact_type and not is_well_formed(self.artifact_type):
            raise InvalidArgumentError(f"invalid artifact type {quoted(self.artifact_type)}")
        if "manifests" in self.unknown:
            raise InvalidArgumentError("a manifest must not have `manifests`, as an index has")
        if not self.layers:
            raise InvalidArgumentError("a manifest needs at least one layer")
