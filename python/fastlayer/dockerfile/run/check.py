"""What can be said of a RUN before any is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastlayer.dockerfile.mount import read_mount
from fastlayer.dockerfile.run.mounts import check_mount
from fastlayer.dockerfile.run.network import network_of
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from fastlayer.dockerfile.instructions import Run
    from fastlayer.dockerfile.run.engine import RunEngine
    from fastlayer.dockerfile.run.step import RunStep
    from fastlayer.dockerfile.words import Lexer

__all__ = ["check_run", "check_security", "check_texts"]


def check_run(instruction: Run, engine: RunEngine, lexer: Lexer) -> None:
    """Refuse flags that `engine` cannot do, but mounts whose variables are not known yet.

    Raises `DockerfileError`.
    """
    check_security(instruction.security)
    network_of(instruction.network, engine.network)
    for mount in instruction.mounts:
        if "$" not in mount:
            check_mount(read_mount(mount, lambda text: lexer.expand(text, {})))


def check_security(flag: str) -> None:
    """Refuse a `--security` that is not what all steps have. Raises `DockerfileError`."""
    if flag not in ("", "sandbox"):
        raise DockerfileError(
            f"`--security={flag}`: commands run with the rights of a container only"
        )


def check_texts(step: RunStep) -> None:
    """Refuse what a runtime would take up to its NUL: the config of a base may have one.

    Raises `DockerfileError`.
    """
    targets = (mounted.mount.target for mounted in step.mounts)
    for text in (*step.argv, step.cwd, *step.env, *step.env.values(), *targets):
        if "\0" in text:
            raise DockerfileError(f"{quoted(text)} has a NUL")
