"""Outputs that links lead elsewhere: never the links of strangers, where all may make some."""

import os
from pathlib import Path

import pytest

import fastlayer as fl
from conformance.peers import need_root
from fastlayer.cli.run import run
from fastlayer.links import check_links

STRANGER = 12345


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder like `/tmp`."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def link(path: Path, target: Path | str, owner: int) -> Path:
    path.symlink_to(target)
    os.lchown(path, owner, owner)
    return path


def test_the_link_of_a_stranger_is_not_written_through(shared: Path, tmp_path: Path) -> None:
    """By no kind of output, whether there is something at its end or not."""
    need_root("files of several owners")
    (tmp_path / "precious").write_text("mine")
    layer = fl.Layer.from_files({"a": b"1"})
    layer.save(tmp_path / "layer.tar.gz")
    stored = fl.StoredLayer.load(tmp_path / "layer.tar.gz")
    image = fl.Image.scratch(platform="linux/amd64").append(stored)
    for name in ("precious", "none"):
        out = link(shared / name, tmp_path / name, STRANGER)
        for write in (layer.save, image.save, image.unpack):
            with pytest.raises(PermissionError) as caught:
                write(out)
            assert caught.value.filename == os.fspath(out)
    assert (tmp_path / "precious").read_text() == "mine"
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["layer.tar.gz", "precious", "shared"]


def test_the_command_says_so(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line that names the link."""
    need_root("files of several owners")
    out = link(shared / "out", "/dev/full", STRANGER)
    (shared / "tree").mkdir()
    assert run(["layer", str(shared / "tree"), "-o", str(out)]) == 1
    assert capsys.readouterr().err == f"fastlayer: error: `{out}`: Permission denied\n"


def test_a_chain_of_links_has_to_be_ours_to_its_end(shared: Path, tmp_path: Path) -> None:
    """Ours may lead to one that is not."""
    need_root("files of several owners")
    link(shared / "theirs", tmp_path / "x", STRANGER)
    with pytest.raises(PermissionError):
        check_links(link(tmp_path / "ours", "shared/theirs", 0))


def test_other_links_are_followed(shared: Path, tmp_path: Path) -> None:
    """Our own, those of whoever has the folder, and any where not everybody may make some."""
    need_root("files of several owners")
    check_links(link(shared / "ours", tmp_path / "x", 0))
    os.chown(shared, STRANGER, STRANGER)
    check_links(link(shared / "of-the-owner", tmp_path / "x", STRANGER))
    os.chown(shared, 0, 0)
    for mode in (0o755, 0o777, 0o1755):
        shared.chmod(mode)
        check_links(link(shared / f"{mode:o}", tmp_path / "x", STRANGER))


def test_a_circle_of_links_is_left_to_whoever_opens_it(tmp_path: Path) -> None:
    """There is nothing to write through."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    check_links(tmp_path / "a")
