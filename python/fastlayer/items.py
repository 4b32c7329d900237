"""What a layer can be put together of: things from several places, each with a place of its own.

`Layer.from_items` takes them in order. Paths are bytes, in normal form or with a slash before them.
An item's policy says where it goes: `policy.prefix` is the exact place in the layer, the new name
included. Its patterns are asked as docker does while it walks: see `fastlayer.engine.Patterns`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from fastlayer.attribute import mode_bits, owner_ids, seconds
from fastlayer.errors import InvalidArgumentError
from fastlayer.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastlayer.stored.image import StoredLayer

__all__ = [
    "ArchiveItem",
    "BytesItem",
    "DirectoryItem",
    "HostItem",
    "Item",
    "LayersItem",
    "Opened",
    "terms_of",
]


@dataclass(frozen=True, slots=True)
class HostItem:
    """A file, link or directory of the host, and all that the directory holds.

    `path` is relative to the directory `root`, empty for that itself. No link on the way or inside
    is followed: who means what a link leads to says so. Sockets are left out with a
    `SourceWarning`; names of one inode below `path` are one file.

    `policy.exclude` is relative to `path`; `ignore` are lines of a `.dockerignore`, relative to
    `root`. With `contents`, a directory has no entry for itself, only for what is in it. The layer
    cannot be made (`OSError`) if nothing is there, or with `contents` no directory.
    """

    root: str
    path: bytes
    policy: Policy
    ignore: tuple[bytes, ...] = ()
    contents: bool = False


@dataclass(frozen=True, slots=True)
class BytesItem:
    """A regular file with this content, which belongs to root unless the policy says otherwise.

    `path` lies below `policy.prefix`, which may be empty. The time is the latest that the policy
    allows, or 0.
    """

    path: bytes
    content: bytes
    mode: int = 0o644
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class DirectoryItem:
    """A directory at exactly this place. `mtime` is in seconds since 1970.

    Without `mtime` it has the time of parents that nothing names: 0, or `SOURCE_DATE_EPOCH`, which
    no other time is later than.
    """

    path: bytes
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)
    mtime: int | None = None


@dataclass(frozen=True, slots=True)
class LayersItem:
    """What stays at `path` when the layers, the lowest first, are applied; empty for all of it.

    No link is followed: `Tree.resolve` does that. `policy.exclude` is relative to `path`. With
    `contents`, a directory has no entry for itself. The layer cannot be made
    (`UnsupportedEntryError`) if nothing is there, or with `contents` no directory.
    """

    layers: tuple[StoredLayer, ...]
    path: bytes
    policy: Policy
    contents: bool = False


@dataclass(frozen=True, slots=True)
class ArchiveItem:
    """All entries of a tar file, plain or compressed, as unpacking it would leave them.

    Entries below a directory that is a symbolic link in the ground, and that the archive itself has
    no entry for, go where the link leads.
    """

    path: str
    policy: Policy


Item: TypeAlias = HostItem | BytesItem | DirectoryItem | LayersItem | ArchiveItem

Opened: TypeAlias = "dict[int, StoredLayer]"
"""Stored layers by their identity, in the order in which they have to be opened."""


def terms_of(items: Iterable[Item]) -> tuple[list[StoredLayer], list[tuple[Any, ...]]]:
    """Return the stored layers that items need, each once, and the items in the core's terms.

    Raises `InvalidArgumentError` for what is no item, and for numbers out of their range.
    """
    opened: Opened = {}
    terms = [_terms(item, opened) for item in items]
    return list(opened.values()), terms


def _terms(item: Item, opened: Opened) -> tuple[Any, ...]:
    match item:
        case HostItem():
            return ("host", item.root, item.path, item.policy, item.ignore, item.contents)
        case BytesItem():
            return ("bytes", item.path, item.content, mode_bits(item.mode), item.policy)
        case DirectoryItem():
            mtime = None if item.mtime is None else seconds("mtime", item.mtime)
            owner = owner_ids(item.owner)
            return ("directory", item.path, mode_bits(item.mode), owner, mtime)
        case ArchiveItem():
            return ("archive", item.path, item.policy)
        case LayersItem():
            opened |= {id(layer): layer for layer in item.layers}
            places = {key: place for place, key in enumerate(opened)}
            layers = [places[id(layer)] for layer in item.layers]
            return ("layers", layers, item.path, item.policy, item.contents)
        case _:
            raise InvalidArgumentError(f"an item is a `{type(item).__name__}`")
