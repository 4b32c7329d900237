"""Layers: descriptions, their options, and what is in the blob that they become."""

import errno
import gzip
import io
import os
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree."""
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "motd").write_text("hello")
    (root / "app").write_bytes(b"\x7fELF")
    (root / "app").chmod(0o755)
    (root / "link").symlink_to("etc/motd")
    return root


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    """The members of a layer file by name, as Python's own reader sees them."""
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar}


def saved(layer: fl.Layer, tmp_path: Path) -> dict[str, tarfile.TarInfo]:
    """The members of a layer, made with the options it has."""
    layer.save(tmp_path / "layer")
    return members(tmp_path / "layer")


def test_a_directory_is_kept(tree: Path, tmp_path: Path) -> None:
    """Paths, types, modes and the root itself are in the layer, in order."""
    found = saved(fl.Layer.from_directory(tree), tmp_path)
    assert list(found) == [".", "app", "etc", "etc/motd", "link"]
    assert found["app"].mode == 0o755
    assert found["link"].linkname == "etc/motd"
    assert (found["etc"].uid, found["etc"].gid) == (os.getuid(), os.getgid())


def test_files_get_parents_and_root_as_their_owner(tree: Path, tmp_path: Path) -> None:
    """Files come with the directories above them; who owns them on the host does not matter."""
    files: dict[str, str | os.PathLike[str] | bytes] = {
        "/usr/bin/app": tree / "app",
        "tmp/x": b"content",
    }
    found = saved(fl.Layer.from_files(files), tmp_path)
    assert list(found) == ["tmp", "tmp/x", "usr", "usr/bin", "usr/bin/app"]
    assert (found["tmp"].mode, found["usr"].mode, found["tmp/x"].mode) == (0o1777, 0o755, 0o644)
    assert {(member.uid, member.gid) for member in found.values()} == {(0, 0)}


@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_archive_and_a_stream_give_the_layer_of_their_entries(
    tree: Path, tmp_path: Path, wrap: Callable[[bytes], bytes]
) -> None:
    """The tar of a directory's layer, given as archive or stream, is the same layer again."""
    built = fl.Layer.from_directory(tree, compression="none").save(tmp_path / "plain.tar")
    archive = tmp_path / "archive"
    archive.write_bytes(wrap((tmp_path / "plain.tar").read_bytes()))
    again = fl.Layer.from_archive(archive).save(tmp_path / "1")
    stream = fl.Layer.from_stream(io.BytesIO(archive.read_bytes())).save(tmp_path / "2")
    assert built.diff_id == again.diff_id == stream.diff_id
    assert again.digest == stream.digest


def test_options_change_metadata_in_the_same_pass(tree: Path, tmp_path: Path) -> None:
    """Prefix, owner, mode, time and exclusions apply to every entry."""
    layer = fl.Layer.from_directory(
        tree,
        prefix="/opt/app",
        owner="12:34",
        mode=0o640,
        mtime=datetime(2020, 1, 1, tzinfo=UTC),
        exclude=["etc", "!etc/motd"],
    )
    found = saved(layer, tmp_path)
    names = ["opt", "opt/app", "opt/app/app", "opt/app/etc", "opt/app/etc/motd", "opt/app/link"]
    assert list(found) == names
    inside = [found[name] for name in names[1:]]
    assert {(member.uid, member.gid) for member in inside} == {(12, 34)}
    assert {member.mtime for member in found.values()} == {1577836800}
    assert (found["opt/app/app"].mode, found["opt/app/etc"].mode) == (0o640, 0o750)


def test_no_time_is_later_than_the_epoch(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SOURCE_DATE_EPOCH` clamps: later times become it, earlier ones stay."""
    os.utime(tree / "app", (5, 5))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    found = saved(fl.Layer.from_directory(tree), tmp_path)
    assert found["app"].mtime == 5
    assert found["etc/motd"].mtime == 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compression": "xz"}, "unknown compression `xz`: use `gzip`, `zstd` or `none`"),
        ({"level": 10}, "gzip level 10 is not in the range 1-9"),
        ({"compression": "zstd", "level": 0}, "zstd level 0 is not in the range 1-22"),
        ({"compression": "none", "level": 1}, "compression `none` has no levels"),
        ({"threads": 0}, "threads is 0: expected 1 to 256"),
        ({"verify": "no"}, "`verify` is `no`: expected `True` or `False`"),
        ({"prefix": "/a/../b"}, "has a `..` part"),
        ({"exclude": ["[a"]}, "[a"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: Any, message: str) -> None:
    """A bad option is an error of the description, before any file is looked at."""
    with pytest.raises(fl.FastlayerError) as caught:
        fl.Layer.from_directory("/no/such/directory", **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "needs at least one file"),
        ({"a/../b": b""}, "has a `..` part"),
        ({"a/": b"", "/a": b""}, "`/a` is the destination of two files"),
        ({"a": b"", "a/b": b""}, "`a` is the destination of a file and of a directory"),
        ({"/": b""}, "`/` names no file"),
        ({"x/.wh.y": b""}, "would delete files"),
    ],
)
def test_a_wrong_destination_is_refused_at_once(files: Any, message: str) -> None:
    """It is an error of the description, before any file is looked at."""
    with pytest.raises(fl.InvalidArgumentError) as caught:
        fl.Layer.from_files(files)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "part", [(-1, 5), (0, -1), (2**64 - 1, 2**64 - 1), (2**63 - 1, 1), ("0", 5), (0, None)]
)
def test_a_part_that_no_file_has_is_refused_at_once(part: Any) -> None:
    """It is an error of the description, too."""
    with pytest.raises(fl.InvalidArgumentError, match="no file has such a part"):
        fl.Layer.from_part("x", *part)


def test_a_mistyped_option_is_refused() -> None:
    """An option that does not exist would otherwise do nothing."""
    with pytest.raises(TypeError, match="unknown option `compresion`"):
        fl.Layer.from_directory("/", compresion="none")  # type: ignore[call-arg]


def test_facts_of_an_unbuilt_layer_raise() -> None:
    """Digests and size are known once a sink has run the layer, and not silently empty before."""
    layer = fl.Layer.from_files({"a": b""})
    for fact in ("digest", "diff_id", "size"):
        with pytest.raises(fl.NotBuiltError, match=f"the {fact} of a layer"):
            getattr(layer, fact)


@pytest.mark.parametrize(
    ("make", "number"),
    [
        (fl.Layer.from_directory, errno.ENOENT),
        (fl.Layer.from_archive, errno.ENOENT),
        (lambda path: fl.Layer.from_files({"a": path}), errno.ENOENT),
    ],
)
def test_a_missing_source_is_an_oserror_with_its_name(
    make: Callable[[str], fl.Layer], number: int, tmp_path: Path
) -> None:
    """`errno` and `filename` are those of the call that failed, and no output appears."""
    with pytest.raises(FileNotFoundError) as caught:
        make("/no/such/source").save(tmp_path / "out")
    assert (caught.value.errno, caught.value.filename) == (number, "/no/such/source")
    assert list(tmp_path.iterdir()) == []


def test_a_socket_is_left_out_with_a_warning(tree: Path, tmp_path: Path) -> None:
    """It is the one thing that a tar cannot hold and that a build goes on without."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(tree / "s"))
        with pytest.warns(fl.SourceWarning, match="is a socket") as caught:
            found = saved(fl.Layer.from_directory(tree), tmp_path)
    assert "s" not in found
    assert str(tree / "s") in str(caught[0].message)


def test_a_whiteout_name_is_refused(tree: Path, tmp_path: Path) -> None:
    """A file that would delete another one when the layer is applied is named."""
    (tree / ".wh.motd").touch()
    with pytest.raises(fl.UnsupportedEntryError) as caught:
        fl.Layer.from_directory(tree).save(tmp_path / "out")
    assert caught.value.path == str(tree / ".wh.motd")
    assert not (tmp_path / "out").exists()


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    """What is no tar, and a tar that is cut, are errors with the archive's name."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
        info = tarfile.TarInfo("b")
        info.size = 5000
        archive.addfile(info, io.BytesIO(bytes(5000)))
    for content in (b"no tar at all" * 100, tar.getvalue()[:3000], gzip.compress(b"x")[:-3], b""):
        path = tmp_path / "broken"
        path.write_bytes(content)
        with pytest.raises(fl.MalformedArchiveError) as caught:
            fl.Layer.from_archive(path).save(tmp_path / "out")
        assert str(path) in str(caught.value)
        assert not (tmp_path / "out").exists()


def test_the_exception_of_a_stream_comes_out_unchanged(tmp_path: Path) -> None:
    """What `read` raises in the middle of a build is what the caller sees."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError(104, "reset by the test")

    with pytest.raises(ConnectionResetError, match="reset by the test"):
        fl.Layer.from_stream(Broken()).save(tmp_path / "out")
    with pytest.raises(fl.InvalidArgumentError, match="needs a method `read`"):
        fl.Layer.from_stream(42)  # type: ignore[arg-type]


def test_progress_counts_to_the_end_and_may_stop_the_build(tree: Path, tmp_path: Path) -> None:
    """The callback sees all bytes; an exception of its own ends the build and leaves nothing."""
    calls: list[tuple[int, int | None]] = []
    layer = fl.Layer.from_directory(tree, progress=lambda *state: calls.append(state))
    built = layer.save(tmp_path / "out")
    assert calls[-1] == (built.uncompressed_size, built.uncompressed_size)

    def stop(done: int, total: int | None) -> None:
        raise RuntimeError(f"stopped at {done} of {total}")

    with pytest.raises(RuntimeError, match="stopped at"):
        fl.Layer.from_directory(tree, progress=stop).save(tmp_path / "stopped")
    assert not (tmp_path / "stopped").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: os.truncate(path, 10), "it had 4000000 bytes and now has 10"),
        (lambda path: os.truncate(path, 4_000_001), "it had 4000000 bytes and now has 4000001"),
        (lambda path: path.write_bytes(bytes(4_000_000)), "modification or change time moved"),
        (lambda path: path.with_name("new").rename(path), "another file took its place"),
        (lambda path: path.unlink(), "it is gone"),
    ],
    ids=["shrinks", "grows", "is rewritten", "is replaced", "vanishes"],
)
def test_a_file_that_changes_while_it_is_read_is_named(
    change: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """A header that is planned never stands before other content; nothing is padded."""
    root = tmp_path / "root"
    root.mkdir()
    # Enough work before the file for the change to come in time.
    (root / "first").write_bytes(os.urandom(1000) * 40_000)
    (root / "last").write_bytes(bytes(4_000_000))
    (root / "new").write_bytes(b"new")
    todo = [change]
    layer = fl.Layer.from_directory(
        root,
        exclude=["new"],
        compression="zstd",
        level=15,
        threads=1,
        progress=lambda done, total: todo and todo.pop()(root / "last"),
    )
    with pytest.raises(fl.SourceChangedError) as caught:
        layer.save(tmp_path / "out")
    assert caught.value.path == str(root / "last")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_pipe_is_never_opened(tree: Path, tmp_path: Path) -> None:
    """A FIFO without a writer would block the build for ever."""
    os.mkfifo(tree / "pipe")
    assert saved(fl.Layer.from_directory(tree), tmp_path)["pipe"].isfifo()
    with pytest.raises(fl.UnsupportedEntryError, match="it is not a regular file") as caught:
        fl.Layer.from_files({"pipe": tree / "pipe"}).save(tmp_path / "out")
    assert caught.value.path == str(tree / "pipe")


def test_many_threads_of_the_caller_may_build_at_once(tree: Path, tmp_path: Path) -> None:
    """Builds share nothing: eight at a time give the same digest."""
    with ThreadPoolExecutor(8) as pool:
        layers = [
            pool.submit(fl.Layer.from_directory(tree, threads=2).save, tmp_path / f"{number}")
            for number in range(8)
        ]
    assert len({layer.result().digest for layer in layers}) == 1


def test_a_fork_may_build_too(tree: Path, tmp_path: Path) -> None:
    """There are no threads of fastlayer between calls, so a forked child is no worse off."""
    fl.Layer.from_directory(tree).save(tmp_path / "parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            fl.Layer.from_directory(tree).save(tmp_path / "child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "child").read_bytes() == (tmp_path / "parent").read_bytes()


@pytest.fixture
def threads_before() -> set[int]:
    """The threads of this process, by kernel number."""
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}


def test_no_thread_outlives_a_call(tree: Path, tmp_path: Path, threads_before: set[int]) -> None:
    """Every thread has ended when the call returns, also libzstd's."""
    for compression in ("gzip", "zstd", "none"):
        fl.Layer.from_directory(tree, compression=compression, threads=4).save(tmp_path / "out")
    after = {int(task.name) for task in Path("/proc/self/task").iterdir()}
    assert after <= threads_before
    assert threading.active_count() == 1


def test_standard_output_may_be_named_as_a_device(tree: Path) -> None:
    """`/dev/stdout` is a link into `/proc`; a pipe behind it is written to, not replaced."""
    code = "import sys, fastlayer as fl; fl.Layer.from_directory(sys.argv[1]).save('/dev/stdout')"
    command = [sys.executable, "-c", code, os.fspath(tree)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as tar:
        assert "app" in tar.getnames()


def test_a_stream_gets_the_bytes_of_the_file(tree: Path, tmp_path: Path) -> None:
    """A stream of Python's own and one with a descriptor behind it are written alike."""
    layer = fl.Layer.from_directory(tree)
    layer.save(tmp_path / "file")
    memory = io.BytesIO()
    layer.save(memory)
    with (tmp_path / "stream").open("wb") as stream:
        stream.write(b"before ")
        layer.save(stream)
    expected = (tmp_path / "file").read_bytes()
    assert memory.getvalue() == expected
    assert (tmp_path / "stream").read_bytes() == b"before " + expected
