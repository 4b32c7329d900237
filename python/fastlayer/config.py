"""Image configs: what a container of an image runs, and what its root file system is made of.

Members: image-spec, config.md; `Healthcheck`, `OnBuild`, `Shell` and the limits are Docker's.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, TypedDict, Unpack

import msgspec

from fastlayer import setting
from fastlayer.digest import Digest
from fastlayer.document import REQUIRED
from fastlayer.errors import InvalidConfigError, InvalidImageError, quoted
from fastlayer.platform import Platform

__all__ = [
    "DEFAULT_PATH",
    "ConfigSettings",
    "Healthcheck",
    "History",
    "ImageConfig",
    "RootFS",
    "RunConfig",
    "chain_ids",
]


DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for, if nothing else is said (moby, `DefaultPathEnvUnix`)."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """How one layer came to be; `empty_layer` marks a step that made none."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        setting.check_created(self.created)


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
        interval: setting.Duration = 0,
        timeout: setting.Duration = 0,
        start_period: setting.Duration = 0,
        start_interval: setting.Duration = 0,
        retries: int = 0,
    ) -> Self:
        """Make a health check from what people write: `of(["CMD", "/ok"], interval="30s")`.

        Raises `InvalidConfigError`.
        """
        words = setting.strings("test", test)
        if words and words[0] not in ("NONE", "CMD", "CMD-SHELL"):
            raise InvalidConfigError(
                f"`test` starts with {quoted(words[0])}: expected `CMD`, `CMD-SHELL` or `NONE`"
            )
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise InvalidConfigError(f"`retries` must be a number from 0, got {quoted(retries)}")
        return cls(
            test=words,
            interval=setting.nanoseconds("interval", interval),
            timeout=setting.nanoseconds("timeout", timeout),
            start_period=setting.nanoseconds("start_period", start_period),
            start_interval=setting.nanoseconds("start_interval", start_interval),
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


class ConfigSettings(TypedDict, total=False):
    """The settings of `Image.with_config` and `ImageConfig.with_changes`; `None` clears one.

    `env` is a mapping or a list of `NAME=VALUE`. `exposed_ports` holds `80`, `"53/udp"` or
    `"8000-8010"`. `volumes` and `working_dir` are absolute. `stop_signal` is a name or number.
    `created` is RFC 3339 text, a `datetime` with a zone or seconds since 1970.
    """

    entrypoint: Sequence[str] | None
    cmd: Sequence[str] | None
    env: Mapping[str, str] | Sequence[str] | None
    labels: Mapping[str, str] | None
    user: str | None
    working_dir: str | None
    exposed_ports: Sequence[str | int] | None
    volumes: Sequence[str] | None
    stop_signal: str | int | None
    healthcheck: Healthcheck | None
    shell: Sequence[str] | None
    on_build: Sequence[str] | None
    created: str | datetime | int | None
    author: str | None


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
        setting.check_created(self.created)

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

    def with_changes(self, **settings: Unpack[ConfigSettings]) -> Self:
        """Return a config with other settings: what is given replaces, `None` clears.

        Raises `InvalidConfigError` naming the setting.
        """
        top: dict[str, object] = {}
        run: dict[str, object] = {}
        for name, value in settings.items():
            if parse := _TOP.get(name):
                top[name] = "" if value is None else parse(name, value)
            elif parse := _RUN.get(name):
                default = getattr(_NO_SETTINGS, name)
                run[name] = default if value is None else parse(name, value)
            else:
                raise InvalidConfigError(f"unknown setting {quoted(name)}")
        config = msgspec.structs.replace(self.config, **run)
        return msgspec.structs.replace(self, config=config, **top)


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """Compute the ChainID of each layer on those below it (image-spec, config.md, "ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(Digest.of(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return tuple(chain)


def _healthcheck(name: str, value: object) -> Healthcheck:
    if not isinstance(value, Healthcheck):
        raise setting.wrong_type(name, value, "a `Healthcheck`")
    return value


_Parse = Callable[[str, Any], object]

_TOP: Final[dict[str, _Parse]] = {
    "created": lambda _, value: setting.timestamp(value),
    "author": setting.plain_text,
}
_RUN: Final[dict[str, _Parse]] = {
    "entrypoint": setting.strings,
    "cmd": setting.strings,
    "env": setting.env,
    "labels": setting.labels,
    "user": setting.plain_text,
    "working_dir": setting.absolute_path,
    "exposed_ports": setting.ports,
    "volumes": setting.volumes,
    "stop_signal": setting.signal,
    "healthcheck": _healthcheck,
    "shell": setting.strings,
    "on_build": setting.strings,
}
