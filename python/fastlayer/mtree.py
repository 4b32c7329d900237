"""Trees as text, in the form of mtree(5).

`Layer.from_mtree` is the way back: from a description to the layer that it describes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from fastlayer import engine
from fastlayer.errors import InvalidArgumentError, quoted, warn_of

if TYPE_CHECKING:
    from fastlayer.engine import Progress

__all__ = ["describe"]


def describe(
    path: str | os.PathLike[str],
    *,
    digests: bool = True,
    xattrs: Literal["keep", "none"] = "keep",
    progress: Progress | None = None,
) -> str:
    """Describe what a layer of `path` holds: of a directory, or of a tar, compressed or not.

    The text is ASCII, with one line for each entry, sorted as a layer is. Without `digests`, no
    SHA-256 of content is in it, and the files of a directory are not read. `xattrs` is `"keep"`
    or `"none"`. `progress` is called with the bytes done, and in all once that is known.

    A socket is left out with a `SourceWarning`. Raises `SourceError` for what no layer can hold or
    what changes while it is read, and `OSError`.
    """
    if xattrs not in ("keep", "none"):
        raise InvalidArgumentError(f"`xattrs` is {quoted(xattrs)}: expected `keep` or `none`")
    text, left_out = engine.describe_tree(
        os.fsdecode(path), digests=digests, drop_xattrs=xattrs == "none", progress=progress
    )
    warn_of(left_out)
    return text.decode("ascii")
