"""Layers of root file systems, in whatever form they come."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from fastlayer.errors import named
from fastlayer.layer import Layer

if TYPE_CHECKING:
    from fastlayer.options import LayerOptions

__all__ = ["is_mtree", "rootfs_layer"]

# How an mtree file begins. So may a tar, whose first 512 bytes have a NUL in them.
_MTREE: Final = b"#mtree"
_HEADER: Final = 512


def rootfs_layer(source: str, base: str | None, options: LayerOptions) -> Layer:
    """Describe the layer of a directory, an mtree file, whose contents `base` has, or an archive.

    Raises `OSError` if there is no such source.
    """
    if stat.S_ISDIR(os.stat(source).st_mode):  # noqa: PTH116 (names what is missing as given)
        return Layer.from_directory(source, **options)
    if is_mtree(source, base):
        return Layer.from_mtree(source, base=base, **options)
    return Layer.from_archive(source, **options)


def is_mtree(path: str, base: str | None) -> bool:
    """Tell by the content, or by the suffix: not every tool writes the first line.

    A pipe is not looked into; it is one if there is a base. Raises `OSError`.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116
    if not stat.S_ISREG(mode):
        return base is not None and not stat.S_ISDIR(mode)
    with named(path), open(path, "rb") as file:  # noqa: PTH123 (named as it was given)
        start = file.read(_HEADER)
    return path.endswith(".mtree") or (start.startswith(_MTREE) and b"\0" not in start)
