"""`fastlayer copy`: images from one place to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.options import json_option, progress_option
from fastlayer.cli.output import Output
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, show
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.image import Image
from fastlayer.image_index import Index
from fastlayer.location import read_all
from fastlayer.stored.image import StoredImage
from fastlayer.stored.tree import StoredIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastlayer.built import BuiltImage, BuiltIndex

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
"""


@click.command("copy", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@click.argument("output", metavar="OUTPUT", type=Output.parse)
@platform_option
@option("--all", "everything", section="Image", is_flag=True, help="All platforms and images.")
@option(
    "-t",
    "--tag",
    "tags",
    section="Output",
    metavar="NAME[:TAG]",
    multiple=True,
    help="A name of the image there.",
)
@option(
    "--format",
    section="Output",
    type=click.Choice(["oci", "docker"]),
    help="Other media types than the image has; that changes its digest.",
)
@json_option
@progress_option
def copy_command(image: str, *, everything: bool, **given: Any) -> None:
    """Copy what the arguments name."""
    check_result(given)
    if everything and given["platform"] is not None:
        raise click.UsageError("`--all` and `--platform` exclude each other: give one")
    with meter(given["progress"]):
        if everything:
            built = _copy_all(image, given)
        else:
            one = load(image, given)
            kept = one.origin.tags if one.origin else ()
            built = [deliver(one, {**given, "tags": _names(given, kept)})]
    for each in built:
        show(each, given)


def _copy_all(source: str, given: Mapping[str, Any]) -> list[BuiltImage | BuiltIndex]:
    items: list[tuple[Image | Index, tuple[str, ...]]] = []
    for stored, tags in read_all(source):
        if isinstance(stored, StoredIndex):
            items.append((Index.of(stored), _names(given, tags)))
        elif isinstance(stored, StoredImage):
            items.append((Image.of(stored), _names(given, tags)))
    if not items:
        raise InvalidImageError(f"{quoted(source)} holds no image")
    if len(items) > 1 and _is_named(given):
        raise click.UsageError(
            f"{quoted(source)} holds {len(items)} images, which cannot all get the same name"
        )
    output: Output = given["output"]
    return output.write_all(items, given["format"])


def _is_named(given: Mapping[str, Any]) -> bool:
    output: Output = given["output"]
    return bool(given["tags"] or output.name or output.tag)


def _names(given: Mapping[str, Any], kept: tuple[str, ...]) -> tuple[str, ...]:
    """Keep the names that an image has, unless it gets others."""
    return tuple(given["tags"]) if _is_named(given) else kept
