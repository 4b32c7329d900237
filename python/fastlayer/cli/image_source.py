"""The image that a command begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastlayer.cli.command import option
from fastlayer.cli.registry import registries_of
from fastlayer.image import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IMAGES", "load", "platform_option"]


IMAGES: Final = """\
\b
IMAGE is one of
  FILE or DIR                docker-archive, oci-archive or oci, whichever it is
  docker-archive:FILE[:TAG]  what `docker save` writes
  oci-archive:FILE[:TAG]     an OCI layout in a tar
  oci:DIR[:TAG]              an OCI layout
  docker://NAME[:TAG]        a registry
"""

platform_option: Final = option(
    "--platform",
    section="Image",
    metavar="OS/ARCH[/VARIANT]",
    help="Which one of several, such as linux/arm64; by default the host's.",
)


def load(source: str, given: Mapping[str, Any]) -> Image:
    """Read the image that a command was given. Raises what `Image.load` raises."""
    registries = registries_of(given)
    return Image.load(source, platform=given["platform"], registries=registries)
