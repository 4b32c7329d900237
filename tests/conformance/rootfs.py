"""A real root file system, made once and kept between sessions."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from .peers import absent, call, find, need_root

SUITE = "bookworm"


@pytest.fixture(scope="session")
def rootfs() -> Path:
    """Give a minimal Debian 12; tests read it and never write to it."""
    need_root("a root file system with owners and devices")
    made = _cache() / f"{SUITE}-minbase"
    if not made.exists():
        _make(made)
    return made


def _cache() -> Path:
    folder = os.environ.get("FASTLAYER_TEST_CACHE")
    return Path(folder) if folder else Path.home() / ".cache" / "fastlayer-tests"


def _make(made: Path) -> None:
    program = find("mmdebstrap")
    made.parent.mkdir(parents=True, exist_ok=True)
    # The rename keeps an interrupted run from leaving half a file system under the final name.
    folder = Path(tempfile.mkdtemp(prefix=f"{made.name}.", dir=made.parent))
    try:
        unfinished = folder / "rootfs"
        try:
            call([program, "--quiet", "--variant=minbase", SUITE, unfinished])
        except AssertionError as error:
            absent(f"mmdebstrap cannot make a Debian here: {error}")
        if not made.exists():
            unfinished.rename(made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
