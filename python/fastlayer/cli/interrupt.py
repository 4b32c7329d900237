"""Ctrl-C and its kin end the process at once, with nothing left behind.

An exception would have to wait until the core's threads end, and a compressor at its highest
levels works on one job for seconds.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastlayer.undo import take_back_all

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["install"]

_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def install() -> None:
    """Handle the signals that ask a program to stop, unless who started it has them ignored.

    `nohup` ignores SIGHUP, and a shell SIGINT for what runs in the background.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """Take back what is not complete, say so and exit with the status that shells give it."""
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # an impatient second Ctrl-C must not cut this short
    try:
        take_back_all()
        with suppress(OSError):
            os.write(2, b"fastlayer: interrupted\n")
    finally:
        os._exit(128 + number)
