"""What takes long to make, made once and kept between sessions."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["kept"]


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Give the folder `name`. If it is not there, `make` is given one to make it in.

    A rename keeps an interrupted run from leaving half of it under the final name.
    """
    made = _cache() / name
    if made.exists():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=made.parent))
    try:
        unfinished = folder / "made"
        make(unfinished)
        if not made.exists():
            unfinished.rename(made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _cache() -> Path:
    folder = os.environ.get("FASTLAYER_TEST_CACHE")
    return Path(folder) if folder else Path.home() / ".cache" / "fastlayer-tests"
