"""`fastlayer build`: layers and settings in, an image out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.edits import edit_options, edits_of
from fastlayer.cli.options import json_option, layer_options, options_of, progress_option
from fastlayer.cli.output import Output, check_stdout
from fastlayer.cli.progress import meter
from fastlayer.cli.settings import image_options, with_settings
from fastlayer.cli.source import STDIN, Addition, base_option, check_base, layer_of, sources_of
from fastlayer.cli.summary import print_record, show_image
from fastlayer.image import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastlayer.cli.progress import Meter
    from fastlayer.layer import Layer
    from fastlayer.options import LayerOptions

__all__ = ["build_command"]

_HELP: Final = """\
Build an image and write it to OUTPUT, complete or not at all.

Each --rootfs and --add makes one layer, in the order given; the options of layers hold for all of
them. Edits change each --rootfs layer, in the order given, after those options; an --add layer is
what its own option says.

\b
OUTPUT is one of
  FILE                            an archive that docker, podman, ctr and skopeo load
  docker-archive:FILE[:NAME:TAG]  the same, as skopeo writes it
  oci-archive:FILE[:NAME:TAG]     the same
  oci:DIR[:TAG]                   an OCI layout, made or added to
  -                               the archive on stdout
"""

_EXAMPLES: Final = """\
# A root file system, as an archive that docker, podman, ctr and skopeo load:
fastlayer build --rootfs rootfs -t custom/debian:12 -o debian.tar
docker load -i debian.tar

# A program alone:
fastlayer build --add build/app:/app --entrypoint /app -t app:1 -o app.tar

# Files on top of a root file system, for another platform, as an OCI layout:
fastlayer build --rootfs base.tar.gz --add ./conf:/etc/app --add app:/usr/bin/ \\
    --cmd '["app", "--serve"]' --port 8080 --platform linux/arm64 -t app:2 -o oci:out

# A root file system without its manual pages, and with a file more:
fastlayer build --rootfs rootfs.tar.gz --path-exclude '/usr/share/man/*' \\
    --put policy-rc.d:/usr/sbin/:0755 --remove /boot -t debian:12-slim -o slim.tar

# From a pipe, into a pipe:
mmdebstrap bookworm - | fastlayer build --rootfs - -t debian:12 -o - | podman load

# A tree made in a user namespace, with the owners that it has inside:
sudo fastlayer build --rootfs rootfs --uid-map 0:100000:65536 -t debian:12 -o debian.tar

# Small, and the same bytes every time:
fastlayer build --rootfs rootfs --compression zstd:19 --mtime 0 -t x:1 -o x.tar --json
"""


@click.command(
    "build",
    cls=Command,
    examples=_EXAMPLES,
    help=_HELP,
)
@option(
    "--rootfs",
    section="Layers",
    metavar="DIR|ARCHIVE|MTREE|-",
    multiple=True,
    help="A layer of a directory, of a tar (plain, gzip, bzip2, xz or zstd; - for stdin), or of "
    "what an mtree file describes.",
)
@option(
    "--add",
    section="Layers",
    metavar="SRC:DEST",
    type=Addition.parse,
    multiple=True,
    help="A layer of a file or directory, placed at DEST; a file goes into a DEST that ends in /. "
    "It belongs to root unless --owner is given.",
)
@base_option
@layer_options
@edit_options
@image_options
@option(
    "-o",
    "--output",
    section="Output",
    metavar="OUTPUT",
    type=Output.parse,
    required=True,
    help="Where the image goes; see above.",
)
@option(
    "-t",
    "--tag",
    "tags",
    section="Output",
    metavar="NAME[:TAG]",
    multiple=True,
    help="A name of the image.",
)
@option(
    "--format",
    section="Output",
    type=click.Choice(["oci", "docker"]),
    default="oci",
    show_default=True,
    help="Media types of the image.",
)
@json_option
@progress_option
@click.pass_context
def build_command(
    context: click.Context,
    /,
    output: Output,
    as_json: bool,  # noqa: FBT001
    **given: Any,
) -> None:
    """Turn the options into an image, build it and show what came out."""
    check_stdout(used=output.kind == "stdout", as_json=as_json)
    sources = sources_of(context)
    check_base(given["base"], given["rootfs"])
    if not given["rootfs"] and (given["uid_map"] or given["gid_map"]):
        raise click.UsageError(
            "`--uid-map` and `--gid-map` are for `--rootfs`: what is added belongs to root", context
        )
    edits = _edits(context, sources)
    with meter(given["progress"]) as shown:
        image = _image(sources, edits, given, shown)
        built = output.write(image, given["tags"], given["format"])
    if as_json:
        print_record(built.record())
    else:
        show_image(built, output)


def _edits(context: click.Context, sources: Sequence[str | Addition]) -> LayerOptions:
    edits = edits_of(context)
    if edits["edits"] and all(isinstance(source, Addition) for source in sources):
        raise click.UsageError("edits change what `--rootfs` gives, and there is none", context)
    return edits


def _image(
    sources: Sequence[str | Addition],
    edits: LayerOptions,
    given: Mapping[str, Any],
    shown: Meter,
) -> Image:
    """Describe the image, which checks all there is to check before any work."""
    image = with_settings(Image.scratch(platform=given["platform"]), given)
    image = image.append(*(_layer(source, edits, given, shown) for source in sources))
    image.check(given["format"])
    return image


def _layer(
    source: str | Addition, edits: LayerOptions, given: Mapping[str, Any], shown: Meter
) -> Layer:
    if isinstance(source, Addition):
        return source.layer(options_of(given, ("gzip", None), shown.follow(source.source)))
    name = "stdin" if source == STDIN else source
    options = options_of(given, ("gzip", None), shown.follow(name))
    return layer_of(source, {**options, **edits}, given["base"])
