"""Threads that the system may not give."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

__all__ = ["start_thread"]


def start_thread(thread: threading.Thread) -> None:
    """Start a thread. Raises `OSError` if there is none to be had."""
    try:
        thread.start()
    except RuntimeError as error:
        reason = f"cannot start a thread: {os.strerror(errno.EAGAIN)}"
        raise OSError(errno.EAGAIN, reason) from error
