"""Image configs: what a container of an image runs, and what its root file system is made of.

Members: image-spec, config.md; `Healthcheck`, `OnBuild`, `Shell` and the limits are Docker's.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from msgspec import UNSET, UnsetType

from fastlayer.digest import Digest
from fastlayer.document import REQUIRED
from fastlayer.errors import InvalidConfigError, InvalidImageError, quoted
from fastlayer.platform import Platform

__all__ = [
    "UNSET",
    "Duration",
    "Healthcheck",
    "History",
    "ImageConfig",
    "RootFS",
    "RunConfig",
    "UnsetType",
    "chain_ids",
    "timestamp",
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


class History(msgspec.Struct, frozen=True, kw_only=True):
    """How one layer came to be; `empty_layer` marks a step that made none."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        _check_created(self.created)


class Healthcheck(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """How to find out whether a container works. Durations are in nanoseconds, 0 the default.

    `test` starts with `CMD` (the arguments follow), `CMD-SHELL` (a command line follows) or
    `NONE`; if it is empty, that of the base image stays.
    """

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
    unknown: Mapping[str, Any] = {}

    @classmethod
    def of(
        cls,
        test: Sequence[str] = (),
        *,
        interval: Duration = 0,
        timeout: Duration = 0,
        start_period: Duration = 0,
        start_interval: Duration = 0,
        retries: int = 0,
    ) -> Self:
        """Make a health check from what people write: `of(["CMD", "/ok"], interval="30s")`.

        Raises `InvalidConfigError`.
        """
        words = _strings("test", test)
        if words and words[0] not in ("NONE", "CMD", "CMD-SHELL"):
            raise InvalidConfigError(
                f"`test` starts with {quoted(words[0])}: expected `CMD`, `CMD-SHELL` or `NONE`"
            )
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise InvalidConfigError(f"`retries` must be a number from 0, got {quoted(retries)}")
        return cls(
            test=words,
            interval=_nanoseconds("interval", interval),
            timeout=_nanoseconds("timeout", timeout),
            start_period=_nanoseconds("start_period", start_period),
            start_interval=_nanoseconds("start_interval", start_interval),
            retries=retries,
        )


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a container runs, by default: the member `config` of an image config.

    Memory is in bytes. The keys of `exposed_ports` (`80/tcp`) and `volumes` are what counts.
    """

    user: str = ""
    exposed_ports: Mapping[str, Mapping[str, Any]] = {}
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    volumes: Mapping[str, Mapping[str, Any]] = {}
    working_dir: str = ""
    labels: Mapping[str, str] = {}
    stop_signal: str = ""
    args_escaped: bool = False
    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    healthcheck: Healthcheck | None = None
    on_build: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        for variable in self.env:
            if "=" not in variable:
                raise InvalidConfigError(f"`env`: {quoted(variable)} has no `=`")


class RootFS(msgspec.Struct, frozen=True, kw_only=True):
    """The layers by the digests of their uncompressed tars, the base first."""

    type: Annotated[Literal["layers"], REQUIRED] = "layers"
    diff_ids: tuple[Digest, ...]
    unknown: Mapping[str, Any] = {}


_NO_SETTINGS: Final = RunConfig()


class ImageConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"os_version": "os.version", "os_features": "os.features"},
):
    """An image config. `created` is RFC 3339 text; `unknown` holds members that are not these.

    Raises `InvalidConfigError` if `created` is no such text.
    """

    created: str = ""
    author: str = ""
    architecture: str
    os: str
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""
    config: RunConfig = _NO_SETTINGS
    rootfs: RootFS
    history: tuple[History, ...] = ()
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        _check_created(self.created)

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return Platform(self.os, self.architecture, self.variant, self.os_version, self.os_features)

    def check_layer_count(self, count: int) -> None:
        """Check that this config describes `count` layers, as many as the manifest has.

        Raises `InvalidImageError` if it has another number of diff_ids, or more history of layers.
        """
        diff_ids = len(self.rootfs.diff_ids)
        if diff_ids != count:
            raise InvalidImageError(f"the config has {diff_ids} diff_ids for {count} layers")
        steps = sum(not step.empty_layer for step in self.history)
        if steps > count:
            raise InvalidImageError(f"the config has the history of {steps} layers for {count}")

    def with_changes(
        self,
        *,
        entrypoint: Sequence[str] | UnsetType | None = UNSET,
        cmd: Sequence[str] | UnsetType | None = UNSET,
        env: Mapping[str, str] | Sequence[str] | UnsetType | None = UNSET,
        labels: Mapping[str, str] | UnsetType | None = UNSET,
        user: str | UnsetType | None = UNSET,
        working_dir: str | UnsetType | None = UNSET,
        exposed_ports: Sequence[str | int] | UnsetType | None = UNSET,
        volumes: Sequence[str] | UnsetType | None = UNSET,
        stop_signal: str | int | UnsetType | None = UNSET,
        healthcheck: Healthcheck | UnsetType | None = UNSET,
        shell: Sequence[str] | UnsetType | None = UNSET,
        on_build: Sequence[str] | UnsetType | None = UNSET,
        created: str | datetime | int | UnsetType | None = UNSET,
        author: str | UnsetType | None = UNSET,
    ) -> Self:
        """Return a config with other settings: what is given replaces, `None` clears.

        `env` is a mapping or a list of `NAME=VALUE`, `exposed_ports` holds `80`, `"53/udp"` or
        `"8000-8010"`, `created` is RFC 3339 text, a `datetime` with a zone or seconds since 1970.

        Raises `InvalidConfigError` naming the argument.
        """
        run = {
            **_changed("entrypoint", entrypoint, _strings),
            **_changed("cmd", cmd, _strings),
            **_changed("env", env, _env),
            **_changed("labels", labels, _labels),
            **_changed("user", user, _text),
            **_changed("working_dir", working_dir, _absolute),
            **_changed("exposed_ports", exposed_ports, _ports),
            **_changed("volumes", volumes, _volumes),
            **_changed("stop_signal", stop_signal, _signal),
            **_changed("healthcheck", healthcheck, _healthcheck),
            **_changed("shell", shell, _strings),
            **_changed("on_build", on_build, _strings),
        }
        top = {
            **_changed("created", created, lambda _, value: timestamp(value)),
            **_changed("author", author, _text),
        }
        config = msgspec.structs.replace(self.config, **run)
        return msgspec.structs.replace(self, config=config, **top)


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """Compute the ChainID of each layer on those below it (image-spec, config.md, "ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(Digest.of(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return tuple(chain)


def timestamp(created: str | datetime | int) -> str:
    """Write `created` as RFC 3339: such text as it is, a `datetime` or seconds since 1970 in UTC.

    Raises `InvalidConfigError`.
    """
    if isinstance(created, str):
        _check_created(created, required=True)
        return created
    if isinstance(created, datetime):
        if created.utcoffset() is None:
            raise InvalidConfigError(f"`created`: {quoted(created)} has no time zone")
    elif isinstance(created, bool) or not isinstance(created, int):
        raise _wrong_type("created", created, "RFC 3339 text, a `datetime` or seconds since 1970")
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


def _check_created(text: str, *, required: bool = False) -> None:
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


def _nanoseconds(name: str, value: Duration) -> int:
    if isinstance(value, str):
        total = _parse_duration(name, value)
    elif isinstance(value, timedelta):
        total = value // timedelta(microseconds=1) * 1000
    elif isinstance(value, int) and not isinstance(value, bool):
        total = value * _NANOSECONDS["s"]
    elif isinstance(value, float) and math.isfinite(value):
        total = round(Decimal(str(value)) * _NANOSECONDS["s"])  # 0.1 is a tenth, as it is written
    else:
        raise _wrong_type(name, value, "seconds, a `timedelta` or text such as `1m30s`")
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


def _changed(name: str, value: Any, parse: Callable[[str, Any], object]) -> dict[str, object]:
    """Map the field `name` to its new value, if one is given."""
    if value is UNSET:
        return {}
    return {name: getattr(_NO_SETTINGS, name, "") if value is None else parse(name, value)}


def _wrong_type(name: str, value: object, expected: str) -> InvalidConfigError:
    return InvalidConfigError(f"`{name}` must be {expected}, got `{type(value).__name__}`")


def _text(name: str, value: object) -> str:
    """Text that a process can be given: no NUL, and no surrogates from undecodable bytes."""
    if not isinstance(value, str):
        raise _wrong_type(name, value, "text")
    if "\0" in value or _SURROGATE.search(value):
        raise InvalidConfigError(f"`{name}`: {quoted(value)} has a NUL or is not valid Unicode")
    return value


def _strings(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise InvalidConfigError(f"`{name}` must be a list, got text: write `[{value!r}]`")
    if isinstance(value, bytes) or not isinstance(value, Sequence):
        raise _wrong_type(name, value, "a list of text")
    return tuple(_text(name, item) for item in value)


def _env(name: str, value: object) -> tuple[str, ...]:
    """Variables in the order given; one that is given twice has its last value."""
    if isinstance(value, Mapping):
        pairs = [(_text(name, key), _text(name, item)) for key, item in value.items()]
    else:
        pairs = [_assignment(name, item) for item in _strings(name, value)]
    for key, _ in pairs:
        if not key or "=" in key:
            raise InvalidConfigError(f"`{name}`: {quoted(key)} is not the name of a variable")
    return tuple(f"{key}={item}" for key, item in dict(pairs).items())


def _assignment(name: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidConfigError(f"`{name}`: {quoted(text)} has no `=`")
    return key, value


def _labels(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _wrong_type(name, value, "a mapping of text to text")
    if "" in value:
        raise InvalidConfigError(f"`{name}`: a key is empty")
    return {_text(name, key): _text(name, item) for key, item in value.items()}


def _absolute(name: str, value: object) -> str:
    path = _text(name, value)
    if not _ABSOLUTE.match(path):
        raise InvalidConfigError(f"`{name}`: {quoted(path)} is not an absolute path")
    return path


def _volumes(name: str, value: object) -> dict[str, dict[str, Any]]:
    return {_absolute(name, path): {} for path in _strings(name, value)}


def _ports(name: str, value: object) -> dict[str, dict[str, Any]]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise _wrong_type(name, value, "a list of ports")
    return {port: {} for item in value for port in _expand(name, item)}


def _expand(name: str, value: object) -> Iterator[str]:
    """List the ports of `8000-8010/tcp` one by one: the specification has no ranges."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _wrong_type(name, value, "a list of ports")
    match = _PORTS.fullmatch(str(value))
    first = int(match["first"]) if match else 0
    last = int(match["last"] or first) if match else 0
    if match is None or not 1 <= first <= last <= _MAX_PORT:
        raise InvalidConfigError(
            f"`{name}`: {quoted(value)} is not a port such as `80`, `53/udp` or `8000-8010/tcp`"
        )
    for port in range(first, last + 1):
        yield f"{port}/{match['protocol'] or 'tcp'}"


def _signal(name: str, value: object) -> str:
    """`SIGTERM`, also for `term`; a number stays one."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _text(name, value).upper()
    if text in _SIGNAL_NUMBERS:
        return text
    short = text.removeprefix("SIG")
    if short not in _SIGNALS and not _SIGNAL.fullmatch(short):
        raise InvalidConfigError(f"`{name}`: {quoted(value)} is not a signal such as `SIGTERM`")
    return f"SIG{short}"


def _healthcheck(name: str, value: object) -> Healthcheck:
    if not isinstance(value, Healthcheck):
        raise _wrong_type(name, value, "a `Healthcheck`")
    return value
