"""`fastlayer copy`: images from one place to another."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.copying import copy_image, copy_options
from fastlayer.cli.image_source import IMAGES
from fastlayer.cli.output import parse_output
from fastlayer.cli.result import OUTPUTS

__all__ = ["copy_command"]

_HELP: Final = """\
Copy IMAGE to OUTPUT. Layers and documents keep their bytes, and so the image its digest.

Of an index with images for several platforms, one is copied; --all copies the index with all of
them, and every image of an archive or layout. Without a name in OUTPUT or in --tag, an image keeps
those that it has.
"""

_EXAMPLES: Final = """\
fastlayer copy debian.tar oci:images:12
fastlayer copy oci:images:app docker-archive:app-arm64.tar:app:1 --platform linux/arm64
fastlayer copy --all oci:images oci:backup
fastlayer copy docker://debian:12 debian.tar
fastlayer copy --all docker://registry.example/app:1 docker://localhost:5000/app:1
"""


@click.command("copy", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@click.argument("output", metavar="OUTPUT", type=parse_output)
@copy_options
def copy_command(image: str, **given: Any) -> None:
    """Copy what the arguments name."""
    copy_image(image, given)
