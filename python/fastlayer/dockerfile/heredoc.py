"""Where heredocs begin: `<<NAME`, `<<-NAME` and `<<"NAME"` in RUN, COPY and ADD."""

from __future__ import annotations

import re
from typing import Final

from fastlayer.dockerfile.instructions import Heredoc
from fastlayer.dockerfile.split import split_statement
from fastlayer.dockerfile.text import json_words
from fastlayer.dockerfile.words import Lexer
from fastlayer.errors import DockerfileError, quoted

__all__ = ["check_file_name", "heredoc_of", "heredocs_of"]

_HEREDOC: Final = re.compile(r"[0-9]*<<(?P<chomp>-?)(?P<name>[^<]+)", re.DOTALL)
_HOLDERS: Final = ("add", "copy", "run")

# These are the shell's words, whatever the escape character of the file is.
_SHELL: Final = Lexer(raw_quotes=True, raw_escapes=True, keep_unset=True)
_NAMES: Final = Lexer(keep_unset=True)
_QUOTED_NAMES: Final = Lexer(raw_quotes=True, keep_unset=True)


def heredocs_of(text: str) -> tuple[Heredoc, ...]:
    """List the heredocs that an instruction begins, without their contents."""
    if "<<" not in text:
        return ()
    name, _, rest = split_statement(text)
    if name.lower() == "onbuild":
        name, _, rest = split_statement(rest)
    if name.lower() not in _HOLDERS or json_words(rest) is not None:
        return ()
    try:
        words = _SHELL.split(text, {})
    except DockerfileError:
        return ()
    return tuple(found for word in words if (found := heredoc_of(word)))


def heredoc_of(word: str) -> Heredoc | None:
    """Read one word; `None` if it begins no heredoc. A quote in the name forbids expansion.

    Raises `DockerfileError` for quotes without end.
    """
    match = _HEREDOC.fullmatch(word)
    if match is None:
        return None
    names = _NAMES.split(match["name"], {})
    if len(names) != 1:
        return None
    written = _QUOTED_NAMES.split(match["name"], {})
    if len(written) != 1:
        raise DockerfileError(f"the name of the heredoc {quoted(word)} is more than one word")
    expand = _quotes(written[0]) == _quotes(names[0])
    return Heredoc(names[0], "", expand, match["chomp"] == "-")


def check_file_name(heredoc: Heredoc) -> None:
    """Refuse a heredoc that becomes a file, if its name leads elsewhere. Raises `DockerfileError`.

    BuildKit takes such a name as a path.
    """
    if heredoc.name in ("", ".", "..") or "/" in heredoc.name:
        raise DockerfileError(
            f"{quoted(f'<<{heredoc.name}')} names a file: it cannot be `.` or `..`, or have a `/`"
        )


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
