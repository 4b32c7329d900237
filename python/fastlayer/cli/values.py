"""Values of options, parsed: each function takes the text and raises `click.BadParameter`."""

from __future__ import annotations

import json
import os
import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import click

from fastlayer.attribute import octal
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastlayer.options import LayerOptions

__all__ = [
    "checked",
    "created",
    "destination",
    "file_mode",
    "id_range",
    "key_value",
    "mtime",
    "source_and_path",
    "words",
]

_T = TypeVar("_T")

_SECONDS: Final = re.compile(r"-?[0-9]{1,18}")
_ID_RANGE: Final = re.compile(r"([0-9]{1,10}):([0-9]{1,10})(?::([0-9]{1,10}))?")


def checked(read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Make what a wrong value raises click's own error, to which it adds the option."""

    def value(text: str) -> _T:
        try:
            return read(text)
        except InvalidArgumentError as error:
            raise click.BadParameter(str(error)) from error

    return value


file_mode: Final = checked(octal)
"""Read permission bits in octal, `0755`."""


def source_and_path(text: str, form: str) -> tuple[str, str]:
    """Split at the last `:/`: a path in a layer is absolute, and what is before may have colons.

    `form` is what a message shows of what was expected.
    """
    source, separator, rest = text.rpartition(":/")
    if not (source and separator):
        raise click.BadParameter(f"{quoted(text)} is not of the form {form}")
    return source, f"/{rest}"


def destination(path: str, source: str) -> str:
    """Say where the file `source` goes: under its own name where `path` is a directory."""
    if path.endswith("/"):
        path += os.path.basename(source)  # noqa: PTH119 (`Path` drops a trailing `/`)
    return path


def id_range(text: str) -> tuple[int, int, int]:
    """Read `0:100000:65536`; without the last number, it is 1, as for podman."""
    match = _ID_RANGE.fullmatch(text)
    if match is None:
        raise click.BadParameter(
            f"{quoted(text)} is not of the form `INSIDE:OUTSIDE:COUNT`, such as `0:100000:65536`"
        )
    inside, outside, count = match.groups("1")
    return int(inside), int(outside), int(count)


def mtime(text: str) -> LayerOptions:
    """Read a time, or the latest time after `clamp:`, as the option of a layer that it stands for.

    A time is seconds since 1970, or has its zone, `2025-04-18T19:07:30Z`.
    """
    moment = text.removeprefix("clamp:")
    return {"mtime": _moment(text)} if moment == text else {"clamp_mtime": _moment(moment)}


def _moment(text: str) -> int | datetime:
    if _SECONDS.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter(
            f"{quoted(text)} is neither seconds since 1970 nor a time such as "
            "`2025-04-18T19:07:30Z`"
        )
    return moment


def created(text: str) -> str | datetime | int:
    """Read a time of creation; `now` is `SOURCE_DATE_EPOCH` where that is set."""
    if text == "now":
        epoch = source_date_epoch()
        return datetime.now(UTC).replace(microsecond=0) if epoch is None else epoch
    return int(text) if _SECONDS.fullmatch(text) else text


def key_value(text: str) -> tuple[str, str]:
    """Read `KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise click.BadParameter(f"{quoted(text)} is not of the form `KEY=VALUE`")
    return key, value


def words(text: str) -> Sequence[str]:
    """Read a command: a JSON array if it starts with `[`, else words as in a shell."""
    if text.startswith("["):
        try:
            items = json.loads(text)
        except ValueError as error:
            raise click.BadParameter(f"{quoted(text)} is not a JSON array: {error}") from error
        if not all(isinstance(item, str) for item in items):
            raise click.BadParameter(f"{quoted(text)} has items that are not text")
        return tuple(items)
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        reason = str(error)
        raise click.BadParameter(f"{quoted(text)}: {reason[:1].lower()}{reason[1:]}") from error
