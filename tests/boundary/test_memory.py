"""Promise 3: memory does not grow with files or layers, and little with the number of entries."""

import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

import fastlayer as fl
from boundary.measure import MIB, cost
from registries import Registry

LIMIT = 96 * MIB

SAVE = """
layer = fl.Layer.from_directory(
    sys.argv[1], compression=sys.argv[2], level=int(sys.argv[3]), threads=2
)
built = layer.save(sys.argv[1] + ".layer")
"""

SAVE_VERIFIED = SAVE.replace("threads=2", "threads=2, verify=True")

SAVE_ARCHIVE = """
layer = fl.Layer.from_archive(sys.argv[1], compression="zstd", level=1, threads=2)
built = layer.save(sys.argv[1] + ".layer")
"""


# Layers of single files, the first of which is large; or that one alone.
SAVE_IMAGE = """
layers = [
    fl.Layer.from_files({"file": path}, compression=sys.argv[1], threads=8)
    for path in sys.argv[3:]
]
built = fl.Image.scratch(platform="linux/amd64").append(*layers).save(sys.argv[2]).layers[0]
"""


PUSH = """
layer = fl.Layer.from_directory(sys.argv[1], compression=sys.argv[3], threads=2)
built = fl.Image.scratch(platform="linux/amd64").append(layer).push(sys.argv[2]).layers[0]
"""

PUSH_MANY = """
layers = [
    fl.Layer.from_directory(sys.argv[1], compression=sys.argv[3], threads=2, prefix=prefix)
    for prefix in ("a", "b", "c")
]
built = fl.Image.scratch(platform="linux/amd64").append(*layers).push(sys.argv[2]).layers[0]
"""

PUSH_STORED = "built = fl.Image.load(sys.argv[1]).push(sys.argv[2]).layers[0]"


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with one file of 4 GiB, all of it a hole but its ends."""
    root = tmp_path_factory.mktemp("sparse") / "tree"
    root.mkdir()
    with (root / "disk.img").open("wb") as file:
        file.write(b"begin")
        file.seek((4 << 30) - 3)
        file.write(b"end")
    return root


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of 200,000 empty files."""
    root = tmp_path_factory.mktemp("empty") / "tree"
    for directory in range(200):
        (root / f"{directory:03}").mkdir(parents=True)
        handle = os.open(root / f"{directory:03}", os.O_RDONLY)
        for number in range(1000):
            os.close(os.open(f"file-{number:04}", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        os.close(handle)
    return root


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of 64 MiB that no compressor makes smaller: output buffers are at their largest."""
    root = tmp_path_factory.mktemp("noise") / "tree"
    root.mkdir()
    (root / "noise").write_bytes(os.urandom(64 * MIB))
    return root


@pytest.mark.parametrize(("compression", "level"), [("gzip", 1), ("zstd", 1), ("zstd", 3)])
def test_a_sparse_file_of_4_gib(sparse: Path, compression: str, level: int) -> None:
    """The file is never in memory, its holes are never read."""
    used = cost(SAVE, sparse, compression, level)
    assert used.sizes[0] > 4 << 30
    assert used.peak <= LIMIT
    assert used.read <= 8 * MIB


@pytest.mark.parametrize(("compression", "level"), [("gzip", 6), ("zstd", 3)])
def test_many_empty_files(empty: Path, compression: str, level: int) -> None:
    """200,000 entries are planned in well under the limit."""
    used = cost(SAVE, empty, compression, level)
    assert used.sizes[2] == 200_201
    assert used.peak <= LIMIT


@pytest.mark.parametrize(
    ("compression", "level"),
    [*(("gzip", level) for level in range(1, 10)), *(("zstd", level) for level in range(1, 4))],
)
def test_every_level_stays_below_the_limit(noise: Path, compression: str, level: int) -> None:
    """The limit holds for data that does not compress, at each level that it is promised for."""
    assert cost(SAVE, noise, compression, level).peak <= LIMIT


@pytest.mark.parametrize(("compression", "level"), [("gzip", 9), ("zstd", 3)])
def test_verification_stays_below_the_limit(noise: Path, compression: str, level: int) -> None:
    """What is decoded again is held in pieces, and of a frame the window."""
    assert cost(SAVE_VERIFIED, noise, compression, level).peak <= LIMIT


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_many_layers_take_the_memory_of_one(noise: Path, tmp_path: Path, compression: str) -> None:
    """Two hundred that are made beside a large one, and after it, need hardly more than it alone.

    How many of them are in the making at one moment differs from run to run, and with it the peak.
    What each left behind would be there in every run.
    """
    large = noise / "noise"
    small = [tmp_path / f"{number}" for number in range(200)]
    for path in small:
        path.write_bytes(os.urandom(MIB - 2048))
    one = cost(SAVE_IMAGE, compression, tmp_path / "image.tar", large)
    peaks = [
        cost(SAVE_IMAGE, compression, tmp_path / "image.tar", large, *small).peak for _ in range(3)
    ]
    assert min(peaks) <= 1.25 * one.peak + 16 * MIB


def test_layers_of_several_zstd_jobs_take_the_memory_of_one(tmp_path: Path) -> None:
    """Each is made by all threads of libzstd, which must not keep memory for every one."""
    paths = [tmp_path / f"{number}" for number in range(20)]
    for path in paths:
        path.write_bytes(os.urandom(10 * MIB))
    one = cost(SAVE_IMAGE, "zstd", tmp_path / "image.tar", paths[0])
    many = cost(SAVE_IMAGE, "zstd", tmp_path / "image.tar", *paths)
    assert many.peak <= 1.25 * one.peak + 16 * MIB


@pytest.mark.parametrize("compress", [gzip.open, bz2.open, lzma.open])
def test_an_archive_that_grows_a_thousand_times(
    tmp_path: Path, compress: Callable[..., IO[bytes]]
) -> None:
    """What a small archive unpacks to is never held: neither decoded ahead nor waiting."""
    info = tarfile.TarInfo("zeroes")
    info.size = 256 * MIB
    archive = tmp_path / "archive"
    with (
        compress(archive, "wb") as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
        Path("/dev/zero").open("rb") as zeroes,
    ):
        tar.addfile(info, zeroes)
    assert archive.stat().st_size < MIB
    used = cost(SAVE_ARCHIVE, archive)
    assert used.sizes[0] > info.size
    assert used.peak <= LIMIT


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_push_holds_some_chunks(noise: Path, compression: str) -> None:
    """A layer that is sent while it is made, and chunks that the registry has not taken yet."""
    with Registry() as registry:
        assert cost(PUSH, noise, f"docker://{registry.domain}/a:1", compression).peak <= LIMIT


def test_layers_that_are_made_and_sent_share_chunks(noise: Path) -> None:
    """The end of one is still on its way while the next is made."""
    with Registry() as registry:
        domain = registry.domain
        assert cost(PUSH_MANY, noise, f"docker://{domain}/a:1", "zstd").peak <= LIMIT


def test_a_push_of_many_layers_holds_chunks_of_a_few(tmp_path: Path) -> None:
    """Stored layers go out side by side, each in pieces."""
    layers = [
        fl.Layer.from_files({f"noise{number}": os.urandom(40 * MIB)}, compression="none")
        for number in range(6)
    ]
    fl.Image.scratch(platform="linux/amd64").append(*layers).save(tmp_path / "x.tar", tags=["x"])
    with Registry() as registry:
        pushed = cost(PUSH_STORED, tmp_path / "x.tar", f"docker://{registry.domain}/a:1")
    assert pushed.peak <= LIMIT
