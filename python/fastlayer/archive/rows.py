"""Docker's `manifest.json`: the images of an archive, each a row."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 (msgspec reads the annotations)
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fastlayer.document import decode
from fastlayer.errors import InvalidImageError
from fastlayer.stored.blob import read_blob
from fastlayer.stored.listing import familiar

if TYPE_CHECKING:
    from fastlayer.archive.members import Members

__all__ = ["ArchiveRow", "archive_rows"]

_MAX_ROWS_SIZE: Final = 1 << 20


class ArchiveRow(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One image of Docker's `manifest.json`: paths in the archive, and its tags."""

    config: str
    repo_tags: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    unknown: Mapping[str, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What it can be asked for by."""
        return self.tags

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, in their short form."""
        return tuple(map(familiar, self.repo_tags))


def archive_rows(members: Members) -> tuple[ArchiveRow, ...]:
    """Read `manifest.json`.

    Raises `InvalidImageError` if it is missing, has no rows or breaks its form, and `OSError`.
    """
    content = read_blob(members.find("manifest.json"), limit=_MAX_ROWS_SIZE)
    rows = decode(content, list[ArchiveRow], what="`manifest.json`")
    if not rows:
        raise InvalidImageError("`manifest.json`: lists no image")
    return tuple(rows)
