"""What is there when layers are applied: entries without content, asked by path.

    tree = Tree()
    for layer in image.layers:
        tree.apply(layer)
    tree.entry(tree.resolve("/lib/os-release"))

A tree is made for what has to be known of the layers below before one is described: whether a
destination is a directory, where a link leads, whose a name in `/etc/passwd` is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastlayer import engine
from fastlayer.attribute import name_bytes
from fastlayer.layer import Layer
from fastlayer.stored.blob import verified_layer

if TYPE_CHECKING:
    from fastlayer.stored.image import StoredLayer

__all__ = ["Tree", "TreeEntry"]

Path = str | bytes | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry of a tree. A hard link is what it links to.

    `kind` is `"file"`, `"directory"`, `"symlink"`, `"fifo"`, `"char"` or `"block"`; `size` counts
    bytes of a file's content, `mtime` seconds since 1970; `link` is the target of a symbolic link,
    byte for byte. The path of the root is empty.
    """

    path: bytes
    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    link: bytes | None

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.kind == "directory"


class Tree:
    """What is there when layers are applied; at first nothing but the root, as in `scratch`.

    Paths are text or bytes, with or without a slash before them, and may hold `.` parts. All but
    `resolve` take them as they are: no link is followed, and `..` is an `InvalidArgumentError`.
    """

    def __init__(self) -> None:
        self._tree = engine.Tree()

    def copy(self) -> Tree:
        """Return a tree that goes on from here by itself; the entries are shared until then."""
        copy = Tree()
        copy._tree = self._tree.copy()
        return copy

    @property
    def ground(self) -> engine.Tree:
        """What is there now, for layers that will lie above it: later layers do not change it."""
        return self._tree.copy()

    def apply(self, layer: Layer | StoredLayer) -> None:
        """Apply the next layer; after an error what is there is not known.

        A stored layer is read once to verify it, and once for its headers. A described one has the
        entries that it would have if it were made now: trees and files are planned without reading
        their content, an archive is decoded. Raises `InvalidArgumentError` for a stream, which
        would be gone, and what making or loading the layer raises.

        Where the parent of an entry is a symbolic link to a directory, the entry goes there, as
        engines have it.
        """
        if isinstance(layer, Layer):
            layer.apply_to(self._tree)
            return
        with verified_layer(layer) as stretch:
            self._tree.apply_blob(stretch)

    def entry(self, path: Path) -> TreeEntry | None:
        """Return what is at exactly this path, as `lstat` does; the root is always there."""
        facts = self._tree.entry(name_bytes(path))
        return None if facts is None else TreeEntry(*facts)

    def resolve(self, path: Path, *, follow_last: bool = True) -> bytes:
        """Return the path without links, `.` and `..`, as it is for a process in this root.

        Absolute links begin at the root, `..` stops there, and what is missing stays as it is.
        Without `follow_last`, a link at the very end stays. Raises `SourceError` for more than 255
        links, which lead in a circle, for one of 4096 bytes or more, which no kernel has, and for
        more than 8192 bytes of all these together.
        """
        return self._tree.resolve(name_bytes(path), follow_last=follow_last)

    def children(self, directory: Path) -> list[bytes]:
        """List the names in a directory in bytewise order; none if there is no such directory."""
        return self._tree.children(name_bytes(directory))

    def content(self, path: Path) -> bytes | None:
        """Return the content of `etc/passwd` or `etc/group`, regular files of at most 1 MiB.

        `None` for every other file.
        """
        return self._tree.content(name_bytes(path))
