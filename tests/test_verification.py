"""`verify`: what was compressed is decoded again, which changes no byte of a layer."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from fastlayer import engine
from fastlayer.cli.run import run
from fastlayer.media_type import Compression


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of some blocks: of text, of zeroes, and of what no encoder makes smaller."""
    root = tmp_path_factory.mktemp("verified") / "tree"
    root.mkdir()
    (root / "noise").write_bytes(random.Random(5).randbytes(1_500_000))
    (root / "text").write_bytes(b"".join(b"line %d\n" % n for n in range(150_000)))
    (root / "zeroes").write_bytes(bytes(4_000_000))
    return root


@pytest.mark.parametrize(
    ("compression", "level"),
    [
        *(("gzip", level) for level in range(1, 10)),
        *(("zstd", level) for level in (1, 3, 9, 19, 22)),
        ("none", None),
    ],
)
def test_the_bytes_are_the_same(
    tree: Path, tmp_path: Path, compression: Compression, level: int | None
) -> None:
    """Of a directory and of a stream, on any number of threads."""
    options: fl.LayerOptions = {"compression": compression, "level": level}
    built = fl.Layer.from_directory(tree, **options).save(tmp_path / "layer")
    options["verify"] = True
    for threads in (1, 3):
        options["threads"] = threads
        layer = fl.Layer.from_directory(tree, **options)
        assert layer.save(tmp_path / "verified") == built
    with (tmp_path / "layer").open("rb") as stream:
        layer = fl.Layer.from_stream(stream, **options)
        assert layer.save(tmp_path / "again") == built
    for name in ("verified", "again"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "layer").read_bytes()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What each call of the core was asked to do; it then says that a block is wrong."""
    calls: list[bool] = []

    class LayerQueue:
        def __init__(self, outputs: object) -> None:
            pass

        def add(self, *_: Any, verify: bool, **__: Any) -> None:
            calls.append(verify)

        def make(self, sink: int, **_: Any) -> None:
            os.write(sink, b"begin")
            raise fl.InternalError("gzip: the block from byte 0 of the tar on is wrong")

        def close(self) -> None:
            pass

    monkeypatch.setattr(engine, "LayerQueue", LayerQueue)
    return calls


def test_it_is_done_when_asked_for(tree: Path, tmp_path: Path, asked: list[bool]) -> None:
    """Only then; and what it finds is an error that leaves no output."""
    given: list[fl.LayerOptions] = [{}, {"verify": False}, {"verify": True}]
    for options in given:
        with pytest.raises(fl.InternalError):
            fl.Layer.from_directory(tree, **options).save(tmp_path / "layer")
    assert asked == [False, False, True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["layer", "TREE"], ["build", "--rootfs", "TREE"]])
def test_the_command_line_has_it(
    tree: Path,
    tmp_path: Path,
    asked: list[bool],
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--verify` reaches the layer; one line says what is wrong, and no output is left."""
    command = [str(tree) if word == "TREE" else word for word in arguments]
    for given in ([], ["--verify"]):
        assert run([*command, "-o", str(tmp_path / "x"), *given]) == 1
        said = "fastlayer: error: gzip: the block from byte 0 of the tar on is wrong\n"
        assert capsys.readouterr().err == said
    assert asked == [False, True]
    assert list(tmp_path.iterdir()) == []
