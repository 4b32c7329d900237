"""Everything a layer must keep about a directory tree, as values that compare.

Only what no tar can carry is left out: inode numbers, access and change times, fractions of a
second, and the size that a file system gives a directory.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}

# The differences that a failed comparison prints before it stops.
SHOWN = 20


@dataclass(frozen=True)
class Record:
    """What is kept of one path."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int | None = None
    target: str | None = None
    # Every path of the file, when it has more than one name.
    names: tuple[str, ...] = ()
    device: tuple[int, int] | None = None
    xattrs: tuple[tuple[str, bytes], ...] = ()
    sha256: str | None = None


Tree = dict[str, Record]


def snapshot(root: Path) -> Tree:
    """Describe `root` itself as `.` and every path below it, sockets too."""
    paths = [root, *sorted(_below(root))]
    groups = _hard_links(paths, root)
    return {str(path.relative_to(root)): _record(path, groups) for path in paths}


def without(tree: Tree, *paths: str) -> Tree:
    """Leave out some paths. No engine takes the facts of the root itself from a layer."""
    return {path: record for path, record in tree.items() if path not in {".", *paths}}


def assert_trees_equal(found: Mapping[str, Record], expected: Mapping[str, Record]) -> None:
    """Fail with the paths and the fields in which two snapshots differ."""
    differences = [f"{path!a}: missing" for path in expected.keys() - found.keys()]
    differences += [f"{path!a}: not expected" for path in found.keys() - expected.keys()]
    for path in expected.keys() & found.keys():
        differences += _differences(path, found[path], expected[path])
    if differences:
        shown = "\n".join(sorted(differences)[:SHOWN])
        raise AssertionError(f"{len(differences)} differences:\n{shown}")


def _differences(path: str, found: Record, expected: Record) -> list[str]:
    pairs = ((f.name, getattr(found, f.name), getattr(expected, f.name)) for f in fields(Record))
    return [
        f"{path!a}: {name} is {is_!a}, not {want!a}" for name, is_, want in pairs if is_ != want
    ]


def _below(root: Path) -> list[Path]:
    # `os.walk` doesn't descend into symlinks, and names them among the directories or the files.
    return [
        Path(folder, name)
        for folder, directories, files in os.walk(root, onerror=_raise)
        for name in directories + files
    ]


def _raise(error: OSError) -> None:
    raise error


def _hard_links(paths: list[Path], root: Path) -> dict[tuple[int, int], tuple[str, ...]]:
    groups: dict[tuple[int, int], list[str]] = {}
    for path in paths:
        status = path.lstat()
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            key = (status.st_dev, status.st_ino)
            groups.setdefault(key, []).append(str(path.relative_to(root)))
    return {key: tuple(names) for key, names in groups.items() if len(names) > 1}


def _record(path: Path, groups: dict[tuple[int, int], tuple[str, ...]]) -> Record:
    status = path.lstat()
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    is_file = kind == "file"
    return Record(
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime=status.st_mtime_ns // 1_000_000_000,
        size=status.st_size if is_file else None,
        # `Path.readlink` gives a path, which has no slash at its end.
        target=os.readlink(path) if kind == "symlink" else None,  # noqa: PTH115
        names=groups.get((status.st_dev, status.st_ino), ()),
        device=_device(status.st_rdev) if kind.endswith("device") else None,
        xattrs=_xattrs(path),
        sha256=_sha256(path) if is_file else None,
    )


def _device(rdev: int) -> tuple[int, int]:
    return os.major(rdev), os.minor(rdev)


def _xattrs(path: Path) -> tuple[tuple[str, bytes], ...]:
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
