"""`fastlayer pull`: an image from a registry."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.copying import copy_image, copy_options
from fastlayer.cli.output import parse_output
from fastlayer.cli.result import OUTPUTS
from fastlayer.location import DOCKER

__all__ = ["pull_command"]

_HELP: Final = """\
Fetch the image NAME[:TAG] from a registry to OUTPUT. Layers and documents keep their bytes.
"""

_EXAMPLES: Final = """\
fastlayer pull debian:12 debian.tar
fastlayer pull registry.example/team/app:1 oci:images --platform linux/arm64
"""


@click.command("pull", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{OUTPUTS}")
@click.argument("reference", metavar="NAME[:TAG]")
@click.argument("output", metavar="OUTPUT", type=parse_output)
@copy_options
def pull_command(reference: str, **given: Any) -> None:
    """Pull what the arguments name."""
    copy_image(DOCKER + reference.removeprefix(DOCKER), given)
