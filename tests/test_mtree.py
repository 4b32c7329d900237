"""mtree files: layers of them, and descriptions of trees, archives and layers."""

import hashlib
import os
import socket
import tarfile
import warnings
from pathlib import Path

import pytest

import fastlayer as fl
from commands import members
from fastlayer.mtree import describe


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "app").write_bytes(b"\x7fELF")
    (root / "bin" / "app").chmod(0o4755)
    (root / "bin" / "again").hardlink_to(root / "bin" / "app")
    (root / "bin" / "sh").symlink_to("app")
    (root / "etc").mkdir()
    (root / "etc" / "motd #1").write_text("hello\n")
    Path(os.fsdecode(bytes(root) + b"/not utf-8 \xff")).touch()
    return root


def written(folder: Path, text: str, name: str = "a.mtree") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_lines_of_a_file_are_the_entries_of_a_layer(tree: Path, tmp_path: Path) -> None:
    """What is described is in the layer, whatever else is in the folder."""
    file = written(
        tree,
        "#mtree\n"
        "/set uid=7 gid=8 time=1700000000.5\n"
        "./usr/bin/tool type=file mode=0755 contents=bin/app size=4\n"
        "./dev/null type=char mode=0666 device=native,1,3\n"
        "./tool type=link link=usr/bin/tool\n",
    )
    fl.Layer.from_mtree(file, compression="none").save(tmp_path / "layer.tar")
    found = members(tmp_path / "layer.tar")
    assert list(found) == ["dev", "dev/null", "tool", "usr", "usr/bin", "usr/bin/tool"]
    tool = found["usr/bin/tool"]
    assert (tool.mode, tool.uid, tool.gid, tool.mtime) == (0o755, 7, 8, 1_700_000_000)
    assert (found["usr"].mode, found["usr"].uid, found["usr"].mtime) == (0o755, 0, 0)
    assert (found["dev/null"].devmajor, found["dev/null"].devminor) == (1, 3)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        content = tar.extractfile("usr/bin/tool")
        assert content is not None
        assert content.read() == b"\x7fELF"


def test_the_options_are_those_of_every_layer(tree: Path, tmp_path: Path) -> None:
    """Prefix, owner, mode, time and patterns apply as to a directory."""
    file = written(tmp_path, "./bin/app type=file\n./bin/sh type=link link=app\n")
    fl.Layer.from_mtree(
        file, base=tree, prefix="/opt", owner="5:6", mode=0o640, mtime=9, exclude=["bin/s*"]
    ).save(tmp_path / "layer.tar.gz")
    found = members(tmp_path / "layer.tar.gz")
    assert list(found) == ["opt", "opt/bin", "opt/bin/app"]
    app = found["opt/bin/app"]
    assert (app.mode, app.uid, app.gid, app.mtime) == (0o640, 5, 6, 9)


@pytest.mark.parametrize("digests", [True, False])
def test_a_tree_and_its_description_are_one_layer(
    tree: Path, tmp_path: Path, *, digests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a directory to text and back to a layer, not a byte is lost: hard links, odd names."""
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, describe("tree", digests=digests))
    expected = fl.Layer.from_directory(tree).save(tmp_path / "expected")
    assert fl.Layer.from_mtree(file, base=tree).save(tmp_path / "found") == expected
    assert (tmp_path / "found").read_bytes() == (tmp_path / "expected").read_bytes()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_layer_is_described_as_its_tree(
    tree: Path, tmp_path: Path, compression: fl.media_type.Compression
) -> None:
    """A blob, compressed or not, has the description of the directory that it was made of."""
    fl.Layer.from_directory(tree, compression=compression).save(tmp_path / "blob")
    assert describe(tmp_path / "blob") == describe(tree)
    assert describe(tmp_path / "blob", digests=False) == describe(tree, digests=False)


def test_a_description_has_a_line_for_each_entry(tree: Path) -> None:
    """Lines are sorted, names are escaped, and digests are those of the content."""
    first, *lines = describe(tree).splitlines()
    assert first == "#mtree"
    assert [line.partition(" ")[0] for line in lines] == [
        ".",
        "./bin",
        "./bin/again",
        "./bin/app",
        "./bin/sh",
        "./etc",
        "./etc/motd\\040\\0431",
        "./not\\040utf-8\\040\\377",
    ]
    digest = hashlib.sha256(b"\x7fELF").hexdigest()
    assert "type=file mode=04755 " in lines[3]
    assert f" nlink=2 inode=1 sha256digest={digest}" in lines[3]
    assert lines[2].split()[1:] == lines[3].split()[1:]
    assert " link=app" in lines[4]
    assert "sha256" not in describe(tree, digests=False)


def test_attributes_are_described_or_left_out(tree: Path, tmp_path: Path) -> None:
    """An attribute goes through the text into the layer as it is; bsdtar needs it left out."""
    file = tree / "etc" / "motd #1"
    try:
        os.setxattr(file, "user.a b", bytes(range(256)))
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error}")
    text = describe(tree)
    assert " xattr.user.a\\040b=AAECAwQF" in text
    assert "xattr" not in describe(tree, xattrs="none")
    expected = fl.Layer.from_directory(tree).save(tmp_path / "expected")
    found = fl.Layer.from_mtree(written(tmp_path, text), base=tree).save(tmp_path / "found")
    assert found == expected
    with pytest.raises(fl.InvalidArgumentError, match="`xattrs` is `some`"):
        describe(tree, xattrs="some")  # type: ignore[arg-type]


def test_a_socket_is_left_out_with_a_warning(tree: Path, tmp_path: Path) -> None:
    """Of a directory that is described, and of a description."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "s"))
        with pytest.warns(fl.SourceWarning, match=r"`.*/s` is a socket.*left out"):
            assert "./s " not in describe(tree)
    layer = fl.Layer.from_mtree(written(tmp_path, "./s type=socket\n./d type=dir\n"))
    with pytest.warns(fl.SourceWarning, match="`s` is a socket.*left out"):
        assert layer.save(tmp_path / "layer").entries == 1


def test_a_wrong_line_is_named(tree: Path, tmp_path: Path) -> None:
    """The message begins with file and line, the error knows the file, and nothing is left."""
    for line, reason in {
        "./bin/app type=file mode=rwx": "`mode` is `rwx`: expected an octal number up to `7777`",
        "./bin/app type=file colour=red": "unknown keyword `colour`",
        "./bin/app type=file size=5": f"`{tree}/bin/app` has 4 bytes, expected 5",
        "./bin/app type=file sha256digest=" + "0" * 64: "`bin/app` has the digest `sha256:",
        "./bin/gone type=file": f"the content `{tree}/bin/gone` is missing",
        "./bin/sh type=file": f"the content `{tree}/bin/sh` is no regular file, or reached",
        "./x type=dir uname=root": "`uname` without `uid`: a layer needs a number",
    }.items():
        file = written(tmp_path, f"#mtree\n\n{line}\n")
        with pytest.raises(fl.MtreeError) as raised:
            fl.Layer.from_mtree(file, base=tree).save(tmp_path / "layer")
        assert str(raised.value).startswith(f"{file}:3: {reason}")
        assert raised.value.path == str(file)
        assert not (tmp_path / "layer").exists()


def test_what_the_system_refuses_is_an_oserror(tree: Path, tmp_path: Path) -> None:
    """A missing description, base or source is a `FileNotFoundError` with its name."""
    file = written(tmp_path, "./bin/app type=file\n")
    for layer, name in [
        (fl.Layer.from_mtree(tmp_path / "gone.mtree"), tmp_path / "gone.mtree"),
        (fl.Layer.from_mtree(file, base=tmp_path / "gone"), tmp_path / "gone"),
    ]:
        with pytest.raises(FileNotFoundError) as raised:
            layer.save(tmp_path / "layer")
        assert raised.value.filename == str(name)
    with pytest.raises(FileNotFoundError) as raised:
        describe(tmp_path / "gone")
    assert raised.value.filename == str(tmp_path / "gone")


def test_the_output_may_not_be_an_input(tmp_path: Path) -> None:
    """A description that names the file that is being written is refused."""
    file = written(tmp_path, "./x type=file contents=out\n")
    (tmp_path / "out").touch()
    with (tmp_path / "out").open("wb") as out, pytest.raises(fl.UnsupportedEntryError):
        fl.Layer.from_mtree(file).save(out)


def test_an_archive_that_is_cut_short_is_not_described(tree: Path, tmp_path: Path) -> None:
    """Half a layer has no description, not even half of one."""
    fl.Layer.from_directory(tree).save(tmp_path / "layer.tar.gz")
    whole = (tmp_path / "layer.tar.gz").read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(fl.MalformedArchiveError, match=r"half\.tar\.gz"):
        describe(tmp_path / "half.tar.gz")


def test_progress_is_told_and_may_stop_it(tree: Path) -> None:
    """The callback gets bytes; what it raises ends the work."""
    with (tree / "large").open("wb") as file:
        file.truncate(1 << 30)
    seen: list[tuple[int, int | None]] = []

    def stop(done: int, total: int | None) -> None:
        seen.append((done, total))
        if done > 0:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        describe(tree, progress=stop)
    assert seen[-1][1] is not None
    assert seen[-1][1] > 1 << 30


def test_no_warning_without_a_reason(tree: Path) -> None:
    """A plain tree is described in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        describe(tree)
