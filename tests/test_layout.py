"""OCI layout directories: blobs once, an index that loses nothing, several writers at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from vectors import check_schema


def image(content: bytes = b"program") -> fl.Image:
    """An image of one file."""
    layer = fl.Layer.from_files({"app": content}, mode=0o755)
    return fl.Image.scratch(platform="linux/amd64").append(layer)


def index(layout: Path) -> list[dict[str, Any]]:
    """The entries of the layout's index."""
    content = (layout / "index.json").read_bytes()
    check_schema(content, "image-index-schema.json")
    manifests: list[dict[str, Any]] = json.loads(content)["manifests"]
    return manifests


def tags(layout: Path) -> list[str | None]:
    """The tags in the layout's index, in order."""
    return [
        entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
        for entry in index(layout)
    ]


def test_a_layout_is_made(tmp_path: Path) -> None:
    """The folder has the three parts of the specification, and every blob by its digest."""
    layout = tmp_path / "layout"
    built = image().write_layout(layout, tags=["demo/app:1"])
    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    blobs = {path.name for path in (layout / "blobs" / "sha256").iterdir()}
    digests = {built.digest, built.config.digest, built.layers[0].digest}
    assert blobs == {digest.encoded for digest in digests}
    for path in (layout / "blobs" / "sha256").iterdir():
        assert fl.Digest.of(path.read_bytes()).encoded == path.name
    assert tags(layout) == ["1"]


def test_a_second_image_joins_and_a_tag_moves(tmp_path: Path) -> None:
    """Other images stay; one that had the tag loses it; blobs that are there stay as they are."""
    one = image(b"one").write_layout(tmp_path, tags=["a:1"])
    blob = tmp_path / "blobs" / "sha256" / one.layers[0].digest.encoded
    inode = blob.stat().st_ino
    two = image(b"two").write_layout(tmp_path, tags=["a:2"])
    assert tags(tmp_path) == ["1", "2"]
    image(b"one").write_layout(tmp_path, tags=["b:2", "b:3"])
    assert tags(tmp_path) == ["1", "2", "3"]
    assert two.digest not in {entry["digest"] for entry in index(tmp_path)}
    assert blob.stat().st_ino == inode


def test_an_image_without_a_tag_is_listed_once(tmp_path: Path) -> None:
    """Written again, it does not pile up; with a tag, the bare entry goes."""
    image().write_layout(tmp_path)
    image().write_layout(tmp_path)
    assert tags(tmp_path) == [None]
    image().write_layout(tmp_path, tags=["a:1"])
    assert tags(tmp_path) == ["1"]


def test_what_others_wrote_into_the_index_is_kept(tmp_path: Path) -> None:
    """Entries and members that fastlayer does not know survive."""
    image().write_layout(tmp_path, tags=["a:1"])
    path = tmp_path / "index.json"
    document = json.loads(path.read_bytes())
    document["x"] = {"y": 1.50}
    document["manifests"][0]["z"] = "kept"
    path.write_text(json.dumps(document))
    image(b"other").write_layout(tmp_path, tags=["a:2"])
    changed = json.loads(path.read_bytes())
    assert changed["x"] == {"y": 1.5}
    assert changed["manifests"][0]["z"] == "kept"


def test_a_folder_in_use_for_something_else_is_refused(tmp_path: Path) -> None:
    """A layout is not made among files that are none of it."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(fl.InvalidImageError, match="neither empty nor an OCI layout"):
        image().write_layout(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_broken_index_is_left_alone(tmp_path: Path) -> None:
    """An index that cannot be read is an error, not a reason to begin a new one."""
    image().write_layout(tmp_path, tags=["a:1"])
    (tmp_path / "index.json").write_text('{"schemaVersion":2,"schemaVersion":2,"manifests":[]}')
    with pytest.raises(fl.InvalidImageError, match=r"index\.json"):
        image(b"other").write_layout(tmp_path, tags=["a:2"])
    assert "schemaVersion" in (tmp_path / "index.json").read_text()


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_an_index_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for, and a link leads to what is none of the layout's."""
    image().write_layout(tmp_path / "layout", tags=["a:1"])
    index = tmp_path / "layout" / "index.json"
    index.rename(tmp_path / "elsewhere")
    if kind == "pipe":
        os.mkfifo(index)
    else:
        index.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(fl.InvalidImageError, match=r"`index\.json` is not a regular file"):
        image(b"other").write_layout(tmp_path / "layout", tags=["a:2"])


@pytest.mark.parametrize("folder", ["blobs", "blobs/sha256"])
def test_no_blob_goes_elsewhere(tmp_path: Path, folder: str) -> None:
    """A layout of somebody else may have links, which no reader follows."""
    image().write_layout(tmp_path / "layout", tags=["a:1"])
    (tmp_path / "layout" / folder).rename(tmp_path / "elsewhere")
    (tmp_path / "layout" / folder).symlink_to(tmp_path / "elsewhere")
    before = sorted((tmp_path / "elsewhere").rglob("*"))
    with pytest.raises(fl.InvalidImageError, match=f"{folder}` is a link: links are not followed"):
        image(b"other").write_layout(tmp_path / "layout", tags=["a:2"])
    assert sorted((tmp_path / "elsewhere").rglob("*")) == before


@pytest.mark.parametrize("existed", [True, False])
def test_a_failed_build_takes_a_new_layout_back(tmp_path: Path, existed: bool) -> None:  # noqa: FBT001
    """Nothing is left of a layout that was made for an image which failed."""
    layout = tmp_path / "layout"
    if existed:
        layout.mkdir()
    broken = image().append(fl.Layer.from_directory("/no/such"))
    with pytest.raises(FileNotFoundError):
        broken.write_layout(layout)
    assert list(tmp_path.rglob("*")) == ([layout] if existed else [])


def test_a_failed_build_leaves_a_layout_as_it_was(tmp_path: Path) -> None:
    """The index is untouched and no temporary file stays; whole blobs may."""
    image().write_layout(tmp_path, tags=["a:1"])
    before = (tmp_path / "index.json").read_bytes()
    with pytest.raises(FileNotFoundError):
        image(b"x").append(fl.Layer.from_directory("/no/such")).write_layout(tmp_path)
    assert (tmp_path / "index.json").read_bytes() == before
    assert not list(tmp_path.rglob(".fastlayer-*"))


def test_writers_at_once_lose_no_tag(tmp_path: Path) -> None:
    """Eight processes write five tags each into one new layout: all forty are there."""
    code = """if True:
        import sys, fastlayer as fl
        for number in range(5):
            name = f"{sys.argv[2]}-{number}"
            layer = fl.Layer.from_files({"name": name.encode()})
            image = fl.Image.scratch(platform="linux/amd64").append(layer)
            image.write_layout(sys.argv[1], tags=[f"a:{name}"])
    """
    writers = [
        subprocess.Popen([sys.executable, "-c", code, os.fspath(tmp_path / "layout"), str(number)])
        for number in range(8)
    ]
    assert [writer.wait() for writer in writers] == [0] * 8
    assert sorted(filter(None, tags(tmp_path / "layout"))) == sorted(
        f"{writer}-{number}" for writer in range(8) for number in range(5)
    )


@pytest.mark.parametrize(
    "read",
    [
        lambda layout: fl.Image.load(f"oci:{layout}:1"),
        fl.validate,
        lambda layout: image(b"other").write_layout(layout, tags=["x:2"]),
    ],
    ids=["load", "validate", "write"],
)
def test_an_index_that_is_replaced_while_it_is_read_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    """Each time that it is opened another writer, who may be none of ours, puts a longer one."""
    layout, new = tmp_path / "layout", tmp_path / "new"
    image().write_layout(layout, tags=["x:1"])
    opened = os.open
    replaced = 0

    def replaced_when_opened(path: Any, *rest: Any, **options: Any) -> int:
        nonlocal replaced
        descriptor = opened(path, *rest, **options)
        if path == "index.json":
            replaced += 1
            new.write_bytes(b" " * replaced + (layout / "index.json").read_bytes())
            new.replace(layout / "index.json")
        return descriptor

    monkeypatch.setattr(os, "open", replaced_when_opened)
    read(layout)
    assert replaced == 1
    assert not fl.validate(layout).problems


def test_two_references_with_one_tag_are_refused(tmp_path: Path) -> None:
    """A layout knows an image by the tag alone, so that one of them would be lost."""
    with pytest.raises(fl.InvalidArgumentError, match="two are the same"):
        image().write_layout(tmp_path / "x", tags=["a:1", "b:1"])
    assert not (tmp_path / "x").exists()


def test_a_layout_may_call_an_image_by_a_name_of_its_own(tmp_path: Path) -> None:
    """`oci:DIR:12` needs no repository; a name that no layout may use is refused."""
    image().write_layout(tmp_path / "x", name="12")
    image().write_layout(tmp_path / "x", tags=["a:12"], name="stable")
    assert tags(tmp_path / "x") == ["12", "stable"]
    with pytest.raises(fl.InvalidReferenceError, match="not a name for an image in a layout"):
        image().write_layout(tmp_path / "x", name="a b")
