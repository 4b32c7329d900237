"""Another base under an image: layers and history change, what containers run does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from fastlayer.changes import padded
from fastlayer.errors import InvalidArgumentError
from fastlayer.stored.image import StoredLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.config import History
    from fastlayer.image import Image
    from fastlayer.layer import Layer

__all__ = ["rebased"]

ImageT = TypeVar("ImageT", bound="Image")


def rebased(image: ImageT, old_base: Image, new_base: Image) -> ImageT:
    """Return `image` on `new_base`.

    Raises `InvalidArgumentError` if its lowest layers are not those of `old_base`.
    """
    count = len(old_base.layers)
    pairs = zip(image.layers, old_base.layers, strict=False)
    if count > len(image.layers) or not all(_same(own, old) for own, old in pairs):
        raise InvalidArgumentError("the image is not based on the old base: its layers are others")
    config = image.config
    below = padded(new_base.config.history, len(new_base.layers))
    above = _steps_above(config.history, old_base.config.history, count)
    base = new_base.config
    return replace(
        image,
        layers=(*new_base.layers, *image.layers[count:]),
        inherited=(*image.inherited, *below),
        config=msgspec.structs.replace(
            config,
            history=(*below, *above),
            os=base.os,
            architecture=base.architecture,
            variant=base.variant,
            os_version=base.os_version,
            os_features=base.os_features,
        ),
    )


def _same(own: Layer | StoredLayer, other: Layer | StoredLayer) -> bool:
    """Whether two layers hold the same, however they are compressed."""
    if isinstance(own, StoredLayer) and isinstance(other, StoredLayer):
        return own.diff_id == other.diff_id
    return own is other


def _steps_above(
    history: Sequence[History], base: Sequence[History], layers: int
) -> Sequence[History]:
    """Return the steps after those of the base, which has so many layers."""
    told = sum(not step.empty_layer for step in base)
    if told == layers and history[: len(base)] == base:
        return history[len(base) :]
    # The base was named by what it is now: its layers count, and not how its steps are told.
    for place, step in enumerate(history):
        layers -= not step.empty_layer
        if layers < 0:
            return history[place:]
    return ()
