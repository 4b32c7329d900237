"""A thread that reads ahead, into a few buffers that are used again and again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fastlayer.registry.chunks import Buffers, Chunks
from fastlayer.registry.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.registry.cancel import Cancel

__all__ = ["Pump"]


class Pump(Chunks):
    """A thread that reads ahead. `read` fills a buffer, and less of it only at the end."""

    def __init__(
        self, read: Callable[[memoryview], int], size: int, cancel: Cancel, end: Callable[[], None]
    ) -> None:
        super().__init__(Buffers(size), cancel)
        self._read = read
        self._end = end
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to read. Raises `OSError` if there is no thread for it."""
        start_thread(self._thread)

    def close(self) -> None:
        """End reading, once the call that reads has returned; nothing is given after that."""
        self.stop()
        self._thread.join()

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            count = self.size
            while count == self.size:
                buffer = self.empty()
                if buffer is None:
                    continue
                count = self._read(buffer)
                self.check()
                if count:
                    self.put(buffer[:count])
        except BaseException as error:
            last = error
        finally:
            self._end()
            self.end(last)
