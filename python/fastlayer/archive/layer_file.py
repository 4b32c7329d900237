"""A single layer as a file: `layer.tar.gz`, `layer.tar.zst`, `layer.tar`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastlayer.archive.output import OutputFile, final_path, is_special, output_file
from fastlayer.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.digest import Digest
    from fastlayer.layer import BuiltLayer, Layer

__all__ = ["save_layer"]


def save_layer(path: str | os.PathLike[str], layer: Layer) -> BuiltLayer:
    """Write the layer's blob to a file, which appears complete or not at all.

    Raises what `Layer.build` raises.
    """
    return layer.build(_FileStore(Path(path)))


class _FileStore:
    """A store for the one blob of a layer."""

    outputs: Sequence[tuple[int, int]] = ()

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def blob(self) -> Iterator[_FileBlob]:
        if is_special(self._path):
            # A pipe or a device takes the bytes as they come: nothing is patched in a blob.
            with self._path.open("wb", buffering=0) as stream:
                yield _FileBlob(self._path, stream.fileno(), None)
            return
        target = final_path(self._path)
        with output_file(target.parent) as file:
            yield _FileBlob(target, file.fileno(), file)

    def put(self, content: bytes) -> None:
        raise InternalError(f"a layer file has no place for a document of {len(content)} bytes")


class _FileBlob:
    """The file, or what stands in for it until it is complete."""

    def __init__(self, path: Path, descriptor: int, file: OutputFile | None) -> None:
        self._path = path
        self._descriptor = descriptor
        self._file = file
        self.name = os.fspath(path)

    def fileno(self) -> int:
        return self._descriptor

    def commit(self, digest: Digest, size: int) -> None:
        if self._file is not None:
            self._file.commit(self._path)
