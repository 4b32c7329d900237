"""The flags of an instruction: `--name=value`, `--name` for those that are on or off."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["Flags"]

_SWITCH = {"": True, "true": True, "false": False}


class Flags:
    """The flags that were given, by their names."""

    def __init__(
        self,
        given: Iterable[str],
        *,
        texts: Collection[str] = (),
        lists: Collection[str] = (),
        switches: Collection[str] = (),
    ) -> None:
        """Check `given` against the flags that there are, of each of three kinds.

        Raises `DockerfileError` for unknown and repeated ones, and for those without a value.
        """
        self._values: dict[str, list[str]] = {}
        self._switches: dict[str, bool] = {}
        known = (*texts, *lists, *switches)
        for flag in given:
            name, equals, value = flag.removeprefix("--").partition("=")
            if name not in known:
                raise DockerfileError(_unknown(name, known))
            if name in self._switches or (name in self._values and name not in lists):
                raise DockerfileError(f"the flag `--{name}` is given twice")
            if name not in switches:
                if not equals:
                    raise DockerfileError(f"the flag `--{name}` needs a value: `--{name}=…`")
                self._values.setdefault(name, []).append(value)
                continue
            if value.lower() not in _SWITCH or (equals and not value):
                raise DockerfileError(
                    f"the flag `--{name}` is {quoted(value)}: expected `true` or `false`"
                )
            self._switches[name] = _SWITCH[value.lower()]

    def text(self, name: str) -> str:
        """Return a value, empty if the flag was not given."""
        return self._values.get(name, [""])[0]

    def list(self, name: str) -> tuple[str, ...]:
        """Return all values of a flag that may be repeated."""
        return tuple(self._values.get(name, ()))

    def switch(self, name: str) -> bool | None:
        """Return whether a flag is on; `None` if it was not given."""
        return self._switches.get(name)


def _unknown(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"unknown flag {quoted(f'--{name}')}: did you mean `--{near[0]}`?"
    expected = ", ".join(f"`--{one}`" for one in known) or "it takes none"
    return f"unknown flag {quoted(f'--{name}')}: {'expected ' if known else ''}{expected}"
