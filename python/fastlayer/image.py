"""Images as values: layers, a config, a history. Every change returns a new image.

Where images come from and go to is known to modules above this one; the methods that read and
write are doors to them, imported when they are opened.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import msgspec

from fastlayer import assembly, changes, derive
from fastlayer.built import Buildable
from fastlayer.config import History, ImageConfig, RootFS
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError
from fastlayer.layer import Layer
from fastlayer.platform import Platform
from fastlayer.rebase import rebased
from fastlayer.setting import timestamp
from fastlayer.stored.image import StoredLayer
from fastlayer.unpacking import unpack_layers

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import BinaryIO, Unpack

    from fastlayer.built import BuiltImage
    from fastlayer.built_layer import BuiltLayer
    from fastlayer.changes import ConfigAdditions, ConfigRemovals
    from fastlayer.config import ConfigSettings
    from fastlayer.engine import Progress
    from fastlayer.media_type import Format
    from fastlayer.options import LayerOptions, PackOptions
    from fastlayer.registries import Registries
    from fastlayer.store import ImageStore
    from fastlayer.stored.image import StoredImage

__all__ = ["Image"]


@dataclass(frozen=True, slots=True)
class Image(Buildable["BuiltImage"]):
    """A description of an image. Nothing but documents is read until a sink runs it.

    `origin` is the stored image that it began as: what is not changed of that keeps its bytes,
    and what fastlayer does not know of it is kept. `inherited` is history that was there before:
    its steps keep their times, and have none if they had none.
    """

    config: ImageConfig
    layers: tuple[Layer | StoredLayer, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    origin: StoredImage | None = field(default=None, repr=False)
    inherited: tuple[History, ...] = field(default=(), repr=False)

    @classmethod
    def scratch(cls, *, platform: Platform | str | None = None) -> Self:
        """Return an image without layers, for `platform` (`"linux/arm64"`; by default the host's).

        Where `SOURCE_DATE_EPOCH` is set, it is the time of creation; else there is none until
        `with_config(created=…)` gives one.
        """
        epoch = source_date_epoch()
        config = ImageConfig(
            created="" if epoch is None else timestamp(epoch),
            architecture="",
            os="",
            rootfs=RootFS(diff_ids=()),
        )
        return cls(config).with_platform(platform or Platform.host())

    @classmethod
    def load(
        cls,
        source: str | os.PathLike[str],
        *,
        platform: Platform | str | None = None,
        registries: Registries | None = None,
    ) -> Self:
        """Read an image: its documents, which are verified. Layers stay where they are.

        `source` is `docker-archive:FILE[:TAG]`, `oci-archive:FILE[:TAG]`, `oci:DIR[:TAG]`,
        `docker://REFERENCE`, or a file or directory that is one of these. Of several images for
        different platforms, it is that for `platform`, by default the host's. `registries` says
        how they are reached; images that share one share its connections.

        Raises `InvalidImageError` if there is none or it is broken, `RegistryError`, and `OSError`.
        """
        from fastlayer.location import read_image  # noqa: PLC0415

        return cls.of(read_image(source, platform=platform, registries=registries))

    @classmethod
    def of(cls, stored: StoredImage) -> Self:
        """Return a stored image as a value that can be changed."""
        annotations = stored.manifest.annotations if stored.manifest else {}
        return cls(stored.config, stored.layers, annotations, stored, stored.config.history)

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return self.config.platform

    @property
    def repeatable(self) -> bool:
        """Whether it can be built more than once, which is so but for layers of streams."""
        return all(not isinstance(layer, Layer) or layer.repeatable for layer in self.layers)

    def append(self, *layers: Layer | StoredLayer, history: History | None = None) -> Self:
        """Return the image with further layers on top; `history` says how they came to be.

        Layers whose making is not told get an empty step first: steps go with layers by number.
        """
        for layer in layers:
            if not isinstance(layer, Layer | StoredLayer):
                raise InvalidArgumentError(
                    f"`{type(layer).__name__}` is no layer: expected what `fl.Layer.from_…` or "
                    "`fl.StoredLayer.load` give"
                )
        step = history or History(created_by="fastlayer")
        if step.empty_layer:
            raise InvalidArgumentError("the history of a layer cannot say `empty_layer`")
        past = changes.padded(self.config.history, len(self.layers) if layers else 0)
        config = msgspec.structs.replace(self.config, history=(*past, *(step for _ in layers)))
        return replace(self, layers=(*self.layers, *layers), config=config)

    def with_config(self, **settings: Unpack[ConfigSettings]) -> Self:
        """Return the image with other settings, those of `fastlayer.ConfigSettings`.

        What is given replaces, `None` clears. Raises `InvalidConfigError` at once.
        """
        return replace(self, config=self.config.with_changes(**settings))

    def with_added(self, **additions: Unpack[ConfigAdditions]) -> Self:
        """Return the image with more variables, labels, ports or volumes than it has.

        A variable or label that is there already gets the new value, in its place. Raises
        `InvalidConfigError` at once.
        """
        return replace(self, config=changes.added(self.config, **additions))

    def with_removed(self, **removals: Unpack[ConfigRemovals]) -> Self:
        """Return the image without some variables, labels, ports or volumes, by their names.

        What is not there is not missed. Raises `InvalidConfigError` at once.
        """
        return replace(self, config=changes.removed(self.config, **removals))

    def with_platform(self, platform: Platform | str) -> Self:
        """Return the image for another platform; the content is not looked at."""
        if isinstance(platform, str):
            platform = Platform.parse(platform)
        config = msgspec.structs.replace(
            self.config,
            architecture=platform.architecture,
            os=platform.os,
            os_version=platform.os_version,
            os_features=platform.os_features,
            variant=platform.variant,
        )
        return replace(self, config=config)

    def with_history(self, *history: History) -> Self:
        """Return the image with this history instead of its own.

        It may have fewer steps than the image has layers, but no more that are not empty.
        """
        if sum(not step.empty_layer for step in history) > len(self.layers):
            raise InvalidArgumentError(
                f"the history has more layers than the image, which has {len(self.layers)}"
            )
        return replace(self, config=msgspec.structs.replace(self.config, history=history))

    def with_annotations(self, annotations: Mapping[str, str | None]) -> Self:
        """Return the image with these annotations on its manifest (OCI only), added to its own.

        `None` removes one.
        """
        return replace(self, annotations=changes.annotated(self.annotations, annotations))

    def rebase(self, old_base: Image, new_base: Image) -> Self:
        """Return the image with the layers and history of `new_base` in place of `old_base`'s.

        The settings stay those of this image, but for the platform. Raises
        `InvalidArgumentError` if it is not based on `old_base`.
        """
        return rebased(self, old_base, new_base)

    def flatten(self, **options: Unpack[PackOptions]) -> Self:
        """Return the image with one layer of what all of them make together.

        The layers are read twice, the second time for the content. The options are those of
        `fastlayer.PackOptions`.
        """
        step = History(created_by="fastlayer flatten")
        bare = replace(self, layers=(), config=msgspec.structs.replace(self.config, history=()))
        return bare.append(derive.flattened(self.layers, options), history=step)

    def export(
        self, output: str | os.PathLike[str] | BinaryIO, *, progress: Progress | None = None
    ) -> BuiltLayer:
        """Write the file system of all layers as one plain tar, to a file or a stream.

        Raises what `Layer.save` raises, and `InvalidImageError` for a broken layer.
        """
        options: PackOptions = {"compression": "none", "progress": progress}
        return derive.flattened(self.layers, options).save(output)

    def unpack(
        self, directory: str | os.PathLike[str], *, progress: Progress | None = None
    ) -> None:
        """Make `directory` what containers of the image see: all layers applied.

        It may exist if it is empty, and is neither a mount point nor the current directory; it
        appears complete or not at all. Nothing is made outside of it. Owners are those of the
        image, which takes root, or a user namespace; what cannot be kept there (a device in a
        namespace, an attribute) is left out with a `SourceWarning`.

        Raises `InvalidArgumentError` for layers that are only described, `SourceError` for entries
        that engines do not agree on, `InvalidImageError` for layers that do not have their digest
        or diff_id, and `OSError`.
        """
        unpack_layers(self.layers, directory, progress=progress)

    def recompress(self, **options: Unpack[PackOptions]) -> Self:
        """Return the image with its stored layers compressed anew.

        What is in the layers stays the same, byte for byte, and so do their diff_ids.
        """
        return replace(self, layers=derive.recompressed(self.layers, options))

    def rewrite(self, **options: Unpack[LayerOptions]) -> Self:
        """Return the image with all entries of its layers written anew, as the options say.

        Whiteouts stay whiteouts. Such options are `mtime`, `clamp_mtime`, `owner`, `uid_map`,
        `gid_map`, `mode`, `xattrs` and `edits`. A layer keeps its compression, if none is given.
        """
        return replace(self, layers=derive.rewritten(self.layers, options))

    def build(self, store: ImageStore, *, format: Format | None = None) -> BuiltImage:  # noqa: A002
        """Make the layers, then config and manifest, and put them all in order into `store`.

        Layers are made side by side, on as many threads as the one has that has most; stored ones
        are copied byte for byte, and verified. `format` is by default that of the image that this
        one began as, or `oci`. Raises what `Layer.build` raises for the first that fails, and
        `InvalidImageError` for a stored layer that is not what it was.
        """
        return assembly.assemble(self, store, format)

    def check(self, format: Format | None = None) -> None:  # noqa: A002
        """Raise `InvalidArgumentError` if the image cannot be built in this format."""
        assembly.check(self, format)
