"""`fastlayer recipe`, and the options by which `fastlayer build` follows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import SETTINGS, Command, Examples, option, together
from fastlayer.cli.text import echo
from fastlayer.cli.values import key_value
from fastlayer.errors import InvalidArgumentError
from fastlayer.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastlayer.image import Image
    from fastlayer.layer import Readable
    from fastlayer.options import LayerOptions

__all__ = ["check_recipe", "recipe_command", "recipe_image", "recipe_options"]

_EXAMPLES: Final = """\
fastlayer recipe list
fastlayer recipe show debian-slim

# What a recipe changes, as a file of edits to be changed further:
fastlayer recipe show ubuntu > edits.toml
fastlayer build --rootfs rootfs.tar.gz --edits edits.toml -t ubuntu:mine -o ubuntu.tar
"""

recipe_options: Final = together(
    option(
        "--recipe",
        section="Layers",
        type=click.Choice(tuple(RECIPES)),
        help="Make the layer of --rootfs, and set what is set, as a distribution does; "
        "`fastlayer recipe list` tells of each. Edits and other options come after it.",
    ),
    option(
        "--set",
        "details",
        section="Layers",
        metavar="NAME=VALUE",
        type=key_value,
        multiple=True,
        help="A detail of the recipe, such as suite=bookworm.",
    ),
)
"""The options of recipes."""


def check_recipe(given: Mapping[str, Any], sources: Sequence[object]) -> None:
    """Refuse what does not go with a recipe. Raises `click.UsageError`."""
    if given["recipe"] is None:
        if given["details"]:
            raise click.UsageError("`--set` is for a recipe, and there is none: give `--recipe`")
        return
    if given["origin"] is not None:
        raise click.UsageError("`--recipe` begins with nothing, `--from` with an image: give one")
    if len(given["rootfs"]) != 1 or not isinstance(sources[0], str):
        raise click.UsageError("`--recipe` needs one `--rootfs`, before any other layer")
    if given["base"] is not None:
        raise click.UsageError("`--recipe` takes a directory or an archive, no mtree file")


def recipe_image(rootfs: str | Readable, given: Mapping[str, Any], options: LayerOptions) -> Image:
    """Follow the recipe that a command was given. Raises `click.UsageError` for wrong details."""
    recipe = RECIPES[given["recipe"]]
    try:
        details = recipe.arguments(dict(given["details"]))
    except InvalidArgumentError as error:
        raise click.UsageError(f"`--set`: {error}") from error
    return recipe.make(
        rootfs, platform=given["platform"], created=given["created"], **details, **options
    )


class _Group(Examples, click.Group):
    """The two verbs, with examples."""


@click.group("recipe", cls=_Group, examples=_EXAMPLES, context_settings=SETTINGS)
def recipe_command() -> None:
    """Look at the recipes of base images."""


@recipe_command.command("list", cls=Command)
def _list() -> None:
    """List the recipes."""
    width = max(map(len, RECIPES))
    for name, recipe in RECIPES.items():
        echo(f"{name:{width}}  {recipe.why}")


@recipe_command.command("show", cls=Command)
@click.argument("name", type=click.Choice(tuple(RECIPES)))
def _show(name: str) -> None:
    """Show what a recipe sets, as comments, and what it changes, as a file of edits."""
    echo(str(RECIPES[name]), end="")
