"""The options that say where an image goes, and what is said when it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fastlayer.built import BuiltImage
from fastlayer.cli.command import option, together
from fastlayer.cli.options import json_option, progress_option
from fastlayer.cli.output import check_stdout, parse_output
from fastlayer.cli.registry import registries_of, registry_options
from fastlayer.cli.summary import print_record, show_image, show_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastlayer.built import Buildable, BuiltIndex, BuiltT
    from fastlayer.destination import Output

__all__ = [
    "OUTPUTS",
    "check_result",
    "deliver",
    "format_option",
    "optional_result_options",
    "result_options",
    "show",
    "tag_option",
]

_F = TypeVar("_F", bound="Callable[..., Any]")

OUTPUTS: Final = """\
\b
OUTPUT is one of
  FILE                            an archive that docker, podman, ctr and skopeo load
  docker-archive:FILE[:NAME:TAG]  the same, as skopeo writes it
  oci-archive:FILE[:NAME:TAG]     the same
  oci:DIR[:TAG]                   an OCI layout, made or added to
  docker://NAME[:TAG]             a repository in a registry
  -                               the archive on stdout
"""

tag_option: Final = option(
    "-t",
    "--tag",
    "tags",
    section="Output",
    metavar="NAME[:TAG]",
    multiple=True,
    help="A name of the image.",
)

format_option: Final = option(
    "--format",
    section="Output",
    type=click.Choice(["oci", "docker"]),
    help="Media types of the image; by default those that it has, or oci.",
)


def _output_option(*, required: bool) -> Callable[[_F], _F]:
    return option(
        "-o",
        "--output",
        section="Output",
        metavar="OUTPUT",
        type=parse_output,
        required=required,
        help="Where the image goes; see above.",
    )


_OPTIONS: Final = (
    tag_option,
    format_option,
    json_option,
    progress_option,
    option(
        "--spool",
        section="Output",
        is_flag=True,
        help="Keep a copy of layers in a temporary file while they are sent and made, so that an "
        "upload that the registry loses can be begun again.",
    ),
)


result_options: Final = together(registry_options, _output_option(required=True), *_OPTIONS)
"""The options of what comes out: `output`, `tags`, `format`, `as_json`, and of registries."""

optional_result_options: Final = together(
    registry_options, _output_option(required=False), *_OPTIONS
)
"""These options, where a file may say the output instead."""


def check_result(given: Mapping[str, Any]) -> None:
    """Refuse an output that is missing or cannot be, before any work. Raises `click.UsageError`."""
    if given["output"] is None:
        context = click.get_current_context()
        (param,) = (one for one in context.command.params if one.name == "output")
        raise click.MissingParameter(ctx=context, param=param)
    check_stdout(used=given["output"].kind == "stdout", as_json=given["as_json"])


def deliver(image: Buildable[BuiltT], given: Mapping[str, Any]) -> BuiltT:
    """Build the image or index where the options say. Raises what its sink raises."""
    output: Output = given["output"]
    registries = registries_of(given)
    return output.write(image, given["tags"], given["format"], registries)


def show(built: BuiltImage | BuiltIndex, given: Mapping[str, Any]) -> None:
    """Print what came out: a record, or lines for people."""
    if given["as_json"]:
        print_record(built.record())
    elif isinstance(built, BuiltImage):
        show_image(built, given["output"])
    else:
        show_index(built, given["output"])
