"""`fastlayer logout`: credentials for a registry, forgotten."""

from __future__ import annotations

from typing import Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.registry import auth_file_option
from fastlayer.registry.login import logout

__all__ = ["logout_command"]

_EXAMPLES: Final = """\
fastlayer logout registry.example
"""


@click.command("logout", cls=Command, examples=_EXAMPLES)
@click.argument("registry", metavar="REGISTRY", default="docker.io")
@auth_file_option
def logout_command(registry: str, auth_file: str | None) -> None:
    """Forget the credentials for REGISTRY, wherever docker, podman or `login` kept them."""
    paths = logout(registry, auth_file=auth_file)
    if not paths:
        click.echo(f"{registry}: there were no credentials")
    for path in paths:
        click.echo(f"{registry}: credentials removed from `{path}`")
