"""`fastlayer layer`: sources, options, outputs, and every way to fail."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import fastlayer, members, tree
from conformance.peers import absent, need_root
from fastlayer.cli.run import run

ROOT = os.geteuid() == 0

# What makes the superuser an ordinary user, who may search the working directory.
ORDINARY = "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)"

SIX_BYTES_AT_MOST = "resource.setrlimit(resource.RLIMIT_FSIZE, (6, 6))"

FEW_OPEN_FILES = "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "rootfs"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "app").write_bytes(bytes(range(256)) * 40)
    (path / "bin" / "app").chmod(0o755)
    (path / "bin" / "sh").symlink_to("app")
    (path / "notes.txt").write_text("notes\n")
    return path


def test_the_record_tells_the_digests_of_the_file(rootfs: Path, tmp_path: Path) -> None:
    """`--json` prints one record on stdout, and nothing else is said."""
    outcome = fastlayer("layer", rootfs.name, "-o", "x.tar.gz", "--json", cwd=tmp_path)
    assert (outcome.status, outcome.stderr) == (0, "")
    blob = (tmp_path / "x.tar.gz").read_bytes()
    plain = gzip.decompress(blob)
    assert outcome.record == {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}",
        "size": len(blob),
        "diffID": f"sha256:{hashlib.sha256(plain).hexdigest()}",
        "uncompressedSize": len(plain),
        "entries": 5,
        "output": "x.tar.gz",
    }


def test_people_get_a_few_lines(
    rootfs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file, what is in it, and the two digests."""
    path = str(tmp_path / "x.tar")
    assert run(["layer", str(rootfs), "-o", path]) == 0
    digest = f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()}"
    title, content, *digests = capsys.readouterr().out.splitlines()
    assert title == path
    assert content.startswith("  content   1")
    assert content.endswith(" kB, 5 entries")
    assert digests == [f"  digest    {digest}", f"  diff_id   {digest}"]


@pytest.mark.parametrize(
    ("name", "magic"),
    [
        ("x.tar", None),
        ("x.tar.gz", b"\x1f\x8b"),
        ("x.tgz", b"\x1f\x8b"),
        ("X.TAR.ZST", b"\x28\xb5\x2f\xfd"),
        ("x.tzst", b"\x28\xb5\x2f\xfd"),
        ("x", b"\x1f\x8b"),
    ],
)
def test_the_suffix_says_which_compression(
    name: str, magic: bytes | None, rootfs: Path, tmp_path: Path
) -> None:
    """As tar's `--auto-compress` has it; gzip, which all tools read, where it says nothing."""
    assert run(["layer", str(rootfs), "-o", str(tmp_path / name)]) == 0
    start = (tmp_path / name).read_bytes()[:4]
    assert start.startswith(magic) if magic else start.strip(b"./\0") == b""


def test_a_given_compression_overrides_the_suffix(rootfs: Path, tmp_path: Path) -> None:
    """Levels change the bytes, not the content."""
    outputs = []
    for level in ("gzip:1", "gzip:9"):
        outcome = fastlayer(
            *("layer", rootfs.name, "-o", "x.tar", "--compression", level, "--json"), cwd=tmp_path
        )
        outputs.append(outcome.record)
    assert outputs[0]["diffID"] == outputs[1]["diffID"]
    assert outputs[0]["digest"] != outputs[1]["digest"]


def test_an_archive_and_a_pipe_give_the_same_layer(rootfs: Path, tmp_path: Path) -> None:
    """SOURCE may be a tar, plain or compressed, in a file or on stdin."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(rootfs, arcname=".")
    plain = buffer.getvalue()
    options = ["-o", "x.tar", "--json"]
    records = []
    for compress in (bytes, gzip.compress, bz2.compress, lzma.compress):
        blob = compress(plain)
        (tmp_path / "in").write_bytes(blob)
        records.append(fastlayer("layer", "in", *options, cwd=tmp_path).record)
        records.append(fastlayer("layer", "-", *options, cwd=tmp_path, input=blob).record)
    assert all(record == records[0] for record in records)
    assert records[0]["entries"] == 5


def test_stdout_gets_the_blob_and_stderr_the_summary(rootfs: Path, tmp_path: Path) -> None:
    """`-o -` is for pipes; the bytes are those of a file."""
    outcome = fastlayer("layer", rootfs.name, "-o", "-", cwd=tmp_path)
    fastlayer("layer", rootfs.name, "-o", "x.tar.gz", cwd=tmp_path)
    assert outcome.status == 0
    assert outcome.stdout == (tmp_path / "x.tar.gz").read_bytes()
    assert outcome.stderr.startswith("stdout\n  content ")


def test_options_reach_the_layer(rootfs: Path, tmp_path: Path) -> None:
    """Each option changes what it says."""
    output = tmp_path / "x.tar"
    options = [
        *("--prefix", "/opt/x", "--exclude", "*.txt", "--owner", "12:34", "--mode", "0640"),
        *("--mtime", "1970-01-01T01:00:10+01:00", "--xattrs", "none", "--threads", "1"),
    ]
    assert run(["layer", str(rootfs), "-o", str(output), *options]) == 0
    found = members(output)
    assert set(found) == {"opt", "opt/x", "opt/x/bin", "opt/x/bin/app", "opt/x/bin/sh"}
    app = found["opt/x/bin/app"]
    assert (app.uid, app.gid, app.mode, app.mtime) == (12, 34, 0o640, 10)
    assert found["opt/x/bin"].mode == 0o750


def test_maps_changes_and_clamps_reach_the_layer(rootfs: Path, tmp_path: Path) -> None:
    """Options that take what a tree has into account."""
    user, group = os.getuid(), os.getgid()
    os.utime(rootfs / "notes.txt", (5, 5))
    output = tmp_path / "x.tar"
    options = [
        *("--uid-map", f"9:{user + 1}:5", "--uid-map", f"7:{user}", "--gid-map", f"8:{group}:1"),
        *("--mode", "u-x,go=", "--mtime", "clamp:1970-01-01T00:00:10Z"),
    ]
    assert run(["layer", str(rootfs), "-o", str(output), *options]) == 0
    found = members(output)
    assert {(member.uid, member.gid) for member in found.values()} == {(7, 8)}
    assert (found["bin/app"].mode, found["notes.txt"].mode) == (0o600, 0o600)
    assert (found["bin/app"].mtime, found["notes.txt"].mtime) == (10, 5)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["user.a", "user.b", "user.c.d"]),
        (["keep"], ["user.a", "user.b", "user.c.d"]),
        (["none"], []),
        (["user.c*"], ["user.c.d"]),
        (["user.a", "user.b"], ["user.a", "user.b"]),
    ],
)
def test_attributes_are_chosen_by_name(
    options: list[str], names: list[str], rootfs: Path, tmp_path: Path
) -> None:
    """`--xattrs` may be repeated, and no name given before is forgotten."""
    try:
        for name in ("user.a", "user.b", "user.c.d"):
            os.setxattr(rootfs / "notes.txt", name, b"x")
    except OSError as error:
        pytest.skip(f"the file system keeps no attributes: {error}")
    given = [word for option in options for word in ("--xattrs", option)]
    assert run(["layer", str(rootfs), "-o", str(tmp_path / "x.tar"), *given]) == 0
    headers = members(tmp_path / "x.tar")["notes.txt"].pax_headers
    found = [name.removeprefix("SCHILY.xattr.") for name in headers]
    assert [name for name in found if name != "security.selinux"] == names


def test_the_epoch_of_the_environment_is_honoured(rootfs: Path, tmp_path: Path) -> None:
    """No time in the layer is later; a value that is no number is bad usage."""
    arguments = ["layer", rootfs.name, "-o", "x.tar"]
    assert fastlayer(*arguments, cwd=tmp_path, env={"SOURCE_DATE_EPOCH": "99"}).status == 0
    assert {member.mtime for member in members(tmp_path / "x.tar").values()} == {99}
    outcome = fastlayer(*arguments, cwd=tmp_path, env={"SOURCE_DATE_EPOCH": "soon"})
    assert outcome.status == 2
    assert outcome.error.startswith("SOURCE_DATE_EPOCH is `soon`: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--compression", "lzma"], "`--compression`: unknown compression `lzma`: expected "),
        (["--compression", "zstd:"], "`--compression`: the level `` is not a number"),
        (["--compression", "zstd:x"], "`--compression`: the level `x` is not a number"),
        (["--compression", "gzip:0"], "gzip level 0 "),
        (["--compression", "gzip:10"], "gzip level 10 "),
        (["--compression", "zstd:23"], "zstd level 23 "),
        (["--compression", "zstd:-1"], "zstd level -1 "),
        (["--compression", "none:1"], "compression `none` has no levels"),
        (["--threads", "0"], "threads is 0: "),
        (["--owner", "root"], "`owner` is `root`: expected numbers"),
        (["--owner", "4294967295"], "`owner` is `4294967295`: "),
        (["--owner", "0:0", "--uid-map", "0:1:2"], "`owner` and `uid_map` exclude each other: "),
        (["--uid-map", "auto"], "`--uid-map`: `auto` is not of the form `INSIDE:OUTSIDE:COUNT`, "),
        (["--gid-map", "0:1:-2"], "`--gid-map`: `0:1:-2` is not of the form "),
        (["--uid-map", "0:1:4294967296"], "`uid_map` is `4294967296`: expected `0` to "),
        (
            ["--gid-map", "0:1:5", "--gid-map", "4:9"],
            "`gid_map` has `0:1:5` and `4:9:1`, which overlap in the image",
        ),
        (["--mode", "0799"], "`mode` is `0799`: expected octal digits such as `0755`, or changes "),
        (["--mode", "17777"], "`mode` is `0o17777`: expected `0o0` to `0o7777`"),
        (["--mode", "u+rq"], "`mode` is `u+rq`: expected octal digits "),
        (["--mode", "\udcff"], "`mode` is `?`: expected octal digits "),
        (["--mtime", "clamp:soon"], "`--mtime`: `soon` is neither seconds since 1970 nor "),
        (["--xattrs", "some"], "`xattrs` has `some`: expected `keep`, `none`, or names such as "),
        (["--xattrs", "none", "--xattrs", "user.*"], "`xattrs` has `none`: expected "),
        (["--mtime", "yesterday"], "`--mtime`: `yesterday` is neither seconds since 1970 nor "),
        (["--mtime", "2025-04-18T19:07:30"], "`--mtime`: `2025-04-18T19:07:30` is neither "),
        (["-o", ""], "`--output`: the name of a file is missing"),
        (["-o", "."], "`--output`: `.` is a directory: name a file in it"),
        (["-o", "-", "--json"], "`--json` and `-o -` both write to stdout: choose one of them"),
    ],
)
def test_bad_values_fail_before_any_work(
    options: list[str],
    message: str,
    rootfs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 2, one line that names the value, nothing written."""
    before = tree(tmp_path)
    assert run(["layer", str(rootfs), "-o", str(tmp_path / "x.tar"), *options]) == 2
    stdout, stderr = capsys.readouterr()
    (line,) = stderr.splitlines()
    assert line.startswith(f"fastlayer: error: {message}")
    assert (stdout, tree(tmp_path)) == ("", before)


def test_a_terminal_is_no_place_for_a_blob_nor_a_source_of_one(
    rootfs: Path, tmp_path: Path
) -> None:
    """Both are slips of the pen that would look like a hang or a mess."""
    reader, terminal = os.openpty()
    try:
        outcome = fastlayer("layer", rootfs.name, "-o", "-", cwd=tmp_path, stdout=terminal)
        assert (outcome.status, outcome.error.partition(":")[0]) == (2, "stdout is a terminal")
        outcome = fastlayer("layer", "-", "-o", "x.tar", cwd=tmp_path, stdin=terminal)
        assert outcome.status == 2
        assert outcome.error == "`-` reads a tar from stdin, which is a terminal"
    finally:
        os.close(reader)
        os.close(terminal)


@pytest.mark.parametrize(
    ("source", "output", "error"),
    [
        ("missing", "x.tar", "`missing`: No such file or directory"),
        ("rootfs", "missing/x.tar", "`missing`: No such file or directory"),
        ("rootfs/notes.txt/x", "x.tar", "`rootfs/notes.txt/x`: Not a directory"),
    ],
)
def test_what_the_system_refuses_is_named(
    source: str, output: str, error: str, rootfs: Path, tmp_path: Path
) -> None:
    """Status 1, path and reason on one line, nothing left behind."""
    assert rootfs.exists()
    before = tree(tmp_path)
    outcome = fastlayer("layer", source, "-o", output, cwd=tmp_path)
    assert (outcome.status, outcome.error) == (1, error)
    assert (outcome.stdout, tree(tmp_path)) == (b"", before)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir], ids=["file", "directory"])
def test_what_is_unreadable_is_named(
    make: Callable[[Path], None], rootfs: Path, tmp_path: Path
) -> None:
    """It is never left out, whoever runs the build."""
    make(rootfs / "secret")
    (rootfs / "secret").chmod(0)
    before = tree(tmp_path)
    if ROOT:
        os.chown(tmp_path, 65534, 65534)
    outcome = fastlayer(
        "layer", "rootfs", "-o", "x.tar", cwd=tmp_path, prelude=ORDINARY if ROOT else "pass"
    )
    assert (outcome.status, outcome.error) == (1, "`rootfs/secret`: Permission denied")
    # A directory that nobody may look into would be in the way of whoever cleans up.
    (rootfs / "secret").chmod(0o700)
    assert tree(tmp_path) == before


def test_few_open_files_are_enough(rootfs: Path, tmp_path: Path) -> None:
    """However wide and deep the tree is: a thread has two directories and a file open."""
    deep = rootfs
    for number in range(200):
        deep = deep / "d"
        deep.mkdir()
        (rootfs / f"{number}").mkdir()
        (rootfs / f"{number}" / "file").write_text("x")
    arguments = ["rootfs", "-o", "x.tar", "--threads", "8"]
    outcome = fastlayer("layer", *arguments, cwd=tmp_path, prelude=FEW_OPEN_FILES)
    assert (outcome.status, outcome.stderr.count("error")) == (0, 0)
    assert len(members(tmp_path / "x.tar")) == 605


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    """Garbage is neither copied nor taken for an empty layer."""
    (tmp_path / "in.tar").write_bytes(b"garbage" * 100)
    outcome = fastlayer("layer", "in.tar", "-o", "x.tar", cwd=tmp_path)
    assert outcome.status == 1
    assert outcome.error.startswith("malformed archive `in.tar`: ")
    assert tree(tmp_path) == {"in.tar"}


def test_an_output_in_its_own_input_is_refused(rootfs: Path, tmp_path: Path) -> None:
    """What would be in the layer depends on how much of it is written."""
    before = tree(tmp_path)
    outcome = fastlayer("layer", "rootfs", "-o", "rootfs/x.tar", cwd=tmp_path)
    assert outcome.status == 1
    assert "the output `rootfs/x.tar` is inside the tree" in outcome.error
    assert tree(tmp_path) == before
    # Under another name too, and not if it is left out.
    (tmp_path / "alias").symlink_to(rootfs / "bin")
    outcome = fastlayer("layer", "rootfs", "-o", "alias/x.tar", cwd=tmp_path)
    assert (outcome.status, "is inside the tree" in outcome.error) == (1, True)
    outcome = fastlayer("layer", "rootfs", "-o", "alias/x.tar", "--exclude", "bin", cwd=tmp_path)
    assert outcome.status == 0
    assert list(members(rootfs / "bin" / "x.tar")) == [".", "notes.txt"]


def test_too_large_an_output_leaves_nothing(rootfs: Path, tmp_path: Path) -> None:
    """A limit on file sizes fails as a full disk does, and the old output stays."""
    (tmp_path / "x.tar").write_bytes(b"old")
    before = tree(tmp_path)
    outcome = fastlayer(
        "layer", rootfs.name, "-o", "x.tar", cwd=tmp_path, prelude=SIX_BYTES_AT_MOST
    )
    assert (outcome.status, outcome.error) == (1, "`x.tar`: File too large")
    assert tree(tmp_path) == before
    assert (tmp_path / "x.tar").read_bytes() == b"old"


@pytest.mark.parametrize("verb", [["layer"], ["build", "--rootfs"]])
def test_a_full_disk_leaves_nothing(verb: list[str], rootfs: Path, tmp_path: Path) -> None:
    """The message names the output as it was given."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    need_root("mounting")
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        absent(f"nothing can be mounted here: {done.stderr}")
    (rootfs / "random").write_bytes(os.urandom(1 << 20))
    try:
        outcome = fastlayer(*verb, rootfs.name, "-o", "disk/x.tar", cwd=tmp_path)
        assert (outcome.status, outcome.error) == (1, "`disk/x.tar`: No space left on device")
        assert tree(disk) == set()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_pipe_is_written_to_and_not_replaced(rootfs: Path, tmp_path: Path) -> None:
    """`-o >(command)` is such a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        outcome = fastlayer("layer", rootfs.name, "-o", "pipe", "--json", cwd=tmp_path)
        if outcome.status:
            reader.kill()  # nobody wrote, so it would wait for ever
        assert reader.stdout is not None
        content = reader.stdout.read()
    assert outcome.record["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_closed_standard_streams_are_told(rootfs: Path, tmp_path: Path) -> None:
    """No traceback when a service manager starts the command without them."""
    script = 'exec "$@" <&- >&-'
    for arguments in (["-", "-o", "x.tar"], [rootfs.name, "-o", "-"]):
        done = subprocess.run(
            ["sh", "-c", script, "sh", sys.executable, "-m", "fastlayer", "layer", *arguments],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.decode().endswith(">`: Bad file descriptor\n")
        assert done.stderr.count(b"\n") == 1
