"""Tweaks: edits with a name and a reason, to be combined and read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from fastlayer.edit_text import edits_text
from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.edit import Edit

__all__ = ["Tweaks"]

# What a comment of a TOML file may not hold, line breaks among it (TOML 1.0, Comment).
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Tweaks:
    """A named set of edits, and one line that says what it is good for.

    Sets are combined with `+`, and `edits` is what a layer takes. No edit of a set is missed where
    it meets nothing, as sets are for more than one archive. `str()` gives a file of edits, with
    name and reason of each set above its own: both are one line each, or it is an
    `InvalidArgumentError`.
    """

    name: str
    why: str = ""
    own: tuple[Edit, ...] = ()
    parts: tuple[Tweaks, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.name, self.why):
            if _CONTROL.search(text):
                raise InvalidArgumentError(
                    f"{quoted(repr(text))} is no name or reason of a set: expected one line of text"
                )

    @classmethod
    def of(cls, name: str, why: str, *edits: Edit) -> Tweaks:
        """Give edits a name."""
        return cls(name, why, tuple(replace(edit, optional=True) for edit in edits))

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All edits, in their order."""
        return tuple(edit for part in self for edit in part.own)

    def __iter__(self) -> Iterator[Tweaks]:
        """Give the sets of which none is made of others, in their order."""
        if self.own:
            yield self
        for part in self.parts:
            yield from part

    def __add__(self, other: Tweaks) -> Tweaks:
        return Tweaks(f"{self.name} + {other.name}", parts=(self, other))

    def named(self, name: str, why: str) -> Tweaks:
        """Give a combination a name of its own."""
        return replace(self, name=name, why=why)

    def __str__(self) -> str:
        return "\n".join(f"# {part.name}: {part.why}\n{edits_text(part.own)}" for part in self)
