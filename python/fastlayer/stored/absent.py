"""Layers that are not where their image is: those that nobody else may distribute."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastlayer.errors import InvalidImageError, quoted
from fastlayer.media_type import is_foreign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.descriptor import Descriptor
    from fastlayer.store import Stretch

__all__ = ["AbsentBlob", "may_be_absent"]


def may_be_absent(descriptor: Descriptor) -> bool:
    """Whether a layer may be at its `urls` only (image-spec, layer.md, "Non-Distributable Layers").

    Nothing is ever fetched from there.
    """
    return is_foreign(descriptor.media_type) and bool(descriptor.urls)


@dataclass(frozen=True, slots=True)
class AbsentBlob:
    """The blob of such a layer: it is passed on by its descriptor, and cannot be read."""

    descriptor: Descriptor

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.descriptor.digest

    @property
    def size(self) -> int:
        """Bytes that it would have."""
        return self.descriptor.size

    @property
    def place(self) -> tuple[str, str]:
        """Where it is said to be."""
        return self.descriptor.digest, self.descriptor.urls[0]

    def chunks(self) -> Iterator[bytes]:
        """Raise `InvalidImageError`."""
        raise self.refusal()

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        """Raise `InvalidImageError`."""
        raise self.refusal()
        yield

    def refusal(self, need: str = "") -> InvalidImageError:
        """Say that it is not here, and what it would be needed for."""
        return InvalidImageError(
            f"the layer {quoted(self.name)} is not distributed with its image, but from "
            f"{quoted(self.descriptor.urls[0])}{need and f': {need}'}"
        )
