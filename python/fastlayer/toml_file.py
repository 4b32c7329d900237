"""TOML documents that people write: read whole, with the place of every key."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastlayer.errors import InvalidArgumentError, named, quoted
from fastlayer.toml_lines import key_lines, long_key

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from fastlayer.toml_lines import Keys

__all__ = ["PlacedError", "TomlFile", "read_document"]

# Bytes of such a file: content of this size belongs into files of its own.
_MAX_SIZE: Final = 4 << 20

# Parts of a key, `a.b.c`: memory and time of the parser grow with their square.
_MAX_PARTS: Final = 100

# The integers that TOML promises; Python's parser takes any, and the core does not.
_INTEGERS: Final = range(-(2**63), 2**63)

# How the parser says where something is wrong.
_PLACE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_END: Final = "(at end of document)"


class PlacedError(InvalidArgumentError):
    """Something is wrong in a TOML file; the message begins with where."""


@dataclass(frozen=True)
class TomlFile:
    """The text of a document, for what a message says of it."""

    path: Path
    text: str

    @cached_property
    def _lines(self) -> Mapping[Keys, int]:
        return key_lines(self.text)

    def place(self, keys: Keys) -> str:
        """Name the file, and the line of a key or of what holds it."""
        while keys and keys not in self._lines:
            keys = keys[:-1]
        return _place(self.path, self._lines[keys] if keys else None)


def read_document(path: str | os.PathLike[str]) -> tuple[TomlFile, dict[str, Any]]:
    """Read a file and its values. Raises `InvalidArgumentError` and `OSError`."""
    name = Path(path)
    with named(name), name.open("rb") as opened:
        content = opened.read(_MAX_SIZE + 1)
    if len(content) > _MAX_SIZE:
        raise PlacedError(f"{quoted(name)}: it has more than {_MAX_SIZE} bytes")
    try:
        text = content.decode()
        _check_keys(name, text)
        values = tomllib.loads(text)
    except PlacedError:
        raise
    except (ValueError, RecursionError) as error:
        line, reason = _explained(error, content)
        raise PlacedError(f"{_place(name, line)}: not TOML: {reason}") from error
    file = TomlFile(name, text)
    _check_integers(file, values)
    return file, values


def _place(path: Path, line: int | None) -> str:
    return quoted(path) if line is None else f"{quoted(path)}:{line}"


def _explained(error: Exception, content: bytes) -> tuple[int | None, str]:
    """Tell the line of what the parser does not take, if it does, and what it says of it."""
    line, reason = None, str(error)
    if isinstance(error, UnicodeDecodeError):
        line = content.count(b"\n", 0, error.start) + 1
        reason = "it is not valid UTF-8"
    elif match := _PLACE.search(reason):
        line, reason = int(match[1]), reason[: match.start()]
    elif reason.endswith(_AT_END):
        line = len(content.splitlines())
    elif isinstance(error, RecursionError):
        reason = "too many brackets inside one another"
    elif not isinstance(error, tomllib.TOMLDecodeError):
        reason = "a number has too many digits"  # which Python does not even count
    return line, f"{reason[:1].lower()}{reason[1:]}"


def _check_keys(path: Path, text: str) -> None:
    """Refuse what the parser would take, and with it all memory."""
    line = long_key(text, _MAX_PARTS)
    if line is not None:
        raise PlacedError(f"{_place(path, line)}: a key has more than {_MAX_PARTS} parts")


def _check_integers(file: TomlFile, values: dict[str, Any]) -> None:
    left: list[tuple[Keys, Any]] = [((), values)]
    while left:
        keys, value = left.pop()
        if isinstance(value, dict):
            left += [((*keys, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            left += [((*keys, number), item) for number, item in enumerate(value)]
        elif isinstance(value, int) and value not in _INTEGERS:
            raise PlacedError(f"{file.place(keys)}: an integer has more than 64 bits")
