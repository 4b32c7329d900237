"""What is there when layers are applied: entries, links, and the content of a few files."""

import gzip
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import fastlayer as fl
from archives import Link, Members, tar
from fastlayer import edit
from fastlayer.dockerfile.trees import resolved
from fastlayer.stored.image import StoredLayer
from fastlayer.tree import Tree, TreeEntry

PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:7:8::/:/bin/sh\n"


def stored(folder: Path, members: bytes, *, packed: bool = True) -> StoredLayer:
    """A layer of these members as it is stored."""
    path = folder / f"layer-{len(list(folder.iterdir()))}"
    path.write_bytes(gzip.compress(members) if packed else members)
    return StoredLayer.load(path)


def test_scratch_is_a_root_and_nothing_else() -> None:
    """The root is always there."""
    tree = Tree()
    assert tree.entry("/") == TreeEntry(b"", "directory", 0o755, 0, 0, 0, 0, None)
    assert tree.children("") == []
    assert tree.entry("etc") is None
    assert tree.resolve("/etc/../usr/./bin") == b"usr/bin"


def test_layers_are_applied_with_their_whiteouts(tmp_path: Path) -> None:
    """Stored layers, plain and compressed: what a later one removes or replaces is gone."""
    lower: Members = {"d/": b"", "d/a": b"one", "d/b": b"two", "e/f/g": b"", "link": Link("d")}
    upper: Members = {
        "d/.wh.a": b"",
        "d/c": Link("d/b", hard=True),
        "e": b"a file",
        ".wh.link": b"",
    }
    tree = Tree()
    tree.apply(stored(tmp_path, tar(lower)))
    assert tree.children("/") == [b"d", b"e", b"link"]
    assert tree.children("e") == [b"f"]
    assert tree.entry("e/f") == TreeEntry(b"e/f", "directory", 0o755, 0, 0, 0, 0, None)
    before = tree.copy()
    tree.apply(stored(tmp_path, tar(upper), packed=False))
    assert (tree.children("/"), tree.children("d")) == ([b"d", b"e"], [b"b", b"c"])
    entry = tree.entry(b"d/c")
    assert entry is not None
    assert (entry.kind, entry.size, entry.link) == ("file", 3, None)
    assert before.children("/") == [b"d", b"e", b"link"]


def test_links_are_followed_inside_the_root() -> None:
    """Absolute links begin at the root, and `..` stops there."""
    links = {
        "bin": "usr/bin",
        "usr/local/up": "../../../../usr/bin/..",
        "abs": "/usr/local/up/local",
        "loop": "loop2",
        "loop2": "loop/x",
        "dangling": "/no/where",
    }
    edits = [edit.symlink(path, target) for path, target in links.items()]
    tree = Tree()
    tree.apply(fl.Layer.from_files({"usr/bin/sh": b""}, edits=edits))
    for path, expected in {
        "/bin/sh": b"usr/bin/sh",
        "/../bin/../../x": b"x",
        "abs/up": b"usr",
        "abs/new/deep": b"usr/local/new/deep",
        "dangling/x": b"no/where/x",
        "usr/bin/sh/x": b"usr/bin/sh/x",
        "bin": b"usr/bin",
    }.items():
        assert tree.resolve(path) == expected, path
    assert tree.resolve("bin", follow_last=False) == b"bin"
    assert tree.resolve("abs/up", follow_last=False) == b"usr/local/up"
    with pytest.raises(fl.SourceError, match="`loop/y` leads through more than 255"):
        tree.resolve("loop/y")
    entry = tree.entry("bin")
    assert entry is not None
    assert (entry.kind, entry.link) == ("symlink", b"usr/bin")


def test_no_link_is_followed_farther_than_a_kernel_would(tmp_path: Path) -> None:
    """Else one small layer would take gigabytes, or hours."""
    members = tar({"many": Link("many/" * 200_000), "deep": Link("x/" * 500_000)})
    tree = Tree()
    tree.apply(stored(tmp_path, members))
    for path in ("many", "deep", "deep/x"):
        with pytest.raises(fl.SourceError, match=f"`{path}` leads through .* more bytes than"):
            tree.resolve(path)
        with pytest.raises(fl.DockerfileError, match="too long"):
            resolved(tree.entry, path.encode())
    with pytest.raises(fl.DockerfileError, match="too long"):
        resolved(tree.entry, b"x/" * 5000)


def test_entries_below_a_link_go_where_it_leads(tmp_path: Path) -> None:
    """As engines extract them; a directory of the layer takes the place of the link."""
    tree = Tree()
    tree.apply(fl.Layer.from_files({"usr/lib/a": b""}, edits=[edit.symlink("lib", "usr/lib")]))
    tree.apply(stored(tmp_path, tar({"lib/b": b"", "lib/x/y": b"", "c": Link("lib/a", hard=True)})))
    assert tree.children("usr/lib") == [b"a", b"b", b"x"]
    assert tree.children("/") == [b"c", b"lib", b"usr"]
    tree.apply(stored(tmp_path, tar({"lib/": b"", "lib/z": b""})))
    assert tree.children("lib") == [b"z"]
    assert tree.children("usr/lib") == [b"a", b"b", b"x"]


def test_described_layers_have_the_entries_that_they_would_have(tmp_path: Path) -> None:
    """Policy and edits are applied, whatever a layer is made of."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_bytes(PASSWD)
    (root / "etc/skip").touch()
    options = fl.LayerOptions(exclude=["etc/skip"], owner="3:4", edits=[edit.rename("etc", "new")])
    (tmp_path / "archive.tar.gz").write_bytes(
        # The directory comes after what it holds: that takes a second look.
        gzip.compress(tar({"etc/passwd": PASSWD, "etc/skip": b"", "etc/": b""}))
    )
    for layer in (
        fl.Layer.from_directory(root, **options),
        fl.Layer.from_archive(tmp_path / "archive.tar.gz", **options),
        fl.Layer.from_files({"etc/passwd": PASSWD, "etc/skip": b""}, **options),
    ):
        tree = Tree()
        tree.apply(layer)
        assert tree.children("/") == [b"new"]
        assert tree.children("new") == [b"passwd"]
        entry = tree.entry("new/passwd")
        assert entry is not None
        assert (entry.uid, entry.gid, entry.size) == (3, 4, len(PASSWD))


def test_layers_of_layers_have_a_tree_too(tmp_path: Path) -> None:
    """Recompressed, rewritten and flattened ones; whiteouts of a rewritten one are applied."""
    lower = fl.Layer.from_files({"a": b"", "b": b"", "etc/group": b"g:x:5:\n"})
    lower.save(tmp_path / "lower")
    upper = stored(tmp_path, tar({".wh.a": b"", "c": b""}))
    image = fl.Image.scratch().append(StoredLayer.load(tmp_path / "lower"), upper)
    for derived in (image.recompress(compression="zstd"), image.rewrite(), image.flatten()):
        tree = Tree()
        for layer in derived.layers:
            assert isinstance(layer, fl.Layer)
            tree.apply(layer)
        assert tree.children("/") == [b"b", b"c", b"etc"]
        assert tree.content("etc/group") == b"g:x:5:\n"


def test_differences_remove_what_is_gone(tmp_path: Path) -> None:
    """Layers of differences hold whiteouts as a stored layer does."""
    for name, files in {"lower": ("a", "b"), "upper": ("b", "c")}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
    tree = Tree()
    tree.apply(fl.Layer.from_directory(tmp_path / "lower"))
    tree.apply(fl.Layer.from_diff(tmp_path / "lower", tmp_path / "upper"))
    assert tree.children("") == [b"b", b"c"]


def test_who_is_who_is_kept(tmp_path: Path) -> None:
    """The content of `etc/passwd` and `etc/group`, from wherever it comes; of no large file."""
    host = tmp_path / "passwd"
    host.write_bytes(PASSWD)
    tree = Tree()
    assert tree.content("/etc/passwd") is None
    tree.apply(fl.Layer.from_files({"etc/passwd": host, "etc/shadow": b"secret"}))
    assert tree.content("/etc/passwd") == PASSWD
    assert tree.content("etc/shadow") is None
    tree.apply(stored(tmp_path, tar({"etc/passwd": b"other", "etc/group": b""})))
    assert (tree.content("etc/passwd"), tree.content("etc/group")) == (b"other", b"")
    tree.apply(fl.Layer.from_files({"etc/passwd": b"x" * (1 << 20) + b"x"}))
    assert tree.content("etc/passwd") is None


def test_what_can_be_read_once_has_no_tree(tmp_path: Path) -> None:
    """A stream would be gone, and so would what is in a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (tmp_path / "archive").open("wb+") as file:
        file.write(tar({"a": b""}))
        file.seek(0)
        for layer in (fl.Layer.from_stream(file), fl.Layer.from_archive(pipe)):
            with pytest.raises(fl.InvalidArgumentError, match="stream or pipe"):
                Tree().apply(layer)
        assert len(file.read()) > 0


@pytest.mark.parametrize("path", ["../x", "a/../b", "a\0b"])
def test_paths_are_those_of_the_tree(path: str) -> None:
    """Only `resolve` knows what `..` is."""
    tree = Tree()
    for ask in (tree.entry, tree.children, tree.content):
        with pytest.raises(fl.InvalidArgumentError, match="invalid path"):
            ask(path)
    with pytest.raises(fl.InvalidArgumentError, match="NUL"):
        tree.resolve("a\0b")


def test_a_broken_layer_is_named(tmp_path: Path) -> None:
    """A hard link to nothing, and bytes that are not those of the descriptor."""
    layer = stored(tmp_path, tar({"a": Link("nothing", hard=True)}))
    with pytest.raises(fl.MalformedArchiveError, match=r"`.*layer-0` at `a`: the target"):
        Tree().apply(layer)
    (tmp_path / "layer-0").write_bytes(gzip.compress(tar({"a": b"other"})))
    with pytest.raises(fl.InvalidImageError):
        Tree().apply(layer)


def test_a_snapshot_does_not_change(tmp_path: Path) -> None:
    """A layer holds the ground as it was when it was described."""
    tree = Tree()
    layer = fl.Layer.from_files({"a/b": b""}, compression="none").above(tree)
    tree.apply(fl.Layer.from_files({"x": b""}, edits=[edit.directory("a", mode=0o700)]))
    layer.save(tmp_path / "one.tar")
    layer.above(tree).save(tmp_path / "other.tar")
    modes = []
    for name in ("one", "other"):
        with tarfile.open(tmp_path / f"{name}.tar") as archive:
            modes.append(archive.getmember("a").mode)
    assert modes == [0o755, 0o700]


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """A large archive is not read to its end when somebody has had enough."""
    archive = tmp_path / "archive"
    member = tarfile.TarInfo("zeroes")
    member.size = 256 << 30
    archive.write_bytes(member.tobuf(tarfile.GNU_FORMAT))
    os.truncate(archive, 512 + member.size + 1024)
    code = (
        "import os, signal, sys, threading, fastlayer as fl\n"
        "from fastlayer.tree import Tree\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try:\n"
        "    Tree().apply(fl.Layer.from_archive(sys.argv[1]))\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, archive], check=False, timeout=20)
    assert done.returncode == 7
