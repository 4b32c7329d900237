"""What an instruction is told: of its own stage so far, and of what it may copy from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.options import PackOptions
    from fastlayer.stored.image import StoredLayer
    from fastlayer.tree import Tree

__all__ = ["Finished", "StageState"]


class Finished(Protocol):
    """What `COPY --from` copies from: another stage, or an image, whose layers are made."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def layers(self) -> Sequence[StoredLayer]:
        """Its layers, the base first. Asking makes those that are not there yet."""

    @property
    def tree(self) -> Tree:
        """What is there when they are applied. It is not for changing."""


class StageState(Protocol):
    """A stage so far: what the instructions before have made of it."""

    @property
    def tree(self) -> Tree:
        """What is there when all layers so far are applied, made when it is first asked for.

        It is not for changing.
        """

    @property
    def working_dir(self) -> str:
        """The working directory: absolute, without `..`, and a `/` at its end only if it is `/`."""

    @property
    def user(self) -> str:
        """What USER said last, of this stage or its base: `name`, `uid:gid`, … or nothing."""

    @property
    def epoch(self) -> int | None:
        """The time of what has no time of its own, in seconds since 1970: SOURCE_DATE_EPOCH."""

    @property
    def options(self) -> PackOptions:
        """The options that every layer of the stage is made with."""
