"""An image file as a value: read and checked at once, made to images and written later."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from fastlayer.destination import STDOUT, Output
from fastlayer.errors import quoted
from fastlayer.image_file.keys import DEFAULTS, PLACES, TOP
from fastlayer.image_file.layers import LayerPlan
from fastlayer.image_file.options import check_options, merged, options_in
from fastlayer.image_file.origin import begin, check_origin, is_something
from fastlayer.image_file.settings import Settings, created_in
from fastlayer.image_file.writing import write_all
from fastlayer.image_index import Index
from fastlayer.media_type import Format
from fastlayer.options import PackOptions
from fastlayer.platform import Platform
from fastlayer.registries import Registries
from fastlayer.tags import parse_tags
from fastlayer.toml_table import Table, read_table

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from fastlayer.built import BuiltImage, BuiltIndex
    from fastlayer.engine import Progress
    from fastlayer.image import Image
    from fastlayer.options import LayerOptions
    from fastlayer.recipes.rootfs import Created

__all__ = ["ImageFile", "read_image_file"]


def read_image_file(path: str | os.PathLike[str]) -> ImageFile:
    """Read a TOML file that describes an image; `docs/image-file.md` has its keys.

    Nothing else is read, but for files of edits. Raises `InvalidArgumentError` that names the
    file, the line and the key, and `OSError`.
    """
    table = read_table(path)
    table.check_keys(TOP, PLACES)
    file = ImageFile(
        platforms=_platforms(table),
        tags=_tags(table),
        outputs=_outputs(table),
        format=_format(table),
        created=created_in(table),
        _table=table,
        _settings=Settings.of(table),
        _defaults=options_in(table, DEFAULTS),
    )
    _check(file)
    return file


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFile:
    """What an image file says. `dataclasses.replace` gives one that says something else.

    Without `platforms` the image is for the host, and without `created` it is of the time that its
    base or the environment says. What `packing` holds is so for every layer, whatever the file
    says.
    """

    platforms: tuple[Platform, ...]
    tags: tuple[str, ...]
    outputs: tuple[Output, ...]
    format: Format | None
    created: Created
    packing: PackOptions = field(default_factory=PackOptions)
    _table: Table = field(repr=False)
    _settings: Settings = field(repr=False)
    _defaults: LayerOptions = field(repr=False)

    def images(
        self,
        *,
        registries: Registries | None = None,
        follow: Callable[[str], Progress | None] | None = None,
        change: Callable[[Image], Image] | None = None,
    ) -> Image | Index:
        """Describe the image, or with several platforms the index of their images.

        Bases are read, but for their layers, and every source is looked for. `follow` gives what
        the layer of a source takes as `progress`; `change` is done to each image at the end.

        Raises `InvalidArgumentError`, `InvalidImageError` and `OSError` with the line, and what
        `Image.load` raises.
        """
        reached = registries or Registries()
        images = []
        for platform in self.platforms or (None,):
            image = self._image(platform, reached, follow)
            images.append(change(image) if change else image)
        if len(images) == 1:
            return images[0]
        with self._table.at("platforms"):
            index = Index().append(*images)
        return index.with_annotations(self._settings.annotations)

    def write(
        self, described: Image | Index, *, registries: Registries | None = None
    ) -> list[BuiltImage | BuiltIndex]:
        """Write `described` to every output; the result is in the order of `outputs`.

        Raises what `Image.save` and its sisters raise, each before any work where that can be.
        """
        if not self.outputs:
            raise self._table.wrong("nothing says where the image goes: write `output`")
        with self._at("output", own=self.outputs == _outputs(self._table)):
            for output in self.outputs:
                output.check(output.taken(self.tags))
        with self._at("format", own=self.format == _format(self._table)):
            described.check(self.format)
        reached = registries or Registries()
        return write_all(described, self.outputs, self.tags, self.format, reached)

    def build(self, *, registries: Registries | None = None) -> list[BuiltImage | BuiltIndex]:
        """Write what `images` describes to every output. Raises what both raise."""
        reached = registries or Registries()
        return self.write(self.images(registries=reached), registries=reached)

    def _at(self, key: str, *, own: bool) -> AbstractContextManager[None]:
        """Have errors name the line of `key`, unless what is wrong is not the file's own."""
        return self._table.at(key) if own else nullcontext()

    def _image(
        self,
        platform: Platform | None,
        registries: Registries,
        follow: Callable[[str], Progress | None] | None,
    ) -> Image:
        table = self._table.with_variables(_variables(platform or Platform.host()))
        options = merged(self._defaults, self.packing)
        image = begin(
            table, platform, options, created=self.created, registries=registries, follow=follow
        )
        if platform is None:
            table = table.with_variables(_variables(image.platform))
        for plan in self._plans(table):
            image = image.append(plan.layer(follow), history=plan.history)
        image = self._settings.apply(image)
        return image if self.created is None else image.with_config(created=self.created)

    def _plans(self, table: Table) -> list[LayerPlan]:
        return [LayerPlan.of(one, self._defaults, self.packing) for one in table.tables("layer")]


def _check(file: ImageFile) -> None:
    """Look through all that a file says of bases and layers, without looking at those."""
    top = file._table
    check_options(top, file._defaults)
    for platform in file.platforms or (Platform.host(),):
        table = top.with_variables(_variables(platform))
        check_origin(table)
        file._plans(table)
    if not top.tables("layer") and not is_something(top):
        raise top.wrong("there is nothing to build from: write `base`, `recipe` or `[[layer]]`")


def _variables(platform: Platform) -> dict[str, str]:
    return {
        "platform": str(platform),
        "os": platform.os,
        "arch": platform.architecture,
        "variant": platform.variant,
    }


def _platforms(table: Table) -> tuple[Platform, ...]:
    found: list[Platform] = []
    for text in table.texts("platforms") if "platforms" in table else ():
        with table.at("platforms"):
            platform = Platform.parse(text)
        if any(platform.matches(other) for other in found):
            raise table.wrong(f"`platforms` has {quoted(text)} twice", "platforms")
        found.append(platform)
    return tuple(found)


def _tags(table: Table) -> tuple[str, ...]:
    tags = table.texts("tags") if "tags" in table else []
    with table.at("tags"):
        parse_tags(tags)
    return tuple(tags)


def _outputs(table: Table) -> tuple[Output, ...]:
    texts = table.texts("output") if "output" in table else []
    if STDOUT in texts:
        raise table.wrong("stdout is for the command line: use `-o -` there", "output")
    with table.at("output"):
        return tuple(Output.parse(text, table.folder) for text in texts)


def _format(table: Table) -> Format | None:
    if "format" not in table:
        return None
    text = table.text("format")
    for known in get_args(Format):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise table.wrong(f"`format` is {quoted(text)}: expected `oci` or `docker`", "format")
