"""The options of an image: its platform, and the settings that its containers start with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fastlayer.changes import ConfigAdditions
from fastlayer.cli.command import option, together
from fastlayer.cli.values import created, key_value, words
from fastlayer.config import Healthcheck
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastlayer.image import Image

__all__ = ["image_options", "with_options", "with_settings"]

_F = TypeVar("_F", bound="Callable[..., Any]")

_COMMAND: Final = 'a JSON array ["/app", "-v"], or words as in a shell'


def _option(*names: str, **settings: Any) -> Callable[[_F], _F]:
    return option(*names, section="Image", **settings)


image_options: Final = together(
    _option(
        "--platform",
        metavar="OS/ARCH[/VARIANT]",
        help="Such as linux/arm64; by default the host's.",
    ),
    _option("--entrypoint", metavar="COMMAND", type=words, help=f"What runs: {_COMMAND}."),
    _option("--cmd", metavar="COMMAND", type=words, help="What runs after it, in the same forms."),
    _option("--env", metavar="NAME=VALUE", multiple=True, help="A variable of the environment."),
    _option("--user", metavar="USER[:GROUP]", help="Who runs it, by name or number."),
    _option("--workdir", metavar="PATH", help="Where it runs."),
    _option("--label", metavar="KEY=VALUE", type=key_value, multiple=True, help="A label."),
    _option("--port", metavar="PORT", multiple=True, help="It listens on 80, 53/udp, 8000-8010."),
    _option("--volume", metavar="PATH", multiple=True, help="Its data lies there."),
    _option("--stop-signal", metavar="SIGNAL", help="What stops it, such as SIGINT."),
    _option(
        "--health-cmd",
        metavar="COMMAND",
        help="What tells whether it works: a JSON array, or a line for the image's shell.",
    ),
    _option("--health-interval", metavar="DURATION", help="Time between two checks, such as 30s."),
    _option("--health-timeout", metavar="DURATION", help="How long a check may take."),
    _option("--health-start-period", metavar="DURATION", help="Failures before that do not count."),
    _option("--health-retries", metavar="N", type=int, help="So many failures mean unhealthy."),
    _option(
        "--annotation",
        metavar="KEY=VALUE",
        type=key_value,
        multiple=True,
        help="An annotation of the manifest (format oci).",
    ),
    _option(
        "--created",
        metavar="TIME",
        type=created,
        help="2025-04-18T19:07:30Z, seconds since 1970, or now; by default SOURCE_DATE_EPOCH.",
    ),
    _option("--author", metavar="TEXT", help="Who made the image."),
)
"""The options of an image."""

# Each option that sets one member of the config, with that member's name in `with_config`.
_SETTINGS: Final = {
    "entrypoint": "entrypoint",
    "cmd": "cmd",
    "env": "env",
    "user": "user",
    "workdir": "working_dir",
    "label": "labels",
    "port": "exposed_ports",
    "volume": "volumes",
    "stop_signal": "stop_signal",
    "created": "created",
    "author": "author",
}

# The options of a health check, with their names in `Healthcheck.of`.
_HEALTH: Final = {
    "health_interval": "interval",
    "health_timeout": "timeout",
    "health_start_period": "start_period",
    "health_retries": "retries",
}


def with_settings(image: Image, given: Mapping[str, Any]) -> Image:
    """Return `image` with the settings that a command was given.

    Raises `click.UsageError` that names the option.
    """
    epoch = source_date_epoch()
    if image.origin is not None and epoch is not None:
        image = image.with_config(created=epoch)
    return with_options(image, given)


def with_options(image: Image, given: Mapping[str, Any]) -> Image:
    """Return `image` with these settings alone, whatever `SOURCE_DATE_EPOCH` says.

    Raises `click.UsageError` that names the option.
    """
    for name, setting in _SETTINGS.items():
        if given[name] not in (None, ()):
            value = dict(given[name]) if name == "label" else given[name]
            image = _with_setting(image, name, setting, value)
    if given["annotation"]:
        image = image.with_annotations(dict(given["annotation"]))
    return _with_healthcheck(image, given)


def _with_setting(image: Image, name: str, setting: str, value: Any) -> Image:
    """Change one setting; who gave a wrong value knows the option, not the setting."""
    try:
        if setting in ConfigAdditions.__annotations__:
            return image.with_added(**{setting: value})
        return image.with_config(**{setting: value})
    except InvalidArgumentError as error:
        reason = str(error).removeprefix(f"`{setting}`: ")
        raise click.UsageError(f"`--{name.replace('_', '-')}`: {reason}") from error


def _with_healthcheck(image: Image, given: Mapping[str, Any]) -> Image:
    details = {
        argument: given[name] for name, argument in _HEALTH.items() if given[name] is not None
    }
    if given["health_cmd"] is None:
        if details:
            raise click.UsageError("the options of a health check need `--health-cmd`")
        return image
    try:
        check = Healthcheck.of(_health_test(given["health_cmd"]), **details)
    except InvalidArgumentError as error:
        raise click.UsageError(f"health check: {error}") from error
    return image.with_config(healthcheck=check)


def _health_test(text: str) -> tuple[str, ...]:
    return ("CMD", *words(text)) if text.startswith("[") else ("CMD-SHELL", text)
