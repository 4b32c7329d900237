"""What `copy`, `push` and `pull` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import option, together
from fastlayer.cli.image_source import load, platform_option
from fastlayer.cli.options import json_option, progress_option
from fastlayer.cli.progress import meter
from fastlayer.cli.registry import registries_of, registry_options
from fastlayer.cli.result import check_result, format_option, show, tag_option
from fastlayer.errors import InvalidImageError, InvalidReferenceError, quoted
from fastlayer.image import Image
from fastlayer.image_index import Index
from fastlayer.location import open_place
from fastlayer.reference import Reference
from fastlayer.stored.image import StoredImage
from fastlayer.stored.tree import StoredIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastlayer.built import BuiltImage, BuiltIndex
    from fastlayer.destination import Output

__all__ = ["copy_image", "copy_options"]

_Item = tuple["Image | Index", tuple[str, ...], tuple[str, ...]]

copy_options: Final = together(
    platform_option,
    option("--all", "everything", section="Image", is_flag=True, help="All platforms and images."),
    tag_option,
    format_option,
    json_option,
    progress_option,
    registry_options,
)
"""The options of a copy."""


def copy_image(image: str, given: Mapping[str, Any]) -> None:
    """Copy an image, or with `everything` all that is there, and show what came out."""
    check_result(given)
    if given["everything"] and given["platform"] is not None:
        raise click.UsageError("`--all` and `--platform` exclude each other: give one")
    built: list[BuiltImage | BuiltIndex]
    with meter(given["progress"]):
        if given["everything"]:
            built = _copy_all(image, given)
        else:
            one = load(image, given)
            kept = one.origin.tags if one.origin else ()
            built = _write_all([(one, *_names(given, kept))], given)
    for each in built:
        show(each, given)


def _copy_all(source: str, given: Mapping[str, Any]) -> list[BuiltImage | BuiltIndex]:
    items: list[_Item] = []
    for stored, tags in open_place(source, registries_of(given)).everything():
        if isinstance(stored, StoredIndex):
            items.append((Index.of(stored), *_names(given, tags)))
        elif isinstance(stored, StoredImage):
            items.append((Image.of(stored), *_names(given, tags)))
    if not items:
        raise InvalidImageError(f"{quoted(source)} holds no image")
    if len(items) > 1 and _is_named(given):
        raise click.UsageError(
            f"{quoted(source)} holds {len(items)} images, which cannot all get the same name"
        )
    return _write_all(items, given)


def _write_all(items: list[_Item], given: Mapping[str, Any]) -> list[BuiltImage | BuiltIndex]:
    output: Output = given["output"]
    return output.write_all(items, given["format"], registries_of(given))


def _is_named(given: Mapping[str, Any]) -> bool:
    output: Output = given["output"]
    return bool(given["tags"] or output.name or output.tag)


def _names(
    given: Mapping[str, Any], kept: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keep the names that an image has, unless it gets others: references, and bare words.

    A word is what a layout calls an image, and stands for nothing elsewhere.
    """
    if _is_named(given):
        return tuple(given["tags"]), ()
    references = tuple(name for name in kept if _is_reference(name))
    return references, tuple(name for name in kept if name not in references)


def _is_reference(name: str) -> bool:
    try:
        return Reference.parse(name).tag is not None
    except InvalidReferenceError:
        return False
