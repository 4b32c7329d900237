"""Layers that are made before the image is: others copy from them, or run on top of them."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from fastlayer.archive.blob import Blob, file_blob
from fastlayer.layer import Layer, build_layers
from fastlayer.stored.absent import AbsentBlob
from fastlayer.stored.blob import copy_blob
from fastlayer.stored.image import StoredLayer
from fastlayer.temporary import temporary_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.digest import Digest

__all__ = ["Workshop"]

_PREFIX: Final = "fastlayer-layers-"


class Workshop:
    """A temporary folder with layers in it, which is gone when the context ends, however it does.

    It is there from the first layer on. After SIGKILL the next workshop removes it.
    """

    def __init__(self, stack: ExitStack) -> None:
        self.outputs: Sequence[tuple[int, int]] = ()
        self._stack = stack
        self._folder: Path | None = None
        # By identity: the layer is kept too, so that no other one gets its place.
        self._stored: dict[int, tuple[Layer | StoredLayer, StoredLayer]] = {}

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        """Give a workshop for as long as the block runs."""
        with ExitStack() as stack:
            yield cls(stack)

    def stored(self, layers: Sequence[Layer | StoredLayer]) -> list[StoredLayer]:
        """Make those layers that are not there yet, and fetch those that are in registries.

        Raises what `Layer.build` raises, and what the blob of a stored layer does.
        """
        missing = {id(layer): layer for layer in layers if id(layer) not in self._stored}
        described = [layer for layer in missing.values() if isinstance(layer, Layer)]
        for layer, built in zip(described, build_layers(described, self), strict=True):
            blob = file_blob(os.fspath(self._path(built.digest)))
            made = StoredLayer(built.descriptor, built.diff_id, blob)
            self._keep(layer, made)
            self._keep(made, made)
        for found in missing.values():
            if isinstance(found, StoredLayer):
                self._keep(found, self._fetched(found))
        return [self._stored[id(layer)][1] for layer in layers]

    def known(self, layer: Layer | StoredLayer) -> Layer | StoredLayer:
        """Return the layer as it was made, if it was; a stored layer stays what it is."""
        if isinstance(layer, StoredLayer) or id(layer) not in self._stored:
            return layer
        return self._stored[id(layer)][1]

    @contextmanager
    def blob(self) -> Iterator[_Blob]:
        """Begin a blob."""
        blob = _Blob(self, *tempfile.mkstemp(dir=self._made()))
        try:
            yield blob
        finally:
            os.close(blob.target)

    def _keep(self, layer: Layer | StoredLayer, stored: StoredLayer) -> None:
        self._stored[id(layer)] = (layer, stored)

    def _fetched(self, layer: StoredLayer) -> StoredLayer:
        """Copy a layer that is not in a file here, and verify it: it is read more than once."""
        if isinstance(layer.blob, Blob | AbsentBlob):
            return layer
        path = self._path(layer.descriptor.digest)
        if not path.exists():
            copy_blob(layer.blob, layer.descriptor, self)
        return StoredLayer(layer.descriptor, layer.diff_id, file_blob(os.fspath(path)))

    def _made(self) -> Path:
        if self._folder is None:
            made = temporary_directory(tempfile.gettempdir(), _PREFIX, mode=0o700)
            self._folder = Path(self._stack.enter_context(made).path)
        return self._folder

    def _path(self, digest: Digest) -> Path:
        return self._made() / digest.encoded


class _Blob:
    """A blob in the making, in a file that gets its name at the end."""

    def __init__(self, workshop: Workshop, descriptor: int, path: str) -> None:
        self._workshop = workshop
        self._path = path
        self.target = descriptor
        self.name = path

    def commit(self, digest: Digest, size: int) -> None:
        """Name it by its digest; its folder goes at the end, so that nothing need be durable."""
        Path(self._path).replace(self._workshop._path(digest))
