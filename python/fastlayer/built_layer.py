"""Layers that were made: what a manifest and a config need to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastlayer.descriptor import Described

if TYPE_CHECKING:
    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest

__all__ = ["BuiltLayer"]


@dataclass(frozen=True, slots=True)
class BuiltLayer(Described):
    """A layer whose blob was written: the facts that a manifest and a config need.

    Sizes are in bytes; `entries` counts the members of the tar. Both are not known of a blob that
    was copied.
    """

    descriptor: Descriptor
    diff_id: Digest
    uncompressed_size: int | None = None
    entries: int | None = None

    def record(self) -> dict[str, Any]:
        """Return the facts as plain JSON values, as `fastlayer layer --json` prints them."""
        return {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
            "diffID": str(self.diff_id),
            "uncompressedSize": self.uncompressed_size,
            "entries": self.entries,
        }
