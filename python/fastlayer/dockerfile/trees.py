"""What COPY may copy from, as a tree: one face for a directory of this machine and for layers.

Paths are bytes, relative to the root of the tree, which is `b""`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fastlayer import engine
from fastlayer.errors import DockerfileError, InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Entry", "HostTree", "KnownEntry", "Listing", "joined", "patterns", "resolved"]

# As many as BuildKit follows before it calls them a loop.
_MAX_LINKS = 255
# No kernel has a longer target, and no path of this tree needs more bytes with all its targets.
_MAX_TARGET = 4095
_MAX_BYTES = 8192


class Entry(Protocol):
    """What is at a path, itself and not what it links to."""

    @property
    def kind(self) -> str:
        """`"file"`, `"directory"`, `"symlink"` or something else."""

    @property
    def mode(self) -> int:
        """Permission, set-id and sticky bits."""

    @property
    def uid(self) -> int:
        """The owner."""

    @property
    def gid(self) -> int:
        """The group."""

    @property
    def mtime(self) -> int:
        """Whole seconds since 1970."""

    @property
    def link(self) -> bytes | None:
        """Where a symbolic link leads, as it is written."""


class Listing(Protocol):
    """Entries by their paths; no link on the way to one is followed."""

    def entry(self, path: bytes, /) -> Entry | None:
        """Return what is at `path`."""

    def children(self, directory: bytes, /) -> list[bytes]:
        """List the names in a directory, sorted; `entry` tells which of them are there."""


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry as such."""

    kind: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: bytes | None = None


def joined(directory: bytes, name: bytes) -> bytes:
    """Return the path of what is called `name` in a directory."""
    return b"/".join(filter(None, (directory, name)))


def patterns(lines: Sequence[bytes]) -> engine.Patterns:
    """Read patterns in the dialect of `.dockerignore`; `DockerfileError` names a bad one."""
    try:
        return engine.Patterns(lines)
    except InvalidArgumentError as error:
        raise DockerfileError(str(error)) from None


def resolved(entry: Callable[[bytes], Entry | None], path: bytes) -> bytes:
    """Follow the links on the way to `path` and at its end, as if the tree were all there is.

    `..` stops at the root. What is missing stays as it is written. Raises `DockerfileError` for
    links that lead in a circle, or farther than any kernel would follow them.
    """
    links, size = 0, len(path)
    if size > _MAX_BYTES:
        raise DockerfileError(f"{quoted(os.fsdecode(path))} is too long for a path")
    rest = path.split(b"/")[::-1]
    done: list[bytes] = []
    while rest:
        part = rest.pop()
        if part == b"..":
            del done[-1:]
        if part in (b"", b".", b".."):
            continue
        found = entry(b"/".join([*done, part]))
        if found is None or found.link is None or found.kind != "symlink":
            done.append(part)
            continue
        links += 1
        size += len(found.link)
        if links > _MAX_LINKS:
            raise DockerfileError(f"the links at {quoted(os.fsdecode(path))} lead in a circle")
        if size > _MAX_BYTES or len(found.link) > _MAX_TARGET:
            raise DockerfileError(f"the links at {quoted(os.fsdecode(path))} are too long")
        if found.link.startswith(b"/"):
            done.clear()
        rest.extend(found.link.split(b"/")[::-1])
    return b"/".join(done)


_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


class HostTree:
    """A directory of this machine; what its `.dockerignore` leaves out is not there."""

    def __init__(self, root: Path, ignore: engine.Patterns) -> None:
        self._root = root
        self._ignore = ignore

    def entry(self, path: bytes) -> Entry | None:
        """Return what is at `path`."""
        found = self.on_disk(path)
        if found is None or not self._ignore.excludes(path):
            return found
        # A directory that is left out is there for the sake of what `!` takes back in it.
        wanted = found.kind == "directory" and self._ignore.has_negation
        return found if wanted and self.holds_something(path) else None

    def holds_something(self, directory: bytes) -> bool:
        """Whether anything in a directory is not left out."""
        rest = [directory]
        while rest:
            above = rest.pop()
            for name in self.children(above):
                path = joined(above, name)
                if not self._ignore.excludes(path):
                    return True
                found = self.on_disk(path)
                if found is not None and found.kind == "directory":
                    rest.append(path)
        return False

    def on_disk(self, path: bytes) -> Entry | None:
        """Return what is at `path`, left out or not."""
        if b"\0" in path:
            return None
        place = self._place(path)
        try:
            status = place.lstat()
            link = os.fsencode(place.readlink()) if stat.S_ISLNK(status.st_mode) else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        return KnownEntry(
            kind=_KINDS.get(stat.S_IFMT(status.st_mode), "other"),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            mtime=status.st_mtime_ns // 10**9,
            link=link,
        )

    def children(self, directory: bytes) -> list[bytes]:
        """List the names in a directory, sorted, with those that are left out."""
        return sorted(os.fsencode(entry.name) for entry in self._place(directory).iterdir())

    def _place(self, path: bytes) -> Path:
        return self._root / os.fsdecode(path)
