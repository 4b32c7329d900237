"""How many faults are tried: a fixed sample in `make test`, all of them in `make faults`."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

ALL = os.environ.get("FASTLAYER_FAULTS") == "all"


def amount(few: int, many: int) -> int:
    """Return how often to try what has no end of cases."""
    return many if ALL else few


def sample(cases: Sequence[T], few: int) -> Sequence[T]:
    """Give all cases, or so many of them, the same every time and spread over all."""
    if ALL or len(cases) <= few:
        return cases
    return [cases[(2 * number + 1) * len(cases) // (2 * few)] for number in range(few)]
