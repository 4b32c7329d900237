"""What a server asks for with status 401: `WWW-Authenticate` (RFC 9110, section 11)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Challenge", "parse_challenges"]

# Characters of a header that is read: real ones have a few hundred. What a longer one asks for
# would go into URLs, each scope of it, request after request.
_LIMIT: Final = 16 << 10

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"

# A parameter, or else the name of a scheme, or else what is neither and is passed over. A value
# without quotes should be a token; URLs are seen there too.
_PART: Final = re.compile(
    rf'(?P<name>{_WORD})\s*+=\s*+(?:"(?P<text>(?:[^"\\]|\\.)*+)"|(?P<value>[^\s,"]++))'
    rf"|(?P<scheme>{_WORD})(?![^\s,])"
    r"|[^\s,]++"
)
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A scheme, such as `basic` or `bearer`, and its parameters; the names in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(header: str) -> list[Challenge]:
    """Read the header, which may have several challenges, joined by commas.

    What is not well formed is left out: the rest may still say what to do. Of a header of more than
    16 KiB nothing is read.
    """
    challenges: list[Challenge] = []
    if len(header) > _LIMIT:
        return challenges
    for part in _PART.finditer(header):
        if part["scheme"]:
            challenges.append(Challenge(part["scheme"].lower()))
        elif part["name"] and challenges:
            text = part["text"]
            value = part["value"] if text is None else _ESCAPED.sub(r"\1", text)
            challenges[-1].parameters.setdefault(part["name"].lower(), value)
    return challenges
