"""Layers: frozen descriptions of what goes in, until a sink runs them.

Making a layer is one pass of the core: tar, `diff_id`, compression, `digest`, sink.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, Protocol, Self

from fastlayer import engine, media_type
from fastlayer.attribute import name_bytes
from fastlayer.built_layer import BuiltLayer
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidArgumentError, NotBuiltError, quoted, warn_of
from fastlayer.items import terms_of
from fastlayer.layer_source import LayerSource
from fastlayer.options import LayerOptions, PackOptions, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO, Unpack

    from fastlayer.items import Item
    from fastlayer.media_type import Compression, Format
    from fastlayer.store import BlobStore
    from fastlayer.tree import Tree

__all__ = ["Layer", "Readable", "build_layers"]

Path = str | os.PathLike[str]

_MAX_FILE = 2**63  # no file of any system has as many bytes


class Readable(Protocol):
    """A binary stream: what `open(…, "rb")`, a pipe or `io.BytesIO` is."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none only at the end."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What goes into a layer, and how. Nothing is read until a sink runs it.

    The keyword options of every `from_…` are those of `fastlayer.LayerOptions`; wrong ones raise
    `InvalidArgumentError` at once.
    """

    _source: LayerSource
    _recipe: Recipe
    _ground: engine.Tree | None = None

    @classmethod
    def from_directory(cls, path: Path, **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer of all that is in the directory `path`, itself included.

        Modes, owners, times, hard links, symbolic links, devices, pipes, extended attributes and
        any name are kept. Links are never followed. A socket is left out with a `SourceWarning`.
        """
        return cls(LayerSource("directory", os.fsdecode(path)), Recipe.of(options))

    @classmethod
    def from_diff(cls, lower: Path, upper: Path, **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer that makes the directory `lower`, in a layer below, to `upper`.

        It holds what was added or changed, with the directories above it, and whiteouts for what
        is gone (image-spec, layer.md). Both trees are compared as a layer would hold them: after
        the options, with times in whole seconds. Files that are alike in metadata are equal if
        they are one file in one state or if their content is. Two equal trees make a layer
        without entries.
        """
        return cls(
            LayerSource("diff", (os.fsdecode(lower), os.fsdecode(upper))), Recipe.of(options)
        )

    @classmethod
    def from_overlay(cls, upperdir: Path, **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer of the upper directory of an overlayfs, which need not be mounted.

        The kernel's whiteouts and opaque directories become those of layers; no attribute of the
        overlay is kept. Entries that point at a lower directory (`redirect`, `metacopy`, `nlink`)
        raise `UnsupportedEntryError` when the layer is made. Only root can read the attributes that
        tell this, unless the overlay was mounted with `userxattr`.
        """
        return cls(LayerSource("overlay", os.fsdecode(upperdir)), Recipe.of(options))

    @classmethod
    def from_files(cls, files: Mapping[str, Path | bytes], **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer of single files: `{"app": "build/app", "etc/motd": b"hello"}`.

        A key is the path in the layer, a value the path of a file or the content itself. Files
        belong to root unless `owner` or a map is given; content given as bytes has mode 0644, and
        root for its owner unless that is fixed.
        """
        pairs = tuple(
            (name_bytes(path), file if isinstance(file, bytes) else os.fsdecode(file))
            for path, file in files.items()
        )
        if not pairs:
            raise InvalidArgumentError("a layer of files needs at least one file")
        destinations = [destination for destination, _ in pairs]
        return cls(LayerSource("files", pairs), Recipe.of(options, destinations=destinations))

    @classmethod
    def from_mtree(
        cls, path: Path, *, base: Path | None = None, **options: Unpack[LayerOptions]
    ) -> Self:
        """Describe a layer of what the mtree file `path` says: its lines are the entries.

        The content of a file is what its `contents=` names or what has its path, below `base`: by
        default the folder of `path`. No link there is followed. `docs/mtree.md` has all keywords.

        Building raises `MtreeError`, which names the line, for what cannot be read and for files
        that are missing or not as described: sizes and SHA-256 digests are compared.
        """
        source = (os.fsdecode(path), None if base is None else os.fsdecode(base))
        return cls(LayerSource("mtree", source), Recipe.of(options))

    @classmethod
    def from_archive(cls, path: Path, **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer of the entries of a tar file.

        It may be plain or compressed with gzip, bzip2, xz or zstd, which its first bytes tell.
        The archive is never unpacked: its entries are checked and written anew on the way.
        """
        return cls(LayerSource("archive", os.fsdecode(path)), Recipe.of(options))

    @classmethod
    def from_part(cls, path: Path, offset: int, size: int, **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer of a tar that is a part of a file: `size` bytes from `offset` on.

        All else is as in `from_archive`. A .deb and other packages hold such a tar as they are.
        """
        numbers = isinstance(offset, int) and isinstance(size, int)
        if not (numbers and offset >= 0 and size >= 0 and offset + size < _MAX_FILE):
            raise InvalidArgumentError(
                f"`offset` is {quoted(offset)} and `size` {quoted(size)}: no file has such a part"
            )
        return cls(LayerSource("part", (os.fsdecode(path), offset, size)), Recipe.of(options))

    @classmethod
    def from_stream(cls, stream: Readable, **options: Unpack[LayerOptions]) -> Self:
        """Describe a layer of a tar, compressed or not, that is read from `stream`.

        It can be built once. `stream.read` is called on another thread.
        """
        if not callable(getattr(stream, "read", None)):
            raise InvalidArgumentError(
                f"a stream needs a method `read`, which `{type(stream).__name__}` has not"
            )
        return cls(LayerSource("stream", stream), Recipe.of(options))

    @classmethod
    def from_items(
        cls, items: Sequence[Item], *, ground: Tree | None = None, **options: Unpack[PackOptions]
    ) -> Self:
        """Describe a layer put together of items (`fastlayer.items`), as `COPY` does.

        A later item takes the place of what earlier ones have at a path; a directory is added to,
        and the later metadata stands. With a `ground`, an item that would put a directory in the
        place of something else there, or the other way round, raises `UnsupportedEntryError` when
        the layer is made; an archive does so and may. See `above` for missing parents.

        Raises `InvalidArgumentError` for wrong options and items.
        """
        engine.check_items(terms_of(items)[1])
        layer = cls(LayerSource("copy", tuple(items)), Recipe.packing(options, clamped=True))
        return layer if ground is None else layer.above(ground)

    def above(self, ground: Tree) -> Self:
        """Describe the same layer for a place above what `ground` holds now.

        Parents that its source lacks have mode, owner, time and attributes that they have there,
        where they are directories. Entries of an archive whose parent is a symbolic link there, to
        a directory, go where it leads, unless the archive has put a directory in its place.
        """
        return replace(self, _ground=ground.ground)

    def apply_to(self, tree: engine.Tree) -> None:
        """Add the entries that the layer would have to `tree`; see `Tree.apply`."""
        if not self.repeatable:
            raise InvalidArgumentError(
                "a layer that can be read only once, from a stream or pipe, has no tree: "
                "give a file"
            )
        recipe = self._recipe
        edits = [edit.terms for edit in recipe.edits]
        with ExitStack() as files:
            source = self._source.opened(files)
            tree.apply_layer(self._source.kind, source, recipe.policy, edits, self._ground)

    @property
    def compression(self) -> Compression:
        """How the blob will be compressed."""
        return self._recipe.compression

    @property
    def repeatable(self) -> bool:
        """Whether it can be built more than once: a stream or pipe is gone when it was read."""
        return self._source.repeatable

    def build(self, store: BlobStore, *, format: Format = "oci") -> BuiltLayer:  # noqa: A002
        """Make the layer and put its blob into `store`.

        Raises `SourceError` for input that a layer cannot hold or that changes while it is read,
        and `OSError` with `errno` and `filename`; then nothing is left in the store.
        """
        return build_layers([self], store, format=format)[0]

    def _add_to(self, queue: engine.LayerQueue) -> None:
        recipe = self._recipe
        with ExitStack() as files:
            queue.add(
                self._source.kind,
                self._source.opened(files),
                recipe.policy,
                [edit.terms for edit in recipe.edits],
                compression=recipe.compression,
                level=recipe.level,
                threads=recipe.threads,
                verify=recipe.verify,
                ground=self._ground,
            )

    def _take_from(self, queue: engine.LayerQueue, store: BlobStore, blob_type: str) -> BuiltLayer:
        """Have the next layer of `queue`, which is this one, made and kept."""
        recipe = self._recipe
        with store.blob() as blob:
            record = queue.make(blob.target, sink_name=blob.name, progress=recipe.progress)
            warn_of(record.warnings)
            recipe.tell_unmatched(record.unmatched)
            blob.commit(Digest(record.digest), record.size)
        return BuiltLayer(
            descriptor=Descriptor(blob_type, Digest(record.digest), record.size),
            diff_id=Digest(record.diff_id),
            uncompressed_size=record.uncompressed_size,
            entries=record.entries,
        )

    def save(self, output: Path | BinaryIO) -> BuiltLayer:
        """Write the blob alone to a file, which appears complete or not at all.

        A pipe, a device or a binary stream gets the bytes as they come. Raises what `build`
        raises.
        """
        from fastlayer.archive.layer_file import save_layer  # noqa: PLC0415

        return save_layer(output, self)

    @property
    def digest(self) -> Digest:
        """Raise `NotBuiltError`: it is known once the layer is built."""
        self._refuse("digest")

    @property
    def diff_id(self) -> Digest:
        """Raise `NotBuiltError`: it is known once the layer is built."""
        self._refuse("diff_id")

    @property
    def size(self) -> int:
        """Raise `NotBuiltError`: it is known once the layer is built."""
        self._refuse("size")

    def _refuse(self, fact: str) -> NoReturn:
        raise NotBuiltError(
            f"the {fact} of a layer is known once it is built: "
            f"use `image.save(…).layers[…].{fact}` or `layer.build(store).{fact}`"
        )


def build_layers(
    layers: Sequence[Layer],
    store: BlobStore,
    *,
    format: Format = "oci",  # noqa: A002
) -> list[BuiltLayer]:
    """Make layers side by side on the same threads, and put their blobs into `store` in order.

    Raises what `Layer.build` raises for the first one that fails; those before it are kept.
    """
    blob_types = [media_type.for_layer(layer.compression, format) for layer in layers]
    with closing(engine.LayerQueue(store.outputs)) as queue:
        for layer in layers:
            layer._add_to(queue)
        return [
            layer._take_from(queue, store, blob_type)
            for layer, blob_type in zip(layers, blob_types, strict=True)
        ]
