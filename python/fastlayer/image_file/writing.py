"""An image or index to all its outputs: made once, then copied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from fastlayer.archive.output import is_special
from fastlayer.image import Image
from fastlayer.image_index import Index
from fastlayer.location import open_place
from fastlayer.stored.listing import Listed
from fastlayer.stored.tree import StoredIndex, read_stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.built import Buildable, BuiltImage, BuiltIndex
    from fastlayer.destination import Output
    from fastlayer.media_type import Format
    from fastlayer.registries import Registries
    from fastlayer.stored.image import StoredImage

__all__ = ["write_all"]


def write_all(
    described: Buildable[BuiltImage | BuiltIndex],
    outputs: Sequence[Output],
    tags: Sequence[str],
    format: Format | None,  # noqa: A002
    registries: Registries,
) -> list[BuiltImage | BuiltIndex]:
    """Write to each output, and return what came out in their order.

    Layers are made for the first file or layout; the others get copies of what is there. A
    registry takes those tags that are of its repository. Raises what the sinks raise.
    """
    described.check(format)
    built: dict[int, BuiltImage | BuiltIndex] = {}
    first: BuiltImage | BuiltIndex | None = None
    for number, output in sorted(enumerate(outputs), key=lambda item: item[1].kind == "registry"):
        made = output.write(described, output.taken(tags), format, registries)
        if first is not None:
            # A copy does not know the sizes and numbers that are known where layers are made.
            made = replace(first, tags=made.tags, output=made.output)
        elif _can_be_read(output):
            first, described = made, _read_back(output, made)
        built[number] = made
    return [built[number] for number in range(len(outputs))]


def _can_be_read(output: Output) -> bool:
    return output.kind == "layout" or (output.kind == "archive" and not is_special(output.path))


def _read_back(
    output: Output, built: BuiltImage | BuiltIndex
) -> Buildable[BuiltImage | BuiltIndex]:
    transport = "oci" if output.kind == "layout" else "oci-archive"
    contents = open_place(f"{transport}:{output.path}")
    stored = read_stored(contents, Listed(built.descriptor, ()))
    if isinstance(stored, StoredIndex):
        return Index.of(stored)
    return Image.of(cast("StoredImage", stored))  # which it was when it was written
