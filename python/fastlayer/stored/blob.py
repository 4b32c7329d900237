"""Stored blobs read in full, each held against the descriptor that names it."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from fastlayer import engine
from fastlayer.digest import Digest
from fastlayer.document import MAX_DOCUMENT_SIZE
from fastlayer.errors import InvalidImageError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.descriptor import Descriptor
    from fastlayer.media_type import Compression
    from fastlayer.store import FileStore, LayerStretch, StoredBlob, Stretch
    from fastlayer.stored.image import StoredLayer

__all__ = [
    "compression_of_blob",
    "copy_blob",
    "digest_of_blob",
    "pieces",
    "read_blob",
    "scan_blob",
    "verified_chunks",
    "verified_layer",
    "write_all",
]

_PIECE: Final = 1 << 20

# Bytes that tell compressions apart.
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"

# A zstd stream may begin with skippable frames: 0x184D2A50 to 0x184D2A5F, in little endian
# (RFC 8878, section 3.1.2).
_SKIPPABLE: Final = tuple(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))


def read_blob(blob: StoredBlob, *, limit: int = MAX_DOCUMENT_SIZE) -> bytes:
    """Return the whole content, of at most `limit` bytes; it is not verified.

    Raises `InvalidImageError` if it is larger or cut short, and `OSError`.
    """
    if blob.size > limit:
        raise InvalidImageError(
            f"{quoted(blob.name)} has {blob.size} bytes, more than the limit of {limit}"
        )
    return b"".join(blob.chunks())


def digest_of_blob(blob: StoredBlob, algorithm: str = "sha256") -> Digest:
    """Compute the digest of the content as it is stored, by reading all of it.

    Raises `InvalidImageError` if it is cut short, and `OSError`.
    """
    state = hashlib.new(algorithm)
    for chunk in blob.chunks():
        state.update(chunk)
    return Digest(f"{algorithm}:{state.hexdigest()}")


def compression_of_blob(blob: StoredBlob) -> Compression:
    """Tell by the first bytes how the content is compressed."""
    first = next(blob.chunks(), b"")
    if first.startswith(_GZIP):
        return "gzip"
    return "zstd" if first.startswith((_ZSTD, *_SKIPPABLE)) else "none"


def copy_blob(blob: StoredBlob, descriptor: Descriptor, store: FileStore) -> None:
    """Put `blob` into `store`, byte for byte.

    Raises `InvalidImageError` if it does not have the size and digest of `descriptor`; then it is
    not kept.
    """
    with store.blob() as sink:
        for chunk in verified_chunks(blob, descriptor):
            write_all(sink.target, chunk)
        sink.commit(descriptor.digest, descriptor.size)


def write_all(descriptor: int, content: bytes | memoryview, offset: int | None = None) -> None:
    """Write `content` at the file's position or at `offset`, however many calls that takes."""
    rest = memoryview(content)
    while rest:
        if offset is None:
            rest = rest[os.write(descriptor, rest) :]
        else:
            written = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[written:], offset + written


def scan_blob(
    blob: StoredBlob, *, members: bool = False, progress: engine.Progress | None = None
) -> engine.ScanRecord:
    """Read `blob` as a layer: digest, diff_id, sizes and, if asked for, every entry.

    Raises `MalformedArchiveError` if it is not a whole tar, and `OSError`.
    """
    with blob.stretch() as (file, offset, size, name):
        return engine.scan_layer(file, offset, size, name=name, members=members, progress=progress)


def verified_chunks(blob: StoredBlob, descriptor: Descriptor) -> Iterator[bytes]:
    """Give the content piece by piece; who takes all of it has what `descriptor` says.

    Raises `InvalidImageError` where that shows, at the end at the latest.
    """
    return _verified(blob.chunks(), descriptor, blob.name)


@contextmanager
def verified_layer(layer: StoredLayer) -> Iterator[LayerStretch]:
    """Open a blob as part of a file, having read and verified all of it, for the core to read.

    Raises `InvalidImageError` if it does not have the size and digest of its descriptor. The core,
    which decodes it, raises the same if what it decodes does not have the diff_id.
    """
    with layer.blob.stretch() as stretch:
        for _ in _verified(pieces(stretch), layer.descriptor, layer.blob.name):
            pass
        # The core knows no other algorithm, and nobody uses one.
        known = layer.diff_id.algorithm == "sha256"
        yield (*stretch, layer.diff_id.encoded if known else None)


def pieces(stretch: Stretch) -> Iterator[bytes]:
    """Read a stretch piece by piece, as far as its file goes."""
    file, position, size, _ = stretch
    end = position + size
    while position < end and (piece := os.pread(file, min(_PIECE, end - position), position)):
        position += len(piece)
        yield piece


def _verified(pieces: Iterator[bytes], descriptor: Descriptor, name: str) -> Iterator[bytes]:
    digest, size = descriptor.digest, 0
    if not digest.supported:
        raise InvalidImageError(
            f"{quoted(name)} cannot be checked against {quoted(digest)}: "
            f"unsupported digest algorithm {quoted(digest.algorithm)}"
        )
    state = hashlib.new(digest.algorithm)
    for piece in pieces:
        size += len(piece)
        if size > descriptor.size:
            raise InvalidImageError(f"{quoted(name)} has more than {descriptor.size} bytes")
        state.update(piece)
        yield piece
    if size < descriptor.size:
        raise InvalidImageError(f"{quoted(name)} has {size} bytes, expected {descriptor.size}")
    if state.hexdigest() != digest.encoded:
        raise InvalidImageError(f"{quoted(name)} does not have the digest {quoted(digest)}")
