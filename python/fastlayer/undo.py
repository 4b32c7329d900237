"""What to take back when work ends early: by an exception, or by a signal that cannot wait.

Every output in the making registers how to remove its traces. An exception runs that on its way;
the command line's signal handler runs all of them and ends the process at once, since a
compressor's running job would be waited for otherwise.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["take_back_all", "undone_unless_kept"]

# By an own key each, in the order of registration; with the process, since a fork inherits them.
_actions: dict[object, tuple[int, Callable[[], None]]] = {}


@contextmanager
def undone_unless_kept(action: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Run `action` when the block ends, unless the function that the block is given was called.

    An action may run twice.
    """
    key = object()
    _actions[key] = (os.getpid(), action)

    def keep() -> None:
        _actions.pop(key, None)

    try:
        yield keep
    finally:
        # Registered until it is done: a signal in between runs it again, which does no harm.
        if key in _actions:
            try:
                action()
            finally:
                keep()


def take_back_all() -> None:
    """Run what this process has registered and not kept, the latest first."""
    for key in reversed(list(_actions)):
        process, action = _actions.pop(key)
        if process == os.getpid():
            with suppress(OSError):
                action()
