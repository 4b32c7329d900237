"""Configs that state wrong diff_ids: whatever decodes a layer refuses it."""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from archives import LAYERS, Sample, combined, digest, write_archive, write_folder
from fastlayer import engine
from fastlayer.cli.run import run
from fastlayer.dockerfile.run.workspace import Workspace
from fastlayer.items import BytesItem, LayersItem
from fastlayer.policy import Policy
from fastlayer.stored.image import StoredLayer
from fastlayer.tree import Tree

RIGHT = [digest(layer.tar) for layer in LAYERS]

# Of which the first one that is wrong is named, with what it has and what the config says.
WRONG = {
    "swapped": (RIGHT[::-1], 0, RIGHT[1]),
    "another": ([RIGHT[0], digest(b"")], 1, digest(b"")),
}


def described(diff_ids: list[str]) -> Sample:
    """A sample whose config states these diff_ids."""
    return Sample(changes={"rootfs": {"type": "layers", "diff_ids": diff_ids}})


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with nothing in it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture(params=WRONG)
def wrong(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """The archive of an image with wrong diff_ids, and what has to be said of it."""
    diff_ids, number, stated = WRONG[request.param]
    archive = write_archive(tmp_path / "wrong.tar", combined(described(diff_ids)))
    blob = LAYERS[number].descriptor["digest"].removeprefix("sha256:")
    layer = rf"the layer `[^`]*blobs/sha256/{blob}` has the diff_id `{RIGHT[number]}`"
    return archive, rf"{layer}, the config says `{stated}`$"


def stored(image: fl.Image) -> tuple[StoredLayer, ...]:
    """The layers of an image that was loaded."""
    return tuple(layer for layer in image.layers if isinstance(layer, StoredLayer))


def copied(image: fl.Image) -> fl.Layer:
    """A layer of what an image has, as `COPY --from` makes it."""
    item = LayersItem(stored(image), b"", Policy(), contents=True)
    return fl.Layer.from_items([BytesItem(b"x", b"1"), item])


def unpacked_for_run(image: fl.Image) -> None:
    """The directories in which `RUN` runs; each layer has one of its own."""
    layers = stored(image)
    space = Workspace(os.path.realpath("."))
    for number in range(len(layers)):
        space.chain(layers[: number + 1])


def applied(image: fl.Image) -> Tree:
    """The tree that a layer above the image may ask."""
    tree = Tree()
    for layer in image.layers:
        tree.apply(layer)
    return tree


DOORS: dict[str, Callable[[fl.Image], object]] = {
    "flatten": lambda image: image.flatten().save("out.tar", tags=["x"]),
    "rewrite": lambda image: image.rewrite(mtime=7).save("out.tar", tags=["x"]),
    "recompress": lambda image: image.recompress(compression="zstd").save("out.tar", tags=["x"]),
    "recompress to itself": lambda image: image.recompress(level=9).save("out.tar", tags=["x"]),
    "export": lambda image: image.export("out.tar"),
    "unpack": lambda image: image.unpack("out"),
    "copy": lambda image: copied(image).save("out.tar"),
    "tree": applied,
}


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_diff_id_is_refused_and_nothing_is_kept(
    door: str, wrong: tuple[Path, str], workplace: Path
) -> None:
    """Both digests are told, and which blob it is."""
    archive, message = wrong
    with pytest.raises(fl.InvalidImageError, match=message):
        DOORS[door](fl.Image.load(archive))
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("door", DOORS)
def test_right_ones_are_taken(door: str, tmp_path: Path) -> None:
    """The same doors are open to the same image with what it should have."""
    archive = write_archive(tmp_path / "right.tar", combined(described(RIGHT)))
    if os.geteuid() == 0 or door != "unpack":
        DOORS[door](fl.Image.load(archive))


@pytest.mark.skipif(os.geteuid() != 0, reason="owners take root")
def test_nothing_runs_in_what_a_config_does_not_say(wrong: tuple[Path, str]) -> None:
    """Of a layer by itself too, which would otherwise be tried together with those below."""
    archive, message = wrong
    with pytest.raises(fl.InvalidImageError, match=message):
        unpacked_for_run(fl.Image.load(archive))


def test_a_diff_is_one_of_what_configs_say(wrong: tuple[Path, str]) -> None:
    """On either side."""
    archive, message = wrong
    for sides in ((archive, "."), (".", archive)):
        with pytest.raises(fl.InvalidImageError, match=message):
            fl.diff(*sides)


def test_a_stream_ends_with_the_error(wrong: tuple[Path, str]) -> None:
    """Who reads a pipe knows by the status that what came is not all: here it is nothing."""
    archive, message = wrong
    stream = io.BytesIO()
    with pytest.raises(fl.InvalidImageError, match=message):
        fl.Image.load(archive).export(stream)
    assert stream.getvalue() == b""


@pytest.mark.parametrize(
    "command",
    [
        ["unpack", "{}", "out"],
        ["export", "{}", "-o", "out"],
        ["flatten", "{}", "-o", "out", "-t", "x"],
        ["recompress", "{}", "--compression", "zstd", "-o", "out", "-t", "x"],
        ["diff", "{}", "."],
    ],
    ids=lambda command: command[0],
)
def test_the_commands(
    command: list[str],
    wrong: tuple[Path, str],
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line, and a status that is not 0."""
    archive, message = wrong
    assert run([part.format(archive) for part in command]) != 0
    assert re.search(message, capsys.readouterr().err.strip())
    assert list(workplace.iterdir()) == []


def test_a_diff_id_of_another_algorithm_is_not_compared(tmp_path: Path) -> None:
    """`validate` notes it; nobody uses one."""
    other = ["sha512:" + "0" * 128, RIGHT[1]]
    archive = write_archive(tmp_path / "other.tar", combined(described(other)))
    fl.Image.load(archive).export("out.tar")


def test_a_blob_that_changes_after_its_verification_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digest was right when it was asked, but the core reads something else by then."""
    folder = write_folder(tmp_path / "layout", combined(Sample()))
    plain = LAYERS[1]
    blob = folder / "blobs/sha256" / plain.descriptor["digest"].removeprefix("sha256:")
    other = plain.tar.replace(b"\x7fELF", b"EVIL")
    assert len(other) == blob.stat().st_size
    unpack = engine.unpack_layers

    def meddled(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
        blob.write_bytes(other)
        return unpack(*arguments, **options)

    monkeypatch.setattr("fastlayer.engine.unpack_layers", meddled)
    expected = f"has the diff_id `{digest(other)}`, the config says `{RIGHT[1]}`"
    with pytest.raises(fl.InvalidImageError, match=expected):
        fl.Image.load(folder).unpack("out")
    assert not Path("out").exists()
