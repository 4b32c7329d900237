"""`fastlayer unpack`: the file system of an image as a directory."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.options import progress_option
from fastlayer.cli.progress import meter
from fastlayer.cli.registry import registry_options

__all__ = ["unpack_command"]

_HELP: Final = """\
Make DIRECTORY what containers of IMAGE see: all layers applied, whiteouts carried out.

Owners are those of the image, which takes root, or a user namespace. DIRECTORY may exist if it is
empty, and neither a mount point nor the current one. Nothing is made outside of it, whatever the
image holds.
"""

_EXAMPLES: Final = """\
sudo fastlayer unpack app.tar rootfs
unshare --user --map-root-user --map-auto fastlayer unpack docker://debian:12 rootfs
"""


@click.command("unpack", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}")
@click.argument("image", metavar="IMAGE")
@click.argument("directory", metavar="DIRECTORY", type=click.Path())
@platform_option
@progress_option
@registry_options
def unpack_command(image: str, directory: str, **given: Any) -> None:
    """Unpack what the arguments name."""
    with meter(given["progress"]) as shown:
        load(image, given).unpack(directory, progress=shown.follow(image))
