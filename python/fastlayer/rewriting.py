"""Functions of the content of a file, as values that compare and can be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastlayer.errors import InvalidArgumentError, quoted

__all__ = ["Appended", "Substituted"]


@dataclass(frozen=True, slots=True)
class Appended:
    """Lines at the end. Content that has them already stays as it is.

    Raises `InvalidArgumentError` if there are none.
    """

    lines: bytes

    def __post_init__(self) -> None:
        if not (isinstance(self.lines, bytes) and self.lines):
            raise InvalidArgumentError(f"`lines` is {quoted(repr(self.lines))}: expected bytes")

    def __call__(self, content: bytes, /) -> bytes:
        """Add the lines, behind a line break if the last line lacks its own."""
        if content and not content.endswith(b"\n"):
            content += b"\n"
        return content if b"\n" + self.lines in b"\n" + content else content + self.lines


@dataclass(frozen=True, slots=True)
class Substituted:
    """What a regular expression matches, replaced; `^` and `$` match at every line.

    Raises `InvalidArgumentError` if `re` does not take one of both.
    """

    pattern: str
    replacement: str

    def __post_init__(self) -> None:
        try:
            self(b"")
        except (re.error, IndexError, UnicodeEncodeError) as error:
            expression = quoted(self.pattern)
            raise InvalidArgumentError(
                f"the expression {expression}, or its replacement, is wrong: {error}"
            ) from error

    def __call__(self, content: bytes, /) -> bytes:
        """Replace each match, as `re.sub` does with bytes."""
        pattern, replacement = self.pattern.encode(), self.replacement.encode()
        return re.sub(pattern, replacement, content, flags=re.MULTILINE)
