"""Which language a file says it is in, and what Docker warns of in any."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from fastlayer.errors import DockerfileError, DockerfileWarning, InvalidReferenceError, quoted
from fastlayer.reference import Reference

if TYPE_CHECKING:
    from fastlayer.dockerfile.reading import Dockerfile

__all__ = ["check_syntax", "warn_of_gaps"]

_KNOWN: Final = ("docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream")


def check_syntax(dockerfile: Dockerfile) -> None:
    """Refuse `# syntax=` of another language, which is a program that would have to run.

    Raises `DockerfileError`.
    """
    if not dockerfile.syntax:
        return
    name = dockerfile.syntax.partition(" ")[0]
    try:
        known = Reference.parse(name).repository in _KNOWN
    except InvalidReferenceError:
        known = False
    if not known:
        raise DockerfileError(
            f"`# syntax={name}` is another language than `docker/dockerfile`, the one that is read "
            "here",
            dockerfile.file,
        )


def warn_of_gaps(dockerfile: Dockerfile) -> None:
    """Warn of empty lines inside an instruction."""
    for line in dockerfile.gaps:
        warnings.warn(
            f"{quoted(dockerfile.file)}:{line}: the instruction goes on over an empty line",
            DockerfileWarning,
            stacklevel=2,
        )
