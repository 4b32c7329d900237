"""The checks of `-o` that only a command line needs, and where a single layer goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from fastlayer.cli.values import checked
from fastlayer.destination import STDOUT, Output, check_file, stdout

if TYPE_CHECKING:
    from fastlayer.built_layer import BuiltLayer
    from fastlayer.layer import Layer

__all__ = ["check_stdout", "layer_output", "parse_output", "save_layer"]

parse_output: Final = checked(Output.parse)
"""Read `-o`. Raises `click.BadParameter`."""


@checked
def layer_output(text: str) -> str:
    """Read `-o` of a layer. Raises `click.BadParameter`."""
    if text != STDOUT:
        check_file(text, "name a file in it")
    return text


def check_stdout(*, used: bool, as_json: bool) -> None:
    """Refuse to mix an archive with a record, or to show it to a person."""
    if not used:
        return
    if as_json:
        raise click.UsageError("`--json` and `-o -` both write to stdout: choose one of them")
    if stdout().isatty():
        raise click.UsageError("stdout is a terminal: redirect it, or name a file with `-o`")


def save_layer(layer: Layer, output: str) -> BuiltLayer:
    """Write a layer's blob to a file or to stdout. Raises what `Layer.build` raises."""
    return layer.save(stdout() if output == STDOUT else output)
