r"""Patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`.

`*` stands for any characters, `?` for one, `\` escapes. No line break is matched by either, as
with the regular expressions that BuildKit makes of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["replaced", "without_prefix", "without_suffix"]

_STAR: Final = None
_ONE: Final = re.compile(".")

# A character by itself, `_ONE` for any one, or `_STAR`.
_Token = str | re.Pattern[str] | None


def without_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Take off the shortest or longest beginning that matches."""
    match = _compiled(_tokens(pattern), longest=longest).match(value)
    return value[match.end() :] if match else value


def without_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Take off the shortest or longest end that matches."""
    # The shortest end is the shortest beginning from behind.
    match = _compiled(_tokens(pattern)[::-1], longest=longest).match(value[::-1])
    return value[: len(value) - match.end()] if match else value


def replaced(value: str, pattern: str, text: str, *, everywhere: bool) -> str:
    """Put `text` in place of the first match, or of every one; a match is as long as can be."""
    parts: list[str] = []
    position = 0
    for match in _compiled(_tokens(pattern), longest=True).finditer(value):
        start, end = match.span()
        # Where a match ended, there is not one more of nothing.
        if start == end == position and parts:
            continue
        parts += [value[position:start], text]
        position = end
        if not everywhere:
            break
    return "".join((*parts, value[position:]))


def _tokens(pattern: str) -> Sequence[_Token]:
    tokens: list[_Token] = []
    runes = iter(pattern)
    for rune in runes:
        match rune:
            case "*":
                tokens.append(_STAR)
            case "?":
                tokens.append(_ONE)
            case "\\":
                escaped = next(runes, "")
                # Without `}` and `/` escaped, the substitution would end there.
                if escaped == "" or escaped not in r"*?\}/":
                    raise DockerfileError(
                        f"the pattern {quoted(pattern)} has a `\\` before "
                        f"{quoted(escaped) if escaped else 'its end'}"
                    )
                tokens.append(escaped)
            case _:
                tokens.append(rune)
    return tokens


def _compiled(tokens: Sequence[_Token], *, longest: bool) -> re.Pattern[str]:
    """Make a regular expression that never goes back further than to its last star.

    What follows a star may as well be where it is found first: only the last star decides how
    long a match is.
    """
    runs: list[str] = [""]
    for token in tokens:
        if token is _STAR:
            runs.append("")
        else:
            runs[-1] += re.escape(token) if isinstance(token, str) else "."
    first, *middle = runs
    if not middle:
        return re.compile(first)
    *middle, last = middle
    steps = "".join(f"(?>.*?{run})" for run in middle)
    return re.compile(f"{first}{steps}.*{'' if longest else '?'}{last}")
