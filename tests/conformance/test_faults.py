"""Faults that no file system makes on demand: strace(1) lets system calls on one path fail."""

import os
import subprocess
from pathlib import Path

import pytest

from commands import Outcome, command, environment
from commands import tree as paths

from .peers import absent, call, find


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a small tree, where tracing is allowed."""
    try:
        call([find("strace"), "-o", "/dev/null", "true"])
    except AssertionError as error:
        absent(f"nothing can be traced here: {error}")
    (tmp_path / "tree" / "d").mkdir(parents=True)
    (tmp_path / "tree" / "d" / "f").write_text("content")
    (tmp_path / "tree" / "d" / "l").symlink_to("f")
    return tmp_path


def layer(
    source: str, workplace: Path, *faults: str, fault: str, path: str, log: str = "/dev/null"
) -> Outcome:
    """Make the layer `x.tar` while system calls on `path` fail."""
    inject = [f"--inject={one}" for one in (fault, *faults)]
    traced = ["strace", "-f", "-o", log, *inject, "-P", str(workplace / path)]
    done = subprocess.run(
        [*traced, *command("layer", source, "-o", "x.tar")],
        cwd=workplace,
        env=environment({}),
        capture_output=True,
        check=False,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode())


# What is opened or read in a directory by its name is traced by the directory.
@pytest.mark.parametrize(
    ("traced", "fault", "named"),
    [
        ("tree", "openat", "tree/d"),
        ("tree/d", "getdents64", "tree/d"),
        ("tree/d", "flistxattr", "tree/d"),
        ("tree/d", "openat", "tree/d/f"),
        ("tree/d", "readlinkat", "tree/d/l"),
        ("tree/d/f", "pread64", "tree/d/f"),
        ("tree/d/f", "flistxattr", "tree/d/f"),
    ],
)
def test_what_cannot_be_read_is_named(traced: str, fault: str, named: str, workplace: Path) -> None:
    """Neither data nor metadata is taken for empty, and no output appears."""
    before = paths(workplace)
    outcome = layer("tree", workplace, fault=f"{fault}:error=EIO", path=traced)
    assert (outcome.status, outcome.error) == (1, f"`{named}`: Input/output error")
    assert paths(workplace) == before


@pytest.mark.parametrize(
    ("faults", "asked"),
    [
        (["preadv2:error=EAGAIN"], 1),
        (["preadv2:error=EAGAIN", "fadvise64:error=EINVAL"], 1),
        (["preadv2:error=EOPNOTSUPP"], 0),
        (["preadv2:error=EIO"], 0),
    ],
)
def test_files_that_are_not_in_memory_are_asked_for(
    faults: list[str], asked: int, workplace: Path
) -> None:
    """Whatever comes of that, the layer is the same."""
    assert layer("tree", workplace, fault="pread64:delay_enter=1", path="tree/d/f").status == 0
    expected = (workplace / "x.tar").read_bytes()
    log = workplace / "log"
    outcome = layer("tree", workplace, *faults[1:], fault=faults[0], path="tree/d/f", log=str(log))
    assert outcome.status == 0, outcome.stderr
    assert (workplace / "x.tar").read_bytes() == expected
    assert log.read_text().count("fadvise64(") == asked


def test_a_file_that_was_asked_for_and_cannot_be_read_is_named(workplace: Path) -> None:
    """Asking ahead hides no error of reading."""
    faults = ["preadv2:error=EAGAIN", "pread64:error=EIO"]
    outcome = layer("tree", workplace, *faults[1:], fault=faults[0], path="tree/d/f")
    assert (outcome.status, outcome.error) == (1, "`tree/d/f`: Input/output error")


def test_handles_that_are_short_are_given_back(workplace: Path) -> None:
    """A directory that was kept open only for speed makes room for one that is needed."""
    (workplace / "tree" / "d" / "e" / "g").mkdir(parents=True)
    (workplace / "tree" / "d" / "e" / "g" / "f").write_text("content")
    outcome = layer("tree", workplace, fault="openat:error=EMFILE:when=1", path="tree/d/e")
    assert outcome.status == 0, outcome.stderr
    outcome = layer("tree", workplace, fault="openat:error=EMFILE", path="tree/d/e")
    assert (outcome.status, outcome.error) == (1, "`tree/d/e/g`: Too many open files")


def test_an_attribute_that_cannot_be_read_is_an_error(workplace: Path) -> None:
    """It may be a capability, without which the program in the layer would not run."""
    try:
        os.setxattr(workplace / "tree" / "d" / "f", "user.a", b"value")
    except OSError as error:
        pytest.skip(f"no attributes user.* here: {error}")
    outcome = layer("tree", workplace, fault="fgetxattr:error=EIO", path="tree/d/f")
    assert (outcome.status, outcome.error) == (1, "`tree/d/f`: Input/output error")


def test_a_file_system_without_attributes_has_none(workplace: Path) -> None:
    """That it knows no such call is no failure."""
    outcome = layer("tree", workplace, fault="flistxattr:error=EOPNOTSUPP", path="tree/d/f")
    assert outcome.status == 0, outcome.stderr
    assert (workplace / "x.tar").exists()


def test_an_archive_that_cannot_be_read_is_named(workplace: Path) -> None:
    """It is no shorter archive."""
    call([find("tar"), "-cf", workplace / "in.tar", "-C", workplace, "tree"])
    before = paths(workplace)
    outcome = layer("in.tar", workplace, fault="read:error=EIO:when=2+", path="in.tar")
    assert (outcome.status, outcome.error) == (1, "`in.tar`: Input/output error")
    assert paths(workplace) == before
