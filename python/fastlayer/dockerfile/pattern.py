r"""Patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`.

`*` stands for any characters, `?` for one, `\` escapes. No line break is matched by either, as
with the regular expressions that BuildKit makes of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.text import MAX_LENGTH
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    length = len(value)
    for match in _matches(value, _tokens(pattern)):
        start, end = match.span()
        # Where a match ended, there is not one more of nothing.
        if start == end == position and parts:
            continue
        length += len(text) - (end - start)
        if length > MAX_LENGTH:
            raise DockerfileError(f"an expansion has more than {MAX_LENGTH} characters")
        parts += [value[position:start], text]
        position = end
        if not everywhere:
            break
    return "".join((*parts, value[position:]))


def _matches(value: str, tokens: Sequence[_Token]) -> Iterator[re.Match[str]]:
    """Find one match after the other, as `finditer` does but in linear time.

    Where what follows the first star is not found, it is not found from further on in the line.
    """
    stars = [at for at, token in enumerate(tokens) if token is _STAR]
    before = _compiled(tokens[: stars[0]] if stars else tokens, longest=True)
    whole = _compiled(tokens, longest=True)
    position = 0
    while position <= len(value) and (begun := before.search(value, position)):
        match = whole.match(value, begun.start())
        if match is not None:
            yield match
            position = match.end() + (match.start() == match.end())
            continue
        line_break = value.find("\n", begun.end())
        if line_break < 0:
            return
        position = line_break + 1 - len(begun[0])


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
