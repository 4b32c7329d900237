"""What layers are made of: `--rootfs`, `--add` and the source of `fastlayer layer`."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from fastlayer.archive.output import named
from fastlayer.cli.command import in_order
from fastlayer.cli.values import destination, source_and_path
from fastlayer.errors import quoted
from fastlayer.layer import Layer

if TYPE_CHECKING:
    from fastlayer.options import LayerOptions

__all__ = ["STDIN", "Addition", "check_stdin", "layer_of", "sources_of"]

STDIN: Final = "-"


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


def sources_of(context: click.Context) -> list[str | Addition]:
    """List the sources in the order in which they were given, the bottom layer first.

    Raises `click.UsageError` if there are none.
    """
    found: list[str | Addition] = [source for _, source in in_order(context, "rootfs", "add")]
    if not found:
        raise click.UsageError("nothing to build from: give `--rootfs` or `--add`", context)
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


def layer_of(source: str, options: LayerOptions) -> Layer:
    """Describe the layer of a root file system: a directory, an archive or stdin.

    Raises `OSError` if there is no such source.
    """
    if source == STDIN:
        return Layer.from_stream(_Stdin(), **options)
    if _is_directory(source):
        return Layer.from_directory(source, **options)
    return Layer.from_archive(source, **options)


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
