"""Every level of gzip, on every kind of content, read by decompressors that share no code."""

import gzip
import os
import random
import zlib
from pathlib import Path

import pytest

import fastlayer as fl

from .peers import call, call_bytes, find
from .tree import assert_trees_equal, snapshot

LEVELS = range(1, 10)

# The tar is cut at every MiB.
BLOCK = 1 << 20


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tree of files that are hard on an encoder, each in its own way."""
    root = tmp_path_factory.mktemp("kinds") / "tree"
    root.mkdir()
    noise = random.Random(1)
    text = b"".join(b"%d bottles of beer on the wall\n" % n for n in range(60_000))
    (root / "compressed").write_bytes(gzip.compress(text, mtime=0))
    (root / "empty").touch()
    (root / "equal").write_bytes(b"\x07" * (2 * BLOCK + 1))
    # Matches as far back as there can be, and a byte farther.
    far = noise.randbytes(32_768)
    (root / "far").write_bytes(far * 3 + b"x" + far + b"xx" + far)
    (root / "noise").write_bytes(noise.randbytes(BLOCK + BLOCK // 2))
    (root / "one").write_bytes(b"1")
    (root / "pairs").write_bytes(bytes(noise.choices(b"ab", k=300_000)))
    (root / "program").write_bytes(Path("/bin/bash").resolve().read_bytes())
    (root / "text").write_bytes(text)
    return root


@pytest.fixture(scope="module")
def plain(kinds: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the tar of that tree."""
    path = tmp_path_factory.mktemp("plain") / "layer.tar"
    fl.Layer.from_directory(kinds, compression="none").save(path)
    return path.read_bytes()


@pytest.fixture(scope="module", params=LEVELS)
def layer(
    request: pytest.FixtureRequest, kinds: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give the layer of that tree at a level."""
    path = tmp_path_factory.mktemp("layer") / "layer.tar.gz"
    fl.Layer.from_directory(kinds, compression="gzip", level=request.param).save(path)
    return path


@pytest.mark.parametrize("program", ["gzip", "pigz", "igzip", "libdeflate-gzip"])
def test_every_level_is_read_by_a_tool(layer: Path, plain: bytes, program: str) -> None:
    """Its tar comes out again, and the CRC is right."""
    assert call_bytes([find(program), "-d", "-c", layer]) == plain


def test_every_level_is_read_by_zlib(layer: Path, plain: bytes) -> None:
    """It is one member, with nothing behind it."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert inflater.decompress(layer.read_bytes()) == plain
    assert inflater.eof
    assert not inflater.unused_data


def test_every_level_is_read_by_go(kinds: Path, tmp_path: Path) -> None:
    """umoci unpacks an image whose layers have a level each."""
    image = fl.Image.scratch(platform="linux/amd64")
    for level in LEVELS:
        image = image.append(
            fl.Layer.from_directory(kinds, prefix=f"level{level}", compression="gzip", level=level)
        )
    image.write_layout(tmp_path / "layout", tags=["x:1"])
    rootless = ["--rootless"] if os.geteuid() else []
    call([find("umoci"), "unpack", *rootless, "--image", f"{tmp_path}/layout:1", tmp_path / "out"])
    for level in LEVELS:
        found = snapshot(tmp_path / "out" / "rootfs" / f"level{level}")
        assert_trees_equal(found, snapshot(kinds))


@pytest.mark.parametrize("length", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_tar_that_ends_near_the_edge_of_a_block(length: int, tmp_path: Path) -> None:
    """Header, content, padding and trailer make a tar whose blocks are whole, or nearly so."""
    content = random.Random(length).randbytes(length)
    for level in (1, 4, 9):
        layer = fl.Layer.from_files({"f": content}, compression="gzip", level=level)
        built = layer.save(tmp_path / "layer.tar.gz")
        tar = gzip.decompress((tmp_path / "layer.tar.gz").read_bytes())
        assert len(tar) == built.uncompressed_size
        assert content in tar
        assert built.size <= len(tar) + len(tar) // 1000 + 64
