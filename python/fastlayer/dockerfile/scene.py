"""Where things go: the tree below, and what an instruction has put into it so far.

The rules are those of BuildKit (solver/llbsolver/file, tonistiigi/fsutil copy).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastlayer.dockerfile.trees import KnownEntry, joined, resolved
from fastlayer.errors import DockerfileError, quoted
from fastlayer.items import DirectoryItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer import engine
    from fastlayer.dockerfile.trees import Entry, Listing
    from fastlayer.items import Item

__all__ = ["Contents", "Scene"]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the directory `start` of a tree, but for what is left out, in `place`."""

    place: bytes
    source: Listing
    start: bytes
    left_out: engine.Patterns

    def entry(self, path: bytes) -> Entry | None:
        """Return what is at `path` in the directory."""
        excluded = self.left_out.excludes(path)
        return None if excluded else self.source.entry(joined(self.start, path))

    def entries(self) -> Iterator[tuple[bytes, Entry]]:
        """List everything with its path in the directory, directories before what they hold."""
        rest = [b""]
        while rest:
            directory = rest.pop()
            for name in self.source.children(joined(self.start, directory)):
                path = joined(directory, name)
                found = self.source.entry(joined(self.start, path))
                if found is None:
                    continue
                excluded = self.left_out.excludes(path)
                if not excluded:
                    yield path, found
                if found.kind == "directory" and (not excluded or self.left_out.has_negation):
                    rest.append(path)


_SET_GROUP = 0o2000
_WHITEOUT = b".wh."


class Scene:
    """The tree that the steps of one instruction change, one after the other.

    `owner` is that of directories that have to be made, if one was asked for; `epoch` their time.
    With `linked`, what is below is not known.
    """

    def __init__(
        self,
        ground: Listing,
        owner: tuple[int, int] | None,
        epoch: int | None,
        *,
        linked: bool = False,
    ) -> None:
        self._ground = ground
        self._owner = owner
        self._epoch = epoch
        # The layer makes what no item names, and `/tmp` as it will be below.
        self._named = owner is not None or not linked
        self._placed: dict[bytes, Entry] = {}
        self._names: dict[bytes, set[bytes]] = {}
        self._unlisted: list[Contents] = []
        self.items: list[Item] = []

    def entry(self, path: bytes) -> Entry | None:
        """Return what is at `path` now; links on the way are not followed."""
        self._list()
        return self._placed[path] if path in self._placed else self._ground.entry(path)

    def _children(self, directory: bytes) -> set[bytes]:
        return {*self._ground.children(directory), *self._names.get(directory, ())}

    def _place(self, path: bytes, entry: Entry) -> None:
        name = path.rpartition(b"/")[2]
        if name.startswith(_WHITEOUT):
            raise DockerfileError(
                f"{_shown(path)} cannot be: in a layer, a name that begins with `.wh.` says what "
                "is deleted"
            )
        self._placed[path] = entry
        self._names.setdefault(path.rpartition(b"/")[0], set()).add(name)

    def _list(self) -> None:
        """List what was copied of directories: only if there is a source behind them."""
        while self._unlisted:
            contents = self._unlisted.pop(0)
            for path, entry in contents.entries():
                self._place(joined(contents.place, path), entry)

    def resolve(self, path: bytes) -> bytes:
        """Return where `path` leads; what is missing stays as it is."""
        return resolved(self.entry, path)

    def make_directories(self, path: bytes) -> None:
        """Make the directory at `path`, which no link leads away from, and those above it."""
        parts = path.split(b"/") if path else []
        above: Entry | None = self.entry(b"")
        for end in range(1, len(parts) + 1):
            directory = b"/".join(parts[:end])
            found = self.entry(directory)
            if found is None:
                found = self._made(directory, above)
            elif found.kind != "directory":
                raise DockerfileError(f"{_shown(directory)} is there and no directory")
            above = found

    def _made(self, path: bytes, above: Entry | None) -> Entry:
        # A directory with the set-group-id bit hands it down, and its group (inode(7)).
        inherited = above is not None and bool(above.mode & _SET_GROUP)
        group = above.gid if above is not None and inherited else 0
        made = KnownEntry(
            "directory",
            mode=0o755 | (_SET_GROUP if inherited else 0),
            uid=self._owner[0] if self._owner else 0,
            gid=self._owner[1] if self._owner else group,
            mtime=self._epoch or 0,
        )
        self._place(path, made)
        if self._named:
            self.items.append(_directory(path, made))
        return made

    def place_for_file(self, destination: bytes, *, inside: bool, name: bytes) -> bytes:
        """Return where a file called `name` goes, and make its parents.

        `inside`: the destination ends in a slash and so has to be a directory.
        """
        self._make_way(destination, inside=inside)
        place = self.resolve(destination)
        found = self.entry(place)
        if found is not None and found.kind == "directory":
            # A link at this name is replaced, not followed.
            place = joined(place, name)
            found = self.entry(place)
        else:
            self.make_directories(place.rpartition(b"/")[0])
        if found is not None and found.kind == "directory":
            raise _collision(place, directory=False)
        return place

    def place_for_contents(self, destination: bytes, *, inside: bool) -> bytes:
        """Return the directory that what is in a directory goes to; it is made if need be."""
        self._make_way(destination, inside=inside)
        place = self.resolve(destination)
        self.make_directories(place)
        return place

    def _make_way(self, destination: bytes, *, inside: bool) -> None:
        way = destination if inside else destination.rpartition(b"/")[0]
        self.make_directories(self.resolve(way))

    def set_time(self, directory: bytes, mtime: int) -> None:
        """Have a directory that is there, but not the root, with the time of a source."""
        found = self.entry(directory)
        if directory and found is not None:
            time = mtime if self._epoch is None else min(mtime, self._epoch)
            self.items.append(_directory(directory, found, time))

    def put(self, place: bytes, entry: Entry, item: Item) -> None:
        """Have one entry, which is no directory, at `place`."""
        self._place(place, entry)
        self.items.append(item)

    def merge(self, contents: Contents, item: Item) -> None:
        """Have what is in a directory in another, which is there.

        Raises `DockerfileError` where a directory would take the place of something else, or the
        other way round.
        """
        self._check(contents)
        self._unlisted.append(contents)
        self.items.append(item)

    def _check(self, contents: Contents) -> None:
        """Look only where there is something below already."""
        rest = [b""]
        while rest:
            inside = rest.pop()
            for name in sorted(self._children(joined(contents.place, inside))):
                path = joined(inside, name)
                found = contents.entry(path)
                there = self.entry(joined(contents.place, path))
                if found is None or there is None:
                    continue
                new = found.kind == "directory"
                if new != (there.kind == "directory"):
                    raise _collision(joined(contents.place, path), directory=new)
                if new:
                    rest.append(path)


def _directory(path: bytes, entry: Entry, mtime: int | None = None) -> DirectoryItem:
    time = entry.mtime if mtime is None else mtime
    return DirectoryItem(path, entry.mode, (entry.uid, entry.gid), time)


def _collision(path: bytes, *, directory: bool) -> DockerfileError:
    reason = (
        "is no directory, so none can be copied to it"
        if directory
        else "is a directory, which no file can take the place of"
    )
    return DockerfileError(f"{_shown(path)} {reason}")


def _shown(path: bytes) -> str:
    return quoted("/" + os.fsdecode(path))
