"""`[config]`, `[annotations]`, and what else an image file says of the image itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from fastlayer.changes import ConfigAdditions, ConfigRemovals, added, annotated, removed
from fastlayer.config import Healthcheck, ImageConfig, RootFS
from fastlayer.image_file.keys import CONFIG, PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fastlayer.image import Image
    from fastlayer.recipes.rootfs import Created
    from fastlayer.toml_table import Table

__all__ = ["Settings", "created_in"]

# What settings are tried on: those of no image.
_BLANK: Final = ImageConfig(architecture="", os="", rootfs=RootFS(diff_ids=()))

_HEALTH: Final = ("test", "interval", "timeout", "start_period", "start_interval", "retries")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is changed in the config and manifest of a base, in this order."""

    removed: Mapping[str, Any]
    replaced: Mapping[str, Any]
    added: Mapping[str, Any]
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, file: Table) -> Self:
        """Read them, each checked. Raises `InvalidArgumentError`."""
        config = file.table("config")
        config.check_keys(CONFIG, PLACES)
        removals = config.table("remove")
        removals.check_keys(list(ConfigRemovals.__annotations__))
        own = [name for name in CONFIG if name not in (*ConfigAdditions.__annotations__, "remove")]
        return cls(
            removed=_checked(removals, ConfigRemovals.__annotations__, partial(removed, _BLANK)),
            replaced=_checked(file, ("author",), _BLANK.with_changes)
            | _checked(config, own, _BLANK.with_changes),
            added=_checked(config, ConfigAdditions.__annotations__, partial(added, _BLANK)),
            annotations=_annotations(file.table("annotations")),
        )

    def apply(self, image: Image) -> Image:
        """Return the image with these settings."""
        return (
            image.with_removed(**self.removed)
            .with_config(**self.replaced)
            .with_added(**self.added)
            .with_annotations(self.annotations)
        )


def created_in(file: Table) -> Created:
    """Read when the image was made, if the file says it. Raises `InvalidArgumentError`."""
    return _checked(file, ("created",), _BLANK.with_changes).get("created")


def _checked(table: Table, names: Iterable[str], attempt: Callable[..., object]) -> dict[str, Any]:
    """Read those of the settings that a table has, and try each alone."""
    settings: dict[str, Any] = {}
    for name in names:
        if name in table:
            value = _healthcheck(table) if name == "healthcheck" else table.values[name]
            with table.at(name):
                attempt(**{name: value})
            settings[name] = value
    return settings


def _healthcheck(config: Table) -> Healthcheck:
    """Read it; a test that is text is a line for the shell, as in a Dockerfile."""
    table = config.table("healthcheck")
    table.check_keys(_HEALTH)
    details = dict(table.values)
    if isinstance(details.get("test"), str):
        details["test"] = ["CMD-SHELL", details["test"]]
    for name, value in details.items():
        with table.at(name):
            Healthcheck.of(**{name: value})
    return Healthcheck.of(**details)


def _annotations(table: Table) -> dict[str, str]:
    for name in table.values:
        with table.at(name):
            annotated({}, {name: table.text(name)})
    return dict(table.values)
