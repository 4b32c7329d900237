"""`fastlayer export`: the file system of an image as one tar."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.options import json_option, progress_option
from fastlayer.cli.output import check_stdout, layer_output
from fastlayer.cli.progress import meter
from fastlayer.cli.registry import registry_options
from fastlayer.cli.summary import print_record, show_layer
from fastlayer.destination import STDOUT, stdout

__all__ = ["export_command"]

_HELP: Final = """\
Write what containers of IMAGE see as one plain tar: all layers applied, whiteouts carried out.

Entries come in the order of the layers: let tar set the times of directories at the end.
"""

_EXAMPLES: Final = """\
fastlayer export app.tar -o rootfs.tar
fastlayer export oci:out:1 -o - | tar -C rootfs -x --delay-directory-restore
"""


@click.command("export", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}")
@click.argument("image", metavar="IMAGE")
@platform_option
@option(
    "-o",
    "--output",
    section="Output",
    metavar="FILE",
    type=layer_output,
    required=True,
    help="The tar, or - for stdout.",
)
@json_option
@progress_option
@registry_options
def export_command(
    image: str,
    output: str,
    as_json: bool,  # noqa: FBT001
    **given: Any,
) -> None:
    """Export what the arguments name."""
    to_stdout = output == STDOUT
    check_stdout(used=to_stdout, as_json=as_json)
    with meter(given["progress"]) as shown:
        target = stdout() if to_stdout else output
        built = load(image, given).export(target, progress=shown.follow(image))
    if as_json:
        print_record({**built.record(), "output": output})
    else:
        show_layer(built, "stdout" if to_stdout else output, to_stderr=to_stdout)
