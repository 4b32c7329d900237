"""Little input that becomes much: made when they are met, and never held in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from functools import partial
from typing import TYPE_CHECKING

from hostile.case import Family
from hostile.tars import END, base256, folder, hard, header, member, tar

if TYPE_CHECKING:
    from collections.abc import Callable

BOMBS = Family("bombs", "layer", "bare")

_MIB = 1 << 20
_SIZE = 128 * _MIB

# What looks only takes no place on the disk.
_LOOK = ("bare", "mtree", "validate")


def _zeroes(pack: Callable[[io.BytesIO], io.BufferedIOBase]) -> bytes:
    """A tar with one file of zeroes, compressed by pieces."""
    buffer = io.BytesIO()
    with pack(buffer) as file:
        file.write(header(b"zeroes", size=base256(_SIZE, 12)))
        for _ in range(_SIZE // _MIB):
            file.write(bytes(_MIB))
        file.write(END)
    return buffer.getvalue()


def _zstd_zeroes(size: int) -> bytes:
    """One frame of blocks that are a byte each, repeated: 128 KiB for four bytes."""
    head = header(b"zeroes", size=base256(size, 12))
    blocks = [(len(head) << 3).to_bytes(3, "little") + head]
    blocks += [((1 << 17) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"] * (size >> 17)
    blocks.append((1024 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0")
    # A window of 1 MiB: 2^(10 + exponent).
    return b"\x28\xb5\x2f\xfd\x00\x50" + b"".join(blocks)


BOMBS.add(
    "gzip",
    "128 MiB of zeroes in 128 KiB of gzip",
    lambda: _zeroes(lambda file: gzip.GzipFile(fileobj=file, mode="wb", mtime=0)),
    "read",
    doors=_LOOK,
)
BOMBS.add(
    "gzip-in-gzip",
    "the same compressed once more: one layer of compression is read, and no more",
    lambda: gzip.compress(_zeroes(lambda file: gzip.GzipFile(fileobj=file, mode="wb", mtime=0))),
    "refused",
    doors=("layer", "pipe", "bare", "mtree", "unpack"),
)
BOMBS.add(
    "bzip2",
    "128 MiB of zeroes in 200 bytes of bzip2",
    lambda: _zeroes(partial(bz2.BZ2File, mode="wb")),
    "read",
    doors=("mtree",),
    heavy=True,
)
BOMBS.add(
    "xz",
    "128 MiB of zeroes in 20 KiB of xz",
    lambda: _zeroes(partial(lzma.LZMAFile, mode="wb")),
    "read",
    doors=("mtree",),
    memory=32,
)
BOMBS.add(
    "zstd",
    "2 GiB of zeroes in 64 KiB of zstd",
    lambda: _zstd_zeroes(2 << 30),
    "read",
    doors=("mtree",),
    heavy=True,
)
BOMBS.add(
    "zstd-small",
    "128 MiB of zeroes in 4 KiB of zstd",
    lambda: _zstd_zeroes(_SIZE),
    "read",
    doors=("mtree", "bare"),
)
BOMBS.add(
    "zstd-skippable",
    "a million skippable frames of nothing",
    lambda: b"\x50\x2a\x4d\x18\0\0\0\0" * 1_000_000,
    "refused",
    doors=("layer", "pipe", "bare", "unpack"),
)
BOMBS.add(
    "gzip-of-headers",
    "a hundred thousand empty files in a small gzip",
    lambda: gzip.compress(tar(*(member(b"%d" % number) for number in range(100_000))), 1, mtime=0),
    "read",
    doors=("layer", "mtree"),
    memory=64,
    heavy=True,
)
BOMBS.add(
    "hard-links-of-10000",
    "ten thousand hard links to one file, in one layer",
    lambda: tar(member(b"a", b"1"), *(hard(b"%d" % number, b"a") for number in range(10_000))),
    "read",
    doors=("layer", "flatten"),
)
BOMBS.add(
    "many-folders",
    "ten thousand names, each below four directories of its own that nothing names",
    lambda: tar(*(member(b"%d/a/b/c/d" % number) for number in range(10_000))),
    "read",
    doors=("layer", "mtree"),
)
BOMBS.add(
    "sparse-in-gzip",
    "a sparse file of 2^50 bytes: listed by its header",
    lambda: gzip.compress(_sparse(1 << 50), mtime=0),
    "read",
    doors=("bare",),
)


def _sparse(size: int) -> bytes:
    tail = bytes(41) + struct.pack("96x") + b"\0" + base256(size, 12)
    return tar(header(b"a", b"S", magic=b"ustar  \0", tail=tail))


BOMBS.add(
    "index-of-folders",
    "ten thousand whiteouts in ten thousand directories that are not there",
    lambda: tar(*(member(b"%d/.wh.a" % number) for number in range(10_000)), folder(b"d/")),
    "read",
    doors=("validate", "flatten", "rewrite"),
)
