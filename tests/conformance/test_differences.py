"""A layer of differences on top of its lower tree is the upper tree, as other tools see it."""

import random
from pathlib import Path

import pytest

import fastlayer as fl

from .cases import cases
from .engines import Engine, export
from .growth import grow
from .peers import call, find, need_root
from .tree import assert_trees_equal, snapshot

# Each pair is a fifth of a second of umoci's work.
PAIRS = cases(200)


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
    image = tmp_path / "image.tar"
    layers_of(lower, upper).save(image, tags=["demo/diff:1"])
    engine("load", "--input", image)
    try:
        exported = export(engine, "demo/diff:1", tmp_path)
    finally:
        engine("rmi", "--force", "demo/diff:1")
    added = {"dev", "etc", "proc", "run", "sys", ".dockerenv"}
    found = snapshot(exported)
    kept = {path: fact for path, fact in found.items() if path.split("/")[0] not in added}
    expected = snapshot(upper)
    # Engines put names of their own there.
    del kept["."], expected["."]
    assert_trees_equal(kept, expected)
