"""`fastlayer validate`: check an image archive, an image layout or a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fastlayer.cli.command import Command
from fastlayer.cli.failure import FAILED
from fastlayer.cli.options import json_option, progress_option
from fastlayer.cli.progress import meter
from fastlayer.cli.registry import registries_of, registry_options
from fastlayer.cli.summary import print_record
from fastlayer.cli.text import byte_count, echo, plural
from fastlayer.errors import printable
from fastlayer.validation import validate

if TYPE_CHECKING:
    from fastlayer.validation import Report

__all__ = ["validate_command"]

_EXAMPLES: Final = """\
fastlayer validate image.tar
fastlayer validate oci:layout
fastlayer validate layer.tar.gz
fastlayer validate --json image.tar | jq -r '.problems[].message'
"""


@click.command("validate", cls=Command, examples=_EXAMPLES)
@click.argument("path", metavar="PATH")
@json_option
@registry_options
@progress_option
@click.pass_context
def validate_command(
    context: click.Context, /, path: str, *, as_json: bool, progress: str, **given: Any
) -> None:
    """Check all of PATH: every digest, size and diff_id, and every document.

    PATH is an archive, an OCI layout directory, `docker://NAME[:TAG]` or a single layer. Each
    problem is a line on stderr. Exit status: 0 no problems, 1 problems or failed.
    """
    with meter(progress) as shown:
        report = validate(path, progress=shown.follow(path), registries=registries_of(given))
    if as_json:
        print_record(report.record())
    else:
        _show(report)
    if not report.ok:
        context.exit(FAILED)


def _show(report: Report) -> None:
    for note in report.notes:
        click.echo(printable(f"note: {note.where}: {note.message}"), err=True)
    for problem in report.problems:
        click.echo(printable(f"problem: {problem.where}: {problem.message}"), err=True)
    checked = report.checked
    what = [plural(checked.images, "image"), plural(checked.blobs, "blob")]
    outcome = plural(len(report.problems), "problem") if report.problems else "no problems"
    echo(f"{printable(report.path)}: {', '.join(what)}, {byte_count(checked.bytes)}: {outcome}")
