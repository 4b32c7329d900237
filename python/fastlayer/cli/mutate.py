"""`fastlayer mutate`: other settings for an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.image_source import IMAGES, load
from fastlayer.cli.progress import meter
from fastlayer.cli.result import OUTPUTS, check_result, deliver, result_options, show
from fastlayer.cli.settings import image_options, with_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastlayer.image import Image

__all__ = ["mutate_command"]

_F = TypeVar("_F", bound="Callable[..., Any]")

_HELP: Final = """\
Change the settings of IMAGE; its layers are copied as they are.

Variables, labels, ports, volumes and annotations are added, or get a new value; every other setting
replaces the one that is there. Of an index, --platform chooses the image.
"""

_EXAMPLES: Final = """\
fastlayer mutate app.tar --env MODE=production --label version=2 -t app:2 -o app2.tar
fastlayer mutate oci:out:1 --clear cmd --entrypoint '["/app"]' --remove-env DEBUG -o oci:out:2
fastlayer mutate app.tar --annotation org.opencontainers.image.source=https://example.org/app \\
    -t app:2 -o app2.tar
"""

# What --clear takes, with the settings' names.
_CLEARED: Final = {
    "entrypoint": "entrypoint",
    "cmd": "cmd",
    "user": "user",
    "workdir": "working_dir",
    "stop-signal": "stop_signal",
    "healthcheck": "healthcheck",
    "shell": "shell",
    "onbuild": "on_build",
    "env": "env",
    "labels": "labels",
    "ports": "exposed_ports",
    "volumes": "volumes",
    "author": "author",
    "created": "created",
}


def _remove(name: str, metavar: str, what: str) -> Callable[[_F], _F]:
    return option(
        f"--remove-{name}", section="Image", metavar=metavar, multiple=True, help=f"Without {what}."
    )


@click.command("mutate", cls=Command, examples=_EXAMPLES, help=f"{_HELP}\n{IMAGES}\n{OUTPUTS}")
@click.argument("image", metavar="IMAGE")
@image_options
@_remove("env", "NAME", "this variable")
@_remove("label", "KEY", "this label")
@_remove("port", "PORT", "this port")
@_remove("volume", "PATH", "this volume")
@_remove("annotation", "KEY", "this annotation")
@option(
    "--clear",
    section="Image",
    type=click.Choice(list(_CLEARED)),
    multiple=True,
    help="Without this setting, before what else is asked for.",
)
@option(
    "--set-platform",
    section="Image",
    metavar="OS/ARCH[/VARIANT]",
    help="What the image is for from now on; its content stays as it is.",
)
@result_options
def mutate_command(image: str, **given: Any) -> None:
    """Change what the options say."""
    check_result(given)
    with meter(given["progress"]):
        changed = with_settings(_reduced(load(image, given), given), given)
        if given["set_platform"] is not None:
            changed = changed.with_platform(given["set_platform"])
        built = deliver(changed, given)
    show(built, given)


def _reduced(image: Image, given: Mapping[str, Any]) -> Image:
    """Remove what is to be removed, so that what is added stays."""
    image = image.with_config(**{_CLEARED[name]: None for name in given["clear"]})
    return image.with_removed(
        env=given["remove_env"],
        labels=given["remove_label"],
        exposed_ports=given["remove_port"],
        volumes=given["remove_volume"],
    ).with_annotations(dict.fromkeys(given["remove_annotation"]))
