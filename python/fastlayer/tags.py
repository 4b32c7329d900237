"""Tags of images that are being written: parsed before any work, told the same to every reader."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from fastlayer.errors import InvalidReferenceError, quoted
from fastlayer.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IMAGE_NAME", "REF_NAME", "annotations_for", "check_ref_name", "parse_tags", "repo_tag"]

_COMPONENT = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_REF_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")

REF_NAME = "org.opencontainers.image.ref.name"
"""The tag, in an index.json (image-spec, annotations.md)."""

IMAGE_NAME = "io.containerd.image.name"
"""The whole reference, in an index.json; containerd imports nothing by name without it."""


def parse_tags(tags: Iterable[str]) -> tuple[Reference, ...]:
    """Parse the references that an image gets; one without a tag means `latest`.

    Raises `InvalidReferenceError`, also for a digest, which nothing can be tagged with.
    """
    if isinstance(tags, str):
        raise InvalidReferenceError(f"`tags` must be a list, got text: write `[{tags!r}]`")
    references = []
    for tag in tags:
        reference = Reference.parse(tag)
        if reference.digest:
            raise InvalidReferenceError(f"{quoted(tag)} has a digest, which cannot be a tag")
        references.append(reference.with_default_tag())
    return tuple(dict.fromkeys(references))


def annotations_for(reference: Reference) -> dict[str, str]:
    """Annotations of the index.json entry that gives an image this tag."""
    return {IMAGE_NAME: str(reference), REF_NAME: reference.tag or ""}


def check_ref_name(name: str) -> None:
    """Raise `InvalidReferenceError` for what no layout may call an image (annotations.md)."""
    if not _REF_NAME.fullmatch(name):
        raise InvalidReferenceError(
            f"{quoted(name)} is not a name for an image in a layout, such as `12` or `stable`"
        )


def repo_tag(reference: Reference) -> str:
    """Write the tag as people know it: `custom/hello:latest`; the whole where that is not clear."""
    short = reference.familiar
    with suppress(InvalidReferenceError):
        if Reference.parse(short) == reference:
            return short
    return str(reference)
