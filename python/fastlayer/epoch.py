"""`SOURCE_DATE_EPOCH`: the latest time that a reproducible build shows.

https://reproducible-builds.org/specs/source-date-epoch/
"""

from __future__ import annotations

import os

from fastlayer.errors import InvalidArgumentError, quoted

__all__ = ["source_date_epoch"]


def source_date_epoch() -> int | None:
    """Read the variable: seconds since 1970, or `None` where it is not set or empty.

    Raises `InvalidArgumentError` if it is set to anything but a number.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise InvalidArgumentError(
            f"SOURCE_DATE_EPOCH is {quoted(text)}: expected seconds since 1970"
        )
    return int(text)
