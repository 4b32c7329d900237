"""Owner, mode and time of entries as people write them, checked."""

from __future__ import annotations

from datetime import datetime

from fastlayer.errors import InvalidArgumentError, quoted

__all__ = ["mode_bits", "owner_ids", "seconds"]

_MAX_ID = 2**32 - 2  # the kernel reads -1 as "leave it as it is"
_MAX_MODE = 0o7777


def owner_ids(owner: tuple[int, int] | str) -> tuple[int, int]:
    """Return user and group of `(uid, gid)`, `"uid:gid"` or `"id"` for both."""
    try:
        uid, gid = _ids(owner) if isinstance(owner, str) else owner
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"`owner` is {quoted(owner)}: expected numbers, such as `1000:1000`"
        ) from None
    return _number("owner", uid, 0, _MAX_ID), _number("owner", gid, 0, _MAX_ID)


def mode_bits(mode: int) -> int:
    """Return permission bits, set-id and sticky bits among them."""
    return _number("mode", mode, 0, _MAX_MODE)


def seconds(name: str, time: int | datetime) -> int:
    """Return the whole second since 1970 that the time of the argument `name` lies in."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidArgumentError(f"`{name}`: {quoted(time)} has no time zone")
        return int(time.timestamp() // 1)
    return _number(name, time, -(2**62), 2**62)


def _ids(text: str) -> tuple[int, int]:
    uid, colon, gid = text.partition(":")
    if not all(number.isascii() and number.isdecimal() for number in (uid, gid or uid)):
        raise ValueError(text)
    return int(uid), int(gid if colon else uid)


def _number(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError(f"`{name}` must be a number, got `{type(value).__name__}`")
    if not low <= value <= high:
        shown = oct if name == "mode" else str
        raise InvalidArgumentError(
            f"`{name}` is `{shown(value)}`: expected `{shown(low)}` to `{shown(high)}`"
        )
    return value
