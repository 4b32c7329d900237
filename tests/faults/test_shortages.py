"""Too little of what a process needs: memory, threads, open files, room; and outputs that refuse.

Limits are set once all modules are there, as these belong to the interpreter.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from commands import Outcome, fastlayer
from conformance.peers import absent, need_root

from .amount import amount, sample
from .figures import Figures, Verdict
from .operations import OPERATIONS, Operation, make_inputs, renew_outputs
from .promise import State, check_error, state, without_begun_layouts, without_new_blobs

KIB, MIB = 1 << 10, 1 << 20
NOBODY = 54_321
"""A user with no other process."""

MODULES = """
import fastlayer.cli.unpack, fastlayer.cli.flatten, fastlayer.cli.recompress, fastlayer.unpacking
import fastlayer.archive.layout, fastlayer.archive.docker, fastlayer.archive.layer_file
import fastlayer.dockerfile.evaluation, fastlayer.rootfs, fastlayer.assembly, fastlayer.derive
import encodings.idna, glob, tempfile, click, difflib, shlex
import fastlayer.cli.interrupt, fastlayer.archive.contents, fastlayer.mtree, fastlayer.cli.mtree
"""
LESS_MEMORY = """
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + {0}, used + {0}))
"""
AS_NOBODY = """
resource.setrlimit(resource.RLIMIT_NPROC, ({0}, {0}))
os.setgroups([])
os.setgid({1})
os.setuid({1})
"""
FEW_FILES = "resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}))"
SMALL_FILES = "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"

WRITING = {
    operation.name: operation
    for operation in OPERATIONS
    if " out/" in operation.line or ":out/" in operation.line
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs for all operations, which everybody may read, and a place for outputs."""
    folder = tmp_path_factory.mktemp("shortages")
    make_inputs(folder)
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and path.name.startswith(("shortages", "pytest")):
            path.chmod(0o755)
    return folder


class Attempt:
    """One operation, run as it should be, and then with less."""

    def __init__(self, folder: Path, operation: Operation, faults: Figures, kind: str) -> None:
        self.folder, self.operation, self.faults = folder, operation, faults
        self.kind = f"{kind}: {operation.name}"
        renew_outputs(folder)
        self.before = state(folder)
        clean = self._run("")
        assert clean.status == 0, clean.stderr
        self.complete = state(folder)

    def _run(self, prelude: str, **streams: Any) -> Outcome:
        env = {"TMPDIR": str(self.folder / "tmp"), "HOME": "/nonexistent"}
        arguments = self.operation.on("")
        return fastlayer(*arguments, cwd=self.folder, prelude=MODULES + prelude, env=env, **streams)

    def with_less(self, prelude: str, *names: str, aborts: bool = False) -> Verdict:
        """Run it with a limit: what is there is complete or absent, and told so."""
        renew_outputs(self.folder)
        for path in (self.folder / "out", *(self.folder / "out").rglob("*"), self.folder / "tmp"):
            path.chmod(0o777)
        before = state(self.folder)
        self.faults.injected(self.kind)
        outcome = self._run(prelude)
        verdict = self._judge(outcome, before, {*self.operation.names, *names}, aborts=aborts)
        self.faults.survived(self.kind, verdict)
        return verdict

    def _judge(self, outcome: Outcome, before: State, names: set[str], *, aborts: bool) -> Verdict:
        now = state(self.folder)
        if outcome.status == 0:
            contents = [
                {path: row[1] for path, row in found.items()} for found in (now, self.complete)
            ]
            assert contents[0] == contents[1], "exit 0, but the output is not right"
            return "complete"
        if aborts and outcome.status == -signal.SIGABRT:
            # As after a kill: what is left is known by its name, and removed by the next run.
            now = {path: row for path, row in now.items() if ".fastlayer-" not in path}
            now = without_begun_layouts(now, before)
        else:
            check_error(outcome, names, self.operation.failed)
        left = without_new_blobs(now, before)
        assert left == before, (sorted(set(left) ^ set(before)), outcome)
        return "absent"


@pytest.mark.parametrize("name", sample(list(WRITING), 2))
def test_little_memory(name: str, folder: Path, faults: Figures) -> None:
    """From none to enough. Rust ends a process that gets no memory: as after a kill, then."""
    attempt = Attempt(folder, WRITING[name], faults, "memory")
    step = amount(16, 1) * MIB
    verdicts: list[Verdict] = []
    for more in range(0, 512 * MIB, step):
        limit = LESS_MEMORY.format(more)
        verdicts.append(attempt.with_less(limit, "memory", "thread", aborts=True))
        if verdicts[-2:] == ["complete", "complete"]:
            break
    assert verdicts[0] == "absent"


@pytest.mark.parametrize("name", sample(list(WRITING), 1))
def test_few_threads(name: str, folder: Path, faults: Figures) -> None:
    """A user who may start none, and one who may start some."""
    need_root("becoming another user")
    attempt = Attempt(folder, WRITING[name], faults, "threads")
    for number in range(1, amount(3, 8)):
        attempt.with_less(AS_NOBODY.format(number, NOBODY), "thread")


@pytest.mark.parametrize("name", sample(list(WRITING), 1))
def test_few_open_files(name: str, folder: Path, faults: Figures) -> None:
    """From none but the standard streams to enough."""
    attempt = Attempt(folder, WRITING[name], faults, "open files")
    for number in range(3, 30, amount(8, 1)):
        attempt.with_less(FEW_FILES.format(number), "Too many open files")


@pytest.mark.parametrize("name", sample(list(WRITING), 1))
def test_files_that_may_not_grow(name: str, folder: Path, faults: Figures) -> None:
    """A limit of the size of files is told as a full disk is."""
    attempt = Attempt(folder, WRITING[name], faults, "size of files")
    sizes = sample([0, 1, 511, 512, 1000, 4096, 100 * KIB, 800 * KIB, 1000 * KIB, 9 * MIB], 3)
    for size in sizes:
        attempt.with_less(SMALL_FILES.format(size))


@pytest.mark.parametrize("name", sample(list(WRITING), 1))
@pytest.mark.parametrize("room", sample([16 * KIB, 256 * KIB, 1024 * KIB], 1))
def test_a_full_disk(name: str, room: int, folder: Path, faults: Figures) -> None:
    """A small file system of its own, in which there is no room for what is made."""
    attempt = Attempt(folder, WRITING[name], faults, "full disk")
    renew_outputs(folder)
    used = sum(path.stat().st_blocks * 512 + 4096 for path in (folder / "out").rglob("*"))
    with mounted(folder / "out", f"size={used + room}"):
        _copied(folder / "before", folder / "out")
        before = state(folder)
        faults.injected(attempt.kind)
        outcome = attempt._run("")
        verdict = attempt._judge(outcome, before, attempt.operation.names, aborts=False)
        faults.survived(attempt.kind, verdict)


@pytest.mark.parametrize("name", sample(list(WRITING), 2))
def test_a_target_that_is_read_only(name: str, folder: Path, faults: Figures) -> None:
    """It is told before or after the work, and nothing is changed."""
    attempt = Attempt(folder, WRITING[name], faults, "read-only")
    renew_outputs(folder)
    with mounted(folder / "out", "size=64m"):
        _copied(folder / "before", folder / "out")
        remount = ["mount", "-o", "remount,ro", str(folder / "out")]
        subprocess.run(remount, check=True, capture_output=True)
        before = state(folder)
        faults.injected(attempt.kind)
        outcome = attempt._run("")
        check_error(outcome, attempt.operation.names)
        assert state(folder) == before
        faults.survived(attempt.kind, "absent")


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A file system in memory at `place`, for root alone."""
    need_root("mounting")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        absent(f"nothing can be mounted here: {done.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _copied(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)


PRINTING = [
    "layer in/tree -o -",
    "build --rootfs in/tree -o -",
    "mtree in/tree",
    "inspect in/image.tar",
    "layer in/tree -o out/x.tar --json",
]


@pytest.mark.parametrize("line", PRINTING)
def test_a_reader_that_went_away(line: str, folder: Path, faults: Figures) -> None:
    """Status 141 and no word, as if SIGPIPE had ended it."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        outcome = _printed(line, folder, faults, stdout=pipe)
    assert (outcome.status, outcome.stderr) == (141, "")
    faults.survived(f"stdout: {line}", "absent")


@pytest.mark.parametrize("line", PRINTING)
def test_a_stdout_without_room(line: str, folder: Path, faults: Figures) -> None:
    """It is told like a full disk, though the layer has its name by then."""
    with Path("/dev/full").open("wb") as full:
        outcome = _printed(line, folder, faults, stdout=full)
    check_error(outcome, ["<stdout>"])
    assert outcome.error.endswith("No space left on device")
    faults.survived(f"stdout: {line}", "absent")


@pytest.mark.parametrize("line", PRINTING)
def test_a_stdout_that_is_closed(line: str, folder: Path, faults: Figures) -> None:
    """No file that is opened later takes its number and with it what is printed."""
    outcome = _printed(line, folder, faults, preexec_fn=partial(os.close, 1))
    if outcome.status:
        check_error(outcome, ["stdout", "out/"])
    assert (folder / "out" / "x.tar").read_bytes() == b"old" or "out/x.tar" in line
    faults.survived(f"stdout: {line}", "absent")


def _printed(
    line: str,
    folder: Path,
    faults: Figures,
    preexec_fn: Callable[[], None] | None = None,
    **to: Any,
) -> Outcome:
    renew_outputs(folder)
    faults.injected(f"stdout: {line}")
    before = state(folder)
    env = {"TMPDIR": str(folder / "tmp")}
    outcome = fastlayer(*line.split(), cwd=folder, env=env, preexec_fn=preexec_fn, **to)
    now = state(folder)
    assert {path for path in now if now[path] != before.get(path)} <= {"out/x.tar"}
    return outcome
