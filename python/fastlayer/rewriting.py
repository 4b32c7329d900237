"""Functions of the content of a file, as values that compare and can be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Appended", "Substituted"]

_MAX_REWRITTEN: Final = 4 << 20  # the core refuses more, and knows the path

# What a replacement is made of: a group or escape, or text. A number has at most three digits.
_PIECE: Final = re.compile(rb"\\(?:g<[^>]*>|[0-9]{1,3}|.)|[^\\]+", re.DOTALL)

_WRONG: Final = (re.error, IndexError, OverflowError, RecursionError, MemoryError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Appended:
    """Whole lines at the end. Content that has them already stays as it is.

    Raises `InvalidArgumentError` if there are none.
    """

    lines: bytes

    def __post_init__(self) -> None:
        if not (isinstance(self.lines, bytes) and self.lines):
            raise InvalidArgumentError(f"`lines` is {quoted(repr(self.lines))}: expected bytes")
        if not self.lines.endswith(b"\n"):
            object.__setattr__(self, "lines", self.lines + b"\n")

    def __call__(self, content: bytes, /) -> bytes:
        """Add the lines, behind a line break if the last line lacks its own."""
        ended = content if content.endswith(b"\n") or not content else content + b"\n"
        return content if b"\n" + self.lines in b"\n" + ended else ended + self.lines


@dataclass(frozen=True, slots=True)
class Substituted:
    """What a regular expression matches, replaced; `^` and `$` match at every line.

    Raises `InvalidArgumentError` if `re` does not take one of both.
    """

    pattern: str
    replacement: str

    def __post_init__(self) -> None:
        for name, text in (("pattern", self.pattern), ("replacement", self.replacement)):
            if not isinstance(text, str):
                raise InvalidArgumentError(f"`{name}` must be text, got `{type(text).__name__}`")
        try:
            re.sub(self.pattern.encode(), self.replacement.encode(), b"", flags=re.MULTILINE)
        except _WRONG as error:
            expression = quoted(self.pattern)
            raise InvalidArgumentError(
                f"the expression {expression}, or its replacement, is wrong: {error}"
            ) from error

    def __call__(self, content: bytes, /) -> bytes:
        """Replace each match, as `re.sub` does with bytes, until it is too much for an edit."""
        made = bytearray()
        for part in self._parts(content):
            made += part
            if len(made) > _MAX_REWRITTEN:
                break
        return bytes(made)

    def _parts(self, content: bytes) -> Iterator[bytes]:
        """Give the new content in parts that are no longer than the old, or the replacement."""
        pieces = _PIECE.findall(self.replacement.encode())
        end = 0
        for match in re.finditer(self.pattern.encode(), content, flags=re.MULTILINE):
            yield content[end : match.start()]
            for piece in pieces:
                yield match.expand(piece) if piece.startswith(b"\\") else piece
            end = match.end()
        yield content[end:]
