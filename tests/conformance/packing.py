"""A snapshot of a tree as an archive, which Python's `tarfile` writes."""

import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from .members import ATTRIBUTE, KINDS
from .tree import Record

TYPES = {kind: number for number, kind in KINDS.items()}


def pack(root: Path, tree: Mapping[str, Record], order: Iterable[str], archive: Path) -> None:
    """Write the paths in this order; of the names of a file, those after the first are links."""
    first: dict[str, str] = {}
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
        for path in order:
            record = tree[path]
            member = _member(path, record)
            if path in first:
                member.type, member.linkname, member.size = tarfile.LNKTYPE, first[path], 0
            first |= dict.fromkeys(record.names, first.get(path, path))
            if member.isreg():
                with (root / path).open("rb") as content:
                    tar.addfile(member, content)
            else:
                tar.addfile(member)


def _member(path: str, record: Record) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type = TYPES[record.kind]
    member.mode, member.uid, member.gid = record.mode, record.uid, record.gid
    member.mtime, member.size = record.mtime, record.size or 0
    member.linkname = record.target or ""
    member.devmajor, member.devminor = record.device or (0, 0)
    member.pax_headers = {f"{ATTRIBUTE}{name}": os.fsdecode(value) for name, value in record.xattrs}
    return member
