"""Debian packages: where their data is, and what their control data says (deb(5))."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from fastlayer import engine
from fastlayer.errors import MalformedArchiveError, quoted
from fastlayer.recipes.architectures import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Deb", "Part", "read_debs"]

# What an ar archive begins with, and the header of a member (deb(5), ar(5)).
_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60
_HEADER_END: Final = b"`\n"

# Bytes of all control data of a package: the largest of Debian have some 2 MB of md5sums. And of
# that of all packages in a folder, which is kept.
_MAX_CONTROL: Final = 16 << 20
_MAX_CONTROLS: Final = 64 << 20

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+", re.ASCII)
_FIELD: Final = re.compile(r"([!-9;-~]+):[ \t]*(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """A member of an ar archive: its name, and where its content is in the file."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Deb:
    """A package in a file, of which only the control data was read."""

    path: str
    name: str
    version: str
    architecture: str
    control: bytes
    md5sums: bytes | None
    data: Part

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read the control data. Raises `MalformedArchiveError` naming the file, and `OSError`."""
        name = os.fsdecode(path)
        try:
            with open(name, "rb", opener=_at_once) as file:
                members = list(_members(file))
            control_part, data = _chosen(members)
        except ValueError as error:
            raise _malformed(name, str(error)) from error
        files = _control_files(name, control_part)
        if "control" not in files:
            raise _malformed(name, f"{quoted(control_part.name)} has no file `control`")
        fields = _fields(files["control"])
        if not _NAME.fullmatch(fields.get("package", "")):
            raise _malformed(name, f"no package is called {quoted(fields.get('package', ''))}")
        architecture = fields.get("architecture", "")
        if architecture != "all" and architecture not in PLATFORMS:
            raise _malformed(name, f"no architecture is called {quoted(architecture)}")
        return cls(
            name,
            fields["package"],
            fields.get("version", ""),
            architecture,
            files["control"],
            files.get("md5sums"),
            data,
        )

    def pick(self, *patterns: str, limit: int) -> list[tuple[engine.MemberRecord, bytes]]:
        """Read those of its files, and other entries, whose paths match the patterns.

        They have `limit` bytes together. Raises what `read` raises.
        """
        part = (self.data.offset, self.data.size)
        encoded = [os.fsencode(pattern) for pattern in patterns]
        return engine.pick_members(self.path, part, patterns=encoded, limit=limit, first=False)


def read_debs(folder: str | os.PathLike[str]) -> list[Deb]:
    """Read the packages in `folder`, in the order of their names.

    Raises `MalformedArchiveError` if there is none, one twice, or too much control data, and what
    `Deb.read` raises.
    """
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix == ".deb")
    if not paths:
        raise MalformedArchiveError(f"there is no .deb file in {quoted(folder)}", str(folder))
    debs: dict[str, Deb] = {}
    left = _MAX_CONTROLS
    for deb in map(Deb.read, paths):
        left -= len(deb.control) + len(deb.md5sums or b"")
        if left < 0:
            raise _malformed(
                deb.path, f"the control data to here has more than {_MAX_CONTROLS} bytes"
            )
        other = debs.setdefault(deb.name, deb)
        if other is not deb:
            raise _malformed(
                deb.path, f"it is the package {quoted(deb.name)}, as {quoted(other.path)} is"
            )
    return [debs[name] for name in sorted(debs)]


def _at_once(path: str, flags: int) -> int:
    """Open a pipe too without waiting for who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _members(file: BinaryIO) -> Iterator[Part]:
    """List the members of an ar archive. Raises `ValueError` that says what is wrong."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    size = status.st_size
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as an ar archive does")
    position = len(_MAGIC)
    while position < size:
        file.seek(position)
        header = file.read(_HEADER)
        length = header[48:58].rstrip(b" ")
        if not header.endswith(_HEADER_END) or len(header) < _HEADER or not length.isdigit():
            raise ValueError(f"there is no header of a member at byte {position}")
        name = header[:16].rstrip(b" ").removesuffix(b"/").decode("ascii", "backslashreplace")
        part = Part(name, position + _HEADER, int(length))
        if part.offset + part.size > size:
            raise ValueError(f"the file ends before its member {quoted(name)} does")
        yield part
        position = part.offset + part.size + part.size % 2


def _chosen(members: Sequence[Part]) -> tuple[Part, Part]:
    """Give control and data, which are the second and third member (deb(5))."""
    names = [member.name for member in members]
    # Names that begin with an underscore are for additions of others.
    known = [member for member in members if not member.name.startswith("_")]
    if names[:1] != ["debian-binary"]:
        raise ValueError("its first member is not `debian-binary`")
    kinds = [member.name.partition(".tar")[0] for member in known[1:3]]
    if kinds != ["control", "data"]:
        raise ValueError("after `debian-binary`, it has no `control.tar` and `data.tar`")
    return known[1], known[2]


def _control_files(path: str, part: Part) -> dict[str, bytes]:
    found = engine.pick_members(
        path,
        (part.offset, part.size),
        patterns=[b"control", b"md5sums"],
        limit=_MAX_CONTROL,
        first=False,
    )
    return {os.fsdecode(member.path): content for member, content in found}


def _fields(control: bytes) -> dict[str, str]:
    """Read the fields of a control file that have one line (deb-control(5))."""
    lines = control.decode(errors="replace").split("\n")
    matches = (_FIELD.fullmatch(line) for line in lines)
    return {match[1].lower(): match[2].strip() for match in matches if match}


def _malformed(path: str, reason: str) -> MalformedArchiveError:
    return MalformedArchiveError(f"malformed package {quoted(path)}: {reason}", path)
