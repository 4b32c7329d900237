"""`fastlayer rewrite`: other times, owners and modes in the layers of an image."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.edits import edit_options, edits_of
from fastlayer.cli.image_source import IMAGES, load
from fastlayer.cli.options import layer_options, options_of
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show
from fastlayer.cli.settings import image_options, with_settings

__all__ = ["rewrite_command"]

_HELP: Final = """\
Write every entry in the layers of IMAGE anew, with the options of layers and with edits.

Whiteouts stay whiteouts, and every layer its compression unless another one is asked for. All
layers get all options, so they suit times, owners and modes best.
"""

_EXAMPLES: Final = """\
# The same bytes from whoever built it:
fastlayer rewrite app.tar --mtime 0 --created 1970-01-01T00:00:00Z -t app:1 -o app-fixed.tar

# No later than a commit:
fastlayer rewrite oci:out:1 --mtime clamp:2025-04-18T00:00:00Z --owner 0:0 -o oci:out:2
"""


@click.command("rewrite", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@layer_options
@edit_options
@image_options
@result_options
@click.pass_context
def rewrite_command(context: click.Context, /, image: str, **given: Any) -> None:
    """Rewrite what the arguments name."""
    check_result(given)
    with meter(given["progress"]) as shown:
        options = options_of(given, ("gzip", None), shown.follow(image))
        options.update(edits_of(context))
        if given["compression"] is None:
            del options["compression"], options["level"]
        rewritten = load(image, given).rewrite(**options)
        built = deliver(with_settings(rewritten, given), given)
    show(built, given)
