"""Promise 1: input bytes are read once, compressed bytes are written once."""

import bz2
import gzip
import lzma
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from boundary.measure import MIB, SAVE, cost

SAVE_ARCHIVE = """
built = fl.Layer.from_archive(sys.argv[1], threads=2).save(sys.argv[1] + ".layer")
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 200 MB in large and small files, half of them compressible."""
    root = tmp_path_factory.mktemp("tree")
    noise = random.Random(0)
    for number in range(40):
        (root / f"noise-{number}").write_bytes(noise.randbytes(2 * MIB + number))
        (root / f"text-{number}").write_bytes(b"%d all the same\n" % number * 150_000)
    for number in range(2000):
        (root / f"small-{number}").write_bytes(noise.randbytes(number))
    return root


@pytest.mark.parametrize(
    ("compression", "level"), [("gzip", 1), ("gzip", 6), ("zstd", 3), ("none", None)]
)
def test_an_archive_is_one_pass(
    tree: Path, tmp_path: Path, compression: str, level: int | None
) -> None:
    """`/proc/self/io` counts no more than the input read and the output written, and 2 percent."""
    content = sum(path.stat().st_size for path in tree.iterdir())
    used = cost(SAVE, tree, tmp_path / "image.tar", compression, level)
    written = (tmp_path / "image.tar").stat().st_size
    assert used.read <= 1.02 * content + 8 * MIB
    assert used.written <= 1.02 * written + 8 * MIB
    # The counters were read right: less than the work itself cannot be.
    assert used.read >= content
    assert used.written >= written


@pytest.mark.parametrize("compress", [gzip.open, bz2.open, lzma.open])
def test_a_compressed_archive_is_read_once(
    tree: Path, tmp_path: Path, compress: Callable[..., IO[bytes]]
) -> None:
    """It is looked into, decoded on a thread of its own, and read to its end: all in one pass."""
    archive = tmp_path / "archive"
    with compress(archive, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(3):
            tar.add(tree / f"noise-{number}")
    size = archive.stat().st_size
    used = cost(SAVE_ARCHIVE, archive)
    assert size <= used.read <= 1.02 * size + MIB
