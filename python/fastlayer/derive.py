"""Layers made of layers: compressed anew, written anew, many made one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastlayer.errors import InvalidArgumentError
from fastlayer.layer import Layer
from fastlayer.layer_source import LayerSource
from fastlayer.media_type import compression_of
from fastlayer.options import Recipe
from fastlayer.stored.blob import compression_of_blob

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.media_type import Compression
    from fastlayer.options import LayerOptions, PackOptions
    from fastlayer.stored.image import StoredLayer

__all__ = ["flattened", "recompressed", "rewritten"]

Layers = tuple["Layer | StoredLayer", ...]


def recompressed(layers: Layers, options: PackOptions) -> Layers:
    """Describe stored layers in another compression.

    One that is so already stays as it is, unless a level is asked for. Layers that are only
    described take no part.

    Raises `InvalidArgumentError` for wrong options.
    """
    recipe = Recipe.packing(options)

    def transcoded(layer: StoredLayer) -> Layer | StoredLayer:
        as_asked = _compression(layer) == recipe.compression and recipe.level is None
        return layer if as_asked else Layer(LayerSource("transcode", (layer,)), recipe)

    return _each(layers, lambda layer: layer if isinstance(layer, Layer) else transcoded(layer))


def rewritten(layers: Layers, options: LayerOptions) -> Layers:
    """Describe stored layers with the options applied to their entries.

    Raises `InvalidArgumentError` for wrong options, and for layers that are only described.
    """
    Recipe.of(options)  # wrong ones are told even if there is no layer

    def written(layer: Layer | StoredLayer) -> Layer:
        stored = _stored(layer, "rewritten")
        own: LayerOptions = {"compression": _compression(stored), **options}
        return Layer(LayerSource("rewrite", (stored,)), Recipe.of(own))

    return _each(layers, written)


def flattened(layers: Layers, options: PackOptions) -> Layer:
    """Describe the one layer that makes the same tree as all of them.

    Raises `InvalidArgumentError` for wrong options, and for layers that are only described.
    """
    recipe = Recipe.packing(options)
    stored = tuple(_stored(layer, "flattened") for layer in layers)
    if not stored:
        raise InvalidArgumentError("an image without layers cannot be flattened")
    return Layer(LayerSource("flatten", stored), recipe)


def _each(layers: Layers, make: Callable[[Layer | StoredLayer], Layer | StoredLayer]) -> Layers:
    """Make one of each layer, and the same of the same: what occurs twice is made once."""
    made: dict[int, Layer | StoredLayer] = {}
    for layer in layers:
        if id(layer) not in made:
            made[id(layer)] = make(layer)
    return tuple(made[id(layer)] for layer in layers)


def _stored(layer: Layer | StoredLayer, what: str) -> StoredLayer:
    if isinstance(layer, Layer):
        raise InvalidArgumentError(
            f"only stored layers can be {what}: write the image first, and load it"
        )
    return layer


def _compression(layer: StoredLayer) -> Compression:
    """How it is compressed, as its media type says, or else its first bytes."""
    return compression_of(layer.descriptor.media_type) or compression_of_blob(layer.blob)
