"""A layer of differences on top of its lower tree is the upper tree, as other tools see it."""

import os
import random
import stat
from pathlib import Path

import pytest

import fastlayer as fl

from .engines import Engine
from .peers import call, find, need_root
from .tree import assert_trees_equal, snapshot

# Each pair is a fifth of a second of umoci's work.
PAIRS = 200


def grow(root: Path, chance: random.Random, deep: int = 3) -> None:
    """Make a small tree of names, types and facts that often meet those of another one."""
    root.mkdir()
    files: list[Path] = []
    _fill(root, chance, deep, files)
    for path in (root, *root.rglob("*")):
        os.utime(path, (0, chance.choice([0, 0, 0, 9])), follow_symlinks=False)


def _fill(folder: Path, chance: random.Random, deep: int, files: list[Path]) -> None:
    for name in chance.sample(["a", "b", "c", "-", ".w", "a b"], chance.randrange(6)):
        path = folder / name
        kind = chance.randrange(10)
        if kind < 4 and deep:
            path.mkdir(chance.choice([0o755, 0o700]))
            _fill(path, chance, deep - 1, files)
        elif kind == 4:
            path.symlink_to(chance.choice(["a", "b/c", "/"]))
        elif kind == 5:
            os.mkfifo(path)
        elif kind == 6 and os.geteuid() == 0:
            os.mknod(path, stat.S_IFCHR, os.makedev(1, chance.choice([3, 5])))
        elif kind == 7 and files:
            path.hardlink_to(chance.choice(files))
        else:
            path.write_text(chance.choice(["", "x", "y", "long"]))
            path.chmod(chance.choice([0o644, 0o4755]))
            os.chown(path, chance.choice([0, 0, 5]), 0)
            files.append(path)


def layers_of(lower: Path, upper: Path) -> fl.Image:
    """An image of the lower tree and the difference."""
    return fl.Image.scratch(platform="linux/amd64").append(
        fl.Layer.from_directory(lower), fl.Layer.from_diff(lower, upper)
    )


@pytest.mark.parametrize("part", range(4))
def test_umoci_makes_the_upper_tree(part: int, tmp_path: Path) -> None:
    """Random pairs of trees, with types, owners, times, devices and hard links."""
    need_root("umoci with owners and devices")
    umoci = find("umoci")
    for number in range(part, PAIRS, 4):
        chance = random.Random(number)
        folder = tmp_path / str(number)
        folder.mkdir()
        lower, upper = folder / "lower", folder / "upper"
        grow(lower, chance)
        grow(upper, chance)
        layers_of(lower, upper).write_layout(folder / "layout", tags=["x:1"])
        call([umoci, "unpack", "--image", f"{folder}/layout:1", folder / "bundle"])
        try:
            assert_trees_equal(snapshot(folder / "bundle" / "rootfs"), snapshot(upper))
        except AssertionError as error:
            raise AssertionError(f"pair {number}: {error}") from error


@pytest.mark.parametrize("number", [3, 8])
@pytest.mark.parametrize("name", ["docker", "podman"])
def test_an_engine_makes_the_upper_tree(
    name: str, number: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What is exported of a container is the upper tree, and what the engine puts there."""
    engine = request.getfixturevalue(name)
    assert isinstance(engine, Engine)
    chance = random.Random(number)
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    grow(lower, chance, deep=5)
    grow(upper, chance, deep=5)
    image = layers_of(lower, upper).with_config(cmd=["none"])
    image.save(tmp_path / "image.tar", tags=["demo/diff:1"])
    engine("load", "--input", tmp_path / "image.tar")
    container = engine("create", "demo/diff:1").strip()
    try:
        engine("export", "--output", tmp_path / "export.tar", container)
    finally:
        engine("rm", container)
        engine("rmi", "--force", "demo/diff:1")
    (tmp_path / "found").mkdir()
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
    call([find("tar"), "-xpf", tmp_path / "export.tar", "-C", tmp_path / "found", *options])
    added = {"dev", "etc", "proc", "run", "sys", ".dockerenv"}
    found = snapshot(tmp_path / "found")
    kept = {path: fact for path, fact in found.items() if path.split("/")[0] not in added}
    expected = snapshot(upper)
    # Engines put names of their own there.
    del kept["."], expected["."]
    assert_trees_equal(kept, expected)
