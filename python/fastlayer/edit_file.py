r"""Edits as a TOML file: a table `[[edit]]` for each, with one verb and what the verb needs.

    [[edit]]
    path_rules = ["path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright"]

    [[edit]]
    put = "etc/hostname"
    content = "debian\n"        # or file = "hostname", relative to this file

    [[edit]]
    remove = ["boot", "var/cache/apt"]
    optional = true             # nobody misses what is not there

The verbs are the functions of `fastlayer.edit`; a mode is text in octal, an owner text such as
`0:0`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastlayer import edit
from fastlayer.attribute import octal
from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["read_edits"]

# Bytes of such a file: content of this size belongs into files of its own.
_MAX_SIZE: Final = 4 << 20

_T = TypeVar("_T")


def read_edits(path: str | os.PathLike[str]) -> list[edit.Edit]:
    """Read the edits of a file, in their order. Raises `InvalidArgumentError` and `OSError`."""
    name = Path(path)
    try:
        tables = _tables(_document(name))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{quoted(name)}: {error}") from error
    edits: list[edit.Edit] = []
    for number, table in enumerate(tables, 1):
        try:
            edits += _edits_of(table, name.parent)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{quoted(name)}: edit {number}: {error}") from error
    return edits


def _document(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        text = file.read(_MAX_SIZE + 1)
    if len(text) > _MAX_SIZE:
        raise InvalidArgumentError(f"it has more than {_MAX_SIZE} bytes")
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        reason = str(error)
        raise InvalidArgumentError(f"not TOML: {reason[:1].lower()}{reason[1:]}") from error


def _tables(document: dict[str, Any]) -> list[dict[str, Any]]:
    tables = document.pop("edit", [])
    for key in document:
        raise _unknown(key, ["edit"])
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        raise InvalidArgumentError("`edit` must be an array of tables: write `[[edit]]`")
    return tables


def _edits_of(table: Mapping[str, Any], folder: Path) -> Sequence[edit.Edit]:
    """Make what one table says; a list of paths to be removed is as many edits."""
    name = _verb_of(table)
    verb = _VERBS[name]
    details = [*verb.needs, *verb.takes, "optional"]
    for key in table:
        if key not in (name, *details):
            raise _unknown(key, details)
    for key in verb.needs:
        if key not in table:
            raise InvalidArgumentError(f"`{name}` needs `{key}`")
    try:
        edits = verb.make(_Table(table, folder))
        return _optional(edits) if _Table(table, folder).flag("optional") else edits
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"`{name}`: {error}") from error


def _optional(edits: Sequence[edit.Edit]) -> Sequence[edit.Edit]:
    return [replace(made, optional=True) for made in edits]


def _verb_of(table: Mapping[str, Any]) -> str:
    verbs = [key for key in table if key in _VERBS]
    if len(verbs) > 1:
        raise InvalidArgumentError(
            f"`{verbs[0]}` and `{verbs[1]}` are two edits: write `[[edit]]` before each"
        )
    if verbs:
        return verbs[0]
    details = {key for verb in _VERBS.values() for key in (*verb.needs, *verb.takes, "optional")}
    for key in table:
        if key not in details:
            raise _unknown(key, list(_VERBS))
    raise InvalidArgumentError(f"nothing says what to do: expected {_one_of(list(_VERBS))}")


def _unknown(key: str, known: Sequence[str]) -> InvalidArgumentError:
    near = get_close_matches(key, known, n=1)
    if near:
        return InvalidArgumentError(f"unknown key {quoted(key)}: did you mean `{near[0]}`?")
    return InvalidArgumentError(f"unknown key {quoted(key)}: expected {_one_of(known)}")


def _one_of(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


@dataclass(frozen=True, slots=True)
class _Table:
    """The values of one edit, each checked when it is asked for."""

    values: Mapping[str, Any]
    folder: Path

    def text(self, key: str) -> str:
        value = self.values[key]
        if not isinstance(value, str):
            raise InvalidArgumentError(f"`{key}` must be text, got `{type(value).__name__}`")
        return value

    def name(self, key: str) -> str:
        """Text that the kernel takes: as a path, or as where a link leads."""
        value = self.text(key)
        if not value or "\0" in value:
            raise InvalidArgumentError(f"`{key}` is empty or has a NUL: {quoted(value)}")
        return value

    def texts(self, key: str) -> Sequence[str]:
        """Texts, of which one alone needs no brackets."""
        value = self.values[key]
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise InvalidArgumentError(f"`{key}` must be text or an array of text")

    def mode(self, default: _T) -> int | _T:
        """TOML's own numbers do not do: `mode = 644` looks right and is not."""
        if "mode" not in self.values:
            return default
        value = self.values["mode"]
        if not isinstance(value, str):
            raise InvalidArgumentError('`mode` must be text in octal, such as `"0644"`')
        return octal(value)

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise InvalidArgumentError(f"`{key}` must be `true` or `false`")
        return value

    def owner(self) -> str:
        return self.text("owner") if "owner" in self.values else "0:0"

    def content(self) -> bytes | str:
        """Bytes, or the file of this host that has them."""
        if ("content" in self.values) == ("file" in self.values):
            raise InvalidArgumentError("it needs one of `content` and `file`")
        if "content" in self.values:
            return self.text("content").encode()
        return str(self.folder / self.name("file"))


@dataclass(frozen=True, slots=True)
class _Verb:
    """How a verb's edits are made, and the keys that it needs and takes besides its own."""

    make: Callable[[_Table], Sequence[edit.Edit]]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


def _put(table: _Table) -> Sequence[edit.Edit]:
    mode, owner = table.mode(None), table.owner()
    return [edit.put(table.text("put"), table.content(), mode=mode, owner=owner)]


def _directory(table: _Table) -> Sequence[edit.Edit]:
    path = table.text("directory")
    return [edit.directory(path, mode=table.mode(0o755), owner=table.owner())]


def _symlink(table: _Table) -> Sequence[edit.Edit]:
    return [edit.symlink(table.text("symlink"), table.name("target"), owner=table.owner())]


def _remove(table: _Table) -> Sequence[edit.Edit]:
    paths = table.texts("remove")
    if not paths:
        raise InvalidArgumentError("it needs at least one path")
    return [edit.remove(path) for path in paths]


def _substitute(table: _Table) -> Sequence[edit.Edit]:
    pattern, replacement = table.text("pattern"), table.text("replacement")
    return [edit.substitute(table.text("substitute"), pattern, replacement)]


def _clamp_mtime(table: _Table) -> Sequence[edit.Edit]:
    latest = table.values["clamp_mtime"]
    if not isinstance(latest, int | datetime):
        raise InvalidArgumentError(
            "expected seconds since 1970, or a time such as `2025-04-18T19:07:30Z` without quotes"
        )
    return [edit.clamp_mtime(latest)]


_VERBS: Final = {
    "exclude": _Verb(lambda table: [edit.exclude(*table.texts("exclude"))]),
    "path_rules": _Verb(lambda table: [edit.path_rules(*table.texts("path_rules"))]),
    "remove": _Verb(_remove),
    "rename": _Verb(
        lambda table: [edit.rename(table.text("rename"), table.text("to"))], needs=("to",)
    ),
    "put": _Verb(_put, takes=("content", "file", "mode", "owner")),
    "directory": _Verb(_directory, takes=("mode", "owner")),
    "symlink": _Verb(_symlink, needs=("target",), takes=("owner",)),
    "chmod": _Verb(
        lambda table: [edit.chmod(table.texts("chmod"), table.mode(0))], needs=("mode",)
    ),
    "chown": _Verb(
        lambda table: [edit.chown(table.texts("chown"), table.owner())], needs=("owner",)
    ),
    "truncate": _Verb(lambda table: [edit.truncate(*table.texts("truncate"))]),
    "append": _Verb(
        lambda table: [edit.append(table.text("append"), table.text("lines").encode())],
        needs=("lines",),
    ),
    "substitute": _Verb(_substitute, needs=("pattern", "replacement")),
    "clamp_mtime": _Verb(_clamp_mtime),
}
