"""How registries are reached: the options that every verb has that may name one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import option, together
from fastlayer.cli.progress import transfer_of
from fastlayer.registries import Registries

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "auth_file_option",
    "connection_options",
    "password_from_stdin",
    "registries_of",
    "registry_options",
]

_SECTION: Final = "Registries"
_KEPT: Final = "fastlayer.cli.registries"

auth_file_option: Final = option(
    "--auth-file",
    section=_SECTION,
    metavar="FILE",
    help="Where credentials are kept, instead of REGISTRY_AUTH_FILE, podman's and docker's.",
)

connection_options: Final = together(
    auth_file_option,
    option(
        "--ca-file",
        section=_SECTION,
        metavar="FILE",
        help="Certificates (PEM) to trust besides those of the system.",
    ),
    option(
        "--plain-http",
        section=_SECTION,
        is_flag=True,
        help="Ask without TLS; a registry on this machine need not have it anyway.",
    ),
)
"""The options of a connection, whoever asks."""

registry_options: Final = together(
    option(
        "--username",
        section=_SECTION,
        metavar="NAME",
        help="Who asks, for this call; `fastlayer login` keeps that.",
    ),
    option(
        "--password-stdin",
        section=_SECTION,
        is_flag=True,
        help="Read the password or token of --username from stdin.",
    ),
    connection_options,
)
"""The options of registries."""


def registries_of(given: Mapping[str, Any]) -> Registries:
    """Return the registries of the running command, the same each time.

    Raises `click.UsageError`.
    """
    context = click.get_current_context()
    if _KEPT not in context.meta:
        password = None
        if given["password_stdin"]:
            if given["username"] is None:
                raise click.UsageError("`--password-stdin` needs `--username`", context)
            password = password_from_stdin()
        elif given["username"] is not None:
            raise click.UsageError("`--username` needs `--password-stdin`", context)
        registries = Registries(
            username=given["username"],
            password=password,
            plain_http=given["plain_http"],
            ca_file=given["ca_file"],
            auth_file=given["auth_file"],
            spool=given.get("spool", False),
            progress=transfer_of(context),
        )
        context.meta[_KEPT] = context.with_resource(registries)
    kept: Registries = context.meta[_KEPT]
    return kept


def password_from_stdin() -> str:
    """Read a password, without the line break at its end. Raises `click.UsageError`."""
    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("`--password-stdin` reads from stdin, which is a terminal")
    password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not password:
        raise click.UsageError("stdin has no password in it")
    return password
