"""What a space is in a Dockerfile, and text as Go writes it, which is how histories show values."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_LENGTH",
    "MAX_WORD",
    "SPACES",
    "json_words",
    "quoted_rune",
    "quoted_text",
    "quoted_texts",
    "split",
    "split_once",
]

SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's `unicode.IsSpace` takes for one."""

MAX_LENGTH: Final = 16 << 20
"""Characters that one expansion may come to: variables that double on each line grow fast.

All steps of a history together may have as many, and all arguments before the first FROM.
"""

MAX_WORD: Final = 128 << 10
"""Characters of one word: more than a process can be given (MAX_ARG_STRLEN of Linux)."""

# What separates the words of most instructions.
_GAP: Final = re.compile(r"[\t\v\f\r ]+")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SHORT_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
}


def split_once(text: str) -> list[str]:
    """Split at the first gap, into at most two."""
    return _GAP.split(text, maxsplit=1)


def split(text: str) -> list[str]:
    """Split at all gaps."""
    return _GAP.split(text)


def json_words(text: str) -> list[object] | None:
    """Read a JSON array; `None` for anything else."""
    text = text.lstrip(SPACES)
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    # Half of a pair in an escape is no character; Go's decoder puts this in its place.
    return [_SURROGATE.sub("\ufffd", word) if isinstance(word, str) else word for word in words]


def _no_constant(name: str) -> object:
    raise ValueError(name)  # JSON has no NaN, Python's reader has


def quoted_text(text: str) -> str:
    r"""Write text as Go's `%q` does: `"a\n"`."""
    return '"' + "".join(r"\"" if rune == '"' else _escaped(rune) for rune in text) + '"'


def quoted_texts(texts: Iterable[str]) -> str:
    """Write a list of text as Go's `%q` does: `["a" "b"]`."""
    return "[" + " ".join(map(quoted_text, texts)) + "]"


def quoted_rune(number: int) -> str:
    r"""Write a number as Go's `%q` does, which takes it for a character: `'\x03'`."""
    rune = chr(number) if number <= sys.maxunicode else "\ufffd"
    rune = _SURROGATE.sub("\ufffd", rune)
    return "'" + (r"\'" if rune == "'" else _escaped(rune)) + "'"


def _escaped(rune: str) -> str:
    if short := _SHORT_ESCAPES.get(rune):
        return short
    if rune.isprintable():
        return rune
    code = ord(rune)
    if rune.isascii():
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if rune <= "\uffff" else f"\\U{code:08x}"
