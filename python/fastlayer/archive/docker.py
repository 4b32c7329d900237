"""The archive that loads everywhere: an OCI layout and Docker's `manifest.json` in one tar.

docker and skopeo's `docker-archive:` read `manifest.json`; containerd, podman and skopeo's
`oci-archive:` read `index.json`. Both tell of the same blobs, which are in the archive once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import msgspec

from fastlayer.archive.output import final_path, is_special, output_file
from fastlayer.archive.spool import identity, spooled
from fastlayer.archive.store import ArchiveStore, blob_path
from fastlayer.built import BuiltImage
from fastlayer.document import encode
from fastlayer.errors import (
    InvalidArgumentError,
    InvalidReferenceError,
    named,
    quoted,
)
from fastlayer.image import Image
from fastlayer.image_index import Index
from fastlayer.index import ImageIndex, ImageLayout
from fastlayer.platform import Platform
from fastlayer.stored.absent import AbsentBlob
from fastlayer.stored.choice import fitting
from fastlayer.stored.image import StoredLayer
from fastlayer.stored.tree import StoredIndex
from fastlayer.tags import annotations_for, parse_tags, repo_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.built import Buildable, BuiltIndex, BuiltT
    from fastlayer.media_type import Format
    from fastlayer.reference import Reference

    _T = TypeVar("_T", bound=Image | BuiltImage)

__all__ = ["save_archive"]


def save_archive(
    path: str | os.PathLike[str] | BinaryIO,
    images: Sequence[tuple[Buildable[BuiltT], Sequence[str]]],
    *,
    format: Format | None = None,  # noqa: A002
) -> list[BuiltT]:
    """Write images or indexes, each with its tags, into one archive; what they share is there once.

    A file appears complete or not at all. A stream gets the archive from a temporary file, since
    the names of members are known only after their content.

    Raises `InvalidArgumentError`, and `InvalidImageError` for layers that Docker would miss, before
    any work, and what `Image.build` raises.
    """
    tagged = [(image, parse_tags(tags)) for image, tags in images]
    _check(tagged, format)
    with _destination(path) as (descriptor, name, outputs):
        store = ArchiveStore(descriptor, name, outputs)
        built = [
            replace(
                image.build(store, format=format),
                tags=tuple(repo_tag(reference) for reference in references),
                output=name,
            )
            for image, references in tagged
        ]
        _add_documents(store, built, [references for _, references in tagged])
        store.close()
    return built


def _check(
    tagged: Sequence[tuple[Buildable[BuiltT], tuple[Reference, ...]]],
    format: Format | None,  # noqa: A002
) -> None:
    if not tagged:
        raise InvalidArgumentError("an archive needs at least one image")
    seen: set[Reference] = set()
    for image, references in tagged:
        image.check(format)
        _check_layers(_for_docker(list(_images(image))))
        if twice := seen.intersection(references):
            raise InvalidReferenceError(f"two images have the tag {quoted(twice.pop().familiar)}")
        seen.update(references)


def _add_documents(
    store: ArchiveStore,
    built: Sequence[BuiltImage | BuiltIndex],
    references: Sequence[tuple[Reference, ...]],
) -> None:
    store.add("oci-layout", encode(ImageLayout()))
    index = ImageIndex(
        manifests=tuple(
            msgspec.structs.replace(image.listed, annotations=annotations)
            for image, tags in zip(built, references, strict=True)
            for annotations in ([annotations_for(tag) for tag in tags] or [{}])
        )
    )
    store.add("index.json", encode(index))
    rows = [
        {
            "Config": blob_path(image.config.digest),
            "RepoTags": [repo_tag(tag) for tag in tags],
            "Layers": [blob_path(layer.digest) for layer in image.layers],
        }
        for image, tags in zip(map(_for_docker, map(_built_images, built)), references, strict=True)
        if image is not None
    ]
    store.add("manifest.json", msgspec.json.encode(rows))


def _images(item: object) -> Iterator[Image]:
    """Give all images of one or of an index, also of those in it, in their order."""
    if isinstance(item, Image):
        yield item
    elif isinstance(item, Index):
        for entry in item.entries:
            yield from _images(entry.content)
    elif isinstance(item, StoredIndex):
        yield from _images(Index.of(item))


def _built_images(built: BuiltImage | BuiltIndex) -> Sequence[BuiltImage]:
    return (built,) if isinstance(built, BuiltImage) else built.images


def _for_docker(images: Sequence[_T]) -> _T | None:
    """Choose the one image that `manifest.json` can tell of: the host's, or else the first."""
    _, found = fitting(images, Platform.host())
    return next(iter(found or images), None)


def _check_layers(image: Image | None) -> None:
    """Refuse what Docker could not load. In a layout a layer may be absent: readers of one know."""
    for layer in image.layers if image else ():
        if isinstance(layer, StoredLayer) and isinstance(layer.blob, AbsentBlob):
            raise layer.blob.refusal(
                "docker loads no archive without all layers, so write a layout (`oci:DIR`)"
            )


@contextmanager
def _destination(
    path: str | os.PathLike[str] | BinaryIO,
) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
    """Open what the archive is written to: descriptor, name, and files that are no input."""
    if not isinstance(path, str | os.PathLike):
        with spooled(path) as (descriptor, name):
            yield descriptor, name, identity(path)
        return
    if is_special(path):
        # A pipe or a device: written to, never replaced.
        with named(path), open(path, "wb") as stream, spooled(stream) as (descriptor, _):  # noqa: PTH123
            yield descriptor, os.fspath(path), identity(stream)
        return
    target = final_path(path)
    with output_file(target.parent) as file:
        yield file.fileno(), os.fspath(path), []
        file.commit(target)
