"""One image out of several: by its platform, as containerd and Docker choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from fastlayer.errors import InvalidImageError, quoted
from fastlayer.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["choose", "fitting"]


class Runnable(Protocol):
    """What runs on a platform, if it says so."""

    @property
    def platform(self) -> Platform | None: ...


class Choice(Runnable, Protocol):
    """What can be chosen from several."""

    @property
    def tags(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Runnable)
C = TypeVar("C", bound=Choice)


def fitting(choices: Sequence[R], wanted: Platform) -> tuple[Platform, list[R]]:
    """List those for `wanted`, or for the best platform that runs there and has any."""
    for able in (wanted, *wanted.fallbacks()):
        if found := [one for one in choices if one.platform and able.matches(one.platform)]:
            return able, found
    return wanted, []


def choose(choices: Sequence[C], platform: Platform | None, *, where: str) -> C:
    """Choose the image for `platform`, or the best one that runs there; by default the host's.

    A single image needs no choice unless a platform is asked for. Raises `InvalidImageError` if
    there is none, and if there are several that only their tags tell apart; messages call the
    place `where`.
    """
    if platform is None and len(choices) == 1:
        return choices[0]
    wanted = platform or Platform.host()
    able, found = fitting(choices, wanted)
    if len({one.tags for one in found}) > 1:
        tags = ", ".join(quoted(tag) for one in found for tag in one.tags)
        raise InvalidImageError(
            f"{where} holds {len(found)} images for {quoted(able)}: "
            f"choose one by its tag, of {tags}"
        )
    if found:
        return found[0]
    if not choices:
        raise InvalidImageError(f"{where} holds no image")
    platforms = dict.fromkeys(str(one.platform or "unknown") for one in choices)
    raise InvalidImageError(
        f"{where} has no image for {quoted(wanted)}, it has {', '.join(map(quoted, platforms))}"
    )
