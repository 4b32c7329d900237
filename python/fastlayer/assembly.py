"""How an image becomes blobs: its layers, then config and manifest.

A document that says what it said before keeps its bytes, whoever wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from fastlayer import media_type
from fastlayer.built import BuiltImage
from fastlayer.built_layer import BuiltLayer
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import encode
from fastlayer.errors import InvalidArgumentError
from fastlayer.layer import Layer, build_layers
from fastlayer.manifest import Manifest
from fastlayer.stored.absent import AbsentBlob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.config import History, ImageConfig
    from fastlayer.image import Image
    from fastlayer.media_type import Format
    from fastlayer.store import ImageStore
    from fastlayer.stored.image import StoredLayer

__all__ = ["assemble", "check"]


def check(image: Image, asked: Format | None) -> None:
    """Raise `InvalidArgumentError` if the image cannot be built in this format."""
    if not image.layers:
        raise InvalidArgumentError("an image needs at least one layer: use `image.append(…)`")
    forms = _Forms.of(image, asked)
    for layer in image.layers:
        forms.media_type_of(layer)
    if image.annotations and forms.family == "docker":
        raise InvalidArgumentError("Docker's image format has no annotations: use `oci`")


def assemble(image: Image, store: ImageStore, asked: Format | None) -> BuiltImage:
    """Make or copy the layers, then config and manifest, and put them all into `store`.

    A layer that occurs twice is made once.
    """
    check(image, asked)
    forms = _Forms.of(image, asked)
    layers = _put_layers(image, store, forms)
    config = _put_config(image, layers, store, forms)
    descriptor = _put_manifest(image, config, layers, store, forms)
    return BuiltImage(descriptor, config, layers, image.platform)


@dataclass(frozen=True, slots=True)
class _Forms:
    """The media types of an image: those of a family, or where none is asked for, those it had.

    Some tools mix the families in one manifest; a copy of that stays what it is.
    """

    family: Format
    kept: frozenset[int]  # layers whose type stays, by identity
    config: str

    @classmethod
    def of(cls, image: Image, asked: Format | None) -> _Forms:
        stored = image.origin
        if asked is not None or stored is None or stored.manifest is None:
            family = asked or "oci"
            return cls(family, frozenset(), media_type.for_config(family))
        family = media_type.family(stored.manifest.media_type)
        kept = frozenset(map(id, stored.layers))
        return cls(family, kept, stored.config_descriptor.media_type)

    def media_type_of(self, layer: Layer | StoredLayer) -> str:
        """Tell a layer's type; raises `InvalidArgumentError` for what the family has none for."""
        if isinstance(layer, Layer):
            return media_type.for_layer(layer.compression, self.family)
        stated = layer.descriptor.media_type
        return stated if id(layer) in self.kept else media_type.layer_in(self.family, stated)


def _put_layers(image: Image, store: ImageStore, forms: _Forms) -> tuple[BuiltLayer, ...]:
    once = {id(layer): layer for layer in image.layers}
    built: dict[int, BuiltLayer] = {}
    for key, layer in once.items():
        if not isinstance(layer, Layer):
            if not isinstance(layer.blob, AbsentBlob):
                store.copy(layer.descriptor, layer.blob)
            blob_type = forms.media_type_of(layer)
            descriptor = msgspec.structs.replace(layer.descriptor, media_type=blob_type)
            built[key] = BuiltLayer(descriptor, layer.diff_id)
    to_make = {key: layer for key, layer in once.items() if isinstance(layer, Layer)}
    made = build_layers(list(to_make.values()), store, format=forms.family)
    built |= dict(zip(to_make, made, strict=True))
    return tuple(built[id(layer)] for layer in image.layers)


def _put_config(
    image: Image, layers: Sequence[BuiltLayer], store: ImageStore, forms: _Forms
) -> Descriptor:
    config = _final_config(image, layers)
    config.check_layer_count(len(layers))
    stored = image.origin
    kept = stored is not None and config == stored.config
    content = stored.config_content if stored and kept else encode(config)
    store.put(content)
    plain = Descriptor(forms.config, Digest.of(content), len(content))
    if stored is None:
        return plain
    return msgspec.structs.replace(
        stored.config_descriptor,
        media_type=plain.media_type,
        digest=plain.digest,
        size=plain.size,
        data=stored.config_descriptor.data if kept else b"",
    )


def _put_manifest(
    image: Image,
    config: Descriptor,
    layers: Sequence[BuiltLayer],
    store: ImageStore,
    forms: _Forms,
) -> Descriptor:
    stored = image.origin
    descriptors = tuple(layer.descriptor for layer in layers)
    blob_type = media_type.for_manifest(forms.family)
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
    inherited = set(map(id, image.inherited))

    def dated(step: History) -> History:
        if step.created or id(step) in inherited:
            return step
        return msgspec.structs.replace(step, created=config.created)

    diff_ids = tuple(layer.diff_id for layer in layers)
    return msgspec.structs.replace(
        config,
        rootfs=msgspec.structs.replace(config.rootfs, diff_ids=diff_ids),
        history=tuple(map(dated, config.history)),
    )
