"""What layers are made of: `--rootfs`, `--add` and the source of `fastlayer layer`."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from fastlayer.cli.command import in_order, option
from fastlayer.cli.values import destination, source_and_path
from fastlayer.errors import named, quoted
from fastlayer.layer import Layer, Readable
from fastlayer.rootfs import is_mtree, rootfs_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.options import LayerOptions

__all__ = [
    "STDIN",
    "Addition",
    "Prebuilt",
    "base_option",
    "check_base",
    "check_stdin",
    "layer_of",
    "rootfs_of",
    "shown_name",
    "sources_of",
]

STDIN: Final = "-"

base_option: Final = option(
    "--base",
    section="Layers",
    metavar="DIR",
    help="Where the contents of an mtree file are; by default in its own folder.",
)


@dataclass(frozen=True, slots=True)
class Addition:
    """`--add SOURCE:DESTINATION`."""

    source: str
    destination: str

    @classmethod
    def parse(cls, text: str) -> Addition:
        """Split at the last `:/`. Raises `click.BadParameter`."""
        form = "`SOURCE:/DESTINATION`, such as `build/app:/app`"
        source, path = source_and_path(text, form)
        if ".." in path.split("/"):
            raise click.BadParameter(f"{quoted(text)}: the destination has a `..`")
        return cls(source, path)

    def layer(self, options: LayerOptions) -> Layer:
        """Describe the layer. What is added belongs to root unless an owner is given.

        Raises `OSError` if there is no such source.
        """
        # Who owns it on the host says nothing, so there is nothing to map.
        owned: LayerOptions = {
            **options,
            "owner": options.get("owner") or (0, 0),
            "uid_map": None,
            "gid_map": None,
        }
        if _is_directory(self.source):
            placed: LayerOptions = {**owned, "prefix": self.destination.strip("/")}
            return Layer.from_directory(self.source, **placed)
        # A single file was meant by who named it, whatever the patterns say.
        plain: LayerOptions = {**owned, "prefix": "", "include": (), "exclude": ()}
        name = destination(self.destination, self.source).lstrip("/")
        return Layer.from_files({name: self.source}, **plain)


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """`--layer FILE`: a layer that is a blob already."""

    path: str


def sources_of(context: click.Context) -> list[str | Addition | Prebuilt]:
    """List the sources in the order in which they were given, the bottom layer first.

    Raises `click.UsageError` if there are none, and no image to begin from.
    """
    found: list[str | Addition | Prebuilt] = [
        source for _, source in in_order(context, "rootfs", "add", "layer")
    ]
    if not found and context.params["origin"] is None:
        raise click.UsageError(
            "nothing to build from: give `--rootfs`, `--add`, `--from`, or a Dockerfile's CONTEXT",
            context,
        )
    check_stdin([source for source in found if isinstance(source, str)])
    return found


def check_stdin(sources: list[str]) -> None:
    """Refuse a stdin that cannot be read. Raises `click.UsageError`."""
    if STDIN not in sources:
        return
    if sources.count(STDIN) > 1:
        raise click.UsageError("`-` is given twice, but stdin can be read once")
    if os.isatty(0):
        raise click.UsageError("`-` reads a tar from stdin, which is a terminal")


def check_base(base: str | None, sources: Sequence[str]) -> None:
    """Refuse a base that nothing needs. Raises `click.UsageError`."""
    files = [source for source in sources if source != STDIN]
    if base is not None and not any(is_mtree(source, base) for source in files):
        raise click.UsageError("`--base` is for the contents of an mtree file, and there is none")


def layer_of(source: str, options: LayerOptions, base: str | None) -> Layer:
    """Describe the layer of a root file system: a directory, an mtree file, an archive or stdin.

    Raises `OSError` if there is no such source.
    """
    if source == STDIN:
        return Layer.from_stream(_Stdin(), **options)
    return rootfs_layer(source, base, options)


def rootfs_of(source: str) -> str | Readable:
    """Give a root file system as recipes take it: by its name, or stdin."""
    return _Stdin() if source == STDIN else source


def shown_name(source: str) -> str:
    """Say what messages and progress call a source."""
    return "stdin" if source == STDIN else source


def _is_directory(path: str) -> bool:
    return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 (names what is missing as given)


class _Stdin:
    """Standard input without Python's buffer, and with a name in its errors."""

    def __init__(self) -> None:
        with named("<stdin>"):
            self._stream: Final = io.FileIO(0, closefd=False)

    def read(self, size: int, /) -> bytes:
        with named("<stdin>"):
            return self._stream.read(size) or b""
