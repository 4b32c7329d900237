"""What came out when images were built: the facts that were not known before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest
    from fastlayer.layer import BuiltLayer
    from fastlayer.media_type import Format
    from fastlayer.platform import Platform
    from fastlayer.store import ImageStore

__all__ = ["Buildable", "BuiltImage", "BuiltIndex", "BuiltT"]


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image whose blobs were written.

    `descriptor` is the manifest's; `config` the config's, whose digest is the image ID.
    """

    descriptor: Descriptor
    config: Descriptor
    layers: tuple[BuiltLayer, ...]
    platform: Platform
    tags: tuple[str, ...] = ()
    output: str = ""

    @property
    def digest(self) -> Digest:
        """SHA-256 of the manifest."""
        return self.descriptor.digest

    @property
    def media_type(self) -> str:
        """Media type of the manifest."""
        return self.descriptor.media_type

    @property
    def size(self) -> int:
        """Bytes of the manifest."""
        return self.descriptor.size

    @property
    def listed(self) -> Descriptor:
        """The descriptor as an index has it."""
        return msgspec.structs.replace(self.descriptor, platform=self.platform)

    def record(self) -> dict[str, Any]:
        """Return the facts as plain JSON values, as `fastlayer build --json` prints them."""
        return {
            "digest": str(self.digest),
            "mediaType": self.media_type,
            "tags": list(self.tags),
            "output": self.output,
            "platform": str(self.platform),
            "config": {"digest": str(self.config.digest), "size": self.config.size},
            "layers": [layer.record() for layer in self.layers],
        }


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index whose images were written, in its order."""

    descriptor: Descriptor
    images: tuple[BuiltImage, ...]
    tags: tuple[str, ...] = ()
    output: str = ""

    @property
    def digest(self) -> Digest:
        """SHA-256 of the index."""
        return self.descriptor.digest

    @property
    def media_type(self) -> str:
        """Media type of the index."""
        return self.descriptor.media_type

    @property
    def size(self) -> int:
        """Bytes of the index."""
        return self.descriptor.size

    @property
    def listed(self) -> Descriptor:
        """The descriptor as an index has it."""
        return self.descriptor

    def record(self) -> dict[str, Any]:
        """Return the facts as plain JSON values, as `fastlayer index --json` prints them."""
        return {
            "digest": str(self.digest),
            "mediaType": self.media_type,
            "tags": list(self.tags),
            "output": self.output,
            "images": [image.record() for image in self.images],
        }


BuiltT = TypeVar("BuiltT", bound=BuiltImage | BuiltIndex)
BuiltT_co = TypeVar("BuiltT_co", bound=BuiltImage | BuiltIndex, covariant=True)


class Buildable(Protocol[BuiltT_co]):
    """What a sink writes: an image or an index."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be built more than once."""

    def check(self, format: Format | None = None) -> None:  # noqa: A002
        """Raise `InvalidArgumentError` if it cannot be built in this format."""

    def build(self, store: ImageStore, *, format: Format | None = None) -> BuiltT_co:  # noqa: A002
        """Put all that it is made of into `store`."""
