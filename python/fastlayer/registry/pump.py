"""A thread that reads ahead, into a few buffers that are used again and again."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Final

from fastlayer.registry.cancel import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.registry.cancel import Cancel

__all__ = ["Pump"]

# One that is on its way, one that is kept with it (see `delivery`), one that is being read.
_BUFFERS: Final = 3


class Pump:
    """A thread that reads ahead. `read` fills a buffer, and less of it only at the end."""

    def __init__(
        self, read: Callable[[memoryview], int], size: int, cancel: Cancel, end: Callable[[], None]
    ) -> None:
        self._read = read
        self._size = size
        self._cancel = cancel
        self._end = end
        # No buffer is one that is still to be made: small blobs take one only.
        self._free: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[memoryview | BaseException | None] = queue.SimpleQueue()
        self._own: set[int] = set()
        self._stopped = False
        for _ in range(_BUFFERS):
            self._free.put(None)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def take(self) -> memoryview | None:
        """Return the next buffer, or at the end `None`. Raises what reading raised."""
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

    def close(self) -> None:
        """End reading, once the call that reads has returned; nothing is given after that."""
        self._stopped = True
        self._free.put(None)
        self._thread.join()

    def check(self) -> None:
        """Raise `CancelledError` if nobody wants more."""
        if self._stopped:
            raise CancelledError

    def _new(self) -> memoryview:
        view = memoryview(bytearray(self._size))
        self._own.add(id(view.obj))
        return view

    def _wake(self) -> None:
        self._full.put(CancelledError())

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            count = self._size
            while count == self._size:
                buffer = self._free.get()
                self.check()
                view = self._new() if buffer is None else buffer
                count = self._read(view)
                self.check()
                if count:
                    self._full.put(view[:count])
        except BaseException as error:
            last = error
        finally:
            self._end()
            self._full.put(last)
