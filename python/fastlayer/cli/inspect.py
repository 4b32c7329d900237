"""`fastlayer inspect`: show what an image archive, an image layout or a layer holds."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastlayer.cli.command import Command, option
from fastlayer.cli.options import json_option
from fastlayer.cli.registry import registries_of, registry_options
from fastlayer.cli.summary import print_record
from fastlayer.cli.text import byte_count, utc_time
from fastlayer.errors import named, printable
from fastlayer.inspection import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.config import ImageConfig
    from fastlayer.digest import Digest
    from fastlayer.engine import MemberRecord
    from fastlayer.inspection import ImageFacts, Inspection, LayerFacts

__all__ = ["inspect_command"]

_EXAMPLES: Final = """\
fastlayer inspect image.tar
fastlayer inspect --files layer.tar.zst
fastlayer inspect oci:layout:latest
fastlayer inspect --json image.tar | jq '.images[0].config'
"""

# Wider than any line, so that what goes into a file or a pipe is neither wrapped nor cut.
_UNBOUNDED: Final = 1 << 20

# Hexadecimal digits of a digest that a terminal shows in a table.
_SHORT_DIGEST: Final = 12

_TYPE_BITS: Final = {
    "file": stat.S_IFREG,
    "directory": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "hardlink": stat.S_IFREG,
    "fifo": stat.S_IFIFO,
    "char": stat.S_IFCHR,
    "block": stat.S_IFBLK,
}


@click.command("inspect", cls=Command, examples=_EXAMPLES)
@click.argument("path", metavar="PATH")
@option("--files", is_flag=True, section="What to show", help="List every file of every layer.")
@json_option
@registry_options
def inspect_command(path: str, *, files: bool, as_json: bool, **given: Any) -> None:
    """Show the images of PATH, their configs and their layers.

    PATH is an archive, an OCI layout directory or a single layer. `docker-archive:FILE[:TAG]`,
    `oci-archive:FILE[:TAG]` and `oci:DIR[:TAG]` say which, and choose one image by its tag;
    `docker://NAME[:TAG]` is in a registry.
    """
    inspection = inspect(path, files=files, registries=registries_of(given))
    if as_json:
        print_record(inspection.record())
    else:
        with named("<stdout>"):
            _show(inspection)


def _show(inspection: Inspection) -> None:
    terminal = sys.stdout is not None and sys.stdout.isatty()
    console = Console(
        file=sys.stdout,
        force_terminal=terminal,
        width=None if terminal else _UNBOUNDED,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for number, image in enumerate(inspection.images):
        if number:
            click.echo()
        _print(console, _facts(_image_rows(image)))
        click.echo()
        _print(console, _layer_table(image.layers, short=terminal))
        for layer in image.layers:
            if layer.files is not None:
                click.echo(f"\nlayer {layer.digest}")
                _list(layer.files)
    if inspection.layer is not None:
        _print(console, _facts(_layer_rows(inspection.layer)))
        if inspection.layer.files is not None:
            click.echo()
            _list(inspection.layer.files)


def _print(console: Console, table: Table) -> None:
    """Print a table without the blanks that fill its last column."""
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def _facts(rows: Iterator[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value:
            table.add_row(Text(name), Text(printable(value)))
    return table


def _image_rows(image: ImageFacts) -> Iterator[tuple[str, str]]:
    yield "image", ", ".join(image.tags) or "no tag"
    yield "digest", image.digest or ""
    yield "media type", image.media_type or ""
    yield "platform", str(image.platform)
    yield "created", image.config.created
    yield "author", image.config.author
    yield "config", f"{image.config_digest} ({byte_count(image.config_size)})"
    yield from _run_rows(image.config)
    size = sum(layer.size for layer in image.layers)
    yield "layers", f"{len(image.layers)} ({byte_count(size)})"


def _run_rows(config: ImageConfig) -> Iterator[tuple[str, str]]:
    run = config.config
    yield "entrypoint", _words(run.entrypoint)
    yield "cmd", _words(run.cmd)
    for number, variable in enumerate(run.env):
        yield "" if number else "env", variable
    yield "user", run.user
    yield "workdir", run.working_dir
    yield "ports", ", ".join(run.exposed_ports)
    yield "volumes", ", ".join(run.volumes)
    for number, (key, value) in enumerate(run.labels.items()):
        yield "" if number else "labels", f"{key}={value}"
    yield "stop signal", run.stop_signal
    yield "healthcheck", _words(run.healthcheck.test if run.healthcheck else ())
    yield "shell", _words(run.shell)
    yield "on build", _words(run.on_build)


def _words(words: Sequence[str]) -> str:
    """Show a list so that one argument with a blank differs from two."""
    return json.dumps(list(words), ensure_ascii=False) if words else ""


def _layer_rows(layer: LayerFacts) -> Iterator[tuple[str, str]]:
    yield "layer", layer.digest
    yield "media type", layer.media_type
    yield "size", _size(layer.size)
    yield "diff_id", layer.diff_id
    if layer.uncompressed_size is not None and layer.entries is not None:
        yield "as a tar", _size(layer.uncompressed_size)
        yield "entries", str(layer.entries)


def _size(size: int) -> str:
    short = byte_count(size)
    return short if short.endswith("bytes") else f"{short} ({size} bytes)"


def _layer_table(layers: Sequence[LayerFacts], *, short: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("#", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("digest", "diff_id"):
        table.add_column(name, no_wrap=True)
    table.add_column("media type", overflow="fold")
    for number, layer in enumerate(layers, 1):
        table.add_row(
            Text(str(number)),
            Text(byte_count(layer.size)),
            Text(_digest(layer.digest, short=short)),
            Text(_digest(layer.diff_id, short=short)),
            Text(printable(layer.media_type)),
        )
    return table


def _digest(digest: Digest, *, short: bool) -> str:
    return f"{digest.algorithm}:{digest.encoded[:_SHORT_DIGEST]}…" if short else digest


def _list(files: Sequence[MemberRecord]) -> None:
    """List files as `tar tv` does, in lines that no name can break."""
    for file in files:
        mode = _mode(file)
        owner = f"{file.uid}/{file.gid}"
        size = "{},{}".format(*file.device) if file.device else str(file.size)
        click.echo(f"{mode:<11} {owner:>11} {size:>11} {utc_time(file.mtime)} {_name(file)}")


def _mode(file: MemberRecord) -> str:
    mode = stat.filemode(_TYPE_BITS[file.kind] | file.mode)
    if file.kind == "hardlink":
        mode = f"h{mode[1:]}"
    return f"{mode}+" if file.xattrs else mode


def _name(file: MemberRecord) -> str:
    path = _text(file.path)
    if file.kind == "directory":
        path = f"{path or '.'}/"
    if file.link is None:
        return path
    arrow = "link to" if file.kind == "hardlink" else "->"
    return f"{path} {arrow} {_text(file.link)}"


def _text(name: bytes) -> str:
    return printable(name.decode("utf-8", "surrogateescape"))
