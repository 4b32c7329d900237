"""A few buffers that go round: filled, taken, given back, and filled again."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Final

from fastlayer.registry.cancel import CancelledError

if TYPE_CHECKING:
    from fastlayer.registry.cancel import Cancel

__all__ = ["Chunks"]

# One that is on its way, one that is kept with it (see `delivery`), one that is being filled.
_BUFFERS: Final = 3


class Chunks:
    """Buffers of `size` bytes between a thread that fills them and one that takes them."""

    def __init__(self, size: int, cancel: Cancel) -> None:
        self.size = size
        self._cancel = cancel
        # No buffer is one that is still to be made: small blobs take one only.
        self._free: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[memoryview | BaseException | None] = queue.SimpleQueue()
        self._own: set[int] = set()
        self._stopped = False
        for _ in range(_BUFFERS):
            self._free.put(None)

    def empty(self, seconds: float | None = None) -> memoryview | None:
        """Return a buffer to fill; `None` if none is free within `seconds`.

        Raises `CancelledError` if nobody wants more.
        """
        self.check()
        try:
            buffer = self._free.get(timeout=seconds)
        except queue.Empty:
            return None
        self.check()
        return self._new() if buffer is None else buffer

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
        if id(chunk.obj) in self._own:
            self._free.put(memoryview(chunk.obj))

    def stop(self) -> None:
        """Want no more; who waits for an empty buffer is told."""
        self._stopped = True
        self._free.put(None)

    def _new(self) -> memoryview:
        view = memoryview(bytearray(self.size))
        self._own.add(id(view.obj))
        return view

    def _wake(self) -> None:
        self._full.put(CancelledError())
