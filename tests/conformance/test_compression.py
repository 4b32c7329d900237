"""Compressed layers in the hands of other decompressors."""

import hashlib
import re
import zlib
from pathlib import Path

import pytest

from .cli import fastlayer
from .peers import call, call_bytes, find

GZIP = 16 + zlib.MAX_WBITS


@pytest.fixture(scope="module")
def plain(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the SHA-256 of the layer as an uncompressed tar."""
    path = tmp_path_factory.mktemp("plain") / "layer.tar"
    fastlayer("layer", rootfs, "-o", path, "--compression", "none")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module", params=["gzip", "gzip:1", "gzip:6"])
def gzip_layer(
    request: pytest.FixtureRequest, rootfs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a layer compressed with gzip."""
    path = tmp_path_factory.mktemp("gzip") / "layer.tar.gz"
    fastlayer("layer", rootfs, "-o", path, "--compression", request.param)
    return path


@pytest.fixture(scope="module", params=["zstd", "zstd:3", "zstd:9"])
def zstd_layer(
    request: pytest.FixtureRequest, rootfs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a layer compressed with zstd."""
    path = tmp_path_factory.mktemp("zstd") / "layer.tar.zst"
    fastlayer("layer", rootfs, "-o", path, "--compression", request.param)
    return path


@pytest.mark.parametrize("program", ["gzip", "pigz", "igzip"])
def test_gzip_tools_accept_the_layer(gzip_layer: Path, plain: str, program: str) -> None:
    """Three inflaters that share no code accept the member's CRC and give the same tar."""
    call([find(program), "-t", gzip_layer])
    unpacked = call_bytes([find(program), "-d", "-c", gzip_layer])
    assert hashlib.sha256(unpacked).hexdigest() == plain


def test_gzip_is_one_member(gzip_layer: Path) -> None:
    """The file ends with its first member: some consumers read no further."""
    inflater = zlib.decompressobj(GZIP)
    with gzip_layer.open("rb") as file:
        while piece := file.read(1 << 20):
            inflater.decompress(piece)
            assert not inflater.unused_data
    assert inflater.eof


def test_gzip_header_tells_nothing_of_the_machine(gzip_layer: Path) -> None:
    """The header has no name, no time and no operating system."""
    with gzip_layer.open("rb") as file:
        magic, flags, time, system = file.read(3), file.read(1), file.read(4), file.read(2)[1]
    assert (magic, flags, time, system) == (b"\x1f\x8b\x08", b"\0", bytes(4), 255)


def test_zstd_accepts_the_layer(zstd_layer: Path, plain: str) -> None:
    """The reference decompressor accepts the frame and gives the same tar."""
    zstd = find("zstd")
    call([zstd, "--test", "--quiet", zstd_layer])
    unpacked = call_bytes([zstd, "--decompress", "--stdout", "--quiet", zstd_layer])
    assert hashlib.sha256(unpacked).hexdigest() == plain


def test_zstd_is_one_frame(zstd_layer: Path) -> None:
    """The file holds a single frame: some consumers read no further."""
    listing = call([find("zstd"), "--list", "-v", zstd_layer])
    frames = re.search(r"# Zstandard Frames: (\d+)", listing)
    skippable = re.search(r"# Skippable Frames: (\d+)", listing)
    assert frames is not None
    assert frames[1] == "1"
    assert skippable is None or skippable[1] == "0"


@pytest.fixture(scope="module")
def sample(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give some MiB of real programs as an uncompressed tar."""
    path = tmp_path_factory.mktemp("sample") / "layer.tar"
    fastlayer("layer", rootfs / "usr" / "bin", "-o", path, "--compression", "none")
    return path


@pytest.mark.parametrize(
    "compress",
    [
        "gzip -1",
        "pigz -1 --processes 2",
        "bzip2 -1",
        "xz -0 --check=sha256",
        # Blocks with their sizes in front, which are decoded side by side.
        "xz -0 --threads=2 --block-size=1MiB",
        "xz -0 --x86 --lzma2=preset=0",
        "zstd -1",
        "zstd --long=27 -T2",
    ],
)
def test_an_archive_that_a_tool_compressed(sample: Path, tmp_path: Path, compress: str) -> None:
    """The tar of a layer is the same layer again, whoever compressed it and on any threads."""
    program, *options = compress.split()
    packed = tmp_path / "packed"
    packed.write_bytes(call_bytes([find(program), *options, "--stdout", sample]))
    for threads in ("1", "4"):
        options = ["--compression", "none", "--threads", threads]
        fastlayer("layer", packed, "-o", tmp_path / "again", *options)
        assert (tmp_path / "again").read_bytes() == sample.read_bytes()
