"""The entries of a tar as Python's `tarfile` reads them, in the form of a snapshot.

It also holds what every engine needs: one entry per path, parents and targets of hard links first.
"""

import hashlib
import os
import tarfile
from dataclasses import replace
from pathlib import Path

from .tree import Record, Tree

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "fifo",
}

ATTRIBUTE = "SCHILY.xattr."


def read_members(path: Path) -> Tree:
    """Describe what unpacking a plain tar gives. The facts of a hard link are its own header's."""
    tree: Tree = {}
    groups: dict[str, list[str]] = {}
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            name = member.name
            assert name not in tree, f"{name!a}: stands twice in the layer"
            parent = name.rpartition("/")[0]
            above = tree[parent].kind if parent else "directory"
            assert above == "directory", f"{name!a}: lies in a {above}"
            if member.islnk():
                first = tree[member.linkname]
                tree[name] = _with_facts(first, member)
                groups.setdefault(_first(groups, member.linkname), [member.linkname]).append(name)
            else:
                tree[name] = _record(tar, member)
    for names in groups.values():
        for name in names:
            tree[name] = replace(tree[name], names=tuple(sorted(names, key=Path)))
    return tree


def _first(groups: dict[str, list[str]], name: str) -> str:
    return next((first for first, names in groups.items() if name in names), name)


def _with_facts(record: Record, member: tarfile.TarInfo) -> Record:
    mtime = int(member.mtime)
    assert mtime == member.mtime, f"{member.name!a}: a layer has whole seconds"
    return replace(record, mode=member.mode, uid=member.uid, gid=member.gid, mtime=mtime)


def _record(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Record:
    kind = KINDS[member.type]
    content = tar.extractfile(member) if kind == "file" else None
    record = Record(
        *(kind, 0, 0, 0, 0),
        size=member.size if content else None,
        target=member.linkname if kind == "symlink" else None,
        device=(member.devmajor, member.devminor) if kind.endswith("device") else None,
        xattrs=_xattrs(member),
        sha256=hashlib.sha256(content.read()).hexdigest() if content else None,
    )
    return _with_facts(record, member)


def _xattrs(member: tarfile.TarInfo) -> tuple[tuple[str, bytes], ...]:
    pairs = (
        (key.removeprefix(ATTRIBUTE), os.fsencode(value))
        for key, value in member.pax_headers.items()
        if key.startswith(ATTRIBUTE)
    )
    return tuple(sorted(pairs))
