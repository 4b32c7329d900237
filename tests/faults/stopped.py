"""A command that stands still after a chosen system call, while the world changes."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from commands import Argument, Outcome, command, environment

_PATIENCE = 120.0


def stopped(
    arguments: Sequence[Argument],
    place: Path,
    *,
    call: str,
    path: Path,
    when: int = 1,
    change: Callable[[], None],
) -> tuple[Outcome, bool]:
    """Run a command, and `change` something after its `when`-th call of this kind on `path`.

    strace(1) sends it SIGSTOP there, which all its threads obey. Says also whether that happened.
    """
    log = place / "strace"
    tracer: list[Argument] = ["strace", "-f", "-o", log, "-P", path, f"--trace={call}"]
    inject = [f"--inject={call}:signal=SIGSTOP:when={when}"]
    with subprocess.Popen(
        [*tracer, *inject, *command(*arguments)],
        cwd=place,
        env=environment({"TMPDIR": os.fspath(place)}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        traced = None
        try:
            traced = _wait_for_stop(process, log)
            if traced is not None:
                change()
                os.kill(traced, signal.SIGCONT)
            stdout, stderr = process.communicate(timeout=_PATIENCE)
        except BaseException:
            if traced is not None:
                os.kill(traced, signal.SIGKILL)
            process.kill()
            raise
    log.unlink()
    return Outcome(process.returncode, stdout, stderr.decode()), traced is not None


def _wait_for_stop(process: subprocess.Popen[bytes], log: Path) -> int | None:
    """Wait until all threads of the traced process stand still; `None` if it ends before."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return None
        # Calls that are traced stop a thread, too, so that its state alone proves nothing.
        if log.exists() and "--- stopped by SIGSTOP ---" in log.read_text():
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            traced = int(children.split()[0])
            if _still(traced):
                return traced
        time.sleep(0.005)
    raise AssertionError("it neither stood still nor ended")


def _still(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    states = {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks}
    return states <= {"t", "T"}
