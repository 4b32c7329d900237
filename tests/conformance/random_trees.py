"""Random trees of all that a layer can hold; one number makes the same tree every time."""

import os
import random
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .hard import BEFORE_1970, LARGEST_ID, MEBIBYTE, PAST_OCTAL

# Each list has the values next to a limit of the format, and common ones more than once.
OWNERS = (0, 0, 0, 1, 1000, 65_534, 2_097_151, 2_097_152, LARGEST_ID)
TIMES = (0, 1, 1_700_000_000, -1, BEFORE_1970, PAST_OCTAL - 2, PAST_OCTAL - 1, PAST_OCTAL)
FRACTIONS = (0, 0, 1, 999_999_999)
LENGTHS = (95, 99, 100, 101, 154, 155, 156, 254, 255)
TARGETS = (b"a", b"/", b"..", b"../x", b"nowhere/", b" ", b"\xff\n", b"x/" * 300)
KINDS = ("directory",) * 5 + ("file",) * 7 + ("link",) * 4 + ("symlink",) * 3
SPECIAL = ("fifo", "character device", "block device", "socket", "sparse")
TYPES = {
    "fifo": stat.S_IFIFO,
    "character device": stat.S_IFCHR,
    "block device": stat.S_IFBLK,
    "socket": stat.S_IFSOCK,
}

# Parts of names: what text, shells, patterns and PAX records have a use of their own for.
PIECES = [
    *(b"a", b"b", b"Z", b"0", b".", b" ", b"-", b"=", b"\\", b"\n", b"\t", b"\r", b"\x01", b"\x7f"),
    *(b"*", b"?", b"[", b"'", b'"', b"%41", b"~", b":", b"\xff", b"\xc3", "é".encode()),
    *("日".encode(), "𝄞".encode(), "o\u0308".encode()),
]

Name = Callable[[random.Random], bytes]


def wild_name(chance: random.Random) -> bytes:
    """Give any name; one in eight is about as long as something has room for."""
    if chance.random() < 1 / 8:
        return bytes(chance.choices(b"xyz", k=chance.choice(LENGTHS)))
    return b"".join(chance.choices(PIECES, k=chance.randrange(1, 7)))


def wild_attribute(chance: random.Random) -> bytes:
    """Give any name of an attribute, after its space of names."""
    # A tar can't hold a `=` there, and GNU tar alone takes `%25` and `%3D` for something else.
    return b"".join(chance.choices([p for p in PIECES if p not in {b"=", b"%41"}], k=3))


def grow(
    root: Path,
    chance: random.Random,
    *,
    name: Name = wild_name,
    attribute: Name = wild_attribute,
    deep: int = 4,
) -> None:
    """Make a tree with such names, whose directories are no more than `deep` in each other."""
    root.mkdir()
    growth = _Growth(chance, name, [root], [root])
    growth.fill(root, deep)
    for path in growth.inodes:
        set_facts(path, chance, attribute)
    # Whatever is made in a directory changes its time.
    for path in reversed(growth.paths):
        set_time(path, chance)


def set_facts(path: Path, chance: random.Random, name: Name = wild_attribute) -> None:
    """Give a path an owner, a mode and, one in three, attributes."""
    os.chown(path, chance.choice(OWNERS), chance.choice(OWNERS), follow_symlinks=False)
    if not path.is_symlink():
        path.chmod(chance.choice((0o644, 0o755, 0o4755, 0o1777, chance.randrange(0o10000))))
    for attribute, value in _attributes(path, chance, name):
        # Not every file system has all of them.
        with suppress(OSError):
            os.setxattr(path, attribute, value, follow_symlinks=False)


def set_time(path: Path, chance: random.Random) -> None:
    """Give a path a modification time."""
    nanoseconds = chance.choice(TIMES) * 10**9 + chance.choice(FRACTIONS)
    os.utime(path, ns=(0, nanoseconds), follow_symlinks=False)


@dataclass(frozen=True)
class _Growth:
    """A tree in the making: what gives names, one path of each inode, and all paths."""

    chance: random.Random
    name: Name
    inodes: list[Path]
    paths: list[Path]

    def fill(self, folder: Path, deep: int) -> None:
        for _ in range(self.chance.randrange(9)):
            path = folder / os.fsdecode(self.name(self.chance))
            # A layer can't hold the names of whiteouts.
            if os.path.lexists(path) or path.name.startswith(".wh."):
                continue
            usual = self.chance.random() < 0.9
            kind = self.chance.choice(KINDS if usual else SPECIAL)
            linked = [inode for inode in self.inodes if inode.is_symlink() or not inode.is_dir()]
            self.paths.append(path)
            if kind == "link" and linked:
                os.link(self.chance.choice(linked), path, follow_symlinks=False)
                continue
            self.inodes.append(path)
            if kind == "directory" and deep:
                path.mkdir()
                self.fill(path, deep - 1)
            else:
                _make(path, kind, self.chance)


def _make(path: Path, kind: str, chance: random.Random) -> None:
    if kind == "symlink":
        target = chance.choice((*TARGETS, bytes(chance.choices(b"xyz", k=chance.choice(LENGTHS)))))
        path.symlink_to(os.fsdecode(target))
    elif kind in TYPES:
        os.mknod(path, TYPES[kind], os.makedev(chance.randrange(4096), chance.randrange(1 << 20)))
    elif kind == "sparse":
        with path.open("wb") as file:
            for _ in range(chance.randrange(3)):
                file.seek(chance.randrange(MEBIBYTE))
                file.write(b"data")
            # A block of a layer is a MiB.
            file.truncate(chance.choice((4097, MEBIBYTE // 3, MEBIBYTE, MEBIBYTE + 1)))
    else:
        size = max(0, 512 * chance.randrange(4) + chance.randrange(-1, 2))
        path.write_bytes(chance.randbytes(size))


def _attributes(path: Path, chance: random.Random, name: Name) -> list[tuple[bytes, bytes]]:
    """Attributes for one path in three; user's and ACLs are for files and directories only."""
    if chance.random() > 1 / 3:
        return []
    value = chance.randbytes(chance.choice((0, 1, 20, 300)))
    found = [(b"trusted." + name(chance), value)]
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return found
    found.append((b"user." + name(chance), value))
    if chance.random() < 1 / 3:
        found.append((b"system.posix_acl_access", _access_list(chance)))
    if path.is_dir() and chance.random() < 1 / 3:
        found.append((b"system.posix_acl_default", _access_list(chance)))
    if path.is_file():
        capabilities = (chance.randrange(1 << 32), 0, chance.randrange(1 << 8), 0)
        found.append((b"security.capability", struct.pack("<5I", 0x0200_0001, *capabilities)))
    return found


def _access_list(chance: random.Random) -> bytes:
    """A list as the kernel has it: a version, then tag, rights and id of each entry, in order."""
    nobody = 2**32 - 1
    owners = ((1, nobody), (2, 5), (4, nobody), (8, 2_097_152), (0x10, nobody), (0x20, nobody))
    entries = (struct.pack("<HHI", tag, chance.randrange(8), owner) for tag, owner in owners)
    return struct.pack("<I", 2) + b"".join(entries)
