"""`fastlayer build CONTEXT`: an image of what a Dockerfile says."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import option, together
from fastlayer.cli.edits import edits_of
from fastlayer.cli.options import packing_of
from fastlayer.cli.registry import registries_of
from fastlayer.cli.settings import with_settings
from fastlayer.errors import quoted
from fastlayer.image import Image
from fastlayer.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastlayer.cli.progress import Meter
    from fastlayer.destination import Output
    from fastlayer.dockerfile.run import RunEngine

__all__ = [
    "check_no_dockerfile",
    "dockerfile_image",
    "dockerfile_options",
    "is_dockerfile",
    "prepare_dockerfile",
]


_SECTION: Final = "Dockerfile"
_STDIN: Final = "-"
_NAME: Final = "Dockerfile"
_REMOTE: Final = ("http://", "https://", "git://", "git@", "ssh://")

# Options of `build` that say nothing to a Dockerfile, whose own instructions do.
_OTHERS: Final = (
    *("rootfs", "add", "layer", "origin", "base", "recipe"),
    *("prefix", "include", "exclude", "owner", "uid_map", "gid_map", "mode", "mtime", "xattrs"),
)


def _pair(text: str) -> tuple[str, str]:
    """Read `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{quoted(text)} is not of the form `NAME=VALUE`")
    return name, value


def _argument(text: str) -> tuple[str, str | None]:
    """Read `NAME=VALUE`, or `NAME` for a variable of the environment, if it is set there."""
    name, equals, value = text.partition("=")
    if not name:
        raise click.BadParameter(f"{quoted(text)} has no name")
    return name, value if equals else os.environ.get(name)


dockerfile_options: Final = together(
    option(
        "-f",
        "--file",
        section=_SECTION,
        metavar="FILE|-",
        help="The Dockerfile; by default the one in CONTEXT.",
    ),
    option(
        "--build-arg",
        section=_SECTION,
        metavar="NAME[=VALUE]",
        type=_argument,
        multiple=True,
        help="A value for an ARG; without one, that of the environment.",
    ),
    option(
        "--target",
        section=_SECTION,
        metavar="STAGE",
        help="Build this stage, by its name or number, instead of the last.",
    ),
    option(
        "--build-context",
        section=_SECTION,
        metavar="NAME=DIR|IMAGE",
        type=_pair,
        multiple=True,
        help="What NAME is in FROM and COPY --from: a directory, docker-image://NAME, "
        "oci-layout://DIR or docker-archive:FILE.",
    ),
    option(
        "--run-engine",
        section=_SECTION,
        metavar="crun|runc|PATH",
        help="What executes RUN; without it, RUN is an error.",
    ),
    option(
        "--network",
        section=_SECTION,
        type=click.Choice(["none", "host"]),
        help="What RUN can reach; by default nothing.",
    ),
)
"""The options of a Dockerfile, whose context is the argument `source`."""


def is_dockerfile(given: Mapping[str, Any]) -> bool:
    """Whether an image is to be built from a Dockerfile."""
    return given["source"] is not None or given["file"] is not None


def check_no_dockerfile(context: click.Context, given: Mapping[str, Any]) -> None:
    """Refuse options that need a Dockerfile where there is none. Raises `click.UsageError`."""
    for name in ("build_arg", "target", "build_context", "run_engine", "network"):
        if given[name]:
            raise click.UsageError(
                f"{_shown(name)} is for a Dockerfile: give CONTEXT or `--file`", context
            )


def prepare_dockerfile(context: click.Context, given: Mapping[str, Any]) -> None:
    """Check the options, and enter the user namespace that RUN may need.

    That begins this program anew, so that nothing may be read or shown before. Raises
    `click.UsageError`, `InvalidArgumentError`, and `DockerfileError` without such namespaces.
    """
    _check(context, given)
    _check_settings(given)
    _check_place(given["output"])
    if given["run_engine"] is not None:
        from fastlayer.dockerfile.run import enter_user_namespace  # noqa: PLC0415 (few need it)

        enter_user_namespace()


@contextmanager
def dockerfile_image(given: Mapping[str, Any], shown: Meter) -> Iterator[Image]:
    """Give the image of the Dockerfile, with the settings of the options, while the block runs.

    `prepare_dockerfile` comes before it. Raises `click.UsageError`, and what
    `fastlayer.dockerfile.evaluate` raises.
    """
    from fastlayer.dockerfile import evaluate  # noqa: PLC0415 (large, and other builds need none)

    source: str | None = given["source"]
    arguments = {name: value for name, value in given["build_arg"] if value is not None}
    with evaluate(
        _file(given),
        context=source,
        build_args=arguments,
        target=given["target"],
        platform=given["platform"],
        build_contexts=dict(given["build_context"]),
        run=_engine(given),
        registries=registries_of(given),
        **packing_of(given, ("gzip", None), shown.follow(_NAME)),
    ) as image:
        image = with_settings(image, given)  # noqa: PLW2901
        image.check(given["format"])
        yield image


def _check(context: click.Context, given: Mapping[str, Any]) -> None:
    for name in _OTHERS:
        if given[name] and given[name] != ():
            raise click.UsageError(
                f"{_shown(name)} does not go together with a Dockerfile", context
            )
    if edits_of(context)["edits"]:
        raise click.UsageError("edits change what `--rootfs` gives, not a Dockerfile", context)
    if given["network"] and not given["run_engine"]:
        raise click.UsageError("`--network` is for RUN, and needs `--run-engine`", context)
    source: str | None = given["source"]
    if source is None:
        return
    if source == _STDIN:
        raise click.UsageError(
            "the context is `-`: a Dockerfile on stdin is `-f -`; unpack an archive first, and "
            "give the directory",
            context,
        )
    if source.startswith(_REMOTE):
        raise click.UsageError(
            f"the context is {quoted(source)}: unpack or fetch it first, and give the directory",
            context,
        )
    if not Path(source).is_dir():
        raise click.UsageError(f"the context {quoted(source)} is not a directory", context)


def _check_settings(given: Mapping[str, Any]) -> None:
    """Refuse what no image can have: commands of a Dockerfile take their time."""
    layer = Layer.from_items([], **packing_of(given, ("gzip", None), None))
    image = Image.scratch(platform=given["platform"]).append(layer)
    with_settings(image, given).check(given["format"])


def _check_place(output: Output) -> None:
    folder = Path(output.path).parent
    if output.kind in ("archive", "layout") and not folder.is_dir():
        raise click.UsageError(
            f"the output is {quoted(output.path)}: {quoted(str(folder))} is not a directory"
        )


def _shown(name: str) -> str:
    return "`--from`" if name == "origin" else f"`--{name.replace('_', '-')}`"


def _file(given: Mapping[str, Any]) -> str | bytes:
    """Return the path of the Dockerfile, or the content that stdin has."""
    if given["file"] == _STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError("`--file -` reads a Dockerfile from stdin, which is a terminal")
        from fastlayer.dockerfile.lines import MAX_SIZE  # noqa: PLC0415 (as above)

        return sys.stdin.buffer.read(MAX_SIZE + 1)
    file: str = given["file"] or str(Path(given["source"], _NAME))
    return file


def _engine(given: Mapping[str, Any]) -> RunEngine | None:
    if given["run_engine"] is None:
        return None
    from fastlayer.dockerfile.run import RunEngine  # noqa: PLC0415 (few need it)

    return RunEngine(given["run_engine"], network=given["network"] or "none")
