"""How far a build is, on stderr: a bar, a line every few seconds, or nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, Protocol, Self

import click

from fastlayer.cli.text import byte_count, say
from fastlayer.errors import printable
from fastlayer.undo import undone_unless_kept

if TYPE_CHECKING:
    from rich.progress import TaskID

    from fastlayer.engine import Progress

__all__ = ["MODES", "Bar", "Lines", "Meter", "Silence", "meter", "transfer_of"]

MODES: Final = ("auto", "bar", "plain", "none")
"""What `--progress` takes."""

Transfer = Callable[[int], object]

_TRANSFER: Final = "registry"
_METER: Final = "fastlayer.cli.meter"

_PLAIN_SECONDS: Final = 5.0
_NAME_CHARACTERS: Final = 30

# Back to the start of the line, erase it, show the cursor.
_RESTORE: Final = b"\r\x1b[2K\x1b[?25h"


class Meter(Protocol):
    """Shows the progress of layers while it is entered, one after the other."""

    def follow(self, name: str) -> Progress | None:
        """Return what the layer `name` takes as its option `progress`."""

    def transfer(self) -> Transfer | None:
        """Return what is told of bytes that go to and come from registries, by any thread."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *exception: object) -> None:
        """Leave no trace on the terminal."""


def meter(mode: str) -> Meter:
    """Make what `--progress` asks for; `transfer_of` finds it in the context of the command."""
    made: Meter = Silence()
    if mode == "bar" or (mode == "auto" and _is_capable_terminal()):
        made = Bar()
    elif mode == "plain":
        made = Lines()
    if context := click.get_current_context(silent=True):
        context.meta[_METER] = made
    return made


def transfer_of(context: click.Context) -> Transfer | None:
    """Return what the meter of a command is told of transfers, if it has one."""
    shown: Meter | None = context.meta.get(_METER)
    return None if shown is None else shown.transfer()


def _is_capable_terminal() -> bool:
    stderr = sys.stderr
    return stderr is not None and stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class Silence:
    """Shows nothing, at no cost."""

    def follow(self, name: str) -> None:
        """Ask the core for no reports."""

    def transfer(self) -> None:
        """Ask for no reports."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class Lines:
    """Shows a line every few seconds, for logs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0

    def follow(self, name: str) -> Progress:
        """Time the layer from its first report on."""
        started: float | None = None

        def report(done: int, total: int | None) -> None:
            nonlocal started
            now = self._clock()
            if started is None:
                started = now
            if now >= self._next:
                self._next = now + _PLAIN_SECONDS
                say(_line(name, done, total, now - started))

        return report

    def transfer(self) -> Transfer:
        """Add up what is moved, and time it from now on."""
        started, moved = self._clock(), 0
        lock = threading.Lock()

        def report(count: int) -> None:
            nonlocal moved
            with lock:
                moved += count
                now = self._clock()
                if now >= self._next:
                    self._next = now + _PLAIN_SECONDS
                    say(_line(_TRANSFER, moved, None, now - started))

        return report

    def __enter__(self) -> Self:
        # A build that is done before the first line is due needs none.
        self._next = self._clock() + _PLAIN_SECONDS
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def _line(name: str, done: int, total: int | None, seconds: float) -> str:
    parts = [byte_count(done)]
    if total:
        parts = [f"{100 * done // total} %", f"{byte_count(done)} of {byte_count(total)}"]
    if seconds > 0:
        parts.append(f"{byte_count(done / seconds)}/s")
    return f"{name}: {', '.join(parts)}"


class Bar:
    """Shows one bar: the layer in the making, its bytes, speed and time left.

    It is drawn by the core's reports, not by a thread, and gone when the build ends.
    """

    def __init__(self) -> None:
        # Imported only where there is a bar to show: it takes longer than many a build.
        from rich import progress  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=None),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(compact=True),
            console=Console(stderr=True, force_terminal=True),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            expand=True,
        )
        self._task: TaskID | None = None
        self._stack = ExitStack()

    def follow(self, name: str) -> Progress:
        """Show the layer from its first report on, in place of the one before."""
        task: TaskID | None = None

        def report(done: int, total: int | None) -> None:
            nonlocal task
            if task is None:
                task = self._begin(name)
            self._bar.update(task, completed=done, total=total, refresh=True)

        return report

    def transfer(self) -> Transfer:
        """Show what is moved in a line of its own, from the first report on."""
        task: TaskID | None = None
        lock = threading.Lock()

        def report(count: int) -> None:
            nonlocal task
            with lock:
                if task is None:
                    task = self._bar.add_task(_TRANSFER, total=None)
            self._bar.update(task, advance=count, refresh=True)

        return report

    def _begin(self, name: str) -> TaskID:
        if self._task is not None:
            self._bar.remove_task(self._task)
        shown = printable(name)
        if len(shown) > _NAME_CHARACTERS:
            shown = "…" + shown[1 - _NAME_CHARACTERS :]  # the end of a path says more
        self._task = self._bar.add_task(shown, total=None)
        return self._task

    def __enter__(self) -> Self:
        keep = self._stack.enter_context(undone_unless_kept(_restore_terminal))
        self._stack.callback(keep)
        self._stack.enter_context(self._bar)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()


def _restore_terminal() -> None:
    """Do what the bar does at its end, for a process that is about to end."""
    with suppress(OSError):
        os.write(2, _RESTORE)
