"""`fastlayer push`: an image to a registry."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.copying import copy_image, copy_options
from fastlayer.cli.image_source import IMAGES
from fastlayer.destination import Output
from fastlayer.location import DOCKER

__all__ = ["push_command"]

_HELP: Final = """\
Send IMAGE to a registry, as NAME[:TAG]. Layers and documents keep their bytes.

What the registry has is not sent again. `fastlayer build -o docker://NAME` sends layers while they
are made.
"""

_EXAMPLES: Final = """\
fastlayer push app.tar registry.example/team/app:1
fastlayer push --all oci:out:1 localhost:5000/app:1
"""


@click.command("push", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}")
@click.argument("image", metavar="IMAGE")
@click.argument("reference", metavar="NAME[:TAG]")
@copy_options
def push_command(image: str, reference: str, **given: Any) -> None:
    """Push what the arguments name."""
    output = Output.parse(DOCKER + reference.removeprefix(DOCKER))
    copy_image(image, {**given, "output": output})
