"""Words for people: on stderr, and on one line that no name can break."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import click

from fastlayer.errors import named, printable

__all__ = ["byte_count", "echo", "plural", "say", "utc_time"]

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB", "EB")


def say(message: str) -> None:
    """Write one line to stderr, if anybody can still read it."""
    if sys.stderr is not None:
        with suppress(OSError):
            # The name at run time: a bar puts itself in between, so that lines go above it.
            print(f"fastlayer: {printable(message)}", file=sys.stderr, flush=True)


def echo(text: str = "", *, end: str = "\n") -> None:
    """Write to stdout; a failure names it."""
    with named("<stdout>"):
        click.echo(text + end, nl=False)


def byte_count(size: float) -> str:
    """`size` bytes in decimal units, as disks and networks are sold: `12.3 MB`."""
    if size < 1000:  # noqa: PLR2004
        return plural(int(size), "byte")
    for unit in _UNITS:
        size /= 1000
        if size < 999.95 or unit == _UNITS[-1]:  # noqa: PLR2004 (what rounds to 1000.0)
            break
    return f"{size:.1f} {unit}"


def plural(number: int, noun: str) -> str:
    """`1 layer`, `2 layers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def utc_time(seconds: int) -> str:
    """`2025-04-18T19:07:30Z`, or `@` and the seconds for years that have no four digits."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"@{seconds}"
