"""Commands that a signal ends at a moment of its own, and what they leave behind."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands import Argument, command, environment
from fastlayer.temporary import has_temporary_name

# Whoever ran the tests in the background had SIGINT ignored, which a program inherits.
_PRELUDE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"

# The last of the handlers that the command line installs.
_CAUGHT = 1 << (signal.SIGTERM - 1)

# Far above what any of these commands takes, on a machine that is busy with others too.
_TIMEOUT = 120.0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    stderr: str
    worked: float
    """Seconds from its handlers to its end, or to the signal."""
    reacted: float
    """Seconds from the signal to its end."""
    before: bool
    """Whether it had ended before the signal."""


def run(
    arguments: Sequence[Argument],
    place: Path,
    number: signal.Signals | None = None,
    moment: float = 0,
) -> Ended:
    """Run a command in `place`; a signal is sent so many seconds after its handlers are there.

    Temporary files go to `place/tmp`. What a RUN makes has no time of its own.
    """
    with subprocess.Popen(
        command(*arguments, prelude=_PRELUDE),
        cwd=place,
        env=environment({"TMPDIR": os.fspath(place / "tmp"), "SOURCE_DATE_EPOCH": "1000000000"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            _wait_for_handlers(process)
            start = sent = time.monotonic()
            before = True
            if number is not None:
                time.sleep(moment)
                sent = time.monotonic()
                before = process.poll() is not None
                process.send_signal(number)
            _, stderr = process.communicate(timeout=_TIMEOUT)
            end = time.monotonic()
        except BaseException:
            process.kill()
            raise
    worked = (end if number is None else sent) - start
    return Ended(process.returncode, stderr.decode(), worked, end - sent, before)


def is_temporary(name: str) -> bool:
    """Whether a file or directory has the name of one in the making."""
    return has_temporary_name(name) or name.startswith(".fastlayer-unpack-")


def _wait_for_handlers(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(status.split("SigCgt:")[1].split()[0], 16) if "SigCgt:" in status else 0
        if caught & _CAUGHT or process.poll() is not None:
            return
        time.sleep(0.001)
    raise AssertionError("the command line installed no handlers")
