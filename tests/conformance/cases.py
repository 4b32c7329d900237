"""How many cases the tests try that make theirs at random."""

import os


def cases(default: int) -> int:
    """Return `FASTLAYER_CASES`, or `default`, which continuous integration has time for."""
    return int(os.environ.get("FASTLAYER_CASES", default))
