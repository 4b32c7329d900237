"""A Debian and the layer that upgrades it are the upgraded Debian, in each engine."""

from pathlib import Path

import pytest

import fastlayer as fl

from .engines import DOCKERS, Engine, export
from .tree import Tree, assert_trees_equal, snapshot, without

NAME = "demo/upgrade:1"
FULL_NAME = f"docker.io/{NAME}"


@pytest.fixture(scope="module")
def expected(rootfs: Path, upgraded: Path) -> Tree:
    """Give the upgraded tree, which has what an upgrade can have."""
    before, after = snapshot(rootfs), snapshot(upgraded)
    assert any(name == "security.capability" for name, _ in after["usr/bin/ping"].xattrs)
    assert after["usr/bin/sudo"].mode == 0o4755
    assert before["etc/ld.so.cache"] != after["etc/ld.so.cache"]
    assert "usr/share/zoneinfo" in before.keys() - after.keys()
    return without(after)


@pytest.fixture(scope="module")
def image(rootfs: Path, upgraded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Debian and the difference as an archive."""
    path = tmp_path_factory.mktemp("upgrade") / "image.tar"
    layers = (
        fl.Layer.from_directory(rootfs, compression="none"),
        fl.Layer.from_diff(rootfs, upgraded, compression="none"),
    )
    built = fl.Image.scratch(platform="linux/amd64").append(*layers).save(path, tags=[NAME])
    base, difference = built.layers
    # What is the same in both is not in it: nearly all.
    assert (difference.uncompressed_size or 0) < (base.uncompressed_size or 0) / 4
    return path


def test_docker_has_the_upgraded_tree(
    docker: Engine, image: Path, expected: Tree, tmp_path: Path
) -> None:
    """What is exported of a container is the upgraded tree, but for docker's own files."""
    docker("load", "--input", image)
    try:
        found = snapshot(export(docker, NAME, tmp_path))
    finally:
        docker("rmi", "--force", NAME)
    assert_trees_equal(without(found, *DOCKERS), without(expected, *DOCKERS))


def test_podman_has_the_upgraded_tree(podman: Engine, image: Path, expected: Tree) -> None:
    """The image as podman mounts it is the upgraded tree."""
    podman("load", "--quiet", "--input", image)
    try:
        found = snapshot(Path(podman("image", "mount", NAME).strip()))
        podman("image", "unmount", NAME)
    finally:
        podman("rmi", "--force", NAME)
    assert_trees_equal(without(found), expected)


def test_containerd_has_the_upgraded_tree(
    containerd: Engine, image: Path, expected: Tree, tmp_path: Path
) -> None:
    """The snapshot that containerd made of the layers is the upgraded tree."""
    containerd("images", "import", image)
    try:
        containerd("images", "mount", FULL_NAME, tmp_path)
        try:
            found = snapshot(tmp_path)
        finally:
            containerd("images", "unmount", "--rm", tmp_path)
    finally:
        containerd("images", "remove", "--sync", FULL_NAME)
    assert_trees_equal(without(found), expected)
