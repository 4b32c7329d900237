"""`fastlayer flatten`: one layer instead of many."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.options import pack_options, packing_of
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show

__all__ = ["flatten_command"]

_HELP: Final = """\
Make one layer of all that the layers of IMAGE hold together; settings stay.

Files that an upper layer replaced or removed are gone; hard links across layers stay links.
"""

_EXAMPLES: Final = """\
fastlayer flatten app.tar -t app:flat -o flat.tar
fastlayer flatten oci:out:1 --compression zstd:19 -o oci:out:1-flat
"""


@click.command("flatten", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@platform_option
@pack_options
@result_options
def flatten_command(image: str, **given: Any) -> None:
    """Flatten what the arguments name."""
    check_result(given)
    with meter(given["progress"]) as shown:
        options = packing_of(given, ("gzip", None), shown.follow(image))
        built = deliver(load(image, given).flatten(**options), given)
    show(built, given)
