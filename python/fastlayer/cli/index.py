"""`fastlayer index`: images for several platforms under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.image_source import IMAGES
from fastlayer.cli.progress import meter
from fastlayer.cli.registry import registries_of
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show
from fastlayer.cli.values import key_value
from fastlayer.image import Image
from fastlayer.image_index import Index

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["index_command"]

_HELP: Final = """\
Make an index of images, each for the platform that its config says, or change one.

With --from, images are added to those of an index, after what is to be removed.
"""

_EXAMPLES: Final = """\
fastlayer index amd64.tar arm64.tar -t app:1 -o app.tar
fastlayer index --from oci:out:1 --remove linux/arm64 new-arm64.tar -o oci:out:2
fastlayer index --from app.tar --annotation org.opencontainers.image.version=2 -o oci:out:2
"""


@click.command("index", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("images", metavar="[IMAGE...]", nargs=-1)
@option("--from", "origin", section="Index", metavar="INDEX", help="Begin with this index.")
@option(
    "--remove",
    section="Index",
    metavar="OS/ARCH[/VARIANT]",
    multiple=True,
    help="Without the image for exactly this platform.",
)
@option(
    "--annotation",
    section="Index",
    metavar="KEY=VALUE",
    type=key_value,
    multiple=True,
    help="An annotation of the index (format oci).",
)
@result_options
def index_command(images: tuple[str, ...], **given: Any) -> None:
    """Make what the arguments describe."""
    check_result(given)
    if not images and given["origin"] is None:
        raise click.UsageError("an index needs images: name them, or an index with `--from`")
    with meter(given["progress"]):
        index = (
            Index()
            if given["origin"] is None
            else Index.load(given["origin"], registries=registries_of(given))
        )
        for platform in given["remove"]:
            index = index.remove(platform)
        index = index.append(*(_load(image, given) for image in images))
        built = deliver(index.with_annotations(dict(given["annotation"])), given)
    show(built, given)


def _load(source: str, given: Mapping[str, Any]) -> Image:
    return Image.load(source, registries=registries_of(given))
