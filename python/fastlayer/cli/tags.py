"""`fastlayer tags`: the tags of a repository."""

from __future__ import annotations

from typing import Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.options import json_option
from fastlayer.cli.registry import registries_of, registry_options
from fastlayer.cli.summary import print_record
from fastlayer.cli.text import echo
from fastlayer.errors import printable
from fastlayer.location import DOCKER
from fastlayer.reference import Reference

__all__ = ["tags_command"]

_EXAMPLES: Final = """\
fastlayer tags debian
fastlayer tags --json registry.example/team/app | jq -r '.tags[]'
"""


@click.command("tags", cls=Command, examples=_EXAMPLES)
@click.argument("name", metavar="NAME")
@json_option
@registry_options
def tags_command(name: str, *, as_json: bool, **given: Any) -> None:
    """List the tags of the repository NAME, in the order of its registry."""
    reference = Reference.parse(name.removeprefix(DOCKER))
    session = registries_of(given).session(reference.domain)
    tags = list(session.repository(reference.path).tags())
    if as_json:
        print_record({"name": reference.repository, "tags": tags})
        return
    for tag in tags:
        echo(printable(tag))
