"""How an instruction is split: its name, its flags, and the rest; and the rest into words."""

from __future__ import annotations

from typing import NamedTuple

from fastlayer.dockerfile.text import SPACES, split_once

__all__ = ["Parts", "name_words", "split_statement"]


class Parts(NamedTuple):
    """`NAME --flag --flag=value rest`; flags are without their quotes, but with their dashes."""

    name: str
    flags: tuple[str, ...]
    rest: str


def split_statement(text: str) -> Parts:
    """Split an instruction."""
    name, *rest = split_once(text.strip(SPACES))
    if not rest:
        return Parts(name, (), "")
    flags, arguments = _flags(rest[0])
    return Parts(name, tuple(flags), arguments.strip(SPACES))


def _flags(text: str) -> tuple[list[str], str]:
    """Take the words in front that begin with `--`; the word `--` alone ends them."""
    flags: list[str] = []
    position = 0
    while True:
        while text[position : position + 1] and text[position] in SPACES:
            position += 1
        if not text.startswith("--", position):
            return flags, text[position:]
        flag, position = _flag(text, position)
        if flag == "--":
            return flags, text[position:]
        flags.append(flag)


def _flag(text: str, position: int) -> tuple[str, int]:
    r"""Read one word, with quotes and `\` as in a shell; give the position behind it."""
    parts: list[str] = []
    quote = ""
    while position < len(text):
        rune = text[position]
        position += 1
        if rune == quote:
            quote = ""
        elif rune == "\\":
            parts.append(text[position : position + 1])
            position += 1
        elif quote:
            parts.append(rune)
        elif rune in SPACES:
            break
        elif rune in "'\"":
            quote = rune
        else:
            parts.append(rune)
    return "".join(parts), position


def name_words(text: str, escape: str) -> list[str]:
    """Split into words as ENV, LABEL and ARG do: what is quoted stays together, with its quotes."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    position = 0
    while position < len(text):
        rune = text[position]
        position += 1
        if rune == escape and quote != "'":
            if position < len(text):  # at the end it means nothing
                word.append(rune + text[position])
            position += 1
            continue
        if quote:
            quote = "" if rune == quote else quote
        elif rune in SPACES:
            words += ["".join(word)] if word else []
            word = []
            continue
        elif rune in "'\"":
            quote = rune
        word.append(rune)
    return [*words, "".join(word)] if word else words
