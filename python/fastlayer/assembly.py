"""How an image becomes blobs: its layers, then config and manifest.

A document that says what it said before keeps its bytes, whoever wrote them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fastlayer import media_type
from fastlayer.built import BuiltImage
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import encode
from fastlayer.errors import InvalidArgumentError
from fastlayer.layer import BuiltLayer, Layer, build_layers
from fastlayer.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.config import History, ImageConfig
    from fastlayer.image import Image
    from fastlayer.media_type import Format
    from fastlayer.store import ImageStore
    from fastlayer.stored.image import StoredLayer

__all__ = ["assemble", "check", "format_of"]


def format_of(image: Image, asked: Format | None) -> Format:
    """Choose the family of documents: what is asked for, or what the image had."""
    if asked is not None:
        return asked
    stored = image.origin
    return media_type.family(stored.manifest.media_type) if stored and stored.manifest else "oci"


def check(image: Image, format: Format) -> None:  # noqa: A002
    """Raise `InvalidArgumentError` if the image cannot be built in this format."""
    if not image.layers:
        raise InvalidArgumentError("an image needs at least one layer: use `image.append(…)`")
    for layer in image.layers:
        _media_type_of(layer, format)
    if image.annotations and format == "docker":
        raise InvalidArgumentError("Docker's image format has no annotations: use `oci`")


def assemble(image: Image, store: ImageStore, format: Format) -> BuiltImage:  # noqa: A002
    """Make or copy the layers, then config and manifest, and put them all into `store`.

    A layer that occurs twice is made once.
    """
    check(image, format)
    once = {id(layer): layer for layer in image.layers}
    built: dict[int, BuiltLayer] = {}
    for key, layer in once.items():
        if not isinstance(layer, Layer):
            built[key] = _copy(layer, store, format)
    to_make = {key: layer for key, layer in once.items() if isinstance(layer, Layer)}
    made = build_layers(list(to_make.values()), store, format=format)
    built |= dict(zip(to_make, made, strict=True))
    layers = tuple(built[id(layer)] for layer in image.layers)
    config = _put_config(image, layers, store, format)
    descriptor = _put_manifest(image, config, layers, store, format)
    return BuiltImage(descriptor, config, layers, image.platform)


def _media_type_of(layer: Layer | StoredLayer, format: Format) -> str:  # noqa: A002
    if isinstance(layer, Layer):
        return media_type.for_layer(layer.compression, format)
    return media_type.layer_in(format, layer.descriptor.media_type)


def _copy(layer: StoredLayer, store: ImageStore, format: Format) -> BuiltLayer:  # noqa: A002
    store.copy(layer.descriptor, layer.blob)
    descriptor = msgspec.structs.replace(layer.descriptor, media_type=_media_type_of(layer, format))
    return BuiltLayer(descriptor, layer.diff_id)


def _put_config(
    image: Image,
    layers: Sequence[BuiltLayer],
    store: ImageStore,
    format: Format,  # noqa: A002
) -> Descriptor:
    config = _final_config(image, layers)
    stored = image.origin
    kept = stored is not None and config == stored.config
    content = stored.config_content if stored and kept else encode(config)
    store.put(content)
    blob_type = media_type.for_config(format)
    if stored and kept and stored.config_descriptor.media_type == blob_type:
        return stored.config_descriptor
    return Descriptor(blob_type, Digest.of(content), len(content))


def _put_manifest(
    image: Image,
    config: Descriptor,
    layers: Sequence[BuiltLayer],
    store: ImageStore,
    format: Format,  # noqa: A002
) -> Descriptor:
    stored = image.origin
    descriptors = tuple(layer.descriptor for layer in layers)
    blob_type = media_type.for_manifest(format)
    before = stored.manifest if stored else None
    if before is None:
        manifest = Manifest(
            media_type=blob_type,
            config=config,
            layers=descriptors,
            annotations=image.annotations,
        )
    else:
        manifest = msgspec.structs.replace(
            before,
            media_type=blob_type,
            config=config,
            layers=descriptors,
            annotations=image.annotations,
        )
    kept = stored.manifest_content if stored and manifest == before else None
    content = encode(manifest) if kept is None else kept
    store.put_manifest(content, blob_type)
    return Descriptor(blob_type, Digest.of(content), len(content))


def _final_config(image: Image, layers: Sequence[BuiltLayer]) -> ImageConfig:
    """Fill in what is known at last: the diff_ids, and the time of new steps that have none."""
    config = image.config
    inherited = image.origin.config.history if image.origin else ()

    def dated(step: History) -> History:
        if step.created or step in inherited:
            return step
        return msgspec.structs.replace(step, created=config.created)

    diff_ids = tuple(layer.diff_id for layer in layers)
    return msgspec.structs.replace(
        config,
        rootfs=msgspec.structs.replace(config.rootfs, diff_ids=diff_ids),
        history=tuple(map(dated, config.history)),
    )
