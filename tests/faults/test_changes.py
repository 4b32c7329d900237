"""Sources that change while they are read: a right layer of a state that existed, or an error."""

import gzip
import os
import random
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fastlayer as fl
from commands import Outcome, command, environment, fastlayer
from conformance.peers import absent, call, find

from .amount import amount, sample
from .figures import Figures
from .stopped import stopped

NOISE = random.Random(3).randbytes(3_000_000)


@pytest.fixture(scope="session")
def changes() -> Iterator[Figures]:
    """Give the figures of sources that change."""
    figures = Figures("changes")
    yield figures
    figures.write()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a tree, where tracing is allowed."""
    try:
        call([find("strace"), "-o", "/dev/null", "true"])
    except AssertionError as error:
        absent(f"nothing can be traced here: {error}")
    (tmp_path / "tree" / "d").mkdir(parents=True)
    (tmp_path / "tree" / "d" / "f").write_bytes(NOISE)
    (tmp_path / "tree" / "d" / "g").write_text("g")
    (tmp_path / "tree" / "h").write_text("h")
    return tmp_path


def grow(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"more")


def shrink(file: Path) -> None:
    os.truncate(file, 1_500_000)


def rewrite(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.write(NOISE[::-1])


def replace(file: Path) -> None:
    (file.parent / "new").write_bytes(NOISE[::-1])
    (file.parent / "new").rename(file)


def vanish(file: Path) -> None:
    file.unlink()


def move_directory(file: Path) -> None:
    file.parent.rename(file.parent.parent / "e")


def change_mode(file: Path) -> None:
    file.chmod(0o600)


def become_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def become_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def become_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


CHANGES: tuple[Callable[[Path], None], ...] = (
    grow,
    shrink,
    rewrite,
    replace,
    vanish,
    move_directory,
    change_mode,
    become_directory,
    become_link,
    become_pipe,
)
# After which call on which path it stands still: the walk (names, then each), the reading.
STAGES = {
    "root listed": ("getdents64", "tree", 1),
    "directory opened": ("openat", "tree", 2),
    "directory listed": ("getdents64", "tree/d", 1),
    "file opened by the walk": ("openat", "tree/d", 1),
    "file seen by the walk": ("fstat", "tree/d/f", 1),
    "walk over": ("getdents64", "tree/d", 2),
    "directory opened again": ("openat", "tree", 3),
    "file opened": ("openat", "tree/d", 3),
    "file seen": ("fstat", "tree/d/f", 2),
    "first block read": ("pread64", "tree/d/f", 1),
    "second block read": ("pread64", "tree/d/f", 2),
    "last block read": ("pread64", "tree/d/f", 3),
}
CASES = [(change, stage) for change in CHANGES for stage in STAGES]


@pytest.mark.parametrize(
    ("change", "stage"),
    sample(CASES, 7),
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
def test_a_file_that_changes(
    change: Callable[[Path], None], stage: str, place: Path, changes: Figures
) -> None:
    """At every stage it is the layer before, the layer after, or an error that names the place."""
    name, path, when = STAGES[stage]
    before = layer_of(place)
    outcome, happened = stopped(
        ["layer", "tree", "-o", "x.tar", "--threads", "1"],
        place,
        call=name,
        path=place / path,
        when=when,
        change=lambda: change(place / "tree" / "d" / "f"),
    )
    assert happened, outcome
    changes.injected("tree")
    if outcome.status == 0:
        assert (place / "x.tar").read_bytes() in (before, layer_of(place))
        changes.survived("tree", "complete")
    else:
        check_refused(outcome, place, "tree/d")
        changes.survived("tree", "absent")


def layer_of(place: Path) -> bytes:
    """The layer of the tree as it is now, which nobody disturbs."""
    outcome = fastlayer("layer", "tree", "-o", "quiet.tar", cwd=place)
    assert outcome.status == 0, outcome.stderr
    content = (place / "quiet.tar").read_bytes()
    (place / "quiet.tar").unlink()
    return content


def check_refused(outcome: Outcome, place: Path, named: str) -> None:
    """One line names the place, and there is no output."""
    assert outcome.status == 1
    assert f"`{named}" in outcome.error or f"`{place / named}" in outcome.error
    assert not [path.name for path in place.iterdir() if path.name.startswith((".fast", "x."))]


def overwrite(file: Path) -> None:
    """Put other bytes in the place of those that are still to be read, and of some before."""
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 3)
        stream.write(NOISE[: file.stat().st_size // 2])


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 2 // 3)


@pytest.mark.parametrize("change", [overwrite, truncate, grow, replace, vanish])
@pytest.mark.parametrize("when", [2, 3])
@pytest.mark.parametrize("form", ["tar", "gzip"])
def test_an_archive_that_changes(
    change: Callable[[Path], None], form: str, when: int, place: Path, changes: Figures
) -> None:
    """What was opened is read to its end, or it is an error that names the archive."""
    archive = place / "in.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(place / "tree", "tree")
    if form == "gzip":
        archive.write_bytes(gzip.compress(archive.read_bytes(), 1))
    assert fastlayer("layer", "in.tar", "-o", "quiet.tar", cwd=place).status == 0
    outcome, happened = stopped(
        ["layer", "in.tar", "-o", "x.tar", "--threads", "1"],
        place,
        call="read",
        path=archive,
        when=when,
        change=lambda: change(archive),
    )
    assert happened, outcome
    changes.injected("archive")
    if outcome.status == 0:
        assert (place / "x.tar").read_bytes() == (place / "quiet.tar").read_bytes()
        changes.survived("archive", "complete")
    else:
        check_refused(outcome, place, "in.tar")
        changes.survived("archive", "absent")


@pytest.mark.parametrize("change", [overwrite, truncate, replace, vanish])
def test_a_blob_that_changes(change: Callable[[Path], None], place: Path, changes: Figures) -> None:
    """What is copied has the digest that it is copied by, or is not copied."""
    layer = fl.Layer.from_directory(place / "tree", compression="none")
    built = fl.Image.scratch().append(layer).write_layout(place / "from", tags=["x:1"])
    blob = place / "from" / "blobs" / "sha256" / built.layers[0].digest.encoded
    outcome, happened = stopped(
        ["copy", "oci:from:1", "oci:to:1"],
        place,
        call=READ,
        path=blob,
        when=1,
        change=lambda: change(blob),
    )
    assert happened, outcome
    changes.injected("blob")
    if outcome.status == 0:
        assert not fl.validate(place / "to").problems
        copied = (place / "to" / "blobs" / "sha256" / blob.name).read_bytes()
        assert fl.Digest.of(copied) == built.layers[0].digest
        changes.survived("blob", "complete")
    else:
        assert len(outcome.error) > 0
        assert not (place / "to").exists()
        changes.survived("blob", "absent")


# How Python reads a blob.
READ = "read,pread64,preadv"


def test_two_runs_with_one_output(place: Path, changes: Figures) -> None:
    """The output is that of one of them, whole, whoever is the last."""
    for name in ("one", "two"):
        (place / name).mkdir()
        for number in range(10):
            (place / name / str(number)).write_bytes(name.encode() * 100_000)
    right = set()
    for name in ("one", "two"):
        assert fastlayer("build", "--rootfs", name, "-o", "quiet.tar", cwd=place).status == 0
        right.add((place / "quiet.tar").read_bytes())
    for _ in range(amount(2, 50)):
        running = [
            subprocess.Popen(
                command("build", "--rootfs", name, "-o", "x.tar"),
                cwd=place,
                env=environment({}),
                stdout=subprocess.DEVNULL,
            )
            for name in ("one", "two")
        ]
        changes.injected("two runs")
        assert [process.wait(120) for process in running] == [0, 0]
        assert (place / "x.tar").read_bytes() in right
        assert not list(place.glob(".fastlayer-*"))
        changes.survived("two runs", "complete")


def test_a_file_that_changes_all_the_time(tmp_path: Path, changes: Figures) -> None:
    """Whatever comes of it: header and data agree, and no content is of two states."""
    tree = tmp_path / "tree"
    tree.mkdir()
    contents = [bytes([65 + n]) * (100_000 * (n + 1)) for n in range(6)]
    stop = threading.Event()
    changer = threading.Thread(target=keep_changing, args=(tree, contents, stop))
    changer.start()
    try:
        verdicts = [build_amid_changes(tree, contents, changes) for _ in range(amount(40, 2000))]
    finally:
        stop.set()
        changer.join()
    assert not all(verdicts), "nothing changed at a wrong time"


def build_amid_changes(tree: Path, contents: list[bytes], changes: Figures) -> bool:
    """Build one layer; say whether that worked."""
    output = tree.parent / "x.tar"
    changes.injected("all the time")
    error = None
    try:
        fl.Layer.from_directory(tree, compression="none").save(output)
    except (fl.SourceError, OSError) as caught:
        error = caught
    if error is None:
        check_states(output, contents)
        output.unlink()
    else:
        assert isinstance(error, fl.SourceError | FileNotFoundError | NotADirectoryError)
        assert os.fspath(tree) in str(error)
        assert not output.exists()
    changes.survived("all the time", "complete" if error is None else "absent")
    return error is None


def keep_changing(tree: Path, contents: list[bytes], stop: threading.Event) -> None:
    """Replace, cut off, add to, remove and make files, and rename their directory."""
    turns = random.Random(9)
    while not stop.is_set():
        content = turns.choice(contents)
        file = tree / f"f{turns.randrange(3)}"
        match turns.randrange(5):
            case 0:
                (tree.parent / "new").write_bytes(content)
                (tree.parent / "new").rename(file)
            case 1 if file.is_file():
                os.truncate(file, file.stat().st_size // 2)
            case 2 if file.is_file():
                with file.open("r+b") as stream:
                    first = stream.read(1)
                    stream.seek(0, os.SEEK_END)
                    stream.write(first * 50_000)
            case 3:
                file.unlink(missing_ok=True)
            case _:
                (tree / "d").mkdir(exist_ok=True)
                (tree / "d" / "inner").write_bytes(content)
                shutil.rmtree(tree / "e", ignore_errors=True)
                (tree / "d").rename(tree / "e")


def check_states(layer: Path, contents: list[bytes]) -> None:
    """Every file of the layer has one state's bytes only, and the tar is one to its last block."""
    with tarfile.open(layer) as tar:
        for member in tar:
            if member.isreg():
                data = tar.extractfile(member)
                assert data is not None
                content = data.read()
                assert len(content) == member.size
                assert content == content[:1] * len(content), member.name
                assert not content or content[:1] in {one[:1] for one in contents}
    end = layer.read_bytes()[-1024:]
    assert end == bytes(1024)
