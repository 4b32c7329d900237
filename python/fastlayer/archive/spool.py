"""Outputs that are streams: what cannot be written in place goes through a file without a name."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from fastlayer.archive.output import file_identity
from fastlayer.errors import named

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["identity", "spooled", "stream_name"]

_PIECE = 1 << 20


@contextmanager
def spooled(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Give a seekable file, and what messages call the stream that gets its content at the end."""
    name = stream_name(stream)
    with tempfile.TemporaryFile(buffering=0) as spool:
        yield spool.fileno(), name
        with named(name):
            spool.seek(0)
            while piece := spool.read(_PIECE):
                _write(stream, piece)
            stream.flush()


def _write(stream: BinaryIO, piece: bytes) -> None:
    """Write all of it: a stream without a buffer may take less at once, and says how much."""
    while piece:
        taken: int | None = stream.write(piece)
        piece = piece[len(piece) if taken is None else taken :]


def stream_name(stream: BinaryIO) -> str:
    """Name a stream in messages: as it is called, if it is."""
    name = getattr(stream, "name", None)
    return os.fspath(name) if isinstance(name, str | os.PathLike) else "the output stream"


def identity(stream: BinaryIO) -> list[tuple[int, int]]:
    """Device and inode of a stream that is a file, such as a redirected standard output."""
    try:
        return [file_identity(stream.fileno())]
    except (OSError, AttributeError):
        return []
