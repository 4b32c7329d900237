"""The lines of a Dockerfile, joined to instructions: directives, comments, continuations, heredocs.

A line is read without its spaces in front. One that ends in the escape character goes on in the
next, with what stands there, spaces too; comments and empty lines in between are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.heredoc import heredocs_of
from fastlayer.dockerfile.instructions import Heredoc
from fastlayer.dockerfile.text import SPACES
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MAX_SIZE", "Lines", "Statement", "read_lines"]

MAX_SIZE: Final = 4 << 20
"""Bytes that a Dockerfile may have."""

# Bytes of one line, with which Docker's reader ends.
_MAX_LINE: Final = 65535

_DIRECTIVE: Final = re.compile(
    rf"#[{SPACES}]*(?P<name>[a-zA-Z][a-zA-Z0-9]*)[{SPACES}]*=(?P<value>.+)",
)
_DIRECTIVES: Final = ("check", "escape", "syntax")
_ESCAPES: Final = ("\\", "`")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One instruction as text, with the heredocs that follow it."""

    line: int
    text: str
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """What was read. `directives` are those before the first instruction, by their names.

    `gaps` are the lines of instructions that go on over an empty line, which Docker warns of.
    """

    statements: tuple[Statement, ...]
    directives: dict[str, str]
    gaps: tuple[int, ...]

    @property
    def escape(self) -> str:
        """The escape character."""
        return self.directives.get("escape", "\\")


def read_lines(content: bytes, *, file: str | None = None) -> Lines:
    """Read a file. Raises `DockerfileError` with the line that is wrong; `file` is what it says."""
    reader = _Reader(content, file)
    statements = tuple(reader.statements())
    if not statements:
        raise DockerfileError("it has no instructions", file)
    return Lines(statements, reader.directives, tuple(reader.gaps))


class _Reader:
    """A file while it is read, line by line."""

    def __init__(self, content: bytes, file: str | None) -> None:
        if len(content) > MAX_SIZE:
            raise DockerfileError(f"it has more than {MAX_SIZE} bytes", file)
        self.lines: Sequence[bytes] = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        if not self.lines[-1]:
            self.lines = self.lines[:-1]
        self.file = file
        self.number = 0
        self.directives: dict[str, str] = {}
        self.directives_may_follow = True
        self.gaps: list[int] = []

    def wrong(self, message: str, line: int | None = None) -> DockerfileError:
        return DockerfileError(message, self.file, line or self.number)

    def next(self) -> str | None:
        """Take the next line, without its line break; there is none at the end."""
        if self.number == len(self.lines):
            return None
        line = self.lines[self.number]
        self.number += 1
        if len(line) > _MAX_LINE:
            raise self.wrong(f"the line has more than {_MAX_LINE} bytes")
        return line.decode("utf-8", "surrogateescape")

    def statements(self) -> Iterator[Statement]:
        while (line := self.next()) is not None:
            line = line.rstrip("\r").lstrip(SPACES)
            self._look_for_directive(line)
            text, goes_on = self._continued(line)
            if not _is_comment(line) and (text or goes_on):
                start = self.number
                text = self._joined(text) if goes_on else text
                self._check(text, start)
                yield Statement(start, text, self._heredocs(text, start))

    def _joined(self, text: str) -> str:
        """Put the lines behind that belong to it."""
        start, parts = self.number, [text]
        goes_on = True
        while goes_on and (line := self.next()) is not None:
            line = line.rstrip("\r")
            if _is_comment(line):
                continue
            if not line.strip(SPACES):
                self.gaps += [start] if start not in self.gaps[-1:] else []
                continue
            text, goes_on = self._continued(line)
            parts.append(text)
        return "".join(parts)

    def _continued(self, line: str) -> tuple[str, bool]:
        """Say whether the line goes on, and take the escape character away that says so.

        One before it makes it mean itself, even if that one is escaped too.
        """
        escape = self.directives.get("escape", "\\")
        text = line.rstrip(" \t")
        if text.endswith(escape) and not text.endswith(escape * 2):
            return text[:-1], True
        return line, False

    def _look_for_directive(self, line: str) -> None:
        """Keep `# name=value`, as long as there is nothing but such lines."""
        match = _DIRECTIVE.fullmatch(line) if self.directives_may_follow else None
        name = match["name"].lower() if match else ""
        if match is None or name not in _DIRECTIVES:
            self.directives_may_follow = False
            return
        value = match["value"].strip(SPACES)
        if name in self.directives:
            raise self.wrong(f"the directive {quoted(name)} is given twice")
        if name == "escape" and value not in _ESCAPES:
            raise self.wrong(f"the escape character is {quoted(value)}: expected \\ or `")
        self.directives[name] = value

    def _heredocs(self, text: str, start: int) -> tuple[Heredoc, ...]:
        try:
            begun = heredocs_of(text)
        except DockerfileError as error:
            raise self.wrong(str(error), start) from error
        return tuple(self._filled(heredoc, start) for heredoc in begun)

    def _filled(self, heredoc: Heredoc, start: int) -> Heredoc:
        parts: list[str] = []
        while (line := self.next()) is not None:
            end = line.rstrip("\r")
            if (end.lstrip("\t") if heredoc.chomp else end) == heredoc.name:
                content = "".join(parts)
                self._check(content, start)
                return Heredoc(heredoc.name, content, heredoc.expand, heredoc.chomp)
            parts.append(f"{line}\n")
        raise self.wrong(f"the heredoc {quoted(heredoc.name)} has no end", start)

    def _check(self, text: str, line: int) -> None:
        """Refuse what no config can hold. Comments may be in any encoding."""
        if "\0" in text or _SURROGATE.search(text):
            raise self.wrong("it has a NUL or is not UTF-8", line)


def _is_comment(line: str) -> bool:
    return line.lstrip(SPACES).startswith("#")
