"""Layers put together of items: from the host, from bytes, from layers and from archives."""

import gzip
import os
import socket
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import fastlayer as fl
from archives import Link, tar
from conformance.peers import need_root
from fastlayer import edit
from fastlayer.items import ArchiveItem, BytesItem, DirectoryItem, HostItem, Item, LayersItem
from fastlayer.policy import Policy
from fastlayer.stored.image import StoredLayer
from fastlayer.tree import Tree


def at(prefix: str, **options: Any) -> Policy:
    """The policy of an item that goes to `prefix`."""
    return Policy.of(cast("fl.LayerOptions", {"prefix": prefix, **options}))


def members(layer: fl.Layer, folder: Path) -> dict[str, tarfile.TarInfo]:
    """What is in the layer, in its order; hard links are members of their own."""
    layer.save(folder / "made.tar")
    with tarfile.open(folder / "made.tar") as archive:
        found = {member.name: member for member in archive}
        assert len(found) == len(archive.getmembers())
    return found


def names(items: Sequence[Item], folder: Path, ground: Tree | None = None) -> list[str]:
    """The paths of a layer of items, sorted; those of directories end in a slash."""
    found = members(fl.Layer.from_items(items, ground=ground), folder)
    return sorted(name + "/" * member.isdir() for name, member in found.items())


def contents(items: Sequence[Item], folder: Path, ground: Tree | None = None) -> dict[str, bytes]:
    """The content of every file of a layer of items, hard links followed."""
    fl.Layer.from_items(items, ground=ground, compression="none").save(folder / "made.tar")
    found = {}
    with tarfile.open(folder / "made.tar") as archive:
        for member in archive:
            if file := archive.extractfile(member) if not member.issym() else None:
                found[member.name] = file.read()
    return found


@pytest.fixture
def context(tmp_path: Path) -> str:
    """A folder as a build has it."""
    root = tmp_path / "context"
    (root / "app/sub").mkdir(parents=True)
    (root / "app/main").write_text("main")
    (root / "app/main").chmod(0o750)
    (root / "app/sub/a.o").write_text("object")
    (root / "app/sub/keep.o").write_text("keep")
    (root / "app/link").symlink_to("sub")
    (root / "readme").write_text("readme")
    os.utime(root / "readme", (5, 5))
    return str(root)


def stored(path: Path, content: bytes) -> StoredLayer:
    """A layer of these members as it is stored."""
    path.write_bytes(gzip.compress(content))
    return StoredLayer.load(path)


def test_a_file_a_link_and_a_directory_of_the_host(context: str, tmp_path: Path) -> None:
    """Each has its exact place, missing parents are there, and no link is followed."""
    items: list[Item] = [
        HostItem(context, b"readme", at("/docs/README", owner="1:2")),
        HostItem(context, b"app/link", at("docs/link")),
        HostItem(context, b"app", at("srv")),
    ]
    found = members(fl.Layer.from_items(items), tmp_path)
    assert list(found) == [
        *("docs", "docs/README", "docs/link", "srv", "srv/link"),
        *("srv/main", "srv/sub", "srv/sub/a.o", "srv/sub/keep.o"),
    ]
    readme = found["docs/README"]
    assert (readme.mode, readme.uid, readme.gid, readme.mtime) == (0o644, 1, 2, 5)
    assert (found["docs/link"].linkname, found["docs"].mode) == ("sub", 0o755)
    assert contents(items, tmp_path)["srv/sub/keep.o"] == b"keep"


def test_contents_without_the_directory_itself(context: str, tmp_path: Path) -> None:
    """The directory is that of the ground then, or a new one; also for the root of both."""
    (Path(context) / "app").chmod(0o700)
    item = HostItem(context, b"app", at("srv"), contents=True)
    found = members(fl.Layer.from_items([item]), tmp_path)
    assert found["srv"].mode == 0o755
    root = HostItem(context, b"", at(""), contents=True)
    assert names([root], tmp_path)[:2] == ["app/", "app/link"]
    with pytest.raises(NotADirectoryError):
        names([HostItem(context, b"readme", at("x"), contents=True)], tmp_path)


@pytest.mark.parametrize("path", [b"nothing", b"app/nothing", b"nothing/x"])
def test_what_is_not_there_is_an_error(path: bytes, context: str, tmp_path: Path) -> None:
    """An `OSError` that names the path on the host."""
    with pytest.raises(FileNotFoundError) as caught:
        names([HostItem(context, path, at("x"))], tmp_path)
    assert caught.value.filename == os.path.join(context, path.decode())  # noqa: PTH118


def test_no_link_on_the_way_is_followed(context: str, tmp_path: Path) -> None:
    """Nothing outside of the root is reached."""
    with pytest.raises(NotADirectoryError):
        names([HostItem(context, b"app/link/a.o", at("x"))], tmp_path)


@pytest.mark.parametrize(
    ("ignore", "exclude", "expected"),
    [
        ((), (), ["main", "sub/", "sub/a.o", "sub/keep.o"]),
        ((b"app/sub",), (), ["main"]),
        ((b"sub",), (), ["main", "sub/", "sub/a.o", "sub/keep.o"]),
        ((), ("sub",), ["main"]),
        ((b"**/*.o", b"!app/sub/keep.o"), (), ["main", "sub/", "sub/keep.o"]),
        ((b"app", b"!app/sub/keep.o"), (), ["sub/", "sub/keep.o"]),
        ((b"app/sub", b"!app/sub/keep.o"), ("**/*.o",), ["main"]),
        ((b"app/sub", b"!app/sub/a.o", b"app/sub/a.o"), (), ["main"]),
        # A directory that was not left out has nothing to take back.
        ((b"**/keep.o", b"!app"), (), ["main", "sub/", "sub/a.o"]),
        ((), ("**/keep.o", "!sub"), ["main", "sub/", "sub/a.o"]),
        ((b"app/sub", b"!**/*.c"), (), ["main"]),
        ((), ("*", "!main"), ["main"]),
        ((b"app",), (), []),
    ],
)
def test_patterns_are_relative_to_root_and_to_the_item(
    ignore: tuple[bytes, ...],
    exclude: tuple[str, ...],
    expected: list[str],
    context: str,
    tmp_path: Path,
) -> None:
    """Those of the context and those of the item both leave out."""
    (Path(context) / "app/link").unlink()
    item = HostItem(context, b"app", at("a", exclude=exclude), ignore, contents=True)
    found = [name for name in names([item], tmp_path) if name != "a/"]
    assert found == [f"a/{name}" for name in expected]


def test_names_of_one_inode_are_one_file_within_an_item(context: str, tmp_path: Path) -> None:
    """What was named twice, or is in two items, is two files."""
    os.link(f"{context}/app/main", f"{context}/app/other")
    items: list[Item] = [
        HostItem(context, b"app", at("one")),
        HostItem(context, b"app", at("two")),
        HostItem(context, b"app/main", at("three")),
    ]
    found = members(fl.Layer.from_items(items), tmp_path)
    links = {name: member.linkname for name, member in found.items() if member.islnk()}
    assert links == {"one/other": "one/main", "two/other": "two/main"}


def test_a_socket_is_left_out_with_a_warning(context: str, tmp_path: Path) -> None:
    """A named one too: no layer can hold it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{context}/s")
        for item in (HostItem(context, b"s", at("s")), HostItem(context, b"", at("all"))):
            with pytest.warns(fl.SourceWarning, match="is a socket"):
                assert "s" not in names([item], tmp_path)


def test_a_later_item_takes_the_place_of_an_earlier_one(context: str, tmp_path: Path) -> None:
    """A file over a directory removes what is below; directories merge, the later one stands."""
    host = HostItem(context, b"app", at("a"))
    file = BytesItem(b"a/sub", b"")
    assert names([host, file], tmp_path) == ["a/", "a/link", "a/main", "a/sub"]
    again: list[Item] = [
        host,
        BytesItem(b"a", b""),
        BytesItem(b"b", b""),
        DirectoryItem(b"a"),
        host,
    ]
    assert names(again, tmp_path)[-1] == "b"
    mixed: list[Item] = [host, BytesItem(b"a", b""), DirectoryItem(b"a"), BytesItem(b"a/new", b"")]
    assert names(mixed, tmp_path) == ["a/", "a/new"]
    found = members(fl.Layer.from_items([host, DirectoryItem(b"a", 0o700, (3, 4), 9)]), tmp_path)
    assert (found["a"].mode, found["a"].uid, found["a"].mtime) == (0o700, 3, 9)
    assert "a/sub/keep.o" in found
    over: list[Item] = [BytesItem(b"a/main", b"old"), BytesItem(b"a/more", b""), host]
    assert contents(over, tmp_path)["a/main"] == b"main"
    with pytest.raises(fl.UnsupportedEntryError, match="`a`, in which it lies, is not a dir"):
        names([BytesItem(b"a", b""), BytesItem(b"a/b", b"")], tmp_path)


def test_bytes_have_mode_owner_and_the_latest_time(tmp_path: Path) -> None:
    """What belongs to nobody belongs to root, unless the policy says otherwise."""
    items: list[Item] = [
        BytesItem(b"a", b"content", 0o600),
        BytesItem(b"b", b"", policy=at("sub", owner="5:6", mtime=7, mode="0711")),
    ]
    found = members(fl.Layer.from_items(items), tmp_path)
    facts = {name: (m.mode, m.uid, m.gid, m.mtime, m.size) for name, m in found.items()}
    assert facts["a"] == (0o600, 0, 0, 0, 7)
    assert facts["sub/b"] == (0o711, 5, 6, 7, 0)


def ground() -> Tree:
    """A base with directories of their own kind, and links to directories."""
    tree = Tree()
    edits = [
        edit.directory("srv/www", mode=0o2750, owner="33:44"),
        edit.directory("usr/lib", mode=0o711),
        edit.symlink("lib", "usr/lib"),
        edit.symlink("away", "/nowhere"),
    ]
    tree.apply(fl.Layer.from_files({"usr/lib/os": b"", "file": b""}, edits=edits, mtime=1000))
    return tree


def test_missing_parents_are_those_of_the_ground(context: str, tmp_path: Path) -> None:
    """Mode, owner and time; `SOURCE_DATE_EPOCH` holds for them too."""
    item = HostItem(context, b"readme", at("srv/www/new/readme"))
    found = members(fl.Layer.from_items([item], ground=ground()), tmp_path)
    www, new = found["srv/www"], found["srv/www/new"]
    assert (www.mode, www.uid, www.gid, www.mtime) == (0o2750, 33, 44, 1000)
    assert (new.mode, new.uid, new.mtime) == (0o755, 0, 0)
    layer = fl.Layer.from_files({"srv/www/x": b""}).above(ground())
    assert members(layer, tmp_path)["srv/www"].mode == 0o2750


def test_the_epoch_holds_for_the_ground(
    context: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No time of the layer is later."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "500")
    items: list[Item] = [
        HostItem(context, b"readme", at("srv/www/x")),
        DirectoryItem(b"late", mtime=900),
    ]
    found = members(fl.Layer.from_items(items, ground=ground()), tmp_path)
    times = {name: member.mtime for name, member in found.items()}
    assert times == {"srv": 500, "srv/www": 500, "srv/www/x": 5, "late": 500}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (BytesItem(b"srv/www", b""), "`srv/www` .* it is no directory, and the layers below"),
        (DirectoryItem(b"lib"), "`lib` .* it is a directory, and the layers below"),
        (DirectoryItem(b"file"), "`file` .* it is a directory, and the layers below"),
    ],
)
def test_directories_stay_directories(item: Item, message: str, tmp_path: Path) -> None:
    """Nobody means to put a directory in the place of a link to one."""
    with pytest.raises(fl.UnsupportedEntryError, match=message):
        names([item], tmp_path, ground())
    assert names([item], tmp_path)
    assert names([BytesItem(b"lib", b""), BytesItem(b"file", b"")], tmp_path, ground())


LOWER = tar({"d/": b"", "d/a": b"one", "d/b": Link("d/a", hard=True), "d/c": b"c", "e": b"e"})
UPPER = tar({"d/.wh.c": b"", "d/a": b"two", "d/l": Link("a"), "d/s/x": b"x"})


def test_parts_of_layers(tmp_path: Path) -> None:
    """What stays of them, by path, with the content that it has by then."""
    layers = (stored(tmp_path / "1", LOWER), stored(tmp_path / "2", UPPER))
    items: list[Item] = [
        LayersItem(layers, b"/d", at("copy", owner="7:8", exclude=["s"])),
        LayersItem(layers, b"d/b", at("single")),
        LayersItem(layers, b"d/s", at("s"), contents=True),
        BytesItem(b"copy/new", b"new"),
    ]
    assert contents(items, tmp_path) == {
        "copy/a": b"two",
        "copy/b": b"one",
        "copy/new": b"new",
        "single": b"one",
        "s/x": b"x",
    }
    found = members(fl.Layer.from_items(items), tmp_path)
    assert not any(member.islnk() for member in found.values())
    assert (found["copy"].uid, found["copy/a"].gid, found["single"].uid) == (7, 8, 0)
    everything = LayersItem(layers, b"", at(""))
    assert names([everything], tmp_path) == [*("d/", "d/a", "d/b", "d/l", "d/s/", "d/s/x", "e")]


def test_links_within_a_part_stay_links(tmp_path: Path) -> None:
    """Two names of a file are one where both are taken, and content is there for each place."""
    layers = (stored(tmp_path / "1", LOWER),)
    items: list[Item] = [LayersItem(layers, b"d", at(place)) for place in ("one", "two")]
    found = members(fl.Layer.from_items(items), tmp_path)
    links = {name: member.linkname for name, member in found.items() if member.islnk()}
    assert links == {"one/b": "one/a", "two/b": "two/a"}
    assert contents([*items, *items], tmp_path) == {
        f"{place}/{name}": content
        for place in ("one", "two")
        for name, content in {"a": b"one", "b": b"one", "c": b"c"}.items()
    }


def test_parts_that_are_not_there(tmp_path: Path) -> None:
    """What is asked for by name must be there."""
    layers = (stored(tmp_path / "1", LOWER),)
    for path, keep, message in [
        (b"nothing", False, "`nothing` .* the layers have nothing there"),
        (b"d/a", True, "`d/a` .* it is no directory"),
    ]:
        with pytest.raises(fl.UnsupportedEntryError, match=message):
            names([LayersItem(layers, path, at("x"), contents=keep)], tmp_path)


ODD: list[tuple[str, bytes | Link]] = [
    ("./", b""),
    ("early", Link("late", hard=True)),
    ("late", b"late"),
    ("d/x", b"old"),
    ("d/x", b"new"),
    ("d/", b""),
    ("gone/x", b""),
    ("gone", b"a file"),
    ("lib/new", b"lib"),
    ("usr/share", b"share"),
]


@pytest.mark.parametrize("prefix", ["", "srv/www"])
def test_an_archive_among_items_is_what_unpacking_leaves(prefix: str, tmp_path: Path) -> None:
    """Whatever its order; its root says nothing of the directory that it is unpacked in."""
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(gzip.compress(tar(ODD)))
    items: list[Item] = [
        BytesItem(f"{prefix}/d/x".encode(), b"before"),
        ArchiveItem(str(archive), at(prefix, owner="1:1")),
        BytesItem(f"{prefix}/late".encode(), b"after"),
    ]
    lib = "usr/lib/new" if not prefix else "lib/new"
    found = contents(items, tmp_path, ground())
    start = f"{prefix}/" if prefix else ""
    assert {name.removeprefix(start): content for name, content in found.items()} == {
        "early": b"late",
        "late": b"after",
        "d/x": b"new",
        "gone": b"a file",
        lib: b"lib",
        "usr/share": b"share",
    }
    if prefix:
        layer = fl.Layer.from_items(items, ground=ground())
        assert members(layer, tmp_path)[prefix].mode == 0o2750


def test_an_archive_above_a_ground_stays_a_stream(tmp_path: Path) -> None:
    """Links are followed unless the archive has replaced them; hard links lead there too."""
    archive = tmp_path / "archive.tar"
    layer = fl.Layer.from_archive(archive, compression="none").above(ground())
    archive.write_bytes(
        tar(
            [
                ("./", b""),
                ("lib/a", b"a"),
                ("b", Link("lib/a", hard=True)),
                ("away/x", b""),
                ("srv/www/x", b""),
                ("lib/", b""),
                ("lib/c", b""),
            ]
        )
    )
    found = members(layer, tmp_path)
    assert list(found) == [
        *("usr", "usr/lib", "usr/lib/a", "b", "away", "away/x", "srv", "srv/www", "srv/www/x"),
        *("lib", "lib/c"),
    ]
    assert found["b"].linkname == "usr/lib/a"
    assert [found[name].mode for name in ("usr/lib", "srv/www")] == [0o711, 0o2750]
    # Entries that come late take a second look, which finds the same.
    archive.write_bytes(tar([("lib/a", b"a"), ("d/x", b""), ("d/", b""), ("./", b"")]))
    assert list(members(layer, tmp_path)) == ["usr", "usr/lib", "usr/lib/a", "d", "d/x"]
    plain = fl.Layer.from_archive(archive, compression="none")
    assert {"lib", "lib/a"} < set(members(plain, tmp_path))


def test_directories_of_an_edit_are_the_destination_of_an_archive(tmp_path: Path) -> None:
    """`ADD --chown`: the destination has an owner that what is unpacked has not."""
    archive = tmp_path / "archive.tar"
    archive.write_bytes(tar({"./": b"", "x": b""}))
    edits = [edit.directory("new", owner="7:8"), edit.directory("new/d", owner="7:8")]
    layer = fl.Layer.from_archive(archive, prefix="new/d", edits=edits).above(ground())
    owners = {name: member.uid for name, member in members(layer, tmp_path).items()}
    assert owners == {"new": 7, "new/d": 7, "new/d/x": 0}


def test_the_tree_of_a_layer_of_items(context: str, tmp_path: Path) -> None:
    """A tree knows what the layer would hold, the content of `etc/passwd` from layers too."""
    passwd = b"app:x:1:2::/:/bin/sh\n"
    layers = (stored(tmp_path / "1", tar({"etc/passwd": passwd, "etc/group": b"g:x:9:\n"})),)
    items: list[Item] = [
        HostItem(context, b"app", at("app")),
        LayersItem(layers, b"etc", at("etc")),
    ]
    tree = Tree()
    tree.apply(fl.Layer.from_items(items))
    assert tree.children("/") == [b"app", b"etc"]
    assert tree.children("app/sub") == [b"a.o", b"keep.o"]
    assert tree.content("etc/passwd") == passwd


def test_the_bytes_do_not_depend_on_threads_or_neighbours(context: str, tmp_path: Path) -> None:
    """Alone or ahead of its turn in an image, a layer is the same."""
    layers = (stored(tmp_path / "1", LOWER),)
    host: list[Item] = [HostItem(context, b"", at("ctx")), BytesItem(b"x", b"y" * 70_000)]
    digests = set()
    for items in (host, [*host, LayersItem(layers, b"d", at("d"))]):
        for threads in (1, 4):
            layer = fl.Layer.from_items(items, threads=threads)
            digests.add(layer.save(tmp_path / "one").digest)
            image = fl.Image.scratch().append(*[layer.above(Tree()) for _ in range(5)])
            digests |= {built.digest for built in image.save(tmp_path / "image.tar").layers}
    assert len(digests) == 2


def test_wrong_items_are_refused_at_once(context: str) -> None:
    """Before anything is read, with what is wrong."""
    wrong: list[tuple[Item, str]] = [
        (HostItem(context, b"../x", at("a")), "invalid path: .*`..`"),
        (HostItem(context, b"x", at("a"), (b"[",)), "bad exclusion pattern"),
        (HostItem(context, b"x", Policy(prefix=b"a/../b")), "invalid prefix"),
        (BytesItem(b"a\0b", b""), "NUL"),
        (LayersItem((), b"..", at("a")), "invalid path"),
    ]
    for item, message in wrong:
        with pytest.raises(fl.InvalidArgumentError, match=message):
            fl.Layer.from_items([item])
    with pytest.raises(TypeError, match="unknown option `prefix`"):
        fl.Layer.from_items([], prefix="x")  # type: ignore[call-arg]


def test_a_place_with_the_name_of_a_whiteout_is_refused(context: str, tmp_path: Path) -> None:
    """It would delete a file of the layers below."""
    items: list[Item] = [BytesItem(b"a/.wh.b", b""), HostItem(context, b"app", at(".wh.a"))]
    for item in items:
        with pytest.raises(fl.UnsupportedEntryError, match=r"begins with `\.wh\.`"):
            names([item], tmp_path)


def test_no_items_make_an_empty_layer(tmp_path: Path) -> None:
    """A step that copies nothing is a layer still."""
    assert names([], tmp_path) == []


def test_a_file_that_is_gone_by_then_is_told(context: str, tmp_path: Path) -> None:
    """Nothing is read before the layer is made."""
    layer = fl.Layer.from_items([HostItem(context, b"readme", at("x"))])
    (Path(context) / "readme").unlink()
    with pytest.raises(FileNotFoundError):
        layer.save(tmp_path / "out")


def test_attributes_of_the_ground_are_kept(context: str, tmp_path: Path) -> None:
    """A parent keeps those that it has below."""
    need_root("changing owners")
    (tmp_path / "base/d").mkdir(parents=True)
    try:
        os.setxattr(tmp_path / "base/d", "user.note", b"kept")
    except OSError:
        pytest.skip("the file system has no such attributes")
    tree = Tree()
    tree.apply(fl.Layer.from_directory(tmp_path / "base"))
    layer = fl.Layer.from_items([HostItem(context, b"readme", at("d/x"))], ground=tree)
    assert members(layer, tmp_path)["d"].pax_headers["SCHILY.xattr.user.note"] == "kept"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (1, "an item is a `int`"),
        (BytesItem(b"a", b"", mode=1 << 40), "`mode` is `0o"),
        (DirectoryItem(b"a", mode=-1), "`mode` is `-0o1`"),
        (DirectoryItem(b"a", owner=(1 << 40, 0)), "`owner` is `1099511627776`"),
        (DirectoryItem(b"a", mtime=1 << 70), "`mtime` is `"),
    ],
)
def test_a_wrong_item_is_refused_at_once(item: Any, message: str) -> None:
    """It is an error of the description."""
    with pytest.raises(fl.InvalidArgumentError, match=message):
        fl.Layer.from_items([item])
