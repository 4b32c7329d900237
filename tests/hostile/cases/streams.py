"""Compressed archives that are cut, joined, damaged or followed by something."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from typing import TYPE_CHECKING

from archives import zstd
from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import END, header, member, tar

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS = Family("streams", *ARCHIVE, *LAYER)

_TAR = tar(member(b"a", b"1" * 700), member(b"b", b"2"))
_HALF = len(_TAR) // 2


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": _gzip,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}

for _form, _pack in PACK.items():
    _blob = _pack(_TAR)
    # An image has no layers in these two.
    _doors = ARCHIVE if _form in ("bzip2", "xz") else (*ARCHIVE, *LAYER)
    for _name, _what, _content in (
        ("cut-in-half", "the first half of an archive", _blob[: len(_blob) // 2]),
        ("cut-by-a-byte", "an archive without its last byte", _blob[:-1]),
        ("followed-by-garbage", "an archive with something behind it", _blob + b"garbage"),
        ("with-a-second-archive", "two archives, one after the other", _blob + _blob),
        (
            "joined",
            "an archive cut in two and put together by its format",
            _pack(_TAR[:_HALF]) + _pack(_TAR[_HALF:]),
        ),
        ("twice", "an archive that is compressed twice", _pack(_blob)),
        ("of-nothing", "an archive that is empty inside", _pack(b"")),
        ("of-zeroes", "an archive with nothing but its end", _pack(END)),
        ("of-a-byte", "an archive of one byte", _pack(b"x")),
    ):
        # What stands behind the end of a tar is not looked at, as in Go and GNU tar.
        _fine = _name in ("joined", "of-zeroes", "with-a-second-archive") or (
            _form == "plain" and _name in ("twice", "followed-by-garbage")
        )
        STREAMS.add(
            f"{_form}-{_name}", _what, _content, "read" if _fine else "refused", doors=_doors
        )

for _offset in (
    1,
    100,
    148,
    257,
    511,
    512,
    513,
    1023,
    1024,
    1535,
    1536,
    1600,
    2048,
    2559,
    2560,
    3000,
):
    STREAMS.add(
        f"plain-cut-at-{_offset}",
        "an archive that ends early: what Go takes for the end of an archive is one",
        _TAR[:_offset],
        # Between two members and in the padding, as in Go.
        "read" if _offset in (1535, 1536, 2559, 2560) else "refused",
    )
for _offset in (1, 2, 3, 9, 10, 11, 20, -9, -8, -4):
    STREAMS.add(
        f"gzip-cut-at{_offset:+}", "a gzip that ends early", _gzip(_TAR)[:_offset], "refused"
    )
STREAMS.add("empty", "an empty file", b"", "refused")
STREAMS.add("text", "a file that is no archive", b"no archive\n" * 100, "refused")

_GZIP = _gzip(_TAR)
for _name, _what, _content in (
    ("gzip-wrong-crc", "a gzip whose checksum is another's", _GZIP[:-8] + b"\0\0\0\0" + _GZIP[-4:]),
    ("gzip-wrong-size", "a gzip whose size is another's", _GZIP[:-4] + b"\xff\xff\xff\xff"),
    (
        "gzip-flipped-bit",
        "a gzip with a flipped bit",
        _GZIP[:40] + bytes([_GZIP[40] ^ 8]) + _GZIP[41:],
    ),
    ("gzip-reserved-flags", "a gzip header with reserved flags", _GZIP[:3] + b"\xe0" + _GZIP[4:]),
    ("gzip-other-method", "a gzip of another method", _GZIP[:2] + b"\x07" + _GZIP[3:]),
    (
        "gzip-reserved-block",
        "a DEFLATE block of the reserved type",
        _GZIP[:10] + b"\x07" + _GZIP[11:],
    ),
    (
        "gzip-stored-lengths",
        "a stored block whose two lengths disagree",
        _GZIP[:10] + b"\x01\x05\0\0\0hello" + _GZIP[-8:],
    ),
    (
        "gzip-far-distance",
        "a match from before the beginning",
        _GZIP[:10] + b"\x73\x04\x11\x00" + _GZIP[-8:],
    ),
    ("zlib", "a zlib stream, whose header is another", zlib.compress(_TAR)),
    (
        "zstd-wrong-size",
        "a zstd frame whose size is another's",
        zstd(_TAR)[:5] + struct.pack("<Q", 9) + zstd(_TAR)[13:],
    ),
    (
        "zstd-dictionary",
        "a zstd frame that needs a dictionary",
        b"\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00",
    ),
    (
        "zstd-reserved-block",
        "a zstd block of the reserved type",
        b"\x28\xb5\x2f\xfd\x00\x58\x07\x00\x00",
    ),
    (
        "zstd-reserved-bit",
        "a zstd frame with its reserved bit",
        b"\x28\xb5\x2f\xfd\x08\x58\x01\x00\x00",
    ),
    (
        "zstd-huge-window",
        "a zstd frame with a window of 3.75 TiB",
        b"\x28\xb5\x2f\xfd\x00\xff" + zstd(_TAR)[13:],
    ),
    (
        "zstd-window-of-256-mib",
        "a zstd frame with a window of 256 MiB: twice what is read",
        b"\x28\xb5\x2f\xfd\x00\x90" + zstd(_TAR)[13:],
    ),
    (
        "zstd-huge-size",
        "a zstd frame that says it holds 2^64-1 bytes",
        zstd(_TAR)[:5] + b"\xff" * 8 + zstd(_TAR)[13:],
    ),
    (
        "zstd-skippable-cut",
        "a skippable frame that is longer than the file",
        b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + zstd(_TAR),
    ),
    (
        "zstd-skippable-alone",
        "a skippable frame and nothing else",
        b"\x50\x2a\x4d\x18\x04\0\0\0abcd",
    ),
    (
        "xz-huge-dictionary",
        "an xz block with a dictionary of 4 GiB - 1",
        lzma.compress(_TAR, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}]).replace(
            b"\x21\x01\x00", b"\x21\x01\x28"
        ),
    ),
    (
        "bzip2-wrong-crc",
        "a bzip2 block whose checksum is another's",
        bz2.compress(_TAR)[:10] + b"\0\0\0\0" + bz2.compress(_TAR)[14:],
    ),
    ("bzip2-other-size", "a bzip2 of a block size that is none", b"BZh0" + bz2.compress(_TAR)[4:]),
):
    STREAMS.add(
        _name,
        _what,
        _content,
        "refused",
        doors=ARCHIVE if _name[0] in "xb" or _name == "zlib" else (*ARCHIVE, *LAYER),
    )
STREAMS.add(
    "zstd-skippable-between",
    "skippable frames before, between and behind others",
    b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    + zstd(_TAR[:_HALF])
    + b"\x5f\x2a\x4d\x18\0\0\0\0"
    + zstd(_TAR[_HALF:]),
    "read",
)
STREAMS.add(
    "zstd-window-of-128-mib",
    "a zstd frame with a window of 128 MiB: as much as is read",
    b"\x28\xb5\x2f\xfd\x00\x88" + zstd(_TAR)[13:],
    "read",
    memory=160,
)
STREAMS.add(
    "gzip-with-all-fields",
    "a gzip with a name that leads out, a comment with escapes, and extra fields",
    b"\x1f\x8b\x08\x1c\0\0\0\0\0\xff"
    + b"\x04\0abcd"
    + b"../../canary/passwd\0"
    + b"\x1b[31m\0"
    + _GZIP[10:],
    "read",
)
STREAMS.add(
    "gzip-endless-name",
    "a gzip whose name never ends",
    b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"a" * 300_000,
    "refused",
)
STREAMS.add(
    "gzip-of-empty-members",
    "twenty thousand empty gzip members before the archive",
    lambda: _gzip(b"") * 20_000 + _GZIP,
    "read",
    doors=("layer", "pipe", "mtree", "unpack"),
)
STREAMS.add(
    "gzip-followed-by-zeroes",
    "a gzip with zeroes behind it, as on tapes",
    _GZIP + bytes(512),
    "read",
)
STREAMS.add(
    "end-then-archive",
    "a second archive behind the end of the first: readers stop at the end",
    _TAR + tar(member(b"hidden", b"evil")),
    "read",
)
STREAMS.add(
    "end-of-one-block",
    "one block of zeroes, and then another member",
    member(b"a", b"1") + bytes(512) + member(b"b", b"2") + END,
    "refused",
)
STREAMS.add("no-end", "an archive without its end", member(b"a", b"1"), "read")
STREAMS.add(
    "content-that-is-a-header",
    "a file whose content is an archive",
    tar(member(b"a", tar(member(b"inner", b"evil")))),
    "read",
)
STREAMS.add(
    "header-cut-in-gzip",
    "a gzip that is whole, of an archive that is not",
    _gzip(header(b"a", size=5000) + b"1" * 100),
    "refused",
)
