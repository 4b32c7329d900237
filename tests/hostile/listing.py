"""What a command made, as a few lines of text: read by the standard library alone."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.tars import OWNER

if TYPE_CHECKING:
    from collections.abc import Collection

SHOWN = 12
"""So many entries are listed; of more, their number and a digest."""

_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.LNKTYPE: "hard",
    tarfile.SYMTYPE: "link",
    tarfile.DIRTYPE: "dir",
    tarfile.FIFOTYPE: "pipe",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
}


def listing(path: Path, kept: Collection[bytes] = ()) -> list[str]:
    """List what is at `path`: a tree, a layer, or an image with all layers but those `kept`.

    A layer that is kept is there byte for byte, whatever it holds, or compressed anew.
    """
    if path.is_dir():
        return tree(path)
    with path.open("rb") as file, tarfile.open(fileobj=file) as archive:
        names = set(archive.getnames())
        if "manifest.json" not in names or "oci-layout" not in names:
            return [_line(archive, member) for member in archive]
        lines = []
        for row in json.loads(_content(archive, "manifest.json")):
            for number, name in enumerate(row["Layers"]):
                if name not in names:
                    lines.append(f"{number}: not there")
                    continue
                layer = _content(archive, name)
                if layer in kept or (layer[:2] == b"\x1f\x8b" and gzip.decompress(layer) in kept):
                    lines.append(f"{number}: as it was")
                    continue
                if layer.startswith(b"\x28\xb5\x2f\xfd"):  # which Python reads from 3.14 on
                    lines.append(f"{number}: in zstd")
                    continue
                with tarfile.open(fileobj=io.BytesIO(layer)) as inner:
                    lines += [f"{number}: {_line(inner, member)}" for member in inner]
        return lines


def tree(root: Path) -> list[str]:
    """List what is on disk, without following a link."""
    lines: list[str] = []
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            lines += [_found(Path(entry.path), root) for entry in entries]
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return [*lines, "and deeper than a path can be"]
        waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    return lines


def summary(lines: list[str]) -> str:
    """The lines as one text, cut to what a reviewer can see."""
    if len(lines) <= SHOWN and all(len(line) <= 400 for line in lines):
        return "; ".join(lines) or "nothing"
    digest = hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()
    return f"{len(lines)} entries, {digest[:12]}"


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _line(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    line = f"{_KINDS[member.type]} {_shown(member.name)}"
    if member.islnk() or member.issym():
        line += f" -> {_shown(member.linkname)}"
    elif member.isreg():
        line += _size_and_content(member.size, archive.extractfile(member))
    elif member.ischr() or member.isblk():
        line += f" {member.devmajor}:{member.devminor}"
    numbers = {"uid": member.uid, "gid": member.gid, "mtime": int(member.mtime)}
    odd = [f"{name}={number}" for name, number in numbers.items() if number not in (0, OWNER)]
    attributes = [
        f"{key.removeprefix('SCHILY.xattr.')}={_shown(value)}"
        for key, value in sorted(member.pax_headers.items())
        if key.startswith("SCHILY.xattr.")
    ]
    return " ".join([line, *odd, *attributes])


def _size_and_content(size: int, file: object) -> str:
    if size > 64:
        return f" {size}"
    assert isinstance(file, io.BufferedIOBase)
    return f" {size} {file.read()!r}" if size else " 0"


def _found(path: Path, root: Path) -> str:
    name, status = _shown(str(path.relative_to(root))), path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"link {name} -> {_shown(str(path.readlink()))}"
    if stat.S_ISREG(status.st_mode):
        line = f"file {name}" + (f" x{status.st_nlink}" if status.st_nlink > 1 else "")
        if status.st_size > 64:
            return f"{line} {status.st_size}"
        return f"{line} {status.st_size} {path.read_bytes()!r}" if status.st_size else f"{line} 0"
    kind = {stat.S_IFDIR: "dir", stat.S_IFIFO: "pipe", stat.S_IFCHR: "char", stat.S_IFBLK: "block"}
    return f"{kind[stat.S_IFMT(status.st_mode)]} {name}"


def _shown(name: str) -> str:
    text = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= 60 else f"{text[:40]}…({len(text)})"
