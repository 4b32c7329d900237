"""A directory of everything that is hard to carry in a layer."""

import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .peers import call, find

BEFORE_1970 = -126_230_400  # 1966-01-01
PAST_OCTAL = 8**11 + 1  # 2242-03-16: eleven octal digits of a tar header no longer hold it
LARGEST_ID = 2**32 - 2  # the last one means "no change" to chown
MEBIBYTE = 1 << 20


def decorate(root: Path) -> None:
    """Fill `root/hard`; what this file system cannot hold is left out."""
    folder = root / "hard"
    folder.mkdir(mode=0o750)
    for name, fill in {
        "links": _links,
        "special": _special,
        "modes": _modes,
        "names": _names,
        "long_paths": _long_paths,
        "contents": _contents,
        "owners": _owners,
        "attributes": _attributes,
        "access_lists": _access_lists,
        "times": _times,
    }.items():
        below = folder / name
        below.mkdir()
        fill(below)


def _links(folder: Path) -> None:
    first = folder / "first"
    first.write_bytes(b"one file, three names\n")
    (folder / "second").hardlink_to(first)
    (folder / "sub").mkdir()
    (folder / "sub" / "third").hardlink_to(first)
    empty = folder / "empty"
    empty.touch()
    (folder / "empty-again").hardlink_to(empty)
    for name, target in {
        "absolute": "/etc/os-release",
        "dangling": "nowhere",
        "loop": "loop",
        "out": "../../../..",
        "directory": "sub",
        "long": "x/" * 120 + "end",
        "slash": "sub/",
    }.items():
        (folder / name).symlink_to(target)
    os.link(folder / "dangling", folder / "dangling-again", follow_symlinks=False)


def _special(folder: Path) -> None:
    os.mkfifo(folder / "fifo", 0o620)
    os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(folder / "disk", stat.S_IFBLK | 0o640, os.makedev(253, 70_000))
    with socket.socket(socket.AF_UNIX) as listener:
        # Bound by a short relative name: the address has room for 107 bytes.
        _inside(folder, lambda: listener.bind("socket"))


def _inside(folder: Path, act: Callable[[], None]) -> None:
    before = Path.cwd()
    os.chdir(folder)
    try:
        act()
    finally:
        os.chdir(before)


def _modes(folder: Path) -> None:
    for mode in (0o000, 0o400, 0o777, 0o1777, 0o2755, 0o4755, 0o7777):
        file = folder / f"file-{mode:04o}"
        file.write_bytes(b"#!/bin/true\n")
        file.chmod(mode)
        below = folder / f"directory-{mode:04o}"
        below.mkdir()
        below.chmod(mode)


def _names(folder: Path) -> None:
    for name in (
        b"not utf-8 \xff\xfe",
        "häßlich-日本語".encode(),
        b"new\nline",
        b"back\\slash",
        b"-dash",
        b"*?[glob]",
        b"~",
        b"trailing ",
        b"equal=sign",
    ):
        (folder / os.fsdecode(name)).write_bytes(name)


def _long_paths(folder: Path) -> None:
    # The header holds 100 bytes of name, the kernel 255 of one part; `hard/long_paths/` is 16.
    for length in (99, 100, 101, 155, 156, 255):
        (folder / ("n" * length)).touch()
        (folder / ("p" * (length - len("hard/long_paths/")))).touch()
    deep = folder
    for part in "abc":
        deep = deep / (part * 120)
        deep.mkdir()
    target = deep / "file"
    target.write_bytes(b"far down\n")
    (deep / "link").hardlink_to(target)


def _contents(folder: Path) -> None:
    for size in (0, 1, 511, 512, 513, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1):
        (folder / f"{size}-bytes").write_bytes(bytes(i * 7 % 251 for i in range(size)))
    with (folder / "sparse").open("wb") as file:
        file.write(b"start")
        file.seek(40 * MEBIBYTE)
        file.write(b"middle")
        file.truncate(64 * MEBIBYTE)
    (folder / "empty" / "directories").mkdir(parents=True)


def _owners(folder: Path) -> None:
    # Seven octal digits end at 2,097,151.
    for owner in (1, 65_534, 2_097_151, 2_097_152, LARGEST_ID):
        file = folder / str(owner)
        file.touch()
        with suppress(OSError):  # a user namespace may not know the number
            os.chown(file, owner, owner)
    (folder / "link").symlink_to("1")
    os.chown(folder / "link", 5, 6, follow_symlinks=False)


def _attributes(folder: Path) -> None:
    capable = folder / "capable"
    capable.write_bytes(b"\x7fELF")
    call([find("setcap"), "cap_net_raw,cap_net_bind_service+ep", capable])
    plain = folder / "user"
    plain.touch()
    with suppress(OSError):
        os.setxattr(plain, "user.text", b"value")
        os.setxattr(plain, "user.binary", bytes(range(256)))
        os.setxattr(folder, "user.directory", b"a directory has them too\n")
    link = folder / "link"
    link.symlink_to("user")
    with suppress(OSError):
        os.setxattr(link, "trusted.link", b"on the link itself", follow_symlinks=False)


def _access_lists(folder: Path) -> None:
    setfacl = find("setfacl")
    file = folder / "file"
    file.touch()
    with suppress(AssertionError):  # not every file system has them
        call([setfacl, "--modify", "user:1234:r,group:4321:rw", file])
        call([setfacl, "--default", "--modify", "user:1234:rx", folder])
    (folder / "heir").mkdir()


def _times(folder: Path) -> None:
    for name, seconds in {
        "before-1970": BEFORE_1970,
        "one-second-before": -1,
        "zero": 0,
        "past-octal": PAST_OCTAL,
        "fraction": 1_700_000_000,
    }.items():
        (folder / name).touch()
        # The fraction is dropped, never rounded: also below zero that is the second before.
        nanoseconds = seconds * 10**9 + (999_999_999 if name == "fraction" else 0)
        os.utime(folder / name, ns=(0, nanoseconds))
    (folder / "link").symlink_to("zero")
    os.utime(folder / "link", (0, BEFORE_1970), follow_symlinks=False)
    old = folder / "directory"
    old.mkdir()
    (old / "newer").touch()
    os.utime(old, (0, 1))
