"""One run of the command line: from arguments to an exit status."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, NoReturn

import click

from fastlayer.cli import interrupt
from fastlayer.cli.failure import INTERRUPTED, PIPE_CLOSED, explain, is_closed_pipe
from fastlayer.cli.group import fastlayer
from fastlayer.cli.text import say
from fastlayer.errors import DockerfileWarning, RegistryWarning, SourceWarning, named

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "run"]


def main() -> NoReturn:
    """Run the command line of this process; it ends with the exit status."""
    interrupt.install()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status, having said on stderr what failed."""
    with warnings.catch_warnings():
        for shown in (DockerfileWarning, SourceWarning, RegistryWarning):
            warnings.simplefilter("always", shown)
        warnings.showwarning = _show_warning
        try:
            status = _invoke(arguments)
            if sys.stdout is not None:
                with named("<stdout>"):
                    sys.stdout.flush()  # now, while a failure can still be told
        except (KeyboardInterrupt, click.Abort):
            say("interrupted")
            return INTERRUPTED
        except Exception as error:
            return _fail(error)
    return status


def _invoke(arguments: Sequence[str]) -> int:
    """Do what click's `main` does, except for its own ideas of what to print and how to exit."""
    try:
        with fastlayer.make_context("fastlayer", list(arguments)) as context:
            fastlayer.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


def _fail(error: Exception) -> int:
    if os.environ.get("FASTLAYER_TRACEBACK", "0") not in ("", "0"):
        traceback.print_exception(error)
    _abandon_stdout()
    if is_closed_pipe(error):
        return PIPE_CLOSED
    status, message = explain(error)
    say(f"error: {message}")
    return status


def _abandon_stdout() -> None:
    """Flush stdout, or drop what it does not take: the interpreter would complain of that."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    say(f"warning: {message}")
