"""Sparse files: maps that overlap, run out, go back, or say more than there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import (
    GNU,
    base256,
    header,
    member,
    padded,
    pax,
    record,
    tar,
)
from hostile.tars import (
    SPARSE as GNU_SPARSE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SPARSE = Family("sparse", *ARCHIVE, *LAYER)

Stretch = tuple[int, int]
_TERA = 1 << 40


def _number(value: int) -> bytes:
    return base256(value, 12) if value < 0 or value >= 8**11 else b"%011o\0" % value


def _old(stretches: Iterable[Stretch], size: int, content: bytes, more: bytes = b"") -> bytes:
    """The oldest form: a map in the header, where ustar has its prefix."""
    table = b"".join(_number(number) for stretch in stretches for number in stretch)
    # 41 bytes of other fields, the map, whether it goes on, the size with its zeroes.
    tail = bytes(41) + table.ljust(96, b"\0") + (b"\1" if more else b"\0") + _number(size)
    start = header(b"a", GNU_SPARSE, size=len(content), magic=GNU, tail=tail)
    return tar(start + more + padded(content), member(b"b", b"2"))


def _form_1_0(lines: Iterable[object], size: int | bytes, content: bytes) -> bytes:
    """The newest form: a map in front of the content."""
    text = padded(b"".join(b"%s\n" % str(line).encode() for line in lines))
    size = size if isinstance(size, bytes) else b"%d" % size
    records = {
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.name": b"a",
        b"GNU.sparse.realsize": size,
    }
    return tar(pax(records), member(b"GNUSparseFile.0/a", text + content), member(b"b", b"2"))


def _form_0_1(map_: bytes, count: bytes, size: bytes, content: bytes) -> bytes:
    records = {
        b"GNU.sparse.size": size,
        b"GNU.sparse.numblocks": count,
        b"GNU.sparse.map": map_,
        b"GNU.sparse.name": b"a",
    }
    return tar(pax(records), member(b"x", content), member(b"b", b"2"))


def _form_0_0(pairs: Iterable[tuple[bytes, bytes]], size: bytes, content: bytes) -> bytes:
    pairs = list(pairs)
    records = record(b"GNU.sparse.size", size) + record(b"GNU.sparse.numblocks", b"%d" % len(pairs))
    for offset, length in pairs:
        records += record(b"GNU.sparse.offset", offset) + record(b"GNU.sparse.numbytes", length)
    return tar(pax(records), member(b"a", content), member(b"b", b"2"))


_READ = "a sparse file that is right, and is expanded"
SPARSE.add("old", _READ, _old([(3, 2)], 10, b"xx"), "read")
SPARSE.add("0.0", _READ, _form_0_0([(b"3", b"2")], b"10", b"xx"), "read")
SPARSE.add("0.1", _READ, _form_0_1(b"3,2", b"1", b"10", b"xx"), "read")
SPARSE.add("1.0", _READ, _form_1_0([1, 3, 2], 10, b"xx"), "read")
SPARSE.add("all-hole", "a sparse file that holds nothing", _form_1_0([1, 10, 0], 10, b""), "read")

_MAPS: dict[str, tuple[str, list[Stretch], int, bytes]] = {
    "overlap": ("stretches that overlap", [(0, 4), (2, 4)], 10, b"x" * 8),
    "descending": ("stretches that go back", [(6, 2), (0, 2)], 10, b"x" * 4),
    "beyond": ("a stretch beyond the end", [(9, 2)], 10, b"xx"),
    "negative-offset": ("a stretch at a negative place", [(-1, 2)], 10, b"xx"),
    "negative-length": ("a stretch of a negative length", [(3, -2)], 10, b"xx"),
    "overflow": ("a stretch that ends above 2^63", [((1 << 63) - 1, 2)], 10, b"xx"),
    "negative-size": ("a negative size", [(0, 2)], -1, b"xx"),
    "too-little": ("a map of more bytes than are stored", [(0, 6)], 10, b"xx"),
    "too-much": ("a map of fewer bytes than are stored", [(0, 2)], 10, b"x" * 6),
}
for _name, (_what, _map, _size, _content) in _MAPS.items():
    _flat = [number for stretch in _map for number in stretch]
    _pairs = [(b"%d" % offset, b"%d" % length) for offset, length in _map]
    _commas = b",".join(b"%d" % number for number in _flat)
    _whole = b"%d" % _size
    SPARSE.add(f"old-{_name}", _what, _old(_map, _size, _content), "refused")
    SPARSE.add(f"0.0-{_name}", _what, _form_0_0(_pairs, _whole, _content), "refused")
    SPARSE.add(
        f"0.1-{_name}", _what, _form_0_1(_commas, b"%d" % len(_map), _whole, _content), "refused"
    )
    SPARSE.add(f"1.0-{_name}", _what, _form_1_0([len(_map), *_flat], _size, _content), "refused")

_COUNT = "a map of another number of stretches than it says"
for _name, _count in {"huge": 1 << 62, "negative": -1, "over-64-bits": 1 << 70, "more": 2}.items():
    SPARSE.add(f"1.0-count-{_name}", _COUNT, _form_1_0([_count, 3, 2], 10, b"xx"), "refused")
    SPARSE.add(
        f"0.1-count-{_name}", _COUNT, _form_0_1(b"3,2", b"%d" % _count, b"10", b"xx"), "refused"
    )
SPARSE.add("1.0-count-zero", "a map of nothing, and content", _form_1_0([0], 10, b"xx"), "refused")
SPARSE.add("1.0-text", "a map that is text", _form_1_0(["one", "two"], 10, b"xx"), "refused")
SPARSE.add(
    "1.0-long-line", "a map without an end of line", _form_1_0(["1" * 5000], 10, b""), "refused"
)
SPARSE.add("1.0-no-map", "a map that is not there", _form_1_0([], 10, b""), "refused")
SPARSE.add(
    "0.1-odd", "a map that ends in the middle", _form_0_1(b"3,2,1", b"2", b"10", b"xx"), "refused"
)
SPARSE.add("0.1-text", "a map that is text", _form_0_1(b"a,b", b"1", b"10", b"xx"), "refused")
SPARSE.add("0.1-empty-parts", "a map of commas", _form_0_1(b",,,,", b"2", b"10", b"xx"), "refused")
SPARSE.add(
    "0.0-two-offsets",
    "two offsets in a row, which shift all that follows",
    tar(
        pax(
            record(b"GNU.sparse.size", b"10")
            + record(b"GNU.sparse.numblocks", b"1")
            + record(b"GNU.sparse.offset", b"3") * 2
        ),
        member(b"a", b"xx"),
    ),
    "refused",
)
SPARSE.add(
    "0.0-many",
    "thirty thousand empty stretches",
    lambda: _form_0_0([(b"0", b"0")] * 20_000, b"10", b""),
    "read",
)
SPARSE.add(
    "old-without-end",
    "a map that goes on for a thousand blocks, each of which says that there is another",
    lambda: _old([(0, 0)] * 4, 10, b"", (bytes(504) + b"\1").ljust(512, b"\0") * 3000),
    "refused",
)
SPARSE.add(
    "old-without-gnu",
    "the old form under ustar's magic, where its map is the name's prefix",
    tar(member(b"a", b"xx", GNU_SPARSE)),
    "refused",
)
SPARSE.add(
    "version-unknown",
    "a version that is not known: the map would be taken for content",
    tar(pax({b"GNU.sparse.major": b"2", b"GNU.sparse.minor": b"0"}), member(b"a", b"1\n0\n1\n")),
    "refused",
)
SPARSE.add(
    "two-kinds",
    "the old form and the new one at once",
    tar(
        pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"10"}),
        header(b"a", GNU_SPARSE, size=512, magic=GNU),
        padded(b"1\n0\n0\n"),
    ),
    "refused",
)
SPARSE.add(
    "name-that-leads-out",
    "a sparse name with `..` before a harmless one",
    tar(
        pax(
            {
                b"GNU.sparse.map": b"0,1",
                b"GNU.sparse.numblocks": b"1",
                b"GNU.sparse.size": b"1",
                b"GNU.sparse.name": b"../canary/passwd",
            }
        ),
        member(b"a", b"x"),
    ),
    "refused",
)
SPARSE.add(
    "size-of-an-exbibyte",
    "a hole of 2^60 bytes in a few: what is written runs to its end or the disk's",
    _form_1_0([1, 0, 2], 1 << 60, b"xx"),
    "read",
    doors=("bare", "validate", "inspect"),
)
