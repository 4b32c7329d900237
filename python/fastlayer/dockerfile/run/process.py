"""A container's process: started in namespaces that end with this one, and its output passed on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastlayer.undo import undone_unless_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["execute"]

# If this process is killed, the first program is, and then all that is in the namespaces.
_NAMESPACES: Final = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)

_PIECE: Final = 64 << 10
_ENDING: Final = 10.0  # seconds that killed processes get to be gone


def execute(argv: Sequence[str], *, cwd: str) -> int:
    """Run a program in mount and process namespaces of its own; return its status as shells do.

    Of the environment it has PATH only. What it writes goes to standard error as it comes. However
    this ends, no process and no mount of it is left.
    """
    output, given = os.pipe2(os.O_CLOEXEC)
    try:
        process = subprocess.Popen(
            [*_NAMESPACES, *argv],
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=given,
            stderr=given,
            start_new_session=True,  # Ctrl-C is for this process, which ends the other
        )
    except BaseException:
        os.close(output)
        raise
    finally:
        os.close(given)
    try:
        handle = os.pidfd_open(process.pid)
        try:
            with undone_unless_kept(lambda: _end(process.pid, handle)):
                _pass_on(output, handle)
        finally:
            os.close(handle)
    finally:
        os.close(output)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _environment() -> dict[str, str]:
    """Return what programs need to be found, and nothing that a runtime would take as a wish.

    NOTIFY_SOCKET and LISTEN_FDS, say, which a service has, would change the container.
    """
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _pass_on(output: int, handle: int) -> None:
    """Copy output to standard error until the process and all that write there have ended."""
    poll = select.poll()
    poll.register(output, select.POLLIN)
    while True:
        poll.poll()
        piece = os.read(output, _PIECE)
        if not piece:
            break
        while piece:
            piece = piece[os.write(2, piece) :]
    _wait(handle, None)


def _end(pid: int, handle: int) -> None:
    """Kill the process and all in its namespaces, and wait until they are gone.

    It does not reap the process, and so may run in a signal handler.
    """
    if _wait(handle, 0):
        return
    # The first process of the namespace takes all others along before its parent is told.
    for victim in (*_children(pid), None):
        with suppress(OSError):
            if victim is None:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            else:
                os.kill(victim, signal.SIGKILL)
        if _wait(handle, _ENDING):
            return


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    return []


def _wait(handle: int, seconds: float | None) -> bool:
    """Wait for the end of a process; return whether it has come."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else max(0.0, end - time.monotonic()) * 1000
        if poll.poll(left):
            return True
        if end is not None and time.monotonic() >= end:
            return False
