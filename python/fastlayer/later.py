"""Names of a package that are imported when they are first used: few programs need all of it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["later"]


def later(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Make the `__getattr__` of `package` (PEP 562) for names by the modules that have them.

    A name that is a module itself is in its own place.
    """

    def get(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        place = places[name]
        module = import_module(place)
        found = module if place == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    return get
