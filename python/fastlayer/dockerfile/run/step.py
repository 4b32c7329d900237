"""One RUN: what is executed, as whom, where, and with what mounted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from fastlayer.options import LayerOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastlayer.dockerfile.instructions import Mount
    from fastlayer.stored.image import StoredLayer

__all__ = ["SCRIPTS", "MountSource", "Mounted", "RunStep", "Script"]

SCRIPTS: Final = "/dev/pipes"
"""Where BuildKit puts heredocs that are programs."""

MountSource: TypeAlias = "Sequence[StoredLayer] | None"
"""The layers of a stage or image, or of what was made of a directory; or nothing."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """A `--mount`, and what its `from` stands for.

    Of a bind, `source` is the layers of the context, a stage or an image. A cache and a tmpfs have
    none.
    """

    mount: Mount
    source: MountSource = None


@dataclass(frozen=True, slots=True)
class Script:
    """A heredoc that begins with `#!`: a program of its own."""

    name: str
    content: bytes

    @property
    def path(self) -> str:
        """Where it is while the step runs: what `argv` names."""
        return f"{SCRIPTS}/{self.name}"


@dataclass(frozen=True, slots=True)
class RunStep:
    """What a RUN executes.

    `argv` is complete: the shell form has its shell in front. `env` is all of the environment but
    PATH and HOME, which have defaults. `user` is what USER said: `name[:group]`, in names or
    numbers. `network` is `none`, `host` or `default`, which like nothing is that of the engine.
    `text` is the command as people wrote it, for messages. `options` are those of the layer that
    comes out.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    cwd: str = "/"
    mounts: Sequence[Mounted] = ()
    script: Script | None = None
    network: str = ""
    security: str = ""
    text: str = ""
    options: LayerOptions = field(default_factory=LayerOptions)
