"""The layer as Python's own library makes it: `tarfile`, `gzip` and `hashlib` in a single pass.

Run as `python pure_python.py TREE FILE LEVEL`. It is the baseline every ratio refers to, so it is
written to be a fair one: bytes are read once and go on in large pieces, nothing is kept in memory,
and both digests are computed on the way.
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE = 1 << 20  # bytes that are digested and compressed at a time


class Digesting(io.RawIOBase):
    """A writer that hands every piece on and computes the SHA-256 of what passed."""

    def __init__(self, inner: BinaryIO | gzip.GzipFile) -> None:
        self._inner = inner
        self._sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        self._sha256.update(data)
        self._inner.write(data)
        written = memoryview(data).nbytes
        self.size += written
        return written

    def tell(self) -> int:
        return self.size

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"


def write_layer(tree: Path, output: Path, *, level: int) -> dict[str, str | int]:
    """Write the tree as a gzip layer and return its digests and sizes."""
    with output.open("wb") as file:
        blob = Digesting(file)
        with gzip.GzipFile("", "wb", level, blob, mtime=0) as packed:
            tar = Digesting(packed)
            with (
                io.BufferedWriter(tar, PIECE) as buffered,
                tarfile.open(fileobj=buffered, mode="w", format=tarfile.GNU_FORMAT) as archive,
            ):
                archive.add(tree, arcname=".")
    return {
        "digest": blob.digest,
        "size": blob.size,
        "diffID": tar.digest,
        "uncompressedSize": tar.size,
    }


if __name__ == "__main__":
    print(json.dumps(write_layer(Path(sys.argv[1]), Path(sys.argv[2]), level=int(sys.argv[3]))))
