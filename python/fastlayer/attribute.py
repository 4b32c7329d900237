"""Owner, mode and time of entries as people write them, checked."""

from __future__ import annotations

import os
import re
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "Ranges",
    "id_ranges",
    "mode_bits",
    "mode_text",
    "name_bytes",
    "octal",
    "owner_ids",
    "seconds",
    "texts",
]

Ranges: TypeAlias = "Sequence[tuple[int, int, int]]"
"""Ranges of ids as user namespaces have them: first inside, first outside, how many."""

_MAX_ID = 2**32 - 2  # the kernel reads -1 as "leave it as it is"
_MAX_MODE = 0o7777

_OCTAL: Final = re.compile(r"(?:0o)?[0-7]{1,5}")


def owner_ids(owner: tuple[int, int] | str, *, or_keep: bool = False) -> tuple[int, int]:
    """Return user and group of `(uid, gid)`, `"uid:gid"` or `"id"` for both.

    `or_keep`: for the message, whether `keep` would have been right too.
    """
    try:
        uid, gid = _ids(owner) if isinstance(owner, str) else owner
    except (TypeError, ValueError):
        other = ", or `keep`" if or_keep else ""
        raise InvalidArgumentError(
            f"`owner` is {quoted(owner)}: expected numbers, such as `1000:1000`{other}"
        ) from None
    return _number("owner", uid, 0, _MAX_ID), _number("owner", gid, 0, _MAX_ID)


def mode_bits(mode: int) -> int:
    """Return permission bits, set-id and sticky bits among them."""
    return _number("mode", mode, 0, _MAX_MODE)


def mode_text(mode: str) -> bytes:
    """Return clauses for chmod; the core reads them, and takes ASCII only."""
    return mode.encode(errors="replace")


def name_bytes(name: str | bytes | os.PathLike[str]) -> bytes:
    """Return a path or pattern as the file system has it.

    Python's text may hold half a surrogate pair, which no name does.
    """
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{quoted(name)} is no name: it is not valid Unicode") from None


def octal(text: str) -> int:
    """Read a mode as people write it, `0755`."""
    if not _OCTAL.fullmatch(text):
        raise InvalidArgumentError(f"{quoted(text)} is not an octal number such as `0755`")
    return int(text, 8)


def seconds(name: str, time: int | datetime) -> int:
    """Return the whole second since 1970 that the time of the argument `name` lies in."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidArgumentError(f"`{name}`: {quoted(time)} has no time zone")
        return int(time.timestamp() // 1)
    return _number(name, time, -(2**62), 2**62)


def id_ranges(name: str, ranges: Ranges | None) -> Ranges | None:
    """Return ranges of ids `(inside, outside, count)`; the option is `name`."""
    if ranges is None:
        return None
    try:
        numbers = tuple((inside, outside, count) for inside, outside, count in ranges)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"`{name}` is {quoted(ranges)}: expected ranges of ids `(inside, outside, count)`, "
            "such as `[(0, 100000, 65536)]`"
        ) from None
    for number in chain.from_iterable(numbers):
        _number(name, number, 0, _MAX_ID + 1)  # the core knows which of them is a count
    return numbers


def texts(name: str, texts: Sequence[str]) -> tuple[bytes, ...]:
    """Return the texts of the option `name` as the file system has them."""
    try:
        return tuple(os.fsencode(text) for text in texts)
    except (TypeError, UnicodeEncodeError):
        raise InvalidArgumentError(
            f"`{name}` is {quoted(texts)}: expected a list of text"
        ) from None


def _ids(text: str) -> tuple[int, int]:
    uid, colon, gid = text.partition(":")
    if not all(number.isascii() and number.isdecimal() for number in (uid, gid or uid)):
        raise ValueError(text)
    return int(uid), int(gid if colon else uid)


def _number(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError(f"`{name}` must be a number, got `{type(value).__name__}`")
    if not low <= value <= high:
        shown: Callable[[int], object] = oct if name == "mode" else int
        raise InvalidArgumentError(
            f"`{name}` is {quoted(shown(value))}: expected `{shown(low)}` to `{shown(high)}`"
        )
    return value
