"""What layers are made of: `--rootfs`, `--add` and the source of `fastlayer layer`."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from fastlayer.archive.output import named
from fastlayer.cli.command import Command
from fastlayer.errors import quoted
from fastlayer.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.options import LayerOptions

__all__ = ["STDIN", "Addition", "SourceCommand", "check_stdin", "layer_of", "sources_of"]

STDIN: Final = "-"

_SOURCES: Final = ("rootfs", "add")
_ORDER: Final = "fastlayer.cli.source.order"


class SourceCommand(Command):
    """A command that knows in which order its options for sources were given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse once more than click does, which keeps the order of each option's values only."""
        *_, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[_ORDER] = [param.name for param in order if param.name in _SOURCES]
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class Addition:
    """`--add SOURCE:DESTINATION`."""

    source: str
    destination: str

    @classmethod
    def parse(cls, text: str) -> Addition:
        """Split at the last `:/`: a destination is absolute. Raises `click.BadParameter`."""
        source, separator, rest = text.rpartition(":/")
        if not (source and separator):
            raise click.BadParameter(
                f"{quoted(text)} is not of the form `SOURCE:/DESTINATION`, such as `build/app:/app`"
            )
        if ".." in rest.split("/"):
            raise click.BadParameter(f"{quoted(text)}: the destination has a `..`")
        return cls(source, f"/{rest}")

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
        return Layer.from_files({self._file_name(): self.source}, **plain)

    def _file_name(self) -> str:
        """Where a file goes: under its own name where the destination is a directory."""
        name = self.destination
        if name.endswith("/"):
            name += os.path.basename(self.source)  # noqa: PTH119 (`Path` drops a trailing `/`)
        return name.lstrip("/")


def sources_of(
    context: click.Context, rootfs: tuple[str, ...], add: tuple[Addition, ...]
) -> list[str | Addition]:
    """List the sources in the order in which they were given, the bottom layer first.

    Raises `click.UsageError` if there are none.
    """
    values: dict[str, Iterator[str | Addition]] = {"rootfs": iter(rootfs), "add": iter(add)}
    found = [next(values[name]) for name in context.meta[_ORDER]]
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
