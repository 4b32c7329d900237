"""`fastlayer diff`: show what changed between two trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.failure import explain
from fastlayer.cli.options import json_option
from fastlayer.cli.registry import registries_of, registry_options
from fastlayer.cli.summary import print_record
from fastlayer.cli.text import echo, utc_time
from fastlayer.difference import diff
from fastlayer.errors import FastlayerError, printable

if TYPE_CHECKING:
    from fastlayer.difference import Difference, Fact

__all__ = ["diff_command"]

_EXAMPLES: Final = """\
fastlayer diff rootfs.old rootfs
fastlayer diff image.tar rootfs
fastlayer diff oci:layout:1.0 oci:layout:1.1
fastlayer diff --json a.tar.zst b.tar.gz | jq -r '.differences[].path'
"""

# The exit statuses are those of diff(1).
_DIFFERENT: Final = 1


class _Trouble(click.ClickException):
    exit_code = 2


@click.command("diff", cls=Command, examples=_EXAMPLES)
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@json_option
@registry_options
@click.pass_context
def diff_command(
    context: click.Context, /, before: str, after: str, *, as_json: bool, **given: Any
) -> None:
    """Show what was added (A), deleted (D) and modified (M) from BEFORE to AFTER.

    Each is a directory, a tar (plain or compressed) or an image (an archive, an OCI layout
    directory, `docker://NAME[:TAG]`), which stands for what its layers make together. Exit status:
    0 the same, 1 different, 2 failed.
    """
    try:
        found = diff(before, after, registries=registries_of(given))
    except (FastlayerError, OSError) as error:
        raise _Trouble(explain(error)[1]) from error
    if as_json:
        differences = [difference.record() for difference in found]
        print_record({"before": before, "after": after, "differences": differences})
    else:
        for difference in found:
            echo(_line(difference))
    if found:
        context.exit(_DIFFERENT)


def _line(difference: Difference) -> str:
    line = printable(f"{difference.change} {difference.path}")
    if difference.facts:
        line += f"  {', '.join(map(_fact, difference.facts))}"
    return line


def _fact(fact: Fact) -> str:
    """Show a fact, unless its values are only for programs."""
    if fact.name == "content" or fact.name.startswith("xattr "):
        return printable(fact.name)
    before, after = fact.before or "none", fact.after or "none"
    if fact.name == "mtime":
        before, after = utc_time(int(before)), utc_time(int(after))
    return printable(f"{fact.name} {before}→{after}")
