"""A few buffers that go round: filled, taken, given back, and filled again."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Final

from fastlayer.registry.cancel import CancelledError

if TYPE_CHECKING:
    from fastlayer.registry.cancel import Cancel

__all__ = ["MOMENT", "Buffers", "Chunks"]

MOMENT: Final = 0.02
"""Seconds without a buffer after which who waits for one looks whether anybody still wants it."""

# One that is on its way, one that is kept with it (see `delivery`), one that is being filled.
_COUNT: Final = 3


class Buffers:
    """Three buffers of `size` bytes. Who shares them shares the memory that they take."""

    def __init__(self, size: int) -> None:
        self.size = size
        # No buffer is one that is still to be made: small blobs take one only.
        self._free: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        for _ in range(_COUNT):
            self._free.put(None)

    def get(self) -> memoryview | None:
        """Return one; `None` if none is free for a moment."""
        try:
            buffer = self._free.get(timeout=MOMENT)
        except queue.Empty:
            return None
        return memoryview(bytearray(self.size)) if buffer is None else buffer

    def put(self, buffer: memoryview) -> None:
        """Take one back."""
        self._free.put(buffer)


class Chunks:
    """The chunks of one blob, between a thread that fills `buffers` and one that takes them."""

    def __init__(self, buffers: Buffers, cancel: Cancel) -> None:
        self.size = buffers.size
        self._buffers = buffers
        self._cancel = cancel
        self._full: queue.SimpleQueue[memoryview | BaseException | None] = queue.SimpleQueue()
        # Those that hold a chunk of this blob, or are to hold one.
        self._held: dict[int, memoryview] = {}
        self._stopped = False

    def empty(self) -> memoryview | None:
        """Return a buffer to fill; `None` if none is free for a moment.

        Raises `CancelledError` if nobody wants more.
        """
        self.check()
        buffer = self._buffers.get()
        if buffer is not None:
            self._held[id(buffer.obj)] = buffer
        return buffer

    def put(self, chunk: memoryview) -> None:
        """Let a buffer, or the beginning of one, be taken."""
        self._full.put(chunk)

    def end(self, error: BaseException | None = None) -> None:
        """Say that there is no more, or why."""
        self._full.put(error)

    def check(self) -> None:
        """Raise `CancelledError` if nobody wants more."""
        if self._stopped:
            raise CancelledError

    def take(self) -> memoryview | None:
        """Return the next one that is full, or at the end `None`. Raises what `end` was told."""
        with self._cancel.calling(self._wake):
            item = self._full.get()
        if item is None or isinstance(item, BaseException):
            self._full.put(item)
        if isinstance(item, BaseException):
            raise item
        return item

    def give_back(self, chunk: memoryview) -> None:
        """Let a buffer be filled again; others than its own are none of its business."""
        buffer = self._held.pop(id(chunk.obj), None)
        if buffer is not None:
            self._buffers.put(buffer)

    def stop(self) -> None:
        """Want no more."""
        self._stopped = True

    def let_go(self) -> None:
        """Give all buffers back, when nobody fills or takes one any more."""
        while self._held:
            self._buffers.put(self._held.popitem()[1])

    def _wake(self) -> None:
        self._full.put(CancelledError())
