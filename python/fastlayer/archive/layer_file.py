"""A single layer as a file: `layer.tar.gz`, `layer.tar.zst`, `layer.tar`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastlayer.archive.output import OutputFile, final_path, is_special, output_file
from fastlayer.archive.spool import identity, spooled, stream_name
from fastlayer.errors import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.built_layer import BuiltLayer
    from fastlayer.digest import Digest
    from fastlayer.layer import Layer

__all__ = ["save_layer"]


def save_layer(output: str | os.PathLike[str] | BinaryIO, layer: Layer) -> BuiltLayer:
    """Write the layer's blob to a file, which appears complete or not at all, or to a stream.

    Raises what `Layer.build` raises.
    """
    if isinstance(output, str | os.PathLike):
        return layer.build(_FileStore(Path(output)))
    return layer.build(_StreamStore(output))


class _Store:
    """A store for the one blob of a layer."""

    outputs: Sequence[tuple[int, int]] = ()


class _FileStore(_Store):
    """A file, or a pipe or device that has a name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def blob(self) -> Iterator[_Blob]:
        if is_special(self._path):
            with named(self._path), self._path.open("wb", buffering=0) as stream:
                yield _Blob(os.fspath(self._path), stream.fileno())
            return
        target = final_path(self._path)
        with named(target), output_file(target.parent) as file:
            yield _NamedBlob(target, file)


class _StreamStore(_Store):
    """A stream that takes the bytes as they come: nothing is patched in a blob."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.outputs = identity(stream)

    @contextmanager
    def blob(self) -> Iterator[_Blob]:
        try:
            descriptor = self._stream.fileno()
        except (OSError, AttributeError):
            # A stream of Python's own, such as `io.BytesIO`.
            with spooled(self._stream) as (descriptor, name):
                yield _Blob(name, descriptor)
            return
        self._stream.flush()
        yield _Blob(stream_name(self._stream), descriptor)


class _Blob:
    """Bytes that are gone once they are written, so there is nothing to keep or discard."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.target = descriptor

    def commit(self, digest: Digest, size: int) -> None:
        pass


class _NamedBlob(_Blob):
    """A file that gets its name when it is complete."""

    def __init__(self, path: Path, file: OutputFile) -> None:
        super().__init__(os.fspath(path), file.fileno())
        self._path = path
        self._file = file

    def commit(self, digest: Digest, size: int) -> None:
        self._file.commit(self._path)
