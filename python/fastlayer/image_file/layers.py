"""`[[layer]]`: what a layer is made of, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from fastlayer.config import History
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.image_file.keys import LAYER, OPTIONS, PLACES, SOURCES
from fastlayer.image_file.options import check_options, merged, options_in
from fastlayer.layer import Layer
from fastlayer.options import Recipe
from fastlayer.rootfs import is_mtree, rootfs_layer
from fastlayer.stored.image import StoredLayer
from fastlayer.toml_table import Table, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastlayer.engine import Progress
    from fastlayer.options import LayerOptions

    Follow = Callable[[str], Progress | None]

__all__ = ["LayerPlan"]

# Owners of the host say nothing of an image, unless a layer says how they do.
_OWNERS: Final = ("owner", "uid_map", "gid_map")


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """A layer as a file says it, checked, before the host's files are looked at."""

    table: Table
    name: str
    source: Any
    options: LayerOptions
    history: History

    @classmethod
    def of(cls, table: Table, defaults: Mapping[str, Any], packing: Mapping[str, Any]) -> Self:
        """Read one table; `defaults` hold where it says nothing, and `packing` whatever it says.

        Raises `InvalidArgumentError`, and `OSError` for files of edits.
        """
        table.check_keys(LAYER, PLACES)
        name = _source_of(table)
        if "base" in table and name not in ("rootfs", "mtree"):
            raise table.wrong("`base` is for the contents of an mtree file", "base")
        source = _KINDS[name].read(table)
        own = options_in(table, OPTIONS)
        options = merged(merged(defaults, own), packing)
        if name == "blob":
            _check_blob(table)
        else:
            check_options(table, options)
        if name == "directory" and not any(option in table for option in _OWNERS):
            options["owner"] = (0, 0)
        if name == "files":
            _check_destinations(table.table(name), options)
        return cls(table, name, source, options, _history(table))

    def layer(self, follow: Follow | None) -> Layer | StoredLayer:
        """Describe the layer. Raises `OSError` with the line for a source that is not there."""
        kind = _KINDS[self.name]
        with self.table.at(self.name):
            inputs = kind.inputs(self.source)
            for path in inputs:
                Path(path).lstat()
            shown = inputs[0] if inputs else self.table.title
            progress = follow(shown) if follow else None
            return kind.make(self.source, {**self.options, "progress": progress})


def _source_of(table: Table) -> str:
    names = [key for key in table.values if key in SOURCES]
    if len(names) > 1:
        raise table.wrong(
            f"`{names[0]}` and `{names[1]}` are two layers: write `[[layer]]` before each",
            names[1],
        )
    if not names:
        raise table.wrong(f"nothing says what is in it: expected one of {one_of(SOURCES)}")
    return names[0]


def _check_blob(table: Table) -> None:
    for key in table.values:
        if key in OPTIONS or key == "edit":
            raise table.wrong(f"`blob` is a layer as it is: `{key}` cannot change it", key)


def _check_destinations(files: Table, options: LayerOptions) -> None:
    """Refuse places of files, each alone and then all together."""
    for path in files.values:
        with files.at(path):
            Recipe.of(options, destinations=[os.fsencode(path)])
    with files.at():
        Recipe.of(options, destinations=list(map(os.fsencode, files.values)))


def _history(table: Table) -> History:
    return History(
        created_by=table.text("created_by") if "created_by" in table else "fastlayer",
        comment=table.text("comment") if "comment" in table else "",
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of source is read, which of its paths must be there, and what is made of it."""

    read: Callable[[Table], Any]
    inputs: Callable[[Any], list[str]]
    make: Callable[[Any, LayerOptions], Layer | StoredLayer]


def _file(name: str, make: Callable[[str, LayerOptions], Layer | StoredLayer]) -> _Kind:
    """Make the kind whose source is one path."""
    return _Kind(lambda table: table.host_path(name), lambda path: [path], make)


def _tree(name: str, make: Callable[[str, str | None, LayerOptions], Layer]) -> _Kind:
    """Make the kind whose source may be an mtree file, with a base."""

    def read(table: Table) -> tuple[str, str | None]:
        return table.host_path(name), table.host_path("base") if "base" in table else None

    return _Kind(
        read,
        lambda source: [path for path in source if path is not None],
        lambda source, options: make(source[0], source[1], options),
    )


def _rootfs(source: str, base: str | None, options: LayerOptions) -> Layer:
    if base is not None and not is_mtree(source, base):
        raise InvalidArgumentError(
            f"`base` is for the contents of an mtree file, and {quoted(source)} is none"
        )
    return rootfs_layer(source, base, options)


def _files(table: Table) -> dict[str, str | bytes]:
    """Read `{ "place/in/layer" = "file" }`, where a file may be `{ content = "…" }`."""
    files = table.table("files")
    if not files.values:
        raise table.wrong("`files` needs at least one file", "files")
    return {
        path: _content(files.table(path)) if isinstance(value, dict) else files.host_path(path)
        for path, value in files.values.items()
    }


def _content(table: Table) -> bytes:
    table.check_keys(["content"])
    if "content" not in table:
        raise table.wrong("a file needs a path, or `content`")
    return table.text("content").encode()


def _diff(table: Table) -> tuple[str, str]:
    trees = table.table("diff")
    trees.check_keys(["lower", "upper"])
    for name in ("lower", "upper"):
        if name not in trees:
            raise trees.wrong(f"`diff` needs `{name}`")
    return trees.host_path("lower"), trees.host_path("upper")


_KINDS: Final = {
    "rootfs": _tree("rootfs", _rootfs),
    "archive": _file("archive", lambda path, options: Layer.from_archive(path, **options)),
    "directory": _file("directory", lambda path, options: Layer.from_directory(path, **options)),
    "files": _Kind(
        _files,
        lambda files: [file for file in files.values() if isinstance(file, str)],
        lambda files, options: Layer.from_files(files, **options),
    ),
    "mtree": _tree(
        "mtree", lambda path, base, options: Layer.from_mtree(path, base=base, **options)
    ),
    "diff": _Kind(_diff, list, lambda trees, options: Layer.from_diff(*trees, **options)),
    "overlay": _file("overlay", lambda path, options: Layer.from_overlay(path, **options)),
    "blob": _file("blob", lambda path, _: StoredLayer.load(path)),
}
