"""Tar archives byte by byte: any field may hold anything, which no library would write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512
END = bytes(2 * BLOCK)

FILE, HARD, SYMBOLIC, CHARACTER, DEVICE, FOLDER, PIPE = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
PAX, GLOBAL, LONG_NAME, LONG_LINK, SPARSE = b"x", b"g", b"L", b"K", b"S"

USTAR, GNU, V7 = b"ustar\x0000", b"ustar  \0", bytes(8)

OWNER = 65534
"""Whom entries belong to: nobody can unpack what is nobody's."""

Field = int | bytes
"""A number, written in octal, or the bytes of the field as they are."""


def header(
    name: bytes = b"x",
    kind: bytes = FILE,
    *,
    size: Field = 0,
    mode: Field = 0o644,
    uid: Field = OWNER,
    gid: Field = OWNER,
    mtime: Field = 0,
    link: bytes = b"",
    magic: bytes = USTAR,
    major: Field = 0,
    minor: Field = 0,
    tail: bytes = b"",
    checksum: Field | None = None,
) -> bytes:
    """One header block (POSIX pax, "ustar Interchange Format"); `tail` is what follows `minor`."""
    block = b"".join(
        (
            _text(name, 100),
            _number(mode, 8),
            _number(uid, 8),
            _number(gid, 8),
            _number(size, 12),
            _number(mtime, 12),
            b" " * 8,
            kind,
            _text(link, 100),
            magic,
            bytes(64),
            _number(major, 8),
            _number(minor, 8),
            _text(tail, 167),
        )
    )
    found = sum(block) if checksum is None else checksum
    stated = found if isinstance(found, bytes) else b"%06o\0 " % found
    return block[:148] + stated + block[156:]


def _text(content: bytes, width: int) -> bytes:
    assert len(content) <= width, content
    return content.ljust(width, b"\0")


def _number(value: Field, width: int) -> bytes:
    text = value if isinstance(value, bytes) else b"%0*o" % (width - 1, value)
    return _text(text, width)


def base256(value: int, width: int) -> bytes:
    """A number as GNU tar writes what octal digits cannot hold."""
    bits = 8 * width - 1
    return ((value & (1 << bits) - 1) | 1 << bits).to_bytes(width, "big")


def member(name: bytes = b"x", content: bytes = b"", kind: bytes = FILE, **fields: Any) -> bytes:
    """A header and what belongs to it, padded."""
    stated = {"size": len(content), **fields}
    return header(name, kind, **stated) + padded(content)


def padded(content: bytes) -> bytes:
    """Content up to the next block."""
    return content + bytes(-len(content) % BLOCK)


def record(key: bytes, value: bytes) -> bytes:
    """One PAX record, whose length counts itself."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d" % length + rest


def pax(records: Mapping[bytes, bytes] | bytes, kind: bytes = PAX, **fields: Any) -> bytes:
    """An extended header: records, or bytes in their place."""
    content = (
        records
        if isinstance(records, bytes)
        else b"".join(record(key, value) for key, value in records.items())
    )
    return member(b"PaxHeaders/x", content, kind, **fields)


def folder(name: bytes, **fields: Any) -> bytes:
    """A directory."""
    return member(name, kind=FOLDER, **{"mode": 0o755, **fields})


def symbolic(name: bytes, target: bytes) -> bytes:
    """A symbolic link."""
    return member(name, kind=SYMBOLIC, mode=0o777, link=target)


def hard(name: bytes, target: bytes, **fields: Any) -> bytes:
    """A hard link."""
    return member(name, kind=HARD, link=target, **fields)


def long_name(name: bytes, kind: bytes = LONG_NAME) -> bytes:
    """A name, or with `LONG_LINK` a link's target, as GNU tar writes long ones."""
    return member(b"././@LongLink", name + b"\0", kind, magic=GNU)


def tar(*members: bytes) -> bytes:
    """An archive of these, with its end."""
    return b"".join(members) + END
