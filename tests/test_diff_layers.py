"""Layers of differences: two directories, and the upper directory of an overlayfs."""

import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fastlayer as fl
from conformance.peers import need_root

# Some tenths of a second to compare, though it is all hole.
BIG = 16 << 30


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


def rewrite(file: Path) -> None:
    """Change a byte, and let the kernel set the times."""
    with file.open("r+b") as opened:
        opened.write(b"x")


def replace(file: Path) -> None:
    """Put another file of the same size and time at its place."""
    new = file.with_name("new")
    new.touch()
    os.truncate(new, file.stat().st_size)
    os.utime(new, (0, 0))
    new.rename(file)


def become_pipe(file: Path) -> None:
    """Put something there that waits for ever when it is opened."""
    file.unlink()
    os.mkfifo(file)


def open_files() -> set[Path]:
    """The files that this process has open."""
    return {link.resolve() for link in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize("side", ["lower", "upper"])
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("big", lambda file: os.truncate(file, BIG + 1), f"had {BIG} bytes and now has {BIG + 1}"),
        ("big", lambda file: os.truncate(file, 0), f"had {BIG} bytes and now has 0"),
        ("big", rewrite, "time moved"),
        ("big", replace, "time moved"),
        ("big", Path.unlink, "time moved"),
        ("next", lambda file: os.truncate(file, 3), "had 4 bytes and now has 3"),
        ("next", rewrite, "time moved"),
        ("next", replace, "another file took its place"),
        ("next", become_pipe, "no longer a regular file"),
        ("next", Path.unlink, "it is gone"),
    ],
)
def test_a_file_that_changes_while_it_is_compared_is_named(
    side: str, name: str, change: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """Also when its turn comes later: `big` is under way when either file changes."""
    roots = [tmp_path / "lower", tmp_path / "upper"]
    for root in roots:
        root.mkdir()
        for file, size in (("big", BIG), ("next", 4)):
            (root / file).touch()
            os.truncate(root / file, size)
            os.utime(root / file, (0, 0))
    todo = [change]

    def act(_done: int, _total: int | None) -> None:
        # Only the comparison has files of both trees open.
        if todo and {root / "big" for root in roots} <= open_files():
            todo.pop()(tmp_path / side / name)

    layer = fl.Layer.from_diff(*roots, threads=1, progress=act)
    with pytest.raises(fl.SourceChangedError, match=message) as caught:
        layer.save(tmp_path / "out")
    assert str(tmp_path / side / name) in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: os.truncate(file, 3), "had 4 bytes and now has 3"),
        (rewrite, "time moved"),
        (replace, "another file took its place"),
        (Path.unlink, "it is gone"),
    ],
)
def test_a_file_that_changes_after_it_was_compared_is_named(
    change: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """What goes into the layer is what was compared."""
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for root, content in ((lower, "same"), (upper, "diff")):
        root.mkdir()
        (root / "last").write_text(content)
        os.utime(root / "last", (0, 0))
    # Enough work before the file for the change to come in time.
    (upper / "first").touch()
    os.truncate(upper / "first", 1 << 30)
    todo = [change]

    def act(done: int, _total: int | None) -> None:
        if done and todo:
            todo.pop()(upper / "last")

    options = fl.LayerOptions(compression="zstd", level=1, threads=1, progress=act)
    with pytest.raises(fl.SourceChangedError, match=message) as caught:
        fl.Layer.from_diff(lower, upper, **options).save(tmp_path / "out")
    assert str(upper / "last") in str(caught.value)
    assert not (tmp_path / "out").exists()


def mark(path: Path, name: str, value: bytes) -> None:
    """Set an attribute, or skip the test where the file system has none."""
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no attribute {name.partition('.')[0]}.* here: {error}")


def test_devices_0_0_are_whiteouts(upper: Path, tmp_path: Path) -> None:
    """The kernel's whiteouts become those of layers, also when they share an inode."""
    need_root("making devices")
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
    # All its names are here: one is in the kernel's index.
    mark(upper / "d" / "f", f"{space}.overlay.nlink", b"U-1")
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
        # It has one name more than the upper directory.
        ("d/f", "nlink", b"U+0"),
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
