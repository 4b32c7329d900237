"""HEALTHCHECK: its flags, durations as Go writes and reads them, and its test."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from fastlayer.config import Healthcheck
from fastlayer.dockerfile.flags import Flags
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.dockerfile.instructions import Command

__all__ = ["health_of", "written_duration"]

_UNITS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART: Final = r"(?=\.?[0-9])([0-9]{0,19}(?:\.[0-9]{0,19})?)(ns|us|µs|μs|ms|s|m|h)"
_DURATION: Final = re.compile(rf"\+?(?:{_PART})+")
_SHORTEST: Final = 10**6  # what is shorter is refused, as by the docker daemon
_LONGEST: Final = 2**63 - 1  # Go counts in an int64
_MAX_RETRIES: Final = 2**31 - 1


def health_of(kind: str, command: Command, given: Sequence[str]) -> Healthcheck:
    """Make what `HEALTHCHECK kind command` says. Raises `DockerfileError`."""
    if kind == "NONE":
        if command.words:
            raise DockerfileError("HEALTHCHECK NONE takes no arguments")
        return Healthcheck(test=("NONE",))
    flags = Flags(given, texts=("interval", "timeout", "start-period", "start-interval", "retries"))
    if kind != "CMD":
        expected = "HEALTHCHECK needs `CMD` or `NONE`"
        raise DockerfileError(f"{expected}, got {quoted(kind)}" if kind else expected)
    if not command.words:
        raise DockerfileError("HEALTHCHECK CMD needs a command")
    return Healthcheck(
        test=("CMD-SHELL" if command.for_shell else "CMD", *command.words),
        interval=_duration(flags, "interval"),
        timeout=_duration(flags, "timeout"),
        start_period=_duration(flags, "start-period"),
        start_interval=_duration(flags, "start-interval"),
        retries=_retries(flags.text("retries")),
    )


def _duration(flags: Flags, name: str) -> int:
    """Read a duration in nanoseconds, such as `1m30s`; without one it is 0, the default."""
    text = flags.text(name)
    if text in ("", "0", "+0", "-0"):
        return 0
    if not _DURATION.fullmatch(text):
        raise DockerfileError(f"`--{name}`: {quoted(text)} is not a duration such as `1m30s`")
    parts = re.findall(_PART, text)
    total = sum(int(Decimal(number or 0) * _UNITS[unit]) for number, unit in parts)
    if 0 < total < _SHORTEST:
        raise DockerfileError(f"`--{name}`: {quoted(text)} is less than 1 ms")
    if total > _LONGEST:
        raise DockerfileError(f"`--{name}`: {quoted(text)} is longer than 292 years")
    return total


def _retries(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[+]?[0-9]{1,19}", text) or int(text) > _MAX_RETRIES:
        raise DockerfileError(f"`--retries` is {quoted(text)}: expected a number from 0")
    return int(text)


def written_duration(nanoseconds: int) -> str:
    """Write a duration as Go does: `1m30s`, `500ms`, `0s`."""
    if nanoseconds < _UNITS["s"]:
        for unit in ("ms", "µs", "ns"):
            if nanoseconds >= _UNITS[unit]:
                return _decimal(nanoseconds, _UNITS[unit]) + unit
        return "0s"
    minutes, rest = divmod(nanoseconds, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = _decimal(rest, _UNITS["s"]) + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _decimal(number: int, unit: int) -> str:
    """Write `number` of `unit` without zeros at the end."""
    whole, rest = divmod(number, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
