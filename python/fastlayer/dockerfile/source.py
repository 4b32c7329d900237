"""An instruction as text, split, and the few ways in which its arguments are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastlayer.dockerfile.flags import Flags
from fastlayer.dockerfile.instructions import Command, Pair
from fastlayer.dockerfile.split import name_words
from fastlayer.dockerfile.text import SPACES, json_words, split, split_once
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.dockerfile.lines import Statement

__all__ = ["Source", "json_texts"]


@dataclass(frozen=True, slots=True)
class Source:
    """What the reader of an instruction gets: its text, split."""

    statement: Statement
    name: str
    flags: tuple[str, ...]
    rest: str
    escape: str

    @property
    def place(self) -> tuple[int, str]:
        """The first two fields of every instruction."""
        return self.statement.line, self.statement.text.strip(SPACES)

    def no_flags(self) -> None:
        """Refuse flags. Raises `DockerfileError`, as all that follows."""
        Flags(self.flags)

    def whole(self) -> str:
        """Take the rest as the one word that it must be."""
        if not self.rest:
            raise DockerfileError(f"{self.name} needs an argument")
        return self.rest

    def some(self, words: Sequence[str]) -> tuple[str, ...]:
        """Take words, of which there must be one at least."""
        if not words:
            raise DockerfileError(f"{self.name} needs at least one argument")
        return tuple(words)

    def json(self) -> tuple[str, ...] | None:
        """Read the rest as a JSON array of text; `None` if it is no array."""
        return json_texts(json_words(self.rest))

    def list(self) -> tuple[str, ...]:
        """Read the rest as a JSON array or as words between spaces."""
        words = self.json()
        if words is not None:
            return words
        return tuple(split(self.rest)) if self.rest else ()

    def command(self) -> Command:
        """Read the rest as a JSON array or as a line for a shell."""
        words = self.json()
        if words is not None:
            return Command(words, for_shell=False)
        return Command((self.rest,), for_shell=True)

    def pairs(self) -> tuple[Pair, ...]:
        """Read `key=value …`, or `key value`: what comes first, `=` or a space, tells which."""
        self.no_flags()
        words = self.some(name_words(self.rest, self.escape))
        if "=" not in words[0]:
            key, *value = split_once(self.rest)
            if not value:
                raise DockerfileError(f"{self.name} needs a value: `{self.name} {key}=…`")
            return (Pair(key, value[0], spaced=True),)
        pairs = []
        for word in words:
            key, equals, value_text = word.partition("=")
            if not equals:
                raise DockerfileError(f"{quoted(word)} has no `=`: expected `name=value`")
            if not key:
                raise DockerfileError(f"{quoted(word)} has no name")
            pairs.append(Pair(key, value_text))
        return tuple(pairs)


def json_texts(words: list[object] | None) -> tuple[str, ...] | None:
    """Check the members of an array, if there is one."""
    if words is None:
        return None
    texts = tuple(word for word in words if isinstance(word, str))
    if len(texts) < len(words):
        raise DockerfileError("an array in JSON must hold nothing but text")
    if any("\0" in text for text in texts):
        raise DockerfileError("an array in JSON has a NUL")
    return texts
