"""`fastlayer rebase`: another base under an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.image_source import IMAGES, load, platform_option
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["rebase_command"]

_F = TypeVar("_F", bound="Callable[..., Any]")

_HELP: Final = """\
Put the layers of IMAGE above those of OLD on NEW.

Nothing is made anew: that is right where the upper layers do not depend on what changed below, as
with a base that only got updates. The settings stay those of IMAGE.
"""

_EXAMPLES: Final = """\
fastlayer rebase app.tar --old-base debian-12.1.tar --new-base debian-12.2.tar \\
    -t app:1 -o app-rebased.tar
"""


def _base(name: str, what: str) -> Callable[[_F], _F]:
    return option(name, section="Image", metavar="IMAGE", required=True, help=what)


@click.command("rebase", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@_base("--old-base", "What IMAGE was built on.")
@_base("--new-base", "What it is to be on.")
@platform_option
@result_options
def rebase_command(image: str, old_base: str, new_base: str, **given: Any) -> None:
    """Rebase what the arguments name."""
    check_result(given)
    with meter(given["progress"]):
        rebased = load(image, given).rebase(load(old_base, given), load(new_base, given))
        built = deliver(rebased, given)
    show(built, given)
