"""What is sent, in chunks: the next one is read while the last is on its way."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Final, Protocol

from fastlayer.errors import InvalidImageError, named, quoted
from fastlayer.registry.cancel import CancelledError
from fastlayer.registry.chunks import Buffers, Chunks
from fastlayer.registry.pump import Pump
from fastlayer.stored.blob import write_all

if TYPE_CHECKING:
    from fastlayer.descriptor import Descriptor
    from fastlayer.registry.cancel import Cancel
    from fastlayer.store import StoredBlob

__all__ = ["CHUNK", "CHUNK_IN_THE_MAKING", "BlobFeed", "Feed", "WrittenFeed"]

CHUNK: Final = 5 << 20
"""Bytes of a chunk: what is sent again after a failure, and few enough to wait for an answer."""

CHUNK_IN_THE_MAKING: Final = 8 << 20
"""Bytes of one of a layer that is made meanwhile: each costs a wait, and these are shared."""


class Feed(Protocol):
    """A blob from its first byte to its last; chunks have `size` bytes, only the last has fewer."""

    @property
    def size(self) -> int:
        """Bytes of a chunk."""

    def take(self) -> memoryview | None:
        """Return the next chunk, or at the end `None`. Raises what reading raises."""

    def give_back(self, chunk: memoryview) -> None:
        """Let the memory of a chunk be used for another one."""

    def rewind(self) -> bool:
        """Begin again, if that is possible; all chunks that were taken are given back."""

    def close(self) -> None:
        """End it; a thread of it has ended when this returns."""


class WrittenFeed:
    """What somebody writes, as a `store.Room`.

    With a `spool`, a file without a name has a copy, from which it can be sent again.
    """

    def __init__(self, buffers: Buffers, cancel: Cancel, *, spool: bool = False) -> None:
        self.size = buffers.size
        self._spool = tempfile.TemporaryFile(buffering=0) if spool else None  # noqa: SIM115
        self._chunks = Chunks(buffers, cancel)
        # The chunk that is being filled, and how many bytes of it are.
        self._begun: memoryview | None = None
        self._filled = 0
        # Bytes that were taken, and those that were taken again since.
        self._taken = self._again = 0
        # Who writes and who takes: the last of them gives back what is left.
        self._users = 2
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Bytes that were written and taken."""
        return self._taken

    def room(self, size: int) -> memoryview | None:
        """Give memory for at most `size` bytes; after a moment without any, nothing."""
        if self._begun is None:
            try:
                self._begun = self._chunks.empty()
            except CancelledError:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
            if self._begun is None:
                return None
        return self._begun[self._filled : self._filled + size]

    def filled(self, count: int) -> None:
        """Take what stands in that memory now. Raises `OSError` of the copy."""
        if self._begun is None:
            raise ValueError("nothing was given to be filled")
        start, self._filled = self._filled, self._filled + count
        self._copy(self._begun[start : self._filled])
        if self._filled == self.size:
            self._hand_over(self._begun)

    def end(self) -> None:
        """Say that all is written, or that the rest never will be."""
        if self._begun is not None and self._filled:
            self._hand_over(self._begun[: self._filled])
        self._chunks.end()
        self._leave()

    def take(self) -> memoryview | None:
        """Return the next chunk, or at the end `None`."""
        if self._spool is not None and self._again < self._taken:
            chunk = memoryview(bytearray(min(self.size, self._taken - self._again)))
            position = self._again
            with named(tempfile.gettempdir()):
                while position < self._again + len(chunk):
                    rest = chunk[position - self._again :]
                    position += os.preadv(self._spool.fileno(), [rest], position)
        else:
            following = self._chunks.take()
            if following is None:
                return None
            chunk = following
            self._taken += len(chunk)
        self._again += len(chunk)
        return chunk

    def give_back(self, chunk: memoryview) -> None:
        """Let the memory of a chunk be used for another one."""
        self._chunks.give_back(chunk)

    def rewind(self) -> bool:
        """Begin again, if there is a copy."""
        if self._spool is not None:
            self._again = 0
        return self._again == 0

    def close(self) -> None:
        """Want no more; whoever writes is told by `BrokenPipeError`."""
        self._chunks.stop()
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
        self._chunks.let_go()
        if self._spool is not None:
            self._spool.close()

    def _hand_over(self, chunk: memoryview) -> None:
        self._begun, self._filled = None, 0
        self._chunks.put(chunk)

    def _copy(self, piece: memoryview) -> None:
        if self._spool is not None:
            with named(tempfile.gettempdir()):
                write_all(self._spool.fileno(), piece)


class BlobFeed:
    """A stored blob, whose digest and size are checked: a wrong one never comes to its end."""

    def __init__(
        self, blob: StoredBlob, descriptor: Descriptor, cancel: Cancel, *, size: int = CHUNK
    ) -> None:
        self.size = size
        self._blob = blob
        self._descriptor = descriptor
        self._cancel = cancel
        self._pump = self._begin()

    def take(self) -> memoryview | None:
        """Return the next chunk, or at the end `None`. Raises `InvalidImageError`."""
        return self._pump.take()

    def give_back(self, chunk: memoryview) -> None:
        """Let the memory of a chunk be used for another one."""
        self._pump.give_back(chunk)

    def rewind(self) -> bool:
        """Read the blob again from its beginning."""
        self._pump.close()
        self._pump = self._begin()
        return True

    def close(self) -> None:
        """End reading."""
        self._pump.close()

    def _begin(self) -> Pump:
        content = _Content(self._blob, self._descriptor)
        pump = Pump(content.read, self.size, self._cancel, content.close)
        pump.start()
        return pump


class _Content:
    """What is read of a stored blob, hashed on the way."""

    def __init__(self, blob: StoredBlob, descriptor: Descriptor) -> None:
        self._name = blob.name
        self._descriptor = descriptor
        self._chunks = blob.chunks()
        self._rest = memoryview(b"")
        self._state = hashlib.new(descriptor.digest.algorithm)
        self._size = 0

    def read(self, view: memoryview) -> int:
        filled = 0
        while filled < len(view) and (self._rest or self._next()):
            count = min(len(self._rest), len(view) - filled)
            view[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
        return filled

    def close(self) -> None:
        if isinstance(self._chunks, Generator):
            self._chunks.close()

    def _next(self) -> bool:
        """Read the next piece; at the end, compare."""
        piece = next(self._chunks, b"")
        self._state.update(piece)
        self._size += len(piece)
        self._rest = memoryview(piece)
        expected = self._descriptor
        if self._size > expected.size or (not piece and self._size < expected.size):
            how = "more" if piece else "less"
            raise InvalidImageError(f"{quoted(self._name)} has {how} than {expected.size} bytes")
        if not piece and self._state.hexdigest() != expected.digest.encoded:
            raise InvalidImageError(
                f"{quoted(self._name)} does not have the digest `{expected.digest}`"
            )
        return bool(piece)
