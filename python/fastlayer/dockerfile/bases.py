"""What FROM and `--from` name besides stages: images, wherever they are, and build contexts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.errors import (
    DockerfileError,
    InvalidArgumentError,
    InvalidReferenceError,
    quoted,
)
from fastlayer.image import Image
from fastlayer.location import DOCKER
from fastlayer.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastlayer.platform import Platform
    from fastlayer.registries import Registries

__all__ = ["SCRATCH", "Directory", "Origins", "is_of_host"]

SCRATCH: Final = "scratch"
"""The image of nothing."""

_OF_HOST: Final = ("docker-archive:", "oci-archive:", "oci:")
_TRANSPORTS: Final = (*_OF_HOST, DOCKER)
_IMAGE: Final = "docker-image://"
_LAYOUT: Final = "oci-layout://"
_REMOTE: Final = ("http://", "https://", "git://", "git@", "ssh://", "target:", "input:")
_NEVER_CONTEXTS: Final = (SCRATCH, "context")


def is_of_host(name: str) -> bool:
    """Whether a name leads to a file or directory of this machine."""
    return name.startswith(_OF_HOST)


@dataclass(frozen=True, slots=True)
class Directory:
    """A build context that is a directory of this host."""

    path: str


class Origins:
    """Images and build contexts by their names. An image is read once for each platform."""

    def __init__(self, contexts: Mapping[str, str], registries: Registries | None) -> None:
        """Check the build contexts, `name` to a directory or image.

        Raises `InvalidArgumentError`.
        """
        self._contexts = {
            _context_name(name): _context(name, text) for name, text in contexts.items()
        }
        self._registries = registries
        self._images: dict[tuple[str, str], Image] = {}

    def context(self, name: str, platform: Platform | None) -> Image | Directory | None:
        """Return the build context of this name, if there is one.

        `platform` is which of several images is meant. Raises what `Image.load` raises.
        """
        if name.lower() in _NEVER_CONTEXTS:
            return None
        try:
            found = self._contexts.get(_context_name(name))
        except InvalidArgumentError:
            return None
        return self._image(found, platform) if isinstance(found, str) else found

    def find(self, name: str, platform: Platform | None) -> Image | Directory:
        """Return the build context or image of this name.

        Raises `DockerfileError` if it cannot be a name, and what `Image.load` raises.
        """
        if name == SCRATCH:
            return self._image(name, platform)
        if name.startswith(_TRANSPORTS):
            return self._image(name, platform)
        found = self.context(name, platform)
        if found is not None:
            return found
        try:
            reference = Reference.parse(name)
        except InvalidReferenceError as error:
            raise DockerfileError(
                f"{quoted(name)} is neither a stage above nor the name of an image: {error}"
            ) from error
        return self._image(f"{DOCKER}{reference}", platform)

    def _image(self, source: str, platform: Platform | None) -> Image:
        key = (source, str(platform))
        if key not in self._images:
            if source == SCRATCH:
                self._images[key] = Image.scratch(platform=platform)
            else:
                self._images[key] = Image.load(
                    source, platform=platform, registries=self._registries
                )
        return self._images[key]


def _context_name(name: str) -> str:
    """Bring a name into the form by which build contexts are known: `alpine:latest` is `alpine`."""
    return Reference.parse(name).familiar.removesuffix(":latest")


def _context(name: str, text: str) -> str | Directory:
    """Read where a build context is: as text for `Image.load`, or as a directory."""
    if name.lower() in _NEVER_CONTEXTS:
        raise InvalidArgumentError(f"a build context cannot have the name {quoted(name)}")
    if text.startswith(_IMAGE):
        image = text.removeprefix(_IMAGE)
        return SCRATCH if image == SCRATCH else f"{DOCKER}{Reference.parse(image)}"
    if text.startswith(_LAYOUT):
        return f"oci:{text.removeprefix(_LAYOUT)}"
    if text.startswith(_TRANSPORTS):
        return text
    if text.startswith(_REMOTE):
        raise InvalidArgumentError(
            f"the build context {quoted(name)} is {quoted(text)}: fetch it first, and give the "
            "directory"
        )
    if not os.path.isdir(text):  # noqa: PTH112 (text, as the user wrote it)
        raise InvalidArgumentError(
            f"the build context {quoted(name)} is {quoted(text)}: expected a directory, "
            "`docker-image://NAME`, `oci-layout://DIR`, `docker-archive:FILE` or `oci-archive:FILE`"
        )
    return Directory(text)
