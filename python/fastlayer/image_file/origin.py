"""What an image of an image file begins as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastlayer.archive.contents import TRANSPORTS
from fastlayer.epoch import source_date_epoch
from fastlayer.image import Image
from fastlayer.image_file.recipe import check_recipe, follow_recipe
from fastlayer.location import DOCKER, placed_in, reference_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.engine import Progress
    from fastlayer.options import LayerOptions
    from fastlayer.platform import Platform
    from fastlayer.recipes.rootfs import Created
    from fastlayer.registries import Registries
    from fastlayer.toml_table import Table

__all__ = ["begin", "check_origin", "is_something"]

_SCRATCH: Final = "scratch"


def is_something(file: Table) -> bool:
    """Whether the image begins as more than nothing."""
    return "recipe" in file or _has_base(file)


def check_origin(file: Table) -> None:
    """Refuse what cannot be begun with, before it is read. Raises `InvalidArgumentError`."""
    check_recipe(file)
    if _has_base(file):
        source = file.expanded("base")
        with file.at("base"):
            reference_in(source)


def begin(
    file: Table,
    platform: Platform | None,
    options: LayerOptions,
    *,
    created: Created,
    registries: Registries,
    follow: Callable[[str], Progress | None] | None,
) -> Image:
    """Begin with nothing, a recipe or an image; of several, it is that for the platform.

    What is added is for `platform`, even if it runs on a base for less. `options` are those of
    the recipe's layer, and `created` is when it is made. Raises what `Image.load` raises, with
    the line where that can be.
    """
    if "recipe" in file:
        return follow_recipe(file, platform, options, created, follow)
    if not _has_base(file):
        return Image.scratch(platform=platform)
    image = _load(file, platform, registries)
    epoch = source_date_epoch()
    if epoch is not None:
        image = image.with_config(created=epoch)
    if platform is not None and not platform.matches(image.platform):
        image = image.with_platform(platform)
    return image


def _has_base(file: Table) -> bool:
    return "base" in file and file.text("base") != _SCRATCH


def _load(file: Table, platform: Platform | None, registries: Registries) -> Image:
    text = file.expanded("base")
    with file.at("base"):
        try:
            return Image.load(
                placed_in(file.folder, text), platform=platform, registries=registries
            )
        except FileNotFoundError as error:
            if text.startswith(tuple(f"{transport}:" for transport in TRANSPORTS)):
                raise
            # `base = "debian:12"` looks as in a Dockerfile, and is a file here.
            reason = f"{error.strerror}; for an image in a registry write `{DOCKER}{text}`"
            raise FileNotFoundError(error.errno, reason, error.filename) from error
