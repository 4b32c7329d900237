"""The upper directory of an overlayfs as a layer makes what the kernel shows."""

import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

import fastlayer as fl

from .cases import cases
from .daemon import private_folder
from .growth import alter, grow
from .peers import absent, call, find, need_root
from .tree import Tree, assert_trees_equal, snapshot

# Each is a fifth of a second of umoci's work.
CASES = cases(40)

# As engines mount: what is in the upper directory is whole without the lower one.
PLAIN = "index=off,redirect_dir=off,metacopy=off"


class Overlay(NamedTuple):
    """The directories of a mounted overlayfs."""

    lower: Path
    upper: Path
    merged: Path


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """Give a folder in memory: where tests run may be an overlay, which is refused as upper."""
    need_root("an overlayfs")
    with private_folder() as folder:
        memory = folder / "memory"
        memory.mkdir()
        mount("tmpfs", memory)
        yield memory


@contextmanager
def overlay(
    memory: Path, fill: Callable[[Path], object], options: str = PLAIN
) -> Iterator[Overlay]:
    """Mount an overlay over the directory that `fill` makes, while the block lasts."""
    places = Overlay(memory / "lower", memory / "upper", memory / "merged")
    work = memory / "work"
    fill(places.lower)
    for folder in (places.upper, work, places.merged):
        folder.mkdir()
    lower, upper, merged = places
    mount("overlay", merged, "-o", f"lowerdir={lower},upperdir={upper},workdir={work},{options}")
    try:
        yield places
    finally:
        call([find("umount"), merged])
        for folder in (*places, work):
            shutil.rmtree(folder)


def mount(kind: str, place: Path, *options: str) -> None:
    argv: list[str | Path] = [find("mount"), "-t", kind, kind, place, *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        absent(f"no {kind} can be mounted here: {done.stderr.strip()}")


def unpacked(folder: Path, *layers: fl.Layer) -> Tree:
    """What umoci makes of the layers."""
    image = fl.Image.scratch(platform="linux/amd64").append(*layers)
    image.write_layout(folder / "layout", tags=["x:1"])
    call([find("umoci"), "unpack", "--image", f"{folder}/layout:1", folder / "bundle"])
    return snapshot(folder / "bundle" / "rootfs")


def names(layer: fl.Layer, path: Path) -> list[str]:
    layer.save(path)
    with tarfile.open(path) as tar:
        return tar.getnames()


@pytest.mark.parametrize("part", range(4))
def test_the_layers_are_what_the_kernel_shows(part: int, memory: Path, tmp_path: Path) -> None:
    """After changes at random, of the upper directory and of the difference to what is shown."""
    for number in range(part, CASES, 4):
        chance = random.Random(number)
        with overlay(memory, partial(grow, chance=chance)) as places:
            alter(places.merged, chance)
            expected = snapshot(places.merged)
            base = fl.Layer.from_directory(places.lower)
            for name, layer in (
                ("overlay", fl.Layer.from_overlay(places.upper)),
                ("diff", fl.Layer.from_diff(places.lower, places.merged)),
            ):
                folder = tmp_path / f"{number}-{name}"
                folder.mkdir()
                try:
                    assert_trees_equal(unpacked(folder, base, layer), expected)
                except AssertionError as error:
                    raise AssertionError(f"{name} of case {number}: {error}") from error


def test_what_the_kernel_wrote_is_what_comparing_finds(memory: Path, tmp_path: Path) -> None:
    """The layers have the same entries, but for directories that are opaque."""

    def fill(lower: Path) -> None:
        for name in ("keep/a", "gone/b", "new/c", "file"):
            (lower / name).parent.mkdir(parents=True, exist_ok=True)
            (lower / name).write_text(name)

    with overlay(memory, fill) as (lower, upper, merged):
        (merged / "keep" / "a").write_text("changed")
        call([find("rm"), "-r", merged / "gone", merged / "new", merged / "file"])
        (merged / "new").mkdir()
        (merged / "new" / "d").touch()
        found = names(fl.Layer.from_overlay(upper), tmp_path / "layer")
        compared = names(fl.Layer.from_diff(lower, merged), tmp_path / "layer")
    expected = [".", ".wh.file", ".wh.gone", "keep", "keep/a", "new", "new/.wh..wh..opq", "new/d"]
    assert found == expected
    assert compared == [name.replace(".wh..wh..opq", ".wh.c") for name in expected]


def test_names_that_only_the_index_knows_are_refused(memory: Path, tmp_path: Path) -> None:
    """With `index=on` a file that changes by one name does by all, and only one is in `upper`."""

    def fill(lower: Path) -> None:
        lower.mkdir()
        (lower / "a").write_text("old")
        (lower / "b").hardlink_to(lower / "a")

    with overlay(memory, fill, "index=on") as (lower, upper, merged):
        (merged / "a").write_text("new")
        assert (merged / "b").read_text() == "new"
        with pytest.raises(fl.UnsupportedEntryError, match=r"overlay\.nlink") as caught:
            fl.Layer.from_overlay(upper).save(tmp_path / "layer")
        assert caught.value.path == str(upper / "a")
        # Once no name is in the lower directory alone, there is nothing to miss.
        with (merged / "b").open("a") as file:
            file.write("er")
        expected = snapshot(merged)
        base = fl.Layer.from_directory(lower)
        assert_trees_equal(unpacked(tmp_path, base, fl.Layer.from_overlay(upper)), expected)
