"""`fastlayer recompress`: the same layers in another compression."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.options import pack_options, packing_of
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show

__all__ = ["recompress_command"]

_HELP: Final = """\
Compress the layers of IMAGE anew; what is in them stays, byte for byte, and so do the diff_ids.

A layer that is compressed as asked for already is copied, unless a level is given.
"""

_EXAMPLES: Final = """\
fastlayer recompress app.tar --compression zstd -t app:1 -o app-zstd.tar
fastlayer recompress oci:out:1 --compression zstd:19 -o oci:small:1
"""


@click.command("recompress", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@platform_option
@pack_options
@result_options
def recompress_command(image: str, **given: Any) -> None:
    """Recompress what the arguments name."""
    check_result(given)
    with meter(given["progress"]) as shown:
        options = packing_of(given, ("gzip", None), shown.follow(image))
        built = deliver(load(image, given).recompress(**options), given)
    show(built, given)
