"""Images as values: layers, a config, a history. Every change returns a new image.

The sinks are in `fastlayer.archive`, which knows images; the methods that write are doors to
them, imported when they are opened.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import msgspec

from fastlayer import media_type
from fastlayer.config import History, ImageConfig, RootFS
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import encode
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError
from fastlayer.layer import build_layers
from fastlayer.manifest import Manifest
from fastlayer.platform import Platform
from fastlayer.setting import timestamp

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO, Unpack

    from fastlayer.config import ConfigSettings
    from fastlayer.layer import BuiltLayer, Layer
    from fastlayer.media_type import Format
    from fastlayer.store import BlobStore

__all__ = ["BuiltImage", "Image"]


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
class Image:
    """A description of an image. Nothing is read or written until a sink runs it."""

    config: ImageConfig
    layers: tuple[Layer, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def scratch(cls, *, platform: Platform | str | None = None) -> Self:
        """Return an image without layers, for `platform` (`"linux/arm64"`; by default the host's).

        Where `SOURCE_DATE_EPOCH` is set, it is the time of creation; else there is none until
        `with_config(created=…)` gives one.
        """
        if platform is None:
            platform = Platform.host()
        elif isinstance(platform, str):
            platform = Platform.parse(platform)
        epoch = source_date_epoch()
        config = ImageConfig(
            created="" if epoch is None else timestamp(epoch),
            architecture=platform.architecture,
            os=platform.os,
            os_version=platform.os_version,
            os_features=platform.os_features,
            variant=platform.variant,
            rootfs=RootFS(diff_ids=()),
        )
        return cls(config)

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return self.config.platform

    def append(self, *layers: Layer, history: History | None = None) -> Self:
        """Return the image with further layers on top; `history` says how they came to be."""
        step = history or History(created_by="fastlayer")
        if step.empty_layer:
            raise InvalidArgumentError("the history of a layer cannot say `empty_layer`")
        config = msgspec.structs.replace(
            self.config, history=(*self.config.history, *(step for _ in layers))
        )
        return replace(self, layers=(*self.layers, *layers), config=config)

    def with_config(self, **settings: Unpack[ConfigSettings]) -> Self:
        """Return the image with other settings, those of `fastlayer.ConfigSettings`.

        What is given replaces, `None` clears. Raises `InvalidConfigError` at once.
        """
        return replace(self, config=self.config.with_changes(**settings))

    def with_history(self, *history: History) -> Self:
        """Return the image with this history instead of its own.

        It may have fewer steps than the image has layers, but no more that are not empty.
        """
        if sum(not step.empty_layer for step in history) > len(self.layers):
            raise InvalidArgumentError(
                f"the history has more layers than the image, which has {len(self.layers)}"
            )
        return replace(self, config=msgspec.structs.replace(self.config, history=history))

    def with_annotations(self, annotations: Mapping[str, str]) -> Self:
        """Return the image with these annotations on its manifest (OCI only), added to its own."""
        for key, value in annotations.items():
            if not key or not isinstance(key, str) or not isinstance(value, str):
                raise InvalidArgumentError("annotations map text that is not empty to text")
        return replace(self, annotations={**self.annotations, **annotations})

    def build(self, store: BlobStore, *, format: Format = "oci") -> BuiltImage:  # noqa: A002
        """Make the layers, then config and manifest, and put them all in order into `store`.

        Layers are made side by side, on as many threads as the one has that has most; one that
        occurs twice is made once. Raises what `Layer.build` raises for the first that fails.
        """
        self.check(format)
        once = {id(layer): layer for layer in self.layers}
        built = build_layers(list(once.values()), store, format=format)
        made = dict(zip(once, built, strict=True))
        layers = tuple(made[id(layer)] for layer in self.layers)
        config = _put(store, self._final_config(layers), media_type.for_config(format))
        manifest = Manifest(
            media_type=media_type.for_manifest(format),
            config=config,
            layers=tuple(layer.descriptor for layer in layers),
            annotations=self.annotations,
        )
        descriptor = _put(store, manifest, manifest.media_type)
        return BuiltImage(descriptor, config, layers, self.platform)

    def check(self, format: Format = "oci") -> None:  # noqa: A002
        """Raise `InvalidArgumentError` if the image cannot be built in this format."""
        if not self.layers:
            raise InvalidArgumentError("an image needs at least one layer: use `image.append(…)`")
        for layer in self.layers:
            media_type.for_layer(layer.compression, format)
        if self.annotations and format == "docker":
            raise InvalidArgumentError("Docker's image format has no annotations: use `oci`")

    def save(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        tags: Sequence[str] = (),
        format: Format = "oci",  # noqa: A002
    ) -> BuiltImage:
        """Write an archive that docker, podman, containerd and skopeo all load.

        `path` is a file, which appears complete or not at all, or a binary stream. Tags are
        references such as `custom/hello:latest`; without a tag they mean `latest`.
        """
        from fastlayer.archive.docker import save_archive  # noqa: PLC0415

        return save_archive(path, [(self, tags)], format=format)[0]

    def write_layout(
        self,
        directory: str | os.PathLike[str],
        *,
        tags: Sequence[str] = (),
        name: str | None = None,
        format: Format = "oci",  # noqa: A002
    ) -> BuiltImage:
        """Add the image to an OCI layout directory, which is made if it does not exist.

        A tag is a reference such as `demo/debian:12`; the layout knows the image by its last part,
        `12`, and by `name`. An image that had one of these names before loses it.
        """
        from fastlayer.archive.layout import write_layout  # noqa: PLC0415

        return write_layout(directory, self, tags=tags, name=name, format=format)

    def _final_config(self, layers: Sequence[BuiltLayer]) -> ImageConfig:
        """Fill in what is known at last: the diff_ids, and the time of steps that have none."""
        created = self.config.created
        return msgspec.structs.replace(
            self.config,
            rootfs=RootFS(diff_ids=tuple(layer.diff_id for layer in layers)),
            history=tuple(
                step if step.created else msgspec.structs.replace(step, created=created)
                for step in self.config.history
            ),
        )


def _put(store: BlobStore, document: ImageConfig | Manifest, blob_type: str) -> Descriptor:
    content = encode(document)
    store.put(content)
    return Descriptor(blob_type, Digest.of(content), len(content))
