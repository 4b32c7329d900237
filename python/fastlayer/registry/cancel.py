"""One flag that ends all that belongs together, also what waits for the network."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Cancel", "CancelledError"]


class CancelledError(Exception):
    """Work ended since it was told to; nobody is to hear of it."""


class Cancel:
    """Set once, it stays set. Whoever waits for something else says how to end that."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._actions: dict[object, Callable[[], None]] = {}

    def set(self) -> None:
        """End it all: those who wait, and by their actions those who wait elsewhere."""
        with self._lock:
            self._event.set()
            actions = list(self._actions.values())
        for action in actions:
            action()

    @property
    def is_set(self) -> bool:
        """Whether the end has come."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `CancelledError` if the end has come."""
        if self._event.is_set():
            raise CancelledError

    def wait(self, seconds: float) -> None:
        """Sleep. Raises `CancelledError` as soon as the end comes."""
        if self._event.wait(seconds):
            raise CancelledError

    @contextmanager
    def calling(self, action: Callable[[], None]) -> Iterator[None]:
        """Call `action`, on another thread, if the end comes during the block; it must not wait.

        Raises `CancelledError` if it has come already.
        """
        key = object()
        with self._lock:
            self.check()
            self._actions[key] = action
        try:
            yield
        finally:
            with self._lock:
                del self._actions[key]
