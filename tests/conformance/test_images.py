"""Images made of images, beside what engines make of the same layers."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import fastlayer as fl

from .engines import DOCKERS, Engine, export
from .peers import call, find
from .test_containers import LIMITS
from .tree import Tree, assert_trees_equal, snapshot, without

NAME = "demo/versions:1"
FLAT = "demo/versions:flat"

LAYERS = 10
WRITERS = 40


@pytest.fixture(scope="module")
def versions(
    rootfs: Path, upgraded: Path, hard_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give ten layers: a Debian, then what leads to an upgrade, to a hard tree, and so on.

    There are whiteouts, opaque directories, hard links and all kinds of entries in them.
    """
    path = tmp_path_factory.mktemp("versions") / "image.tar"
    trees = ([rootfs, hard_tree, upgraded] * LAYERS)[:LAYERS]
    layers = [fl.Layer.from_directory(rootfs, compression="none")]
    layers += [fl.Layer.from_diff(*pair, compression="gzip", level=1) for pair in pairwise(trees)]
    with pytest.warns(fl.SourceWarning, match="is a socket"):
        fl.Image.scratch(platform="linux/amd64").append(*layers).save(path, tags=[NAME])
    return path


def unpacked(archive: Path, folder: Path) -> Tree:
    """Describe what GNU tar makes of an archive."""
    folder.mkdir()
    # Entries come in the order of the layers, so that a directory may be returned to.
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--delay-directory-restore")
    call([find("tar"), "-xpf", archive, "-C", folder, *options])
    return snapshot(folder)


def test_export_and_flatten_are_what_docker_exports(
    docker: Engine, versions: Path, tmp_path: Path
) -> None:
    """A container of the ten layers, one of the flattened image, and the tar hold the same."""
    image = fl.Image.load(versions)
    image.export(tmp_path / "export.tar")
    image.flatten(compression="none").save(tmp_path / "flat.tar", tags=[FLAT])
    found = {}
    for name, archive in ((NAME, versions), (FLAT, tmp_path / "flat.tar")):
        docker("load", "--input", archive)
        folder = tmp_path / name.rpartition(":")[2]
        folder.mkdir()
        try:
            found[name] = without(snapshot(export(docker, name, folder)), *DOCKERS)
        finally:
            docker("rmi", "--force", name)
    ours = without(unpacked(tmp_path / "export.tar", tmp_path / "ours"), *DOCKERS)
    assert_trees_equal(ours, found[NAME])
    assert_trees_equal(found[FLAT], found[NAME])


def test_copies_are_images_for_others(podman: Engine, versions: Path, tmp_path: Path) -> None:
    """skopeo reads what was copied into a layout and recompressed, and podman runs it."""
    layout = tmp_path / "layout"
    image = fl.Image.load(versions).with_config(cmd=["/bin/cat", "/etc/os-release"])
    image.recompress(compression="zstd", level=1).write_layout(layout, tags=[NAME])
    assert fl.validate(layout).ok
    call([find("skopeo"), "inspect", f"oci:{layout}:1"])
    podman("pull", "--quiet", f"oci:{layout}:1")
    try:
        (name,) = {line for line in podman("images", "--quiet", "--no-trunc").split() if line}
        output = podman("run", "--rm", "--network", "none", *LIMITS, name)
    finally:
        podman("rmi", "--all", "--force")
    assert "Debian" in output


def test_forty_writers_lose_no_tag(versions: Path, tmp_path: Path) -> None:
    """Two processes that write forty tags into one layout at once leave forty."""
    code = (
        "import sys, fastlayer as fl\n"
        "image = fl.Image.load(sys.argv[1])\n"
        "for number in range(int(sys.argv[3]), int(sys.argv[4])):\n"
        "    image.with_config(user=str(number)).write_layout(sys.argv[2], name=f't{number}')\n"
    )
    half = WRITERS // 2
    layout = tmp_path / "layout"
    running = [
        subprocess.Popen([sys.executable, "-c", code, versions, layout, str(first), str(last)])
        for first, last in ((0, half), (half, WRITERS))
    ]
    assert [process.wait() for process in running] == [0, 0]
    for number in range(WRITERS):
        assert fl.Image.load(f"oci:{layout}:t{number}").config.config.user == str(number)
    assert fl.validate(layout).ok


@pytest.mark.parametrize("damage", ["flipped", "added", "missing"])
def test_any_damage_names_the_blob(damage: str, versions: Path, tmp_path: Path) -> None:
    """A byte that is another, too many or too few is found, by validate and by copies."""
    layout = tmp_path / "layout"
    fl.Image.load(versions).write_layout(layout, name="x")
    blobs = sorted((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    for path in (*blobs[:3], blobs[-1]):
        size, middle = path.stat().st_size, path.stat().st_size // 2
        with path.open("r+b") as file:
            whole = os.pread(file.fileno(), 1, size - 1), os.pread(file.fileno(), 1, middle)
            match damage:
                case "flipped":
                    os.pwrite(file.fileno(), bytes([whole[1][0] ^ 1]), middle)
                case "added":
                    os.pwrite(file.fileno(), b"\0", size)
                case "missing":
                    file.truncate(size - 1)
        with pytest.raises(fl.InvalidImageError, match=path.name):
            fl.Image.load(f"oci:{layout}:x").save(tmp_path / "copy.tar", tags=["x"])
        assert not (tmp_path / "copy.tar").exists()
        problems = fl.validate(layout).problems
        assert any(path.name in f"{one.where} {one.message}" for one in problems)
        with path.open("r+b") as file:
            file.truncate(size)
            os.pwrite(file.fileno(), whole[1], middle)
            os.pwrite(file.fileno(), whole[0], size - 1)
    assert fl.validate(layout).ok
