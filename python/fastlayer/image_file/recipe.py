"""An image that begins as a recipe makes it, of a root file system."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from fastlayer.errors import quoted
from fastlayer.recipes import RECIPES
from fastlayer.toml_table import one_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.engine import Progress
    from fastlayer.image import Image
    from fastlayer.options import LayerOptions
    from fastlayer.platform import Platform
    from fastlayer.recipes import Recipe
    from fastlayer.recipes.rootfs import Created
    from fastlayer.toml_table import Table

__all__ = ["KEYS", "check_recipe", "follow_recipe"]

KEYS = ("recipe", "rootfs", "set")
"""What a file says of a recipe."""


def check_recipe(file: Table) -> None:
    """Refuse a recipe that cannot be followed. Raises `InvalidArgumentError`."""
    if "recipe" not in file:
        if "rootfs" in file:
            raise file.wrong("`rootfs` belongs under `[[layer]]`, or needs `recipe`", "rootfs")
        if "set" in file:
            raise file.wrong("`set` is for a recipe, and there is none: write `recipe`", "set")
        return
    name = file.text("recipe")
    if name not in RECIPES:
        near = get_close_matches(name, RECIPES, n=1)
        advice = f"did you mean `{near[0]}`?" if near else f"expected {one_of(list(RECIPES))}"
        raise file.wrong(f"there is no recipe {quoted(name)}: {advice}", "recipe")
    if "base" in file:
        raise file.wrong("a recipe begins with nothing, `base` with an image: write one", "base")
    if "rootfs" not in file:
        raise file.wrong("a recipe needs `rootfs`", "recipe")
    file.host_path("rootfs")
    _details(file)


def follow_recipe(
    file: Table,
    platform: Platform | None,
    options: LayerOptions,
    created: Created,
    follow: Callable[[str], Progress | None] | None,
) -> Image:
    """Describe the image that the recipe makes. Raises `OSError` with the line."""
    rootfs = file.host_path("rootfs")
    details = _details(file)
    with file.at("rootfs"):
        Path(rootfs).stat()
        return RECIPES[file.text("recipe")].make(
            rootfs,
            platform=platform,
            created=created,
            **details,
            **{**options, "progress": follow(rootfs) if follow else None},
        )


def _details(file: Table) -> dict[str, str | bool]:
    """Read `set`, each detail as the recipe takes it."""
    table = file.table("set")
    recipe = RECIPES[file.text("recipe")]
    details: dict[str, str | bool] = {}
    for name in table.values:
        with table.at(name):
            details |= recipe.arguments({name: _detail(table, name, recipe)})
    return details


def _detail(table: Table, name: str, recipe: Recipe) -> str:
    if name in recipe.flags:
        return str(table.flag(name)).lower()
    # What the recipe does not have is refused by its name, whatever its value is.
    return table.text(name) if name in recipe.details else ""
