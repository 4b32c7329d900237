"""What went wrong, as the one line and the exit status that people and scripts see."""

from __future__ import annotations

import os
import re
import sys

import click

from fastlayer.errors import FastlayerError, InvalidArgumentError, quoted

__all__ = ["FAILED", "INTERRUPTED", "PIPE_CLOSED", "USAGE", "explain", "is_closed_pipe"]

FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141
"""Exit statuses; the last two are what shells report for SIGINT and SIGPIPE."""


def explain(error: Exception) -> tuple[int, str]:
    """Return the exit status for `error`, and what to say about it."""
    match error:
        case click.UsageError():
            return USAGE, _usage(error)
        case click.ClickException():
            return error.exit_code, _in_our_style(error.format_message())
        case FastlayerError():
            return USAGE if isinstance(error, InvalidArgumentError) else FAILED, str(error)
        case OSError():
            return FAILED, _operating_system(error)
        case MemoryError():
            return FAILED, "out of memory"
        case _:
            message = f"internal error: {type(error).__name__}: {error}"
            return FAILED, f"{message} (FASTLAYER_TRACEBACK=1 shows where)"


def is_closed_pipe(error: Exception) -> bool:
    """Whether the reader of stdout went away, as `head` does: no news to anybody."""
    if not isinstance(error, BrokenPipeError):
        return False
    name = _file_name(error)
    return name is None or (sys.stdout is not None and name == sys.stdout.name)


def _operating_system(error: OSError) -> str:
    reason, name = error.strerror or str(error), _file_name(error)
    return reason if name is None else f"{quoted(name)}: {reason}"


def _file_name(error: OSError) -> str | None:
    """Return the name of the file that an error is about, unless it is only a number."""
    name = error.filename
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else None


def _usage(error: click.UsageError) -> str:
    """Say which argument is wrong, and where the help is unless the message helps by itself."""
    match error:
        case click.MissingParameter(param=click.Parameter() as param):
            message = f"missing {param.param_type_name} `{_name(param)}`"
        case click.BadParameter(param=click.Parameter() as param):
            return f"`{_name(param)}`: {_in_our_style(error.message)}"
        case click.NoSuchOption():
            message = f"no such option {quoted(error.option_name)}"
            if error.possibilities:
                message += f": did you mean `{error.possibilities[0]}`?"
        case _:
            message = _in_our_style(error.message)
            if message == error.message:
                return message
    return message if error.ctx is None else f"{message} (see `{error.ctx.command_path} --help`)"


def _name(param: click.Parameter) -> str:
    if isinstance(param, click.Argument):
        return param.human_readable_name.upper()
    return max(param.opts, key=len)


def _in_our_style(message: str) -> str:
    """Give a message of click's the form that ours have, which already have it."""
    if "`" in message:
        return message
    message = re.sub(r"'([^']*)'", r"`\1`", message).removesuffix(".")
    return message[:1].lower() + message[1:]
