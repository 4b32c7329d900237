"""Promise 2: the same bytes, whoever runs it, where, when and on how many threads."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from fastlayer.media_type import Compression

# The bytes of format version 2. A change here is a decision, which CHANGELOG names.
GOLDEN: dict[tuple[Compression, int | None], str] = {
    ("none", None): "sha256:a61e05e84c864dfb5182385c8daf25b9c2de1b1010fb7a8d4e7afaca6af7c491",
    ("gzip", 1): "sha256:d9f0940af0bbc5fcec3877cdfc15c9d4e429002233935accd8bb11cf59f9e8cf",
    ("gzip", 2): "sha256:7fbfc3cbc5253b3bff57544d22ea8231149768d615bceab2228d3542e46485c9",
    ("gzip", 3): "sha256:de25198e58ffda0e23391dcf375b02acb9f42520e14df2bea611b9c3994f23b9",
    ("gzip", 4): "sha256:a37a431fcb822dc531a3facfa83abb1c2cc2e419338f547c6ce1ad04c55d13d8",
    ("gzip", 5): "sha256:da66921e4c8d030cd02e74c1e24387e11239070a1231e00d34bbffe11a5a54a2",
    ("gzip", 6): "sha256:6ee2f35c03fa07fa4cf23fe9a149468df7b6c77e00564fc72fc871c8f3b10443",
    ("gzip", 7): "sha256:0bb673e439861897017de3a03067d74a5b22249ee1490a8a4ed8dd9da2d04dfc",
    ("gzip", 8): "sha256:4f3eb5a030a151e09d524bc46d558c06b864b62195a59202dfd70d1323dd4830",
    ("gzip", 9): "sha256:817ee337adb76cbe907c27a5bd6cd947293762a928d2061a6db91fb66a0daea7",
    ("zstd", 1): "sha256:019fe0ddbaaf50525228101c1f0f7bd28d7eb8f1e3e1b8342ed25d32d4dbe2a1",
    ("zstd", 2): "sha256:df86a1a5d323238206d791bee250782359e42ab14eeed531eb89b36eddb28bcd",
    ("zstd", 3): "sha256:aab5c87731c8ec3d179a58ba368983ccea013be482d9e8e72cb62ffa8a1c9568",
    ("zstd", 9): "sha256:b732b7d5ba7552c00bf3b7dcac765f37bb2425534edfb2ea7f890acc475e5e25",
    ("zstd", 10): "sha256:cd8a508a91cfc51309eef52925525237079c046c674df15e122def5c092254c5",
    ("zstd", 15): "sha256:7aa8f42652266b6504adb0c130e5dd1d4bc9a094cf5233eb3652556664d868f7",
    ("zstd", 16): "sha256:4d2a6dfad475d5c1096c176fcea631c168436e97146ac47a2432c58fc118e60e",
    ("zstd", 19): "sha256:7ef3f85be2e12281f2ff9eba040aad7a5acfcd54824bc6e947db3c042eaeec4b",
    ("zstd", 22): "sha256:f942423d96d9d278a93ba65fa7cb524169b23e97032b0a75527ae7a28f9faf41",
}

SAVE = """if True:
    import json, sys, fastlayer as fl
    source, output, compression, level, threads = sys.argv[1:]
    layer = fl.Layer.from_directory(
        source, compression=compression, level=json.loads(level), threads=int(threads),
        owner=(0, 0), mtime=1700000000,
    )
    image = fl.Image.scratch(platform="linux/amd64").append(layer)
    print(image.with_config(cmd=["/bin/sh"]).save(output, tags=["a:1"]).digest)
"""


def make_tree(root: Path, order: random.Random) -> Path:
    """Make a tree whose entries are created in some order; 5 MB, so that there are block edges."""
    files: dict[str, bytes] = {f"etc/conf-{n}": b"key = %d\n" % n * n for n in range(300)}
    files["bin/program"] = random.Random(1).randbytes(2_000_000)
    files["usr/share/text"] = b"".join(b"line %d\n" % n for n in range(250_000))
    files["usr/empty"] = b""
    names = sorted(files)
    order.shuffle(names)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
        path.chmod(0o755 if name.startswith("bin/") else 0o644)
    (root / "usr/share/link").symlink_to("../empty")
    os.link(root / "usr/empty", root / "usr/hard")
    for path in (root, *root.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    return root


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree whose bytes are pinned."""
    return make_tree(tmp_path_factory.mktemp("same") / "tree", random.Random(2))


def image_bytes(
    tree: Path,
    output: Path,
    compression: str,
    level: int | None,
    *,
    threads: int = 2,
    **process: Any,
) -> bytes:
    """The archive that a process makes, in an environment of its own."""
    arguments = [os.fspath(tree), os.fspath(output), compression, json.dumps(level), str(threads)]
    command = [sys.executable, "-c", SAVE, *arguments]
    subprocess.run(command, check=True, capture_output=True, **process)
    return output.read_bytes()


@pytest.mark.parametrize(("compression", "level"), [("gzip", 6), ("zstd", 3), ("none", None)])
def test_the_archive_does_not_depend_on_the_run(
    tree: Path, tmp_path: Path, compression: str, level: int | None
) -> None:
    """Threads, time zone, locale, umask, folder and the order of creation change no byte."""
    copy = make_tree(tmp_path / "a" / "copy", random.Random(3))
    first = image_bytes(tree, tmp_path / "out", compression, level)
    for threads in (1, 3, 8):
        assert image_bytes(tree, tmp_path / "out", compression, level, threads=threads) == first
    environment = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": "/nowhere"}
    others = [
        image_bytes(tree, tmp_path / "out", compression, level, env=environment, cwd="/"),
        image_bytes(tree, tmp_path / "out", compression, level, umask=0o077),
        image_bytes(copy, tmp_path / "out", compression, level),
    ]
    assert all(other == first for other in others)


@pytest.mark.parametrize(("compression", "level"), GOLDEN, ids=str)
def test_the_digests_are_the_pinned_ones(
    tree: Path, tmp_path: Path, compression: Compression, level: int | None
) -> None:
    """A layer's digest is the one of every release of this format version."""
    layer = fl.Layer.from_directory(
        tree, compression=compression, level=level, owner=(0, 0), mtime=1700000000
    )
    assert layer.save(tmp_path / "layer").digest == GOLDEN[compression, level]
