"""A few things at once, each on a thread of its own; the first failure ends them all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fastlayer.registry.cancel import Cancel, CancelledError
from fastlayer.registry.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Task", "Tasks"]


class Task:
    """One of the things: whether it is done, and what came of it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: BaseException | None = None


class Tasks:
    """At most `limit` tasks at once; all of them have ended when `stop` returns."""

    def __init__(self, limit: int) -> None:
        self.cancel = Cancel()
        self._limit = limit
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._error: BaseException | None = None

    def start(self, work: Callable[[], None]) -> Task:
        """Begin a task, once fewer than `limit` are under way.

        Raises what an earlier one raised, and `OSError` if there is no thread for it; then nothing
        is begun.
        """
        task = Task()
        # A daemon, so that an interpreter that ends does not wait for the network.
        thread = threading.Thread(target=self._run, args=(task, work), daemon=True)
        with self._changed:
            self._changed.wait_for(lambda: self._error or len(self._threads) < self._limit)
            self._raise()
            self._threads.add(thread)
            try:
                start_thread(thread)
            except BaseException:
                # Nobody is to wait for it.
                self._threads.discard(thread)
                raise
        return task

    def finish(self) -> None:
        """Wait for all of them. Raises what the first of them raised that failed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._threads)
            self._raise()

    def stop(self) -> None:
        """Cancel what is under way, and wait for its end."""
        self.cancel.set()
        with self._changed:
            self._changed.wait_for(lambda: not self._threads)

    def check(self) -> None:
        """Raise what an earlier task raised."""
        with self._changed:
            self._raise()

    def _run(self, task: Task, work: Callable[[], None]) -> None:
        try:
            work()
        except CancelledError as error:
            task.error = error
        except BaseException as error:
            task.error = error
            with self._changed:
                self._error = self._error or error
            self.cancel.set()
        finally:
            task.done.set()
            with self._changed:
                self._threads.discard(threading.current_thread())
                self._changed.notify_all()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
