"""A daemon of our own: started in a short private folder, and nothing of it left behind."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .peers import absent

STARTING = 60.0  # seconds that a daemon gets to answer
STOPPING = 20.0  # seconds that a process gets to end before it is killed
POLL = 0.1


# Where files are in memory, and how much of it a daemon may take.
MEMORY = Path("/dev/shm")  # noqa: S108 (`mkdtemp` makes the folder)
ENOUGH = 4 << 30


@contextmanager
def private_folder(*, in_memory: bool = False) -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket, and unmount and remove it after.

    In memory, where there is enough, the many small writes of a builder are several times as fast.
    """
    place = MEMORY if in_memory and _room(MEMORY) >= ENOUGH else None
    folder = Path(tempfile.mkdtemp(prefix="fl-", dir=place))
    try:
        yield folder
    finally:
        unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    argv: Sequence[str | Path], folder: Path, answers: Callable[[], bool]
) -> Iterator[None]:
    """Keep `argv` running until the block ends; everything it writes is to be in `folder`."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in pytest is not for the daemon; it is stopped below
        )
    try:
        _wait_for_answer(process, answers, name=Path(argv[0]).name, log=log)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPING)
        process.kill()
        process.wait()
        _end_children(folder)


def unmount_below(folder: Path) -> None:
    """Undo the mounts that a killed daemon or a container engine left in `folder`."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(points):
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def _room(folder: Path) -> int:
    return shutil.disk_usage(folder).free if folder.is_dir() else 0


def _wait_for_answer(
    process: subprocess.Popen[bytes], answers: Callable[[], bool], *, name: str, log: Path
) -> None:
    deadline = time.monotonic() + STARTING
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().rpartition("\n")[2]
            absent(f"`{name}` did not start: {last or 'it said nothing'}")
        time.sleep(POLL)


def _end_children(folder: Path) -> None:
    """End what outlived the daemon: its containerd, and the shims of containers.

    They are told from everybody else's by the private folder in their command lines.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + STOPPING
        for pid in _processes_of(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while _processes_of(folder) and time.monotonic() < deadline:
            time.sleep(POLL)


def _processes_of(folder: Path) -> list[int]:
    mark = os.fsencode(f"{folder}/")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended in between
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return [pid for pid in found if pid != os.getpid()]
