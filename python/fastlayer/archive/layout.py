"""OCI layout directories (image-spec, image-layout.md), safe for several writers at once.

A blob appears by rename; `index.json` is replaced as the last step, under a lock on the folder.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fastlayer.archive.layout_store import locked, writing
from fastlayer.archive.members import LayoutMembers
from fastlayer.archive.output import replace_file
from fastlayer.document import decode, encode
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.index import ImageIndex, ImageLayout
from fastlayer.tags import REF_NAME, annotations_for, check_ref_name, parse_tags, repo_tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.built import Buildable, BuiltImage, BuiltIndex, BuiltT
    from fastlayer.descriptor import Descriptor
    from fastlayer.media_type import Format

__all__ = ["write_layout"]


def write_layout(
    directory: str | os.PathLike[str],
    image: Buildable[BuiltT],
    *,
    tags: Sequence[str] = (),
    names: Sequence[str] = (),
    format: Format | None = None,  # noqa: A002
) -> BuiltT:
    """Add an image or index to the layout in `directory`; both are made where they do not exist.

    The layout knows an image by the last part of each tag, and by `names`. Blobs that are there
    are not written again. An image that had one of these names loses it.

    Raises `InvalidArgumentError` before any work, `InvalidImageError` for a folder with something
    else in it, and what `Image.build` raises.
    """
    references = parse_tags(tags)
    entries = {reference.tag: annotations_for(reference) for reference in references}
    if len(entries) < len(references):
        raise InvalidArgumentError("a layout knows an image by its tag only: two are the same")
    for name in names:
        check_ref_name(name)
        entries.setdefault(name, {REF_NAME: name})
    image.check(format)
    root = Path(directory)
    with writing(root) as store, store.marked():
        built = replace(
            image.build(store, format=format),
            tags=tuple(repo_tag(reference) for reference in references),
            output=os.fspath(directory),
        )
        # Others that change the index wait.
        with locked(root, fcntl.LOCK_EX):
            if not (root / "oci-layout").exists():
                replace_file(root / "oci-layout", encode(ImageLayout()))
            index = _with_image(_read_index(root), built, list(entries.values()))
            replace_file(root / "index.json", encode(index))
    return built


def _read_index(root: Path) -> ImageIndex:
    members = LayoutMembers(os.fspath(root))
    if "index.json" not in members:
        return ImageIndex(manifests=())
    return decode(members.read("index.json"), ImageIndex, what=quoted(root / "index.json"))


def _with_image(
    index: ImageIndex, built: BuiltImage | BuiltIndex, entries: Sequence[dict[str, str]]
) -> ImageIndex:
    """Put the image at the end of the index, in place of what has one of its names."""
    names = {annotations[REF_NAME] for annotations in entries}
    target = built.listed
    new = [msgspec.structs.replace(target, annotations=annotations) for annotations in entries] or [
        target
    ]
    kept = [
        descriptor
        for descriptor in index.manifests
        if descriptor.annotations.get(REF_NAME) not in names and not _same(descriptor, target)
    ]
    return msgspec.structs.replace(index, manifests=(*kept, *new))


def _same(descriptor: Descriptor, target: Descriptor) -> bool:
    """Whether the entry is the image without a tag: a new one, tagged or not, says more."""
    return descriptor.digest == target.digest and REF_NAME not in descriptor.annotations
