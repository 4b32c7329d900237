"""`fastlayer login`: credentials for a registry, kept for later."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.registry import connection_options, password_from_stdin
from fastlayer.registry.login import login

__all__ = ["login_command"]

_EXAMPLES: Final = """\
fastlayer login registry.example --username me
pass show registry | fastlayer login registry.example --username me --password-stdin
"""


@click.command("login", cls=Command, examples=_EXAMPLES)
@click.argument("registry", metavar="REGISTRY", default="docker.io")
@option("--username", section="Registries", metavar="NAME", help="Who asks; else it is asked for.")
@option(
    "--password-stdin",
    section="Registries",
    is_flag=True,
    help="Read the password or token from stdin; else it is asked for.",
)
@connection_options
def login_command(
    registry: str,
    *,
    username: str | None,
    password_stdin: bool,
    **given: Any,
) -> None:
    """Check credentials with REGISTRY and keep them where docker does.

    They go to a credential helper if one is set up, else into a file that only you can read:
    --auth-file, REGISTRY_AUTH_FILE, podman's or docker's own.
    """
    if password_stdin and username is None:
        raise click.UsageError("`--password-stdin` needs `--username`")
    if not password_stdin and (sys.stdin is None or not sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask on: give `--password-stdin`")
    if username is None:
        username = click.prompt("Username", err=True)
    if password_stdin:
        password = password_from_stdin()
    else:
        password = click.prompt("Password", hide_input=True, err=True)
    path = login(registry, username, password, **given)
    click.echo(f"{registry}: credentials kept by `{path}`")
