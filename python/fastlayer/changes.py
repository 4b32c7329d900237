"""What can be added to and removed from a config, a history and annotations, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 (part of the public types)
from typing import TYPE_CHECKING, TypedDict, TypeVar

import msgspec

from fastlayer import setting
from fastlayer.config import History
from fastlayer.errors import InvalidArgumentError, InvalidConfigError, quoted

if TYPE_CHECKING:
    from typing import Unpack

    from fastlayer.config import ImageConfig

__all__ = ["ConfigAdditions", "ConfigRemovals", "added", "annotated", "padded", "removed"]

V = TypeVar("V")


class ConfigAdditions(TypedDict, total=False):
    """What `Image.with_added` takes, in the forms of `ConfigSettings`."""

    env: Mapping[str, str] | Sequence[str]
    labels: Mapping[str, str]
    exposed_ports: Sequence[str | int]
    volumes: Sequence[str]


class ConfigRemovals(TypedDict, total=False):
    """What `Image.with_removed` takes: names of variables, labels, ports and paths of volumes."""

    env: Sequence[str]
    labels: Sequence[str]
    exposed_ports: Sequence[str | int]
    volumes: Sequence[str]


def added(config: ImageConfig, **additions: Unpack[ConfigAdditions]) -> ImageConfig:
    """Return the config with more in it; a variable or label that is there gets the new value.

    Raises `InvalidConfigError`.
    """
    run = config.config
    _check(additions, ConfigAdditions.__annotations__)
    variables = dict(map(_variable, (*run.env, *setting.env("env", additions.get("env", ())))))
    run = msgspec.structs.replace(
        run,
        env=tuple(variables.values()),
        labels={**run.labels, **setting.labels("labels", additions.get("labels", {}))},
        exposed_ports={
            **run.exposed_ports,
            **setting.ports("exposed_ports", additions.get("exposed_ports", ())),
        },
        volumes={**run.volumes, **setting.volumes("volumes", additions.get("volumes", ()))},
    )
    return msgspec.structs.replace(config, config=run)


def removed(config: ImageConfig, **removals: Unpack[ConfigRemovals]) -> ImageConfig:
    """Return the config with less in it.

    Raises `InvalidConfigError`.
    """
    run = config.config
    _check(removals, ConfigRemovals.__annotations__)
    names = set(setting.strings("env", removals.get("env", ())))
    labels = set(setting.strings("labels", removals.get("labels", ())))
    volumes = set(setting.strings("volumes", removals.get("volumes", ())))
    ports = setting.ports("exposed_ports", removals.get("exposed_ports", ())).keys()
    run = msgspec.structs.replace(
        run,
        env=tuple(text for text in run.env if _variable(text)[0] not in names),
        labels=_without(run.labels, labels),
        # A document may state a port without its protocol.
        exposed_ports={
            port: value
            for port, value in run.exposed_ports.items()
            if (port if "/" in port else f"{port}/tcp") not in ports
        },
        volumes=_without(run.volumes, volumes),
    )
    return msgspec.structs.replace(config, config=run)


def annotated(
    annotations: Mapping[str, str], changes: Mapping[str, str | None]
) -> Mapping[str, str]:
    """Return the annotations with these added, or removed where they are `None`."""
    for key, value in changes.items():
        if not key or not isinstance(key, str) or not isinstance(value, str | None):
            raise InvalidArgumentError("annotations map text that is not empty to text")
    result = {**annotations, **changes}
    return {key: value for key, value in result.items() if value is not None}


def padded(history: Sequence[History], layers: int) -> tuple[History, ...]:
    """Tell of every layer, if only that there is one: steps go with layers by their number."""
    told = sum(not step.empty_layer for step in history)
    return (*history, *(History() for _ in range(layers - told)))


def _check(given: Mapping[str, object], known: Mapping[str, object]) -> None:
    for name in given:
        if name not in known:
            raise InvalidConfigError(f"unknown setting {quoted(name)}")


def _variable(text: str) -> tuple[str, str]:
    return text.partition("=")[0], text


def _without(entries: Mapping[str, V], names: set[str]) -> dict[str, V]:
    return {name: value for name, value in entries.items() if name not in names}
