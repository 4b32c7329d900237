"""The command `fastlayer` and its verbs, which are imported when they are used."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Final, cast

import click

from fastlayer.cli.command import SETTINGS, Examples
from fastlayer.errors import quoted

__all__ = ["fastlayer"]

# The verbs with what `fastlayer --help` says of each, so that it need not import them. The verb
# `build` is `build_command` of `fastlayer.cli.build`.
_VERBS: Final = {
    "build": "Build an image from directories, archives, files, a Dockerfile, other images",
    "layer": "Make a single layer as a file",
    "append": "Put layers on top of an image",
    "mutate": "Change the settings of an image",
    "rebase": "Put an image on another base",
    "flatten": "Make one layer of all those of an image",
    "export": "Write the file system of an image as a tar",
    "unpack": "Make the file system of an image a directory",
    "recompress": "Compress the layers of an image anew",
    "rewrite": "Change times and owners in the layers of an image",
    "index": "Make and change images for several platforms",
    "copy": "Copy images from one place to another",
    "push": "Send an image to a registry",
    "pull": "Fetch an image from a registry",
    "tags": "List the tags of a repository",
    "login": "Keep credentials for a registry",
    "logout": "Forget the credentials for a registry",
    "diff": "Show what changed between two trees",
    "inspect": "Show what is in an image",
    "validate": "Check an image thoroughly",
    "mtree": "Describe a directory or a layer as text",
    "recipe": "Look at the recipes of base images",
}

_EXAMPLES: Final = """\
fastlayer build --rootfs rootfs -t custom/hello:latest -o image.tar
fastlayer build --add ./app:/app --entrypoint /app -t app:1 -o oci:out
fastlayer build . -f Dockerfile -t app:1 -o app.tar
fastlayer layer rootfs -o layer.tar.zst --compression zstd:3
fastlayer build --from debian.tar --add ./app:/app -t app:2 -o app.tar
fastlayer copy image.tar oci:images:1
fastlayer push app.tar registry.example/app:2
fastlayer inspect image.tar
fastlayer diff old.tar new.tar
fastlayer validate image.tar
"""


def _show_version(context: click.Context) -> None:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 (slow, and rare)

    try:
        click.echo(f"fastlayer {version('fastlayer-oci')}")
    except PackageNotFoundError:
        click.echo("fastlayer, of a source tree that is not installed")
    context.exit()


class _Verbs(Examples, click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"fastlayer.cli.{cmd_name}")
        return cast("click.Command", getattr(module, f"{cmd_name}_command"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _VERBS:
            raise click.UsageError(_unknown(args[0]), ctx)
        return super().resolve_command(ctx, args)


def _unknown(name: str) -> str:
    near = get_close_matches(name, _VERBS, n=1)
    if near:
        return f"no such command {quoted(name)}: did you mean {quoted(near[0])}?"
    return f"no such command {quoted(name)} (see `fastlayer --help`)"


@click.group(
    cls=_Verbs,
    examples=_EXAMPLES,
    invoke_without_command=True,
    context_settings=SETTINGS,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, wanted: _show_version(context) if wanted else None,
    help="Show the version and exit.",
)
@click.pass_context
def fastlayer(context: click.Context) -> None:
    """Build container images: one pass, no daemon, no root.

    Exit status: 0 done, 1 failed, 2 bad usage, 130 interrupted. What failed is one line on
    stderr; FASTLAYER_TRACEBACK=1 adds where in the program.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)
