"""How fast the Python calls are; run with `make bench`.

The tree is made anew for a session and is in the page cache. `MB_per_s` in the extra info counts
bytes of content, before compression.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastlayer as fl
from benches.tree import Tree, make_tree
from fastlayer.config import ImageConfig, RootFS
from fastlayer.digest import Digest
from fastlayer.document import encode

ROUNDS = 5
THREADS = 2
MB = 1_000_000


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return make_tree(tmp_path_factory.mktemp("benches") / "tree")


def bench_writing(
    benchmark: BenchmarkFixture, write: Callable[[], object], output: Path, content_bytes: int
) -> None:
    """Time `write`, which makes the file `output` from so many bytes, and note the throughput."""
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        write, setup=lambda: output.unlink(missing_ok=True), rounds=ROUNDS
    )
    benchmark.extra_info["content_bytes"] = content_bytes
    benchmark.extra_info["output_bytes"] = output.stat().st_size
    if benchmark.stats is not None:  # it is where benchmarks are disabled
        throughput = content_bytes / benchmark.stats.stats.median / MB
        benchmark.extra_info["MB_per_s"] = round(throughput, 1)


def save(layer: fl.Layer, output: Path) -> None:
    fl.Image.scratch(platform="linux/amd64").append(layer).save(output, tags=["x:1"])


@pytest.mark.parametrize(
    ("compression", "level"), [("gzip", 1), ("gzip", 6), ("zstd", 1), ("zstd", 3)]
)
def test_save_directory(
    benchmark: BenchmarkFixture,
    tree: Tree,
    tmp_path: Path,
    compression: Literal["gzip", "zstd"],
    level: int,
) -> None:
    layer = fl.Layer.from_directory(
        tree.root, compression=compression, level=level, threads=THREADS
    )
    output = tmp_path / "image.tar"
    bench_writing(benchmark, lambda: save(layer, output), output, tree.content_bytes)


def test_save_directory_uncompressed(
    benchmark: BenchmarkFixture, tree: Tree, tmp_path: Path
) -> None:
    layer = fl.Layer.from_directory(tree.root, compression="none", threads=THREADS)
    output = tmp_path / "image.tar"
    bench_writing(benchmark, lambda: save(layer, output), output, tree.content_bytes)


def test_save_small_files(benchmark: BenchmarkFixture, tree: Tree, tmp_path: Path) -> None:
    small = tree.root / "small"
    layer = fl.Layer.from_directory(small, compression="zstd", level=1, threads=THREADS)
    content = sum(path.stat().st_size for path in small.rglob("*.txt"))
    output = tmp_path / "image.tar"
    bench_writing(benchmark, lambda: save(layer, output), output, content)


def test_save_one_small_file(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    program = tmp_path / "app"
    program.write_bytes(b"#!/bin/sh\necho hello\n")
    layer = fl.Layer.from_files({"app": program}, mode=0o755)
    output = tmp_path / "image.tar"
    bench_writing(benchmark, lambda: save(layer, output), output, program.stat().st_size)


def test_describe_directory(benchmark: BenchmarkFixture, tree: Tree) -> None:
    benchmark(fl.Layer.from_directory, tree.root, compression="gzip", level=6, threads=THREADS)


@pytest.mark.parametrize(
    "text", ["alpine", f"registry.example:5000/a/b/c:v1.2.3@sha256:{'0123456789abcdef' * 4}"]
)
def test_parse_reference(benchmark: BenchmarkFixture, text: str) -> None:
    benchmark(fl.Reference.parse, text)


def test_encode_config(benchmark: BenchmarkFixture) -> None:
    diff_ids = tuple(Digest.of(b"layer %d" % number) for number in range(20))
    config = ImageConfig(
        architecture="amd64", os="linux", rootfs=RootFS(diff_ids=diff_ids)
    ).with_changes(
        entrypoint=["/usr/bin/app", "--serve"],
        env={f"NAME_{number}": f"value {number}" for number in range(40)},
        labels={f"org.example.label.{number}": f"value {number}" for number in range(40)},
    )
    content = benchmark(encode, config)
    benchmark.extra_info["output_bytes"] = len(content)
