"""Where the keys of a TOML document are: `tomllib` gives values, but not the lines they are on."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["Keys", "key_lines", "long_key"]

Keys: TypeAlias = "tuple[str | int, ...]"
"""The way to a value: names of keys, and numbers from 0 of what arrays hold."""

# Text of one line or several, space, what structures a document, and all else: keys and values.
_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?!"")(?:[^"\\\n]++|\\.)*+"'
    r"|'(?!'')[^'\n]*+'"
    r"|(?P<space>[ \t\r]++|#[^\n]*+)"
    r"|(?P<mark>[\[\]{}=,\n])"
    r"""|(?P<bare>[^\s\[\]{}=,"'#]++)""",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Keys, int]:
    """List every key and item of a document, which is valid TOML, with its line from 1."""
    scan = _Scan(text)
    for token in _TOKEN.finditer(f"{text}\n"):
        if token["space"] is None:
            scan.take(token[0], token.start(), token.end())
        scan.line += token[0].count("\n")
    return scan.lines


def long_key(text: str, limit: int) -> int | None:
    """Return the line of the first key with more than `limit` parts, if a text has one.

    It may be any text. Where it stops being TOML, the search ends, as the parser does.
    """
    if text.count(".") < limit:
        return None
    dots = end = 0
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            return None
        end = token.end()
        if token["mark"]:
            dots = 0
        elif token["bare"]:
            dots += token[0].count(".")
        if dots >= limit:
            return text.count("\n", 0, end) + 1
    return None


@dataclass(slots=True)
class _Frame:
    """A table or array that is open: the document, `{` or `[`."""

    path: Keys
    index: int | None = None  # of the next item of an array; none in a table
    value: Keys | None = None  # whose value comes next; none where a key does
    start: int = -1  # of the key that is being read
    end: int = -1


class _Scan:
    """A document that is gone through, token by token."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Keys, int] = {}
        self.line = 1
        self._text = text
        self._frames = [_Frame(())]
        self._last: dict[Keys, int] = {}  # the number of the last table of an array, `[[name]]`

    def take(self, word: str, start: int, end: int) -> None:
        """Go on by one token."""
        frame = self._frames[-1]
        is_document = len(self._frames) == 1
        if word == "\n":
            if is_document:
                self._end_statement(frame)
        elif frame.value is None:
            self._take_key(frame, word, start, end)
        elif word == ",":
            self._next(frame)
        elif word in "]}" and not is_document:
            self._frames.pop()
        else:
            self._take_value(frame, frame.value, word)

    def _take_key(self, frame: _Frame, word: str, start: int, end: int) -> None:
        if word == "=":
            frame.value = frame.path + _keys(f"{self._text[frame.start : frame.end]}=0")
            self._note(frame.value, len(frame.path))
            frame.start = -1
        elif word == "}":
            self._frames.pop()
        elif word != ",":
            frame.start = start if frame.start < 0 else frame.start
            frame.end = end

    def _take_value(self, frame: _Frame, path: Keys, word: str) -> None:
        if frame.index is not None:
            self._note(path, len(frame.path))
        if word == "[":
            self._frames.append(_Frame(path, index=0, value=(*path, 0)))
        elif word == "{":
            self._frames.append(_Frame(path))

    def _next(self, frame: _Frame) -> None:
        """Go on behind a comma."""
        if frame.index is None:
            frame.value = None
        else:
            frame.index += 1
            frame.value = (*frame.path, frame.index)

    def _end_statement(self, frame: _Frame) -> None:
        """Go on behind a line; what had no `=` in it was the header of a table."""
        if frame.start >= 0:
            header = self._text[frame.start : frame.end]
            frame.path = self._header(_keys(header), is_item=header.startswith("[["))
        frame.value, frame.start = None, -1

    def _header(self, keys: Keys, *, is_item: bool) -> Keys:
        """Return the way to the table that begins here; `[[name]]` is one more of its array."""
        path: Keys = ()
        for key in keys[:-1]:
            path = (*path, key)
            path = (*path, self._last[path]) if path in self._last else path
        path = (*path, keys[-1])
        if is_item:
            self.lines.setdefault(path, self.line)
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
        self._note(path, 0)
        return path

    def _note(self, path: Keys, known: int) -> None:
        """Remember the line of `path`, and of what that implies beyond its first `known` keys."""
        for length in range(known + 1, len(path)):
            self.lines.setdefault(path[:length], self.line)
        self.lines[path] = self.line


def _keys(statement: str) -> Keys:
    """Read a key with its dots and quotes, in a statement of its own."""
    keys: list[str] = []
    value = tomllib.loads(statement)
    while isinstance(value, dict) and value:
        ((key, value),) = value.items()
        keys.append(key)
    return tuple(keys)
