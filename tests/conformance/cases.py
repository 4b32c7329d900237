"""How many cases the tests try that make theirs at random."""

import os


def cases(default: int) -> int:
    """Return `FASTLAYER_CASES`, or `default`, which continuous integration has time for."""
    return int(os.environ.get("FASTLAYER_CASES", default))


def batches(default: int, size: int) -> list[range]:
    """Give the numbers of so many cases, each the seed of one, in parts: a test for each part.

    The name of such a test has its numbers in it: `pytest -k 1220-1239` is that part again.
    """
    count = cases(default)
    return [range(first, min(first + size, count)) for first in range(0, count, size)]
