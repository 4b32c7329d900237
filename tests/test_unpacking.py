"""Images unpacked into directories: all of it or nothing, and nothing outside."""

import io
import os
import tarfile
from pathlib import Path

import pytest

import fastlayer as fl
from fastlayer.cli.run import run


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without anything in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def layer(*members: tuple[str, bytes | str | None]) -> fl.StoredLayer:
    """A layer of files (bytes), links (text) and directories, which belong to who runs the test."""
    path = Path(f"layer-{os.urandom(4).hex()}")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.uid, member.gid, member.mtime = os.geteuid(), os.getegid(), 5
            member.mode = 0o640
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o750
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return fl.StoredLayer.load(path)


def image(*layers: fl.StoredLayer) -> fl.Image:
    """An image of layers."""
    return fl.Image.scratch(platform="linux/amd64").append(*layers)


def left(folder: Path) -> list[str]:
    """What is in a folder besides the layers."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("layer-"))


def test_layers_are_applied(workplace: Path) -> None:
    """What upper layers replace and remove is not there; modes and times are."""
    lower = layer(("d", None), ("d/a", b"1"), ("d/b", b"2"), ("l", "d/a"))
    upper = layer(("d", None), ("d/.wh.a", b""), ("d/c", b"3"))
    image(lower, upper).unpack("rootfs")
    root = workplace / "rootfs"
    assert sorted(path.name for path in (root / "d").iterdir()) == ["b", "c"]
    assert (root / "d/c").read_bytes() == b"3"
    assert (root / "l").readlink() == Path("d/a")
    assert (root / "d").stat().st_mode & 0o7777 == 0o750
    assert (root / "d").stat().st_mtime == (root / "d/b").stat().st_mtime == 5
    assert left(workplace) == ["rootfs"]


def test_an_empty_directory_will_do_and_another_one_stays(workplace: Path) -> None:
    """What is there already is not touched."""
    (workplace / "empty").mkdir()
    (workplace / "full").mkdir()
    (workplace / "full" / "mine").touch()
    (workplace / "file").touch()
    some = image(layer(("a", b"")))
    some.unpack(workplace / "empty")
    with pytest.raises(fl.InvalidArgumentError, match="is not empty"):
        some.unpack("full")
    with pytest.raises(NotADirectoryError):
        some.unpack("file")
    with pytest.raises(FileNotFoundError) as caught:
        some.unpack("none/rootfs")
    assert caught.value.filename == str(workplace / "none" / "rootfs")
    assert left(workplace) == ["empty", "file", "full"]
    assert [path.name for path in (workplace / "full").iterdir()] == ["mine"]


def test_a_link_leads_to_where_the_tree_is_made(workplace: Path) -> None:
    """It stays, whether there is a directory already or not."""
    (workplace / "to").mkdir()
    (workplace / "to" / "empty").mkdir()
    for name in ("empty", "none"):
        (workplace / name).symlink_to(f"to/{name}")
        image(layer(("a", b"1"))).unpack(name)
        assert (workplace / name).is_symlink()
        assert (workplace / "to" / name / "a").read_bytes() == b"1"
    assert left(workplace / "to") == ["empty", "none"]


def test_what_cannot_be_replaced_is_refused_before_any_work(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount point, which stays busy, and the current directory, which would be gone."""
    some = image(layer(("a", b"1")))
    monkeypatch.setattr("fastlayer.engine.unpack_layers", lambda *_, **__: pytest.fail("begun"))
    (workplace / "mounted").mkdir()
    (workplace / "link").symlink_to("here")
    (workplace / "here").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(workplace / "mounted"))
    with pytest.raises(fl.InvalidArgumentError, match="mounted` is a mount point, which cannot be"):
        some.unpack("mounted")
    monkeypatch.chdir("here")
    for name in (".", "../here", "../link", workplace / "here"):
        with pytest.raises(
            fl.InvalidArgumentError, match="here` is the current one, which would be"
        ):
            some.unpack(name)
    assert left(workplace) == ["here", "link", "mounted"]


def test_a_failure_leaves_nothing(workplace: Path) -> None:
    """A path that goes through a link is refused, whatever was made before."""
    evil = layer(("a", b"1"), ("l", "/tmp"), ("l/x", b"2"))  # noqa: S108
    with pytest.raises(fl.UnsupportedEntryError, match="is not a directory"):
        image(evil).unpack("rootfs")
    assert left(workplace) == []


def test_a_broken_blob_is_refused(workplace: Path) -> None:
    """Content that does not have its digest is not unpacked."""
    stored = layer(("a", b"1"))
    path = next(workplace.glob("layer-*"))
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    with pytest.raises(fl.InvalidImageError):
        image(stored).unpack("rootfs")
    assert left(workplace) == []


def test_described_layers_have_to_be_made_first() -> None:
    """There is nothing yet that could be unpacked."""
    described = fl.Image.scratch().append(fl.Layer.from_files({"a": b"1"}))
    with pytest.raises(fl.InvalidArgumentError, match="write the image first"):
        described.unpack("rootfs")


def test_the_command(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`fastlayer unpack` makes the directory, and tells of what it cannot do in one line."""
    image(layer(("a", b"1"))).save("image.tar")
    assert run(["unpack", "image.tar", "rootfs"]) == 0
    assert (workplace / "rootfs" / "a").read_bytes() == b"1"
    assert run(["unpack", "image.tar", "rootfs"]) != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("is not empty")
