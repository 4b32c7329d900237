"""The options of layers in an image file, read and checked key by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from fastlayer.edit import load
from fastlayer.edit_file import edits_in
from fastlayer.options import LayerOptions, Recipe, compression_and_level
from fastlayer.toml_table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastlayer.edit import Edit

__all__ = ["check_options", "merged", "options_in"]

# An option of a layer takes the place of these defaults, besides that of its own name.
_DISPLACED: Final = {"level": "compression", "mtime": "clamp_mtime", "clamp_mtime": "mtime"}


def options_in(table: Table, names: Sequence[str]) -> LayerOptions:
    """Read those of the options `names` that a table has. Raises `InvalidArgumentError`."""
    options: dict[str, Any] = {
        name: _READ[name](table, name) for name in names if name in table and name in _READ
    }
    if "compression" in options:
        with table.at("compression"):
            options["compression"], level = compression_and_level(options["compression"])
        if level is not None and "level" in options:
            raise table.wrong("`level` is given in `compression` already", "level")
        if level is not None:
            options["level"] = level
    if "edits" in names:
        options["edits"] = _edits(table)
    return cast("LayerOptions", options)


def merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> LayerOptions:
    """Return the options of a layer with those for all layers, of which its own take the place."""
    kept = {name: value for name, value in defaults.items() if _DISPLACED.get(name) not in own}
    return cast("LayerOptions", {**kept, **own})


def check_options(table: Table, options: LayerOptions) -> None:
    """Refuse options that a layer cannot have, one by one, so that a message has the line.

    Raises `InvalidArgumentError`.
    """
    Recipe.of({})  # a wrong `SOURCE_DATE_EPOCH` is in no line of the file
    tried: dict[str, Any] = {}
    given: Mapping[str, Any] = options
    for name in LayerOptions.__annotations__:
        if name in given:
            tried[name] = given[name]
            with table.at(name):
                Recipe.of(cast("LayerOptions", tried))


def _edits(table: Table) -> list[Edit]:
    """Read the files of edits, then the edits that the layer has itself."""
    edits: list[Edit] = []
    for path in table.host_paths("edits") if "edits" in table else ():
        with table.at("edits"):
            edits += load(path)
    return edits + edits_in(table)


def _mode(table: Table, name: str) -> str:
    if not isinstance(table.values[name], str):
        raise table.wrong(f'`{name}` must be text, such as `"0755"` or `"u=rwX,go=rX"`', name)
    return table.text(name)


def _xattrs(table: Table, name: str) -> str | list[str]:
    return table.text(name) if isinstance(table.values[name], str) else table.texts(name)


_READ: Final[dict[str, Callable[[Table, str], Any]]] = {
    "compression": Table.text,
    "level": Table.integer,
    "threads": Table.integer,
    "verify": Table.flag,
    "prefix": Table.text,
    "owner": Table.text,
    "uid_map": Table.array,
    "gid_map": Table.array,
    "mode": _mode,
    "mtime": Table.time,
    "clamp_mtime": Table.time,
    "include": Table.texts,
    "exclude": Table.texts,
    "xattrs": _xattrs,
    "unmatched": Table.text,
}
