"""What the targets have in common: a refusal is typed and one line, and files are in one folder."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from fastlayer.errors import FastlayerError, InternalError

__all__ = ["folder", "lines", "text", "value_of"]

T = TypeVar("T")

# A message names a few things, of which each is cut.
_LONGEST_MESSAGE = 2000


def value_of(act: Callable[[], T], check: Callable[[str], object] | None = None) -> T | None:
    """What `act` returns; nothing if it refuses the input as it should.

    `check` is given the message of a refusal.
    """
    try:
        return act()
    except InternalError:
        raise
    except FastlayerError as error:
        _check_message(str(error))
        if check is not None:
            check(str(error))
    except OSError as error:
        # A file that the input names, and the system does not have.
        if error.errno is None:
            raise
    return None


def _check_message(message: str) -> None:
    assert message.isprintable(), ascii(message)
    assert 0 < len(message) < _LONGEST_MESSAGE, ascii(message)


def text(content: bytes) -> str:
    """The bytes as an argument of a command is read."""
    return content.decode("utf-8", "surrogateescape")


def lines(content: bytes) -> list[str]:
    return text(content).split("\n")


@cache
def folder() -> Path:
    """A folder that is gone at the end."""
    made = Path(tempfile.mkdtemp(prefix="fastlayer-fuzz-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
