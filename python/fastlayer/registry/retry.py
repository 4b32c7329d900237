"""What is tried again, how often, and after how long."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.registry.cancel import Cancel

__all__ = ["PASSING", "Retrying", "Tries"]

PASSING: Final = frozenset({408, 429, 499, 500, 502, 503, 504, 522})
"""Statuses of answers that may be others a moment later."""

# Nobody waits longer than this for an answer of a registry that says when to come again.
_LONGEST_RETRY_AFTER: Final = 60.0


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often something is tried, and the seconds between.

    The first pause is `first`, each other twice the one before, up to `longest`; of that a random
    half is left out, so that those who failed together do not come back together. `sleep` and
    `chance` (from 0 to 1) are replaced in tests.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 16.0
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], object] | None = None

    def pause(self, failed: int, retry_after: str = "") -> float:
        """Return the seconds to wait after so many failures.

        What the server says (`Retry-After`; RFC 9110, section 10.2.3) counts, up to a minute.
        """
        asked = _seconds(retry_after)
        if asked is not None:
            return asked * (1 + self.chance() / 10)
        whole = min(self.first * 2.0 ** (failed - 1), self.longest)
        return whole * (1 - self.chance() / 2)


class Tries:
    """The tries of one request, or of one piece of a larger thing."""

    def __init__(self, retrying: Retrying, cancel: Cancel) -> None:
        self._retrying = retrying
        self._cancel = cancel
        self.failed = 0

    def again(self, retry_after: str = "") -> bool:
        """Count a failure; wait and return true if there is another try."""
        self.failed += 1
        if self.failed >= self._retrying.attempts:
            return False
        seconds = self._retrying.pause(self.failed, retry_after)
        (self._retrying.sleep or self._cancel.wait)(seconds)
        return True

    def succeeded(self) -> None:
        """Forget the failures: it went on since."""
        self.failed = 0

    def __str__(self) -> str:
        """Say how often it was tried, as the end of a message; nothing for once."""
        return f" ({self.failed} tries)" if self.failed > 1 else ""


def _seconds(retry_after: str) -> float | None:
    """Read `Retry-After`: seconds, or a date."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        # What has more digits than this is more than a minute.
        return min(float(text[:9]), _LONGEST_RETRY_AFTER)
    with suppress(ValueError, OverflowError):
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
        return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)
    return None
