"""The door to the compiled core: the only module that imports `_core`.

Two crossings per layer: a description goes in, a record comes out. Errors come out as the
exceptions of `fastlayer.errors`, or as `OSError` with `errno` and `filename`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fastlayer._core import (
    LayerQueue,
    LayerRecord,
    MemberRecord,
    Patterns,
    ScanRecord,
    Tree,
    check_edit,
    check_items,
    check_layer,
    compare_trees,
    describe_tree,
    holds_tar,
    list_members,
    member_header,
    pick_members,
    remove_tree,
    scan_layer,
    unpack_layers,
)

__all__ = [
    "LayerQueue",
    "LayerRecord",
    "MemberRecord",
    "Patterns",
    "Progress",
    "ScanRecord",
    "Tree",
    "check_edit",
    "check_items",
    "check_layer",
    "compare_trees",
    "describe_tree",
    "holds_tar",
    "list_members",
    "member_header",
    "pick_members",
    "remove_tree",
    "scan_layer",
    "unpack_layers",
]

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called up to fifty times a second with the bytes of tar done, and in all when that is known."""
