"""What changed between two trees: `fastlayer.diff` and the command."""

import gzip
import json
import os
import socket
import tarfile
from pathlib import Path

import pytest

import fastlayer as fl
from commands import fastlayer


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories that differ in everything but one file."""
    before, after = tmp_path / "before", tmp_path / "after"
    for root in (before, after):
        (root / "d").mkdir(parents=True)
        (root / "same").write_text("same")
        (root / "d" / "f").write_text("one")
    (after / "d" / "f").write_text("two")
    (after / "d" / "f").chmod(0o600)
    (before / "d" / "f").chmod(0o644)
    (before / "gone").mkdir()
    (before / "kind").mkdir()
    (before / "kind" / "below").touch()
    (after / "kind").symlink_to("same")
    (after / "new\n").touch()
    (before / "link").symlink_to("a")
    (after / "link").symlink_to("b")
    for root in (before, after):
        for path in (root, *root.rglob("*")):
            os.utime(path, (0, 1_000_000), follow_symlinks=False)
    os.utime(after / "d", (0, 1_000_001))
    return before, after


def changes(before: Path | str, after: Path | str) -> dict[str, str]:
    """Every path with its letter, or with the names of its facts."""
    return {
        each.path: " ".join(fact.name for fact in each.facts) or each.change
        for each in fl.diff(before, after)
    }


EXPECTED = {
    "d": "mtime",
    "d/f": "mode content",
    "gone": "D",
    "kind": "type mode",
    "kind/below": "D",
    "link": "target",
    "new\n": "A",
}


def test_directories_are_compared(pair: tuple[Path, Path]) -> None:
    """Every fact that differs is named, and nothing else."""
    assert changes(*pair) == EXPECTED
    assert changes(pair[0], pair[0]) == {}
    reverse = changes(pair[1], pair[0])
    swapped = {"A": "D", "D": "A"}
    assert reverse == {path: swapped.get(fact, fact) for path, fact in EXPECTED.items()}


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_archives_are_trees(pair: tuple[Path, Path], tmp_path: Path, compression: str) -> None:
    """A layer file is what it was made of."""
    before, after = pair
    layer = tmp_path / "layer"
    options = fl.LayerOptions(compression="none")
    if compression != "none":
        options["compression"] = "gzip" if compression == "gzip" else "zstd"
    fl.Layer.from_directory(after, **options).save(layer)
    assert changes(before, layer) == EXPECTED
    assert changes(layer, after) == {}


def test_the_layers_of_an_image_are_applied(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """A layer of differences on top of the one tree is the other, in every form of image."""
    before, after = pair
    image = fl.Image.scratch(platform="linux/amd64").append(
        fl.Layer.from_directory(before), fl.Layer.from_diff(before, after)
    )
    image.save(tmp_path / "image.tar", tags=["x:1"])
    image.write_layout(tmp_path / "layout", tags=["x:1"])
    for source in ("image.tar", "layout"):
        assert changes(tmp_path / source, after) == {}
    assert changes(f"docker-archive:{tmp_path}/image.tar", after) == {}
    assert changes(before, f"oci:{tmp_path}/layout:1") == EXPECTED


def test_whiteouts_of_a_single_layer_are_entries(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Two layers that remove other things are not the same."""
    before, after = pair
    fl.Layer.from_diff(before, after).save(tmp_path / "one")
    fl.Layer.from_diff(after, after).save(tmp_path / "none")
    assert changes(tmp_path / "none", tmp_path / "one")[".wh.gone"] == "A"


def test_hard_links_are_compared(tmp_path: Path) -> None:
    """Two names of one file are not two files with the same content."""
    before, after = tmp_path / "before", tmp_path / "after"
    for root in (before, after):
        root.mkdir()
        (root / "a").write_text("x")
        os.utime(root / "a", (0, 0))
    (before / "b").hardlink_to(before / "a")
    (after / "b").write_text("x")
    for path in (after / "b", before, after):
        os.utime(path, (0, 0))
    (a, b) = fl.diff(before, after)
    assert (a.path, a.facts) == ("a", (fl.Fact("link", "a", ""),))
    assert (b.path, b.facts) == ("b", (fl.Fact("link", "a", ""),))


def test_a_socket_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """No layer holds one, so that it is no difference."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    for folder in (here, there):
        os.utime(folder, (0, 0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(here / "s"))
        os.utime(here, (0, 0))
        with pytest.warns(fl.SourceWarning, match="here/s"):
            assert fl.diff(here, there) == []


def test_a_broken_archive_is_an_error(tmp_path: Path) -> None:
    """Nothing is said of a tree of which only a part was read."""
    (tmp_path / "d").mkdir()
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "d", "d")
    blob = gzip.compress((tmp_path / "a.tar").read_bytes())
    (tmp_path / "cut").write_bytes(blob[:-9])
    with pytest.raises(fl.MalformedArchiveError, match="cut"):
        fl.diff(tmp_path / "cut", tmp_path / "d")


def test_the_command_shows_lines_and_ends_as_diff_does(pair: tuple[Path, Path]) -> None:
    """A line for each path, in an order that people can follow; 0 same, 1 different, 2 trouble."""
    before, after = pair
    outcome = fastlayer("diff", before, after, cwd=before)
    assert outcome.status == 1
    assert outcome.stdout.decode().splitlines() == [
        "M d  mtime 1970-01-12T13:46:40Z→1970-01-12T13:46:41Z",
        "M d/f  mode 0644→0600, content",
        "D gone",
        "M kind  type directory→symlink, mode 0755→0777",
        "D kind/below",
        "M link  target a→b",
        r"A new\n",
    ]
    same = fastlayer("diff", before, before, cwd=before)
    assert (same.status, same.stdout, same.stderr) == (0, b"", "")
    missing = fastlayer("diff", before, "missing", cwd=before)
    assert (missing.status, missing.stdout) == (2, b"")
    assert missing.error == "`missing`: No such file or directory"


def test_the_record_has_every_fact(pair: tuple[Path, Path]) -> None:
    """JSON has what the library returns."""
    outcome = fastlayer("diff", "--json", *pair, cwd=pair[0])
    assert outcome.status == 1
    assert outcome.record["differences"] == json.loads(
        json.dumps([each.record() for each in fl.diff(*pair)])
    )


def test_two_images_need_a_tag(tmp_path: Path) -> None:
    """Which of them is meant is for the user to say."""
    for tag in ("1", "2"):
        files: dict[str, str | os.PathLike[str] | bytes] = {"f": tag.encode()}
        image = fl.Image.scratch(platform="linux/amd64").append(fl.Layer.from_files(files))
        image.write_layout(tmp_path / "layout", tags=[f"x:{tag}"])
    with pytest.raises(fl.InvalidImageError, match="2 images"):
        fl.diff(tmp_path / "layout", tmp_path / "layout")
    layout = f"oci:{tmp_path}/layout"
    assert changes(f"{layout}:1", f"{layout}:2") == {"f": "content"}
