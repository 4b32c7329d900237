"""Layers of differences: two directories, and the upper directory of an overlayfs."""

import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fastlayer as fl

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="devices and mounts need root")


def names(layer: fl.Layer, tmp_path: Path) -> list[str]:
    """The members of the layer, in order."""
    layer.save(tmp_path / "layer.tar.gz")
    with tarfile.open(tmp_path / "layer.tar.gz") as tar:
        return tar.getnames()


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    """An upper directory with one file, and some below a directory."""
    upper = tmp_path / "upper"
    (upper / "d").mkdir(parents=True)
    (upper / "d" / "f").write_text("content")
    (upper / "e").touch()
    return upper


def test_a_difference_is_what_changed(tmp_path: Path) -> None:
    """Changes come with their parents, what is gone as whiteouts before its siblings."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for root in (lower, upper):
        (root / "d").mkdir(parents=True)
        (root / "d" / "same").write_text("same")
        os.utime(root / "d" / "same", (0, 0))
    (lower / "d" / "zone").touch()
    (upper / "d" / "new").write_text("new")
    layer = fl.Layer.from_diff(lower, upper, prefix="/app")
    assert names(layer, tmp_path) == ["app", "app/d", "app/d/.wh.zone", "app/d/new"]
    with tarfile.open(tmp_path / "layer.tar.gz") as tar:
        whiteout = tar.getmember("app/d/.wh.zone")
    facts = (whiteout.size, whiteout.mode, whiteout.uid, whiteout.mtime)
    assert facts == (0, 0o644, 0, 0)


def test_equal_trees_have_no_difference(upper: Path, tmp_path: Path) -> None:
    """A layer without entries is a layer."""
    built = fl.Layer.from_diff(upper, upper).save(tmp_path / "layer")
    assert built.entries == 0


@pytest.mark.parametrize("missing", ["lower", "upper"])
def test_a_missing_tree_is_named(missing: str, tmp_path: Path) -> None:
    """Either side is looked for when the layer is made."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    pair = (there, here) if missing == "lower" else (here, there)
    with pytest.raises(FileNotFoundError) as caught:
        fl.Layer.from_diff(*pair).save(tmp_path / "layer")
    assert caught.value.filename == str(there)
    assert not (tmp_path / "layer").exists()


def test_the_output_is_refused_in_the_lower_tree_too(tmp_path: Path) -> None:
    """It would be read while it is written."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    lower.mkdir()
    upper.mkdir()
    (lower / "f").touch()
    with (lower / "f").open("wb") as output, pytest.raises(fl.UnsupportedEntryError):
        fl.Layer.from_diff(lower, upper).save(output)


def mark(path: Path, name: str, value: bytes) -> None:
    """Set an attribute, or skip the test where the file system has none."""
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no attribute {name.partition('.')[0]}.* here: {error}")


@root_only
def test_devices_0_0_are_whiteouts(upper: Path, tmp_path: Path) -> None:
    """The kernel's whiteouts become those of layers, also when they share an inode."""
    os.mknod(upper / "d" / "gone", stat.S_IFCHR, os.makedev(0, 0))
    os.link(upper / "d" / "gone", upper / "other")
    os.mknod(upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    layer = fl.Layer.from_overlay(upper)
    expected = [".", ".wh.other", "d", "d/.wh.gone", "d/f", "e", "null"]
    assert names(layer, tmp_path) == expected
    with tarfile.open(tmp_path / "layer.tar.gz") as tar:
        assert all(tar.getmember(name).isreg() for name in (".wh.other", "d/.wh.gone"))


@pytest.mark.parametrize("space", ["trusted", "user"])
def test_attributes_are_whiteouts_and_opaque_directories(
    space: str, upper: Path, tmp_path: Path
) -> None:
    """Both name spaces are understood, and nothing of them is left, whatever the options."""
    mark(upper / "d", f"{space}.overlay.opaque", b"y")
    mark(upper / "d", f"{space}.overlay.origin", b"\0\xfb")
    mark(upper, f"{space}.overlay.opaque", b"x")
    mark(upper / "e", f"{space}.overlay.whiteout", b"")
    for options in (fl.LayerOptions(), fl.LayerOptions(xattrs="none")):
        layer = fl.Layer.from_overlay(upper, **options)
        assert names(layer, tmp_path) == [".", ".wh.e", "d", "d/.wh..wh..opq", "d/f"]
        with tarfile.open(tmp_path / "layer.tar.gz") as tar:
            assert not any("overlay" in key for member in tar for key in member.pax_headers)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("d", "redirect", b"/elsewhere"),
        ("d/f", "metacopy", b""),
        ("d", "opaque", b"z"),
        # Its directory is not marked to hold such whiteouts.
        ("e", "whiteout", b""),
    ],
)
def test_what_an_upper_directory_alone_cannot_tell_is_refused(
    path: str, name: str, value: bytes, upper: Path, tmp_path: Path
) -> None:
    """The error names the path and the attribute."""
    mark(upper / path, f"user.overlay.{name}", value)
    with pytest.raises(fl.UnsupportedEntryError, match=name) as caught:
        fl.Layer.from_overlay(upper).save(tmp_path / "layer")
    assert caught.value.path == str(upper / path)


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[Callable[[Path], tuple[Path, Path]]]:
    """Mount an overlay over a directory: give the place of the mount and the upper directory."""
    mounted: list[Path] = []
    # An overlay as the upper directory is refused, so that memory holds it.
    memory = tmp_path / "memory"
    memory.mkdir()

    def run(*argv: str | Path) -> None:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")
        mounted.append(Path(argv[-1]))

    def mount(lower: Path) -> tuple[Path, Path]:
        run("mount", "-t", "tmpfs", "tmpfs", memory)
        merged, upper, work = (memory / name for name in ("merged", "upper", "work"))
        for folder in (merged, upper, work):
            folder.mkdir()
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", "overlay", "-o", options, merged)
        return merged, upper

    yield mount
    for place in reversed(mounted):
        subprocess.run(["umount", place], check=True)


@root_only
def test_a_mounted_overlay_is_the_difference_of_its_directories(
    overlay: Callable[[Path], tuple[Path, Path]], tmp_path: Path
) -> None:
    """What the kernel wrote is what comparing finds, but for opaque directories."""
    lower = tmp_path / "lower"
    for name in ("keep/a", "gone/b", "new/c", "file"):
        (lower / name).parent.mkdir(parents=True, exist_ok=True)
        (lower / name).write_text(name)
    merged, upper = overlay(lower)
    (merged / "keep" / "a").write_text("changed")
    subprocess.run(["rm", "-r", merged / "gone", merged / "new", merged / "file"], check=True)
    (merged / "new").mkdir()
    (merged / "new" / "d").touch()
    found = names(fl.Layer.from_overlay(upper), tmp_path)
    compared = names(fl.Layer.from_diff(lower, merged), tmp_path)
    expected = [".", ".wh.file", ".wh.gone", "keep", "keep/a", "new", "new/.wh..wh..opq", "new/d"]
    assert found == expected
    assert compared == [name.replace(".wh..wh..opq", ".wh.c") for name in expected]
