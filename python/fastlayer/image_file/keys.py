"""The keys of an image file, and where each belongs."""

from __future__ import annotations

from typing import Final

from fastlayer.config import ConfigSettings
from fastlayer.image_file.recipe import KEYS as RECIPE
from fastlayer.options import LayerOptions

__all__ = ["CONFIG", "DEFAULTS", "LAYER", "OPTIONS", "PLACES", "SOURCES", "TOP"]

SOURCES: Final = ("rootfs", "archive", "directory", "files", "mtree", "diff", "overlay", "blob")
"""What a layer is made of: each has exactly one."""

OPTIONS: Final = tuple(
    name
    for name in LayerOptions.__annotations__
    # Threads are those of the image, and a file cannot be called.
    if name not in ("threads", "progress")
)
"""The options of a layer."""

DEFAULTS: Final = (
    *("compression", "level", "threads", "verify", "mtime", "clamp_mtime", "xattrs", "unmatched"),
)
"""The options that may stand above all layers, too."""

LAYER: Final = (*SOURCES, "base", *OPTIONS, "edit", "created_by", "comment")
"""The keys of `[[layer]]`."""

# Those of a whole image are no part of what containers run.
_OF_IMAGE: Final = ("created", "author")

CONFIG: Final = (
    *(name for name in ConfigSettings.__annotations__ if name not in _OF_IMAGE),
    "remove",
)
"""The keys of `[config]`."""

TOP: Final = (
    *("base", *RECIPE, "tags", "platforms", "output", "format", *_OF_IMAGE),
    *DEFAULTS,
    *("config", "annotations", "layer"),
)
"""The keys of the file itself."""

PLACES: Final = {
    **dict.fromkeys(CONFIG, "under `[config]`"),
    **dict.fromkeys(TOP, "at the top, before the first `[…]`"),
    # Some may stand at the top, too.
    **dict.fromkeys(set(LAYER) - set(DEFAULTS) - {"base"}, "under `[[layer]]`"),
}
"""Where a key belongs that is somewhere else."""
