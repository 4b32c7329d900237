"""What people write in the settings of an image, checked and brought into the documents' form.

Each function takes the name of the setting, for messages, and the value as given. It raises
`InvalidConfigError`.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fastlayer.errors import InvalidConfigError, quoted

__all__ = [
    "Duration",
    "absolute_path",
    "check_created",
    "env",
    "labels",
    "nanoseconds",
    "plain_text",
    "ports",
    "signal",
    "strings",
    "timestamp",
    "volumes",
    "wrong_type",
]

Duration = str | int | float | timedelta
"""Seconds, a `timedelta`, or text as Docker takes it: `30s`, `1m30s`, `500ms`."""

_NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_PART: Final = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,19})?)(ns|us|µs|ms|s|m|h)")
_MIN_DURATION: Final = 10**6  # Docker refuses a shorter one
_MAX_DURATION: Final = 2**63 - 1  # Go counts in an int64

_RFC3339: Final = re.compile(
    r"(?P<seconds>\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:[\\/]")  # of Linux or Windows

_PORTS: Final = re.compile(
    r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>tcp|udp|sctp))?", re.ASCII
)
_MAX_PORT: Final = 65535

_SIGNAL: Final = re.compile(r"RTMIN(?:\+(?:[1-9]|1[0-5]))?|RTMAX(?:-(?:[1-9]|1[0-4]))?")
# Those of Linux, whatever the host: `signal.Signals` differs between systems.
_SIGNALS: Final = frozenset(
    {"ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL"}
    | {"PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP"}
    | {"TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ"}
)
_SIGNAL_NUMBERS: Final = frozenset(str(number) for number in range(1, 65))


def timestamp(created: str | datetime | int) -> str:
    """Write `created` as RFC 3339: such text as it is, a `datetime` or seconds since 1970 in UTC.

    Raises `InvalidConfigError`.
    """
    if isinstance(created, str):
        check_created(created, required=True)
        return created
    if isinstance(created, datetime):
        if created.utcoffset() is None:
            raise InvalidConfigError(f"`created`: {quoted(created)} has no time zone")
    elif isinstance(created, bool) or not isinstance(created, int):
        raise wrong_type("created", created, "RFC 3339 text, a `datetime` or seconds since 1970")
    try:
        moment = (
            created.astimezone(UTC)
            if isinstance(created, datetime)
            else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=created)
        )
    except OverflowError as error:
        raise InvalidConfigError(f"`created`: {quoted(created)} is out of range") from error
    # Go writes no trailing zeros in a fraction, and no fraction at all for whole seconds.
    text = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".") + "Z"


def check_created(text: str, *, required: bool = False) -> None:
    """Refuse what Go's `time.Time` does not read; no text at all is an absent time."""
    if not text and not required:
        return
    match = _RFC3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        datetime.fromisoformat(match["seconds"])
    except ValueError:
        raise InvalidConfigError(
            f"`created`: {quoted(text)} is not RFC 3339, such as `2025-04-18T19:07:30Z`"
        ) from None


def nanoseconds(name: str, value: Duration) -> int:
    """Read a duration; 0 stands for the default, and what is shorter than 1 ms is refused."""
    if isinstance(value, str):
        total = _parse_duration(name, value)
    elif isinstance(value, timedelta):
        total = value // timedelta(microseconds=1) * 1000
    elif isinstance(value, int) and not isinstance(value, bool):
        total = value * _NANOSECONDS["s"]
    elif isinstance(value, float) and math.isfinite(value):
        total = round(Decimal(str(value)) * _NANOSECONDS["s"])  # 0.1 is a tenth, as it is written
    else:
        raise wrong_type(name, value, "seconds, a `timedelta` or text such as `1m30s`")
    if total < 0 or 0 < total < _MIN_DURATION:
        raise InvalidConfigError(f"`{name}`: {quoted(value)} is less than 1 ms")
    if total > _MAX_DURATION:
        raise InvalidConfigError(f"`{name}`: {quoted(value)} is longer than 292 years")
    return total


def _parse_duration(name: str, text: str) -> int:
    """Read a duration in Go's form, `1h30m`, as nanoseconds."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise InvalidConfigError(f"`{name}`: {quoted(text)} is not a duration such as `1m30s`")
    return round(sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in parts))


def wrong_type(name: str, value: object, expected: str) -> InvalidConfigError:
    """Make the error for a value that is of another type than `expected` says."""
    return InvalidConfigError(f"`{name}` must be {expected}, got `{type(value).__name__}`")


def plain_text(name: str, value: object) -> str:
    """Text that a process can be given: no NUL, and no surrogates from undecodable bytes."""
    if not isinstance(value, str):
        raise wrong_type(name, value, "text")
    if "\0" in value or _SURROGATE.search(value):
        raise InvalidConfigError(f"`{name}`: {quoted(value)} has a NUL or is not valid Unicode")
    return value


def strings(name: str, value: object) -> tuple[str, ...]:
    """Take a list of text; a single text is refused, since it would be taken apart."""
    if isinstance(value, str):
        raise InvalidConfigError(f"`{name}` must be a list, got text: write `[{value!r}]`")
    if isinstance(value, bytes) or not isinstance(value, Sequence):
        raise wrong_type(name, value, "a list of text")
    return tuple(plain_text(name, item) for item in value)


def env(name: str, value: object) -> tuple[str, ...]:
    """Variables in the order given; one that is given twice has its last value."""
    if isinstance(value, Mapping):
        pairs = [(plain_text(name, key), plain_text(name, item)) for key, item in value.items()]
    else:
        pairs = [_assignment(name, item) for item in strings(name, value)]
    for key, _ in pairs:
        if not key or "=" in key:
            raise InvalidConfigError(f"`{name}`: {quoted(key)} is not the name of a variable")
    return tuple(f"{key}={item}" for key, item in dict(pairs).items())


def _assignment(name: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidConfigError(f"`{name}`: {quoted(text)} has no `=`")
    return key, value


def labels(name: str, value: object) -> dict[str, str]:
    """Take a mapping of text to text."""
    if not isinstance(value, Mapping):
        raise wrong_type(name, value, "a mapping of text to text")
    if "" in value:
        raise InvalidConfigError(f"`{name}`: a key is empty")
    return {plain_text(name, key): plain_text(name, item) for key, item in value.items()}


def absolute_path(name: str, value: object) -> str:
    """Take an absolute path."""
    path = plain_text(name, value)
    if not _ABSOLUTE.match(path):
        raise InvalidConfigError(f"`{name}`: {quoted(path)} is not an absolute path")
    return path


def volumes(name: str, value: object) -> dict[str, dict[str, Any]]:
    """Take a list of absolute paths."""
    return {absolute_path(name, path): {} for path in strings(name, value)}


def ports(name: str, value: object) -> dict[str, dict[str, Any]]:
    """Take a list of ports and ranges of ports."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise wrong_type(name, value, "a list of ports")
    return {port: {} for item in value for port in _expand(name, item)}


def _expand(name: str, value: object) -> Iterator[str]:
    """List the ports of `8000-8010/tcp` one by one: the specification has no ranges."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise wrong_type(name, value, "a list of ports")
    match = _PORTS.fullmatch(str(value))
    first = int(match["first"]) if match else 0
    last = int(match["last"] or first) if match else 0
    if match is None or not 1 <= first <= last <= _MAX_PORT:
        raise InvalidConfigError(
            f"`{name}`: {quoted(value)} is not a port such as `80`, `53/udp` or `8000-8010/tcp`"
        )
    for port in range(first, last + 1):
        yield f"{port}/{match['protocol'] or 'tcp'}"


def signal(name: str, value: object) -> str:
    """`SIGTERM`, also for `term`; a number stays one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = plain_text(name, value).upper()
    if text in _SIGNAL_NUMBERS:
        return text
    short = text.removeprefix("SIG")
    if short not in _SIGNALS and not _SIGNAL.fullmatch(short):
        raise InvalidConfigError(f"`{name}`: {quoted(value)} is not a signal such as `SIGTERM`")
    return f"SIG{short}"
