"""`fastlayer layer`: a single layer as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.edits import edit_options, edits_of
from fastlayer.cli.options import json_option, layer_options, options_of, progress_option
from fastlayer.cli.output import check_stdout, layer_output, save_layer
from fastlayer.cli.progress import meter
from fastlayer.cli.source import base_option, check_base, check_stdin, layer_of, shown_name
from fastlayer.cli.summary import print_record, show_layer
from fastlayer.destination import STDOUT

if TYPE_CHECKING:
    from fastlayer.media_type import Compression

__all__ = ["layer_command"]

_EXAMPLES: Final = """\
# A directory, compressed as the name of the file says:
fastlayer layer rootfs -o layer.tar.zst

# At another level, without what nobody needs:
fastlayer layer rootfs -o layer.tar.gz --compression gzip:9 --exclude '**/*.pyc'

# Rights and times that do not depend on who made the tree, and capabilities alone:
fastlayer layer rootfs -o layer.tar --mode u=rwX,go=rX --mtime clamp:2025-04-18T00:00:00Z \\
    --owner 0:0 --xattrs security.capability

# A tree made in a user namespace, with the owners that it has inside:
sudo fastlayer layer rootfs -o layer.tar.zst --uid-map 0:100000:65536

# Another compression, and changes on the way; the archive is never unpacked:
fastlayer layer rootfs.tar.gz -o layer.tar.zst --put motd:/etc/motd --remove /boot \\
    --path-exclude '/usr/share/doc/*' --path-include '/usr/share/doc/*/copyright'

# Edits of a file: tables [[edit]] with one verb each, such as remove = ["boot"]:
fastlayer layer rootfs.tar.gz -o layer.tar.zst --edits slim.toml --unmatched error

# From a pipe, into a pipe:
tar -C rootfs -c . | fastlayer layer - -o - --compression zstd:3 > layer.tar.zst

# What another tool says goes in, with the contents below a folder of its own:
fastlayer layer rootfs.mtree --base build -o layer.tar.gz

# The digests of what would be written:
fastlayer layer rootfs -o /dev/null --json
"""

_SUFFIXES: Final[dict[str, Compression]] = {
    ".tar": "none",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
    ".tar.zst": "zstd",
    ".tzst": "zstd",
}


@click.command(
    "layer",
    cls=Command,
    examples=_EXAMPLES,
)
@click.argument("source", metavar="SOURCE")
@base_option
@layer_options
@edit_options
@option(
    "-o",
    "--output",
    section="Output",
    metavar="FILE",
    type=layer_output,
    required=True,
    help="The file, or - for stdout.",
)
@json_option
@progress_option
@click.pass_context
def layer_command(
    context: click.Context,
    /,
    source: str,
    output: str,
    as_json: bool,  # noqa: FBT001
    **given: Any,
) -> None:
    """Make a layer of SOURCE and write its blob to a file, complete or not at all.

    SOURCE is a directory, a tar (plain, gzip, bzip2, xz or zstd, from a file or stdin: -), or an
    mtree file that describes the entries. Without --compression, the suffix of the output says how:
    .tar, .tar.gz, .tgz, .tar.zst, .tzst; for any other it is gzip. Edits come after the options of
    layers, in the order given.
    """
    to_stdout = output == STDOUT
    check_stdout(used=to_stdout, as_json=as_json)
    check_stdin([source])
    check_base(given["base"], [source])
    edits = edits_of(context)
    with meter(given["progress"]) as shown:
        progress = shown.follow(shown_name(source))
        options = options_of(given, (_implied(output), None), progress)
        layer = layer_of(source, {**options, **edits}, given["base"])
        built = save_layer(layer, output)
    if as_json:
        print_record({**built.record(), "output": output})
    else:
        show_layer(built, "stdout" if to_stdout else output, to_stderr=to_stdout)


def _implied(output: str) -> Compression:
    """Say which compression the name of the output stands for."""
    for suffix, compression in _SUFFIXES.items():
        if output.lower().endswith(suffix):
            return compression
    return "gzip"
