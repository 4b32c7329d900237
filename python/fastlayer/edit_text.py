"""Edits as the text of a TOML file, which `fastlayer.edit_file` reads back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.rewriting import Appended, Substituted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fastlayer.edit import Edit

__all__ = ["edits_text"]

_Pairs = list[tuple[str, str]]

# What is put is there whatever it meets.
_ALWAYS: Final = frozenset({"put", "directory", "symlink"})


def edits_text(edits: Iterable[Edit]) -> str:
    """Write a table `[[edit]]` for each, with a line break between them.

    Raises `InvalidArgumentError` for one that no file can say: a function, or a name that is no
    text.
    """
    return "\n".join(_table(edit) for edit in edits)


def _table(edit: Edit) -> str:
    name, *terms = edit.terms
    try:
        pairs = _WRITERS[name](*terms)
    except (KeyError, UnicodeError):
        raise InvalidArgumentError(f"no text can say what {quoted(edit)} does") from None
    if edit.optional and name not in _ALWAYS:
        pairs = [*pairs, ("optional", "true")]
    return "[[edit]]\n" + "".join(f"{key} = {value}\n" for key, value in pairs)


def _put(path: bytes, source: bytes | str, mode: int | None, owner: tuple[int, int]) -> _Pairs:
    content = ("content", _text(source)) if isinstance(source, bytes) else ("file", _text(source))
    return [("put", _text(path)), content, *_metadata(mode, owner)]


def _directory(path: bytes, _: None, mode: int, owner: tuple[int, int]) -> _Pairs:
    return [("directory", _text(path)), *_metadata(mode, owner)]


def _symlink(path: bytes, target: bytes, _: None, owner: tuple[int, int]) -> _Pairs:
    return [("symlink", _text(path)), ("target", _text(target)), *_metadata(None, owner)]


def _metadata(mode: int | None, owner: tuple[int, int]) -> Iterator[tuple[str, str]]:
    if mode is not None:
        yield "mode", f'"{mode:04o}"'
    if owner != (0, 0):
        yield "owner", '"{}:{}"'.format(*owner)


def _rewrite(path: bytes, function: object) -> _Pairs:
    match function:
        case Appended(lines):
            return [("append", _text(path)), ("lines", _text(lines))]
        case Substituted(pattern, replacement):
            return [
                ("substitute", _text(path)),
                ("pattern", _text(pattern)),
                ("replacement", _text(replacement)),
            ]
    raise KeyError(function)


_WRITERS: Final[dict[str, Callable[..., _Pairs]]] = {
    "exclude": lambda patterns: [("exclude", _texts(patterns))],
    "path_rules": lambda lines: [("path_rules", _texts(lines))],
    "remove": lambda path: [("remove", _text(path))],
    "rename": lambda source, target: [("rename", _text(source)), ("to", _text(target))],
    "put": _put,
    "directory": _directory,
    "symlink": _symlink,
    "chmod": lambda patterns, mode: [("chmod", _texts(patterns)), ("mode", f'"{mode:04o}"')],
    "chown": lambda patterns, owner: [
        ("chown", _texts(patterns)),
        ("owner", '"{}:{}"'.format(*owner)),
    ],
    "truncate": lambda patterns: [("truncate", _texts(patterns))],
    "rewrite": _rewrite,
    "clamp_mtime": lambda latest: [("clamp_mtime", str(latest))],
}


def _texts(patterns: Sequence[bytes]) -> str:
    if len(patterns) == 1:
        return _text(patterns[0])
    return "[\n" + "".join(f"    {_text(pattern)},\n" for pattern in patterns) + "]"


def _text(value: Any) -> str:
    """Write a string: over several lines where that is easier to read."""
    text = value.decode() if isinstance(value, bytes) else value
    text.encode()  # a name of the host may be no text
    several = "\n" in text[:-1] or ('"' in text and text.endswith("\n"))
    if several and all(character == "\n" or character.isprintable() for character in text):
        escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
        return f'"""\n{escaped}"""' if not escaped.endswith('"') else _line(text)
    return _line(text)


def _line(text: str) -> str:
    if "'" not in text and ("\\" in text or '"' in text) and text.isprintable():
        return f"'{text}'"
    # JSON's escapes are TOML's, which wants DEL escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
