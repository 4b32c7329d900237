"""What can be built, and what came out: the facts that were not known before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from fastlayer.descriptor import Described
from fastlayer.reference import Reference

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import BinaryIO

    from fastlayer.built_layer import BuiltLayer
    from fastlayer.descriptor import Descriptor
    from fastlayer.media_type import Format
    from fastlayer.platform import Platform
    from fastlayer.registries import Registries
    from fastlayer.store import ImageStore

__all__ = ["Buildable", "BuiltImage", "BuiltIndex", "BuiltT"]


@dataclass(frozen=True, slots=True)
class BuiltImage(Described):
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
class BuiltIndex(Described):
    """An index whose images were written, in its order."""

    descriptor: Descriptor
    images: tuple[BuiltImage, ...]
    tags: tuple[str, ...] = ()
    output: str = ""

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


class Buildable(ABC, Generic[BuiltT_co]):
    """What can be written somewhere: an image or an index.

    The sinks are above this; methods that write are doors to them, and import them when opened.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether it can be built more than once, which is so but for layers of streams."""

    @abstractmethod
    def check(self, format: Format | None = None) -> None:  # noqa: A002
        """Raise `InvalidArgumentError` if it cannot be built in this format."""

    @abstractmethod
    def build(self, store: ImageStore, *, format: Format | None = None) -> BuiltT_co:  # noqa: A002
        """Put all that it is made of into `store`."""

    def save(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        tags: Sequence[str] = (),
        format: Format | None = None,  # noqa: A002
    ) -> BuiltT_co:
        """Write an archive that docker, podman, containerd and skopeo all load.

        `path` is a file, which appears complete or not at all, or a binary stream. Tags are
        references such as `custom/hello:latest`; without a tag they mean `latest`. Of an index,
        Docker, which takes one image, gets that for the host.
        """
        from fastlayer.archive.docker import save_archive  # noqa: PLC0415

        return save_archive(path, [(self, tags)], format=format)[0]

    def write_layout(
        self,
        directory: str | os.PathLike[str],
        *,
        tags: Sequence[str] = (),
        name: str | None = None,
        format: Format | None = None,  # noqa: A002
    ) -> BuiltT_co:
        """Add it to an OCI layout directory, which is made if it does not exist.

        A tag is a reference such as `demo/debian:12`; the layout knows the image by its last part,
        `12`, and by `name`. An image that had one of these names before loses it.
        """
        from fastlayer.archive.layout import write_layout  # noqa: PLC0415

        return write_layout(directory, self, tags=tags, names=[name] if name else [], format=format)

    def push(
        self,
        reference: str,
        *,
        tags: Sequence[str] = (),
        registries: Registries | None = None,
        format: Format | None = None,  # noqa: A002
    ) -> BuiltT_co:
        """Send it to a registry, under the tag of `reference` and further ones of `tags`.

        Nothing is sent that is there already; a layer that is made is sent while it is made. The
        tag appears last, when all it stands for is there.

        Raises `InvalidReferenceError` before any work, `RegistryError`, and what `build` raises.
        """
        from fastlayer.registry.sink import push  # noqa: PLC0415

        target = Reference.parse(reference.removeprefix("docker://")).with_default_tag()
        return push(target, self, tags=tags, registries=registries, format=format)
