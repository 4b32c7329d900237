"""Words with variables and quotes in them, as Docker's own small shell reads them.

`$name`, `${name}`, and with a colon (which takes an empty variable for one that is not set) or
without: `${name:-word}`, `${name:+word}`, `${name:?message}`; `${name#pattern}` and `##`, `%` and
`%%`; `${name/pattern/text}` and `//`. In `'…'` nothing is special, in `"…"` variables and the
escapes of `"`, `$` and the escape character itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.pattern import replaced, without_prefix, without_suffix
from fastlayer.dockerfile.text import MAX_LENGTH, SPACES
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Lexer"]

# `${a:-${b:-…}}`: deeper than this, nobody means it.
_MAX_DEPTH: Final = 64

_SPECIAL_NAMES: Final = "@*#?-$!"
_WITH_WORD: Final = "-+?#%"


@dataclass(slots=True)
class _Words:
    """Text as it comes, and the words that its spaces make of it where no quote protects them."""

    parts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    word: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, *, protected: bool) -> None:
        self.length += len(text)
        if self.length > MAX_LENGTH:
            raise DockerfileError(f"an expansion has more than {MAX_LENGTH} characters")
        self.parts.append(text)
        if protected:
            if text:
                self.word.append(text)
            return
        for rune in text:
            if rune not in SPACES:
                self.word.append(rune)
            elif self.word:
                self.end_word()

    def end_word(self) -> None:
        if self.word:
            self.words.append("".join(self.word))
            self.word.clear()


@dataclass(frozen=True, slots=True)
class Lexer:
    """How words are read. With `raw_quotes` and `raw_escapes` these stay in the result.

    Without `quotes` they are nothing special; with `keep_unset`, variables that are not set stay
    as they are written.
    """

    escape: str = "\\"
    quotes: bool = True
    raw_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False

    def expand(self, text: str, variables: Mapping[str, str]) -> str:
        """Replace the variables and take the quotes away. Raises `DockerfileError`."""
        return "".join(self._read(text, variables).parts)

    def split(self, text: str, variables: Mapping[str, str]) -> list[str]:
        """Do so, and split the result where a space is in no quotes. Raises `DockerfileError`."""
        return self._read(text, variables).words

    def _read(self, text: str, variables: Mapping[str, str]) -> _Words:
        reader = _Reader(self, text, variables)
        try:
            return reader.until("", raw_escapes=self.raw_escapes)
        except DockerfileError as error:
            raise DockerfileError(f"{quoted(text)}: {error}") from error


class _Reader:
    """One text while it is read; every method goes on at `position`."""

    def __init__(self, lexer: Lexer, text: str, variables: Mapping[str, str]) -> None:
        self.lexer = lexer
        self.text = text
        self.variables = variables
        self.position = 0
        self.depth = 0

    def peek(self) -> str:
        """Show the next character; there is none at the end."""
        return self.text[self.position : self.position + 1]

    def next(self) -> str:
        """Take the next character."""
        rune = self.peek()
        self.position += len(rune)
        return rune

    def until(self, stop: str, *, raw_escapes: bool) -> _Words:
        """Read until `stop`, which is taken too; without one, to the end."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise DockerfileError(f"substitutions are nested deeper than {_MAX_DEPTH}")
        found = _Words()
        while rune := self.peek():
            if rune == stop:
                self.position += 1
                break
            if rune == "$":
                found.add(self._dollar(), protected=False)
            elif rune == "'" and self.lexer.quotes:
                found.add(self._single_quoted(), protected=True)
            elif rune == '"' and self.lexer.quotes:
                found.add(self._double_quoted(raw_escapes=raw_escapes), protected=True)
            elif rune == self.lexer.escape:
                self.position += 1
                escaped = self.next()
                found.add((rune if raw_escapes else "") + escaped, protected=True)
            else:
                found.add(self._plain(stop), protected=False)
        else:
            if stop:
                raise DockerfileError(f"the {quoted(stop)} of a substitution is missing")
        found.end_word()
        self.depth -= 1
        return found

    def _plain(self, stop: str) -> str:
        """Take all characters up to the next that means something; the first one does not."""
        special = f"$'\"{self.lexer.escape}{stop}"
        start = self.position
        self.position += 1
        while (rune := self.peek()) and rune not in special:
            self.position += 1
        return self.text[start : self.position]

    def _single_quoted(self) -> str:
        start = self.position
        end = self.text.find("'", start + 1)
        if end < 0:
            raise DockerfileError("a single quote has no end")
        self.position = end + 1
        return self.text[start : end + 1] if self.lexer.raw_quotes else self.text[start + 1 : end]

    def _double_quoted(self, *, raw_escapes: bool) -> str:
        quote = self.next() if self.lexer.raw_quotes else self.next()[:0]
        found = _Words([quote])
        while rune := self.peek():
            if rune == '"':
                self.position += 1
                return "".join((*found.parts, quote))
            if rune == "$":
                found.add(self._dollar(), protected=True)
                continue
            self.position += 1
            if rune == self.lexer.escape:
                following = self.peek()
                if raw_escapes and following:
                    found.parts.append(rune)
                if following and following in f'"${self.lexer.escape}':
                    rune = self.next()
                elif not following:
                    continue
            found.parts.append(rune)
        raise DockerfileError("a double quote has no end")

    def _dollar(self) -> str:
        self.position += 1
        if self.peek() == "{":
            self.position += 1
            return self._braces()
        name = self._name()
        if not name:
            return "$"
        value = self.variables.get(name)
        if value is None:
            return f"${name}" if self.lexer.keep_unset else ""
        return value

    def _braces(self) -> str:
        if self.peek() in ("{", "}", ":"):
            raise DockerfileError("bad substitution: a name is missing after `${`")
        name = self._name()
        modifier = self.next()
        if modifier == "}":
            value = self.variables.get(name)
            if value is None:
                return f"${{{name}}}" if self.lexer.keep_unset else ""
            return value
        if modifier == "/":
            return self._replacement(name)
        if modifier == ":":
            modifier += self.next()
        if not modifier:
            raise DockerfileError("the `}` of a substitution is missing")
        if modifier[-1] not in _WITH_WORD or modifier in (":#", ":%"):
            raise DockerfileError(f"unknown modifier {quoted(modifier)} in a substitution")
        word = "".join(self.until("}", raw_escapes=modifier in "#%").parts)
        if self.lexer.keep_unset and name not in self.variables:
            return f"${{{name}{modifier}{word}}}"
        return self._modified(name, modifier, word)

    def _modified(self, name: str, modifier: str, word: str) -> str:
        value = self.variables.get(name)
        missing = value is None or (modifier[0] == ":" and not value)
        match modifier[-1]:
            case "-":
                return word if value is None or missing else value
            case "+":
                return "" if missing else word
            case "?":
                if value is None or missing:
                    state = "unset" if value is None else "empty"
                    raise DockerfileError(f"{name}: {word or f'is not allowed to be {state}'}")
                return value
            case side:
                trimmed = without_prefix if side == "#" else without_suffix
                longest = word.startswith(side)
                return trimmed(value or "", word[longest:], longest=longest)

    def _replacement(self, name: str) -> str:
        everywhere = self.peek() == "/"
        self.position += everywhere
        pattern = "".join(self.until("/", raw_escapes=True).parts)
        text = "".join(self.until("}", raw_escapes=True).parts)
        value = self.variables.get(name)
        if value is None and self.lexer.keep_unset:
            return f"${{{name}/{pattern}/{text}}}"
        return replaced(value or "", pattern, text, everywhere=everywhere)

    def _name(self) -> str:
        """Take a name: letters, digits and `_`; or digits alone, or one special character."""
        start = self.position
        first = self.peek()
        if first.isdecimal():
            while self.peek().isdecimal():
                self.position += 1
        elif first and first in _SPECIAL_NAMES:
            self.position += 1
        else:
            while (rune := self.peek()) and (rune.isalpha() or rune.isdecimal() or rune == "_"):
                self.position += 1
        return self.text[start : self.position]
