"""`fastlayer build`: layers and settings in, an image out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.dockerfile import (
    check_no_dockerfile,
    dockerfile_image,
    dockerfile_options,
    is_dockerfile,
    prepare_dockerfile,
)
from fastlayer.cli.edits import edit_options, edits_of
from fastlayer.cli.image_file import build_image_file, is_image_file
from fastlayer.cli.image_source import load
from fastlayer.cli.options import layer_options, options_of
from fastlayer.cli.progress import meter
from fastlayer.cli.recipe import check_recipe, recipe_image, recipe_options
from fastlayer.cli.result import (
    OUTPUTS,
    check_result,
    deliver,
    optional_result_options,
    show,
)
from fastlayer.cli.settings import image_options, with_settings
from fastlayer.cli.source import (
    Addition,
    Prebuilt,
    base_option,
    check_base,
    layer_of,
    rootfs_of,
    shown_name,
    sources_of,
)
from fastlayer.image import Image
from fastlayer.stored.image import StoredLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastlayer.cli.progress import Meter
    from fastlayer.layer import Layer
    from fastlayer.options import LayerOptions

__all__ = ["build_command"]

_HELP: Final = """\
Build an image and write it to OUTPUT, complete or not at all.

With CONTEXT or --file, it is what a Dockerfile says, as docker reads it; settings given as options
come after its own. RUN needs --run-engine.

A FILE.toml describes an image, or one for several platforms; see docs/image-file.md. Of the options
of layers, --compression, --threads and --verify go with it. -t and -o take the place of its own,
--platform chooses some of its platforms, and the settings of the image are added to its own.

Else each --rootfs and --add makes one layer, in the order given; the options of layers hold for
all of them. Edits change each --rootfs layer, in the order given, after those options; an --add
layer is what its own option says.
"""

_EXAMPLES: Final = """\
# A root file system, as an archive that docker, podman, ctr and skopeo load:
fastlayer build --rootfs rootfs -t custom/debian:12 -o debian.tar
docker load -i debian.tar

# A program alone:
fastlayer build --add build/app:/app --entrypoint /app -t app:1 -o app.tar

# What the Dockerfile in a directory says, and with a stage and a version chosen:
fastlayer build . -t app:1 -o app.tar
fastlayer build . -f docker/Dockerfile --target debug --build-arg VERSION=2 -t app:2 -o app.tar

# RUN too, by an OCI runtime, without the network:
sudo fastlayer build . --run-engine crun -t app:1 -o app.tar

# A Dockerfile from a pipe, on a base from an archive:
printf 'FROM debian\\nCMD ["bash"]\\n' | fastlayer build -f - \\
    --build-context debian=docker-archive:debian.tar -t bash:1 -o bash.tar

# Files on top of a root file system, for another platform, as an OCI layout:
fastlayer build --rootfs base.tar.gz --add ./conf:/etc/app --add app:/usr/bin/ \\
    --cmd '["app", "--serve"]' --port 8080 --platform linux/arm64 -t app:2 -o oci:out

# A root file system without its manual pages, and with a file more:
fastlayer build --rootfs rootfs.tar.gz --path-exclude '/usr/share/man/*' \\
    --put policy-rc.d:/usr/sbin/:0755 --remove /boot -t debian:12-slim -o slim.tar

# The same as Debian's own slim image is made:
fastlayer build --recipe debian-slim --rootfs rootfs.tar.gz -t debian:12-slim -o slim.tar

# One layer more on an image that is there, whose own layers stay as they are:
fastlayer build --from debian.tar --add build/app:/app --entrypoint /app -t app:3 -o app.tar

# From a pipe, into a pipe:
mmdebstrap bookworm - | fastlayer build --rootfs - -t debian:12 -o - | podman load

# A tree made in a user namespace, with the owners that it has inside:
sudo fastlayer build --rootfs rootfs --uid-map 0:100000:65536 -t debian:12 -o debian.tar

# All that a file describes, for one of its platforms:
fastlayer build image.toml --platform linux/arm64 -o oci:out

# Small, and the same bytes every time:
fastlayer build --rootfs rootfs --compression zstd:19 --mtime 0 -t x:1 -o x.tar --json
"""


@click.command(
    "build",
    cls=Command,
    examples=_EXAMPLES,
    help=f"{_HELP}\n{OUTPUTS}",
)
@click.argument("source", required=False, metavar="[CONTEXT|FILE.toml]")
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
@option(
    "--layer",
    section="Layers",
    metavar="FILE",
    type=Prebuilt,
    multiple=True,
    help="A layer as it is: a tar, plain or compressed with gzip or zstd, copied byte for byte.",
)
@option(
    "--from",
    "origin",
    section="Layers",
    metavar="IMAGE",
    help="Begin with an image instead of nothing: docker-archive:FILE, oci:DIR[:TAG], "
    "docker://NAME, or a file or directory that is one. Its layers are copied byte for byte.",
)
@recipe_options
@base_option
@dockerfile_options
@layer_options
@edit_options
@image_options
@optional_result_options
@click.pass_context
def build_command(
    context: click.Context,
    /,
    **given: Any,
) -> None:
    """Turn the options, or what a file says, into an image, build it and show what came out."""
    if is_image_file(given["source"]):
        build_image_file(context, given)
        return
    check_result(given)
    if is_dockerfile(given):
        prepare_dockerfile(context, given)
        with meter(given["progress"]) as shown, dockerfile_image(given, shown) as image:
            built = deliver(image, given)
        show(built, given)
        return
    check_no_dockerfile(context, given)
    sources = sources_of(context)
    check_recipe(given, sources)
    check_base(given["base"], given["rootfs"])
    if not given["rootfs"] and (given["uid_map"] or given["gid_map"]):
        raise click.UsageError(
            "`--uid-map` and `--gid-map` are for `--rootfs`: what is added belongs to root", context
        )
    edits = _edits(context, sources)
    with meter(given["progress"]) as shown:
        image = _image(sources, edits, given, shown)
        built = deliver(image, given)
    show(built, given)


def _edits(context: click.Context, sources: Sequence[str | Addition | Prebuilt]) -> LayerOptions:
    edits = edits_of(context)
    if edits["edits"] and not any(isinstance(source, str) for source in sources):
        raise click.UsageError("edits change what `--rootfs` gives, and there is none", context)
    return edits


def _image(
    sources: Sequence[str | Addition | Prebuilt],
    edits: LayerOptions,
    given: Mapping[str, Any],
    shown: Meter,
) -> Image:
    """Describe the image, which checks all there is to check before any work."""
    image = _origin(given)
    if given["recipe"] is not None:
        rootfs, *sources = sources
        image = _by_recipe(str(rootfs), edits, given, shown)
    image = with_settings(image, given)
    image = image.append(*(_layer(source, edits, given, shown) for source in sources))
    image.check(given["format"])
    return image


def _origin(given: Mapping[str, Any]) -> Image:
    """Begin with nothing, or with an image."""
    if given["origin"] is None:
        return Image.scratch(platform=given["platform"])
    return load(given["origin"], given)


def _by_recipe(rootfs: str, edits: LayerOptions, given: Mapping[str, Any], shown: Meter) -> Image:
    options = options_of(given, ("gzip", None), shown.follow(shown_name(rootfs)))
    return recipe_image(rootfs_of(rootfs), given, {**options, **edits})


def _layer(
    source: str | Addition | Prebuilt, edits: LayerOptions, given: Mapping[str, Any], shown: Meter
) -> Layer | StoredLayer:
    if isinstance(source, Prebuilt):
        return StoredLayer.load(source.path)
    if isinstance(source, Addition):
        return source.layer(options_of(given, ("gzip", None), shown.follow(source.source)))
    options = options_of(given, ("gzip", None), shown.follow(shown_name(source)))
    return layer_of(source, {**options, **edits}, given["base"])
