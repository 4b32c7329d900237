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

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from fastlayer import edit
from fastlayer.attribute import mode_bits, octal, owner_ids
from fastlayer.toml_table import Table, one_of, read_table

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

__all__ = ["edits_in", "read_edits"]

_T = TypeVar("_T")


def read_edits(path: str | os.PathLike[str]) -> list[edit.Edit]:
    """Read the edits of a file, in their order. Raises `InvalidArgumentError` and `OSError`."""
    table = read_table(path)
    table.check_keys(["edit"])
    return edits_in(table)


def edits_in(table: Table) -> list[edit.Edit]:
    """Read the edits that are the tables `[[edit]]` of `table`. Raises `InvalidArgumentError`."""
    return [one for item in table.tables("edit") for one in _edits_of(item)]


def _edits_of(table: Table) -> Sequence[edit.Edit]:
    """Make what one table says; a list of paths to be removed is as many edits."""
    name = _verb_of(table)
    verb = _VERBS[name]
    further = [*verb.needs, *verb.takes, "optional"]
    for key in table.values:
        if key not in (name, *further):
            raise table.unknown(key, further)
    for key in verb.needs:
        if key not in table:
            raise table.wrong(f"`{name}` needs `{key}`")
    named = replace(table, title=f"{table.title}: `{name}`")
    with named.at(name):
        edits = verb.make(named)
    if "optional" in named and named.flag("optional"):
        return [replace(made, optional=True) for made in edits]
    return edits


def _verb_of(table: Table) -> str:
    verbs = [key for key in table.values if key in _VERBS]
    if len(verbs) > 1:
        raise table.wrong(
            f"`{verbs[0]}` and `{verbs[1]}` are two edits: write `[[edit]]` before each", verbs[1]
        )
    if verbs:
        return verbs[0]
    details = {key for verb in _VERBS.values() for key in (*verb.needs, *verb.takes, "optional")}
    for key in table.values:
        if key not in details:
            raise table.unknown(key, list(_VERBS))
    raise table.wrong(f"nothing says what to do: expected {one_of(list(_VERBS))}")


def _mode(table: Table, default: _T) -> int | _T:
    """TOML's own numbers do not do: `mode = 644` looks right and is not."""
    if "mode" not in table:
        return default
    value = table.values["mode"]
    if not isinstance(value, str):
        raise table.wrong('`mode` must be text in octal, such as `"0644"`', "mode")
    with table.at("mode"):
        return mode_bits(octal(value))


def _owner(table: Table) -> tuple[int, int]:
    if "owner" not in table:
        return (0, 0)
    text = table.text("owner")
    with table.at("owner"):
        return owner_ids(text)


def _content(table: Table) -> bytes | str:
    """Bytes, or the file of this host that has them."""
    if ("content" in table) == ("file" in table):
        raise table.wrong("it needs one of `content` and `file`")
    if "content" in table:
        return table.text("content").encode()
    return table.host_path("file")


@dataclass(frozen=True, slots=True)
class _Verb:
    """How a verb's edits are made, and the keys that it needs and takes besides its own."""

    make: Callable[[Table], Sequence[edit.Edit]]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


def _put(table: Table) -> Sequence[edit.Edit]:
    mode, owner = _mode(table, None), _owner(table)
    return [edit.put(table.text("put"), _content(table), mode=mode, owner=owner)]


def _directory(table: Table) -> Sequence[edit.Edit]:
    path = table.text("directory")
    return [edit.directory(path, mode=_mode(table, 0o755), owner=_owner(table))]


def _symlink(table: Table) -> Sequence[edit.Edit]:
    return [edit.symlink(table.text("symlink"), table.name("target"), owner=_owner(table))]


def _remove(table: Table) -> Sequence[edit.Edit]:
    paths = table.texts("remove")
    if not paths:
        raise table.wrong("it needs at least one path", "remove")
    return [edit.remove(path) for path in paths]


def _substitute(table: Table) -> Sequence[edit.Edit]:
    pattern, replacement = table.text("pattern"), table.text("replacement")
    return [edit.substitute(table.text("substitute"), pattern, replacement)]


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
        lambda table: [edit.chmod(table.texts("chmod"), _mode(table, 0))], needs=("mode",)
    ),
    "chown": _Verb(
        lambda table: [edit.chown(table.texts("chown"), _owner(table))], needs=("owner",)
    ),
    "truncate": _Verb(lambda table: [edit.truncate(*table.texts("truncate"))]),
    "append": _Verb(
        lambda table: [edit.append(table.text("append"), table.text("lines").encode())],
        needs=("lines",),
    ),
    "substitute": _Verb(_substitute, needs=("pattern", "replacement")),
    "clamp_mtime": _Verb(lambda table: [edit.clamp_mtime(table.time("clamp_mtime"))]),
}
