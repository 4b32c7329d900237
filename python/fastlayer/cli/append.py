"""`fastlayer append`: more layers on an image."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show
from fastlayer.stored.image import StoredLayer

__all__ = ["append_command"]

_HELP: Final = """\
Put layers that are made already on top of IMAGE.

Each LAYER is a tar, plain or compressed with gzip or zstd, which is copied as it is, like the
layers of IMAGE. `fastlayer build --from IMAGE` makes new ones.
"""

_EXAMPLES: Final = """\
fastlayer layer build -o app.tar.zst --prefix /opt/app
fastlayer append debian.tar app.tar.zst -t app:1 -o app.tar

# One layer for many bases:
for base in 11 12; do
    fastlayer append oci:bases:$base app.tar.zst -t app:1-$base -o oci:apps
done
"""


@click.command("append", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@click.argument("layers", metavar="LAYER...", nargs=-1, required=True)
@platform_option
@result_options
def append_command(image: str, layers: tuple[str, ...], **given: Any) -> None:
    """Append what the arguments name."""
    check_result(given)
    with meter(given["progress"]):
        appended = load(image, given).append(*map(StoredLayer.load, layers))
        built = deliver(appended, given)
    show(built, given)
