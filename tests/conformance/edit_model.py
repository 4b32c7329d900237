"""What edits do, told as simply as `docs/edits.md` tells it: to a tree in memory, one by one."""

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from .tree import Record, Tree

# Rights of directories that nothing describes; those of others are 0755.
IMPLIED = {"root": 0o700, "tmp": 0o1777, "var/tmp": 0o1777}
ACCESS_LIST = "system.posix_acl_access"


class RefusedError(Exception):
    """There is no right answer: the build must end with an error."""


class UncertainError(RefusedError):
    """It may be refused, but would change nothing."""


class Model:
    """Paths, and the files that they are names of. Every edit says whether it met anything.

    `optional` are directories that were left out, unless something is in them in the end.
    """

    def __init__(
        self, paths: Mapping[str, int], files: Mapping[int, Record], optional: Iterable[int] = ()
    ) -> None:
        self.paths = dict(paths)
        self.files = dict(files)
        self.optional = set(optional)

    @staticmethod
    def of(tree: Mapping[str, Record]) -> "Model":
        """Begin with a snapshot."""
        numbers = {path: number for number, path in enumerate(tree)}
        paths = {path: numbers[min(record.names, default=path)] for path, record in tree.items()}
        return Model(paths, {paths[path]: replace(tree[path], names=()) for path in tree})

    def copy(self) -> "Model":
        """Give another one, to try an edit on."""
        return Model(self.paths, self.files, self.optional)

    def kind(self, path: str) -> str | None:
        """Say what a path is, if anything."""
        return self.files[self.paths[path]].kind if path in self.paths else None

    def tree(self, mtime: int) -> Tree:
        """Give what the layer holds, with the directories that nothing describes."""
        kept = {path: number for path, number in self.paths.items() if not self._is_empty(path)}
        names: dict[int, list[str]] = {}
        for path, number in kept.items():
            names.setdefault(number, []).append(path)
        tree: Tree = {}
        for path, number in kept.items():
            shared = sorted_names(names[number]) if len(names[number]) > 1 else ()
            tree[path] = replace(self.files[number], names=shared)
            for parent in parents(path):
                if parent not in kept:
                    tree[parent] = Record("directory", IMPLIED.get(parent, 0o755), 0, 0, mtime)
        return tree

    def prefix(self, place: str) -> None:
        """Lay the whole tree there, its root too."""
        paths = self.paths.items()
        self.paths = {place if p == "." else f"{place}/{p}": number for p, number in paths}

    def change_all(self, change: Callable[[Record], Record]) -> bool:
        """Change every file."""
        self.files = {number: change(record) for number, record in self.files.items()}
        return bool(self.paths)

    def leave_out(self, left_out: Callable[[str], bool], *, keep_parents: bool) -> bool:
        """Leave out paths; directories, with `keep_parents`, unless something in them stays."""
        gone = {path for path in self.paths if left_out(path)}
        directories = {path for path in gone if keep_parents and self.kind(path) == "directory"}
        self.optional |= {self.paths[path] for path in directories}
        self._drop(gone - directories)
        return bool(gone)

    def remove(self, path: str) -> bool:
        """Leave out a path and what is in it."""
        return self._drop([other for other in self.paths if within(other, path)])

    def rename(self, source: str, target: str) -> bool:
        """Move a path and what is in it; of two directories, the one that is there counts.

        One that is left out is not there.
        """
        moved = {path: number for path, number in self.paths.items() if within(path, source)}
        self._drop(moved)
        for path, number in moved.items():
            place = target + path[len(source) :]
            if self.kind(place) == self.files[number].kind == "directory":
                if self.paths[place] in self.optional and number not in self.optional:
                    self.paths[place] = number
                continue
            if self._is_empty(place):
                self.remove(place)
            if place in self.paths and number in self.optional:
                continue
            if place in self.paths:
                raise RefusedError
            self.paths[place] = number
        self._check_parents()
        return bool(moved)

    def put(self, path: str, record: Record) -> bool:
        """Put something in place of what is there; a directory keeps what it holds."""
        if record.kind == "directory":
            self.paths.pop(path, None)
        else:
            self.remove(path)
        number = max(self.files, default=0) + 1
        self.paths[path] = number
        self.files[number] = record
        self._check_parents()
        return True

    def change(
        self,
        matched: Callable[[str], bool],
        kinds: Collection[str | None],
        change: Callable[[Record], Record],
    ) -> bool:
        """Change the files of these kinds whose paths match: all names of a file, or none."""
        met = {path for path in self.paths if matched(path) and self.kind(path) in kinds}
        numbers = {self.paths[path] for path in met}
        for path, number in self.paths.items():
            if number in numbers and path not in met:
                record = self.files[number]
                raise UncertainError if change(record) == record else RefusedError
        self.files |= {number: change(self.files[number]) for number in numbers}
        return bool(met)

    def _drop(self, paths: Iterable[str]) -> bool:
        gone = [self.paths.pop(path) for path in list(paths)]
        return bool(gone)

    def _is_empty(self, path: str) -> bool:
        """Say whether it is a directory that is left out and holds nothing else."""
        below = (number for p, number in self.paths.items() if path == "." or within(p, path))
        return path in self.paths and all(number in self.optional for number in below)

    def _check_parents(self) -> None:
        for path in self.paths:
            above = {self.kind(parent) for parent in parents(path)}
            if not above <= {None, "directory"} and not self._is_empty(path):
                raise RefusedError


def within(path: str, top: str) -> bool:
    """Say whether `path` is `top` or in it."""
    return path == top or path.startswith(f"{top}/")


def parents(path: str) -> Iterator[str]:
    """Give the directories above `path`, but not the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def sorted_names(names: Iterable[str]) -> tuple[str, ...]:
    """Give names in the order of a snapshot."""
    return tuple(sorted(names, key=lambda name: name.split("/")))


def with_mode(record: Record, mode: int) -> Record:
    """Do what chmod(2) does, which changes the access control list too (acl(5))."""
    pairs = ((name, _with_rights(name, value, mode)) for name, value in record.xattrs)
    return replace(record, mode=mode, xattrs=tuple(pairs))


def _with_rights(name: str, value: bytes, mode: int) -> bytes:
    if name != ACCESS_LIST:
        return value
    # The lists of these trees have a mask, which is what the group's bits of a mode mean then.
    rights = {0x01: mode >> 6 & 7, 0x10: mode >> 3 & 7, 0x20: mode & 7}
    entries = struct.iter_unpack("<HHI", value[4:])
    changed = ((tag, rights.get(tag, own), owner) for tag, own, owner in entries)
    return value[:4] + b"".join(struct.pack("<HHI", *entry) for entry in changed)
