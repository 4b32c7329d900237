"""Files and archives out of tables, with what git does not keep: modes, owners, links and times.

A table maps paths, a directory's with a slash at its end, to a text or to facts::

    "a/" = {mode = 0o711, owner = [3, 4]}
    "a/b" = "text"
    "a/c" = {text = "more", mode = 0o4755, time = 1_000_000_000.5}
    "l" = {symlink = "a/b"}
    "h" = {link = "a/b"}
    "p" = {fifo = true}
    "n" = {device = [1, 3]}
    "x" = {text = "", xattrs = {"user.k" = "v"}}
"""

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .peers import call, find

Facts = Mapping[str, Any]
Table = Mapping[str, str | Facts]

# Long ago, and another time in archives than on disk.
DISK_TIME = 1_000_000_000
ARCHIVE_TIME = 900_000_000

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "bzip2": bz2.compress,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "xz": lzma.compress,
}


def write_files(root: Path, table: Table) -> None:
    """Make `root` and what the table says is in it; all that it says nothing about is alike."""
    root.mkdir()
    for name, facts in table.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _facts(facts), root, directory=name.endswith("/"))
    times = {root / name.rstrip("/"): _facts(facts).get("time") for name, facts in table.items()}
    # From the bottom, since a directory's time is that of the last change in it.
    for folder, directories, files in os.walk(root, topdown=False):
        for path in (Path(folder, name) for name in directories + files):
            nanoseconds = round((times.get(path) or DISK_TIME) * 1_000_000_000)
            os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=False)
    os.utime(root, (DISK_TIME, DISK_TIME))


def _write(path: Path, facts: Facts, root: Path, *, directory: bool) -> None:
    match facts:
        case {"symlink": str(target)}:
            path.symlink_to(target)
        case {"link": str(target)}:
            path.hardlink_to(root / target)
        case {"fifo": True}:
            os.mkfifo(path)
        case {"device": [int(major), int(minor)]}:
            os.mknod(path, 0o020644, os.makedev(major, minor))
        case _ if directory:
            path.mkdir(exist_ok=True)
        case _:
            path.write_text(facts.get("text", ""), newline="")
    if "owner" in facts:
        os.chown(path, *facts["owner"], follow_symlinks=False)
    if not path.is_symlink() and "link" not in facts:
        path.chmod(facts.get("mode", 0o755 if directory else 0o644))
    for name, value in facts.get("xattrs", {}).items():
        os.setxattr(path, name, value.encode("latin-1"), follow_symlinks=False)


def write_archive(path: Path, table: Table, compression: str | None = None) -> None:
    """Make a tar of the entries, in the order of the table."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, facts in table.items():
            _add(tar, name, _facts(facts))
    write_compressed(path, stream.getvalue(), compression)


def write_compressed(path: Path, data: bytes, compression: str | None) -> None:
    """Write the bytes, compressed where that is asked for."""
    if compression in COMPRESS:
        data = COMPRESS[compression](data)
    path.write_bytes(data)
    if compression == "zstd":  # not in Python's library
        call([find("zstd"), "-q", "--rm", path, "-o", f"{path}.zst"])
        Path(f"{path}.zst").rename(path)


def _add(tar: tarfile.TarFile, name: str, facts: Facts) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = facts.get("time", ARCHIVE_TIME)
    entry.uid, entry.gid = facts.get("owner", (0, 0))
    content = facts["data"] if "data" in facts else facts.get("text", "").encode()
    mode = 0o644
    match facts:
        case {"symlink": str(target)}:
            entry.type, entry.linkname, mode = tarfile.SYMTYPE, target, 0o777
        case {"link": str(target)}:
            entry.type, entry.linkname = tarfile.LNKTYPE, target
        case {"fifo": True}:
            entry.type = tarfile.FIFOTYPE
        case {"device": [int(major), int(minor)]}:
            entry.type, entry.devmajor, entry.devminor = tarfile.CHRTYPE, major, minor
        case _ if name.endswith("/"):
            entry.type, mode = tarfile.DIRTYPE, 0o755
        case _:
            entry.size = len(content)
    entry.mode = facts.get("mode", mode)
    xattrs = facts.get("xattrs", {})
    entry.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in xattrs.items()}
    tar.addfile(entry, io.BytesIO(content))


def _facts(facts: str | Facts) -> Facts:
    return {"text": facts} if isinstance(facts, str) else facts
