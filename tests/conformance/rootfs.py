"""Real root file systems, made once and kept between sessions."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from .peers import absent, call, find, need_root

SUITE = "bookworm"

# What an upgrade does: a program with a capability comes, one that is set-uid, and configuration;
# two packages go, one of them with whole directories.
ADDED = "--include=iputils-ping,less,sudo"
REMOVED = (
    "--customize-hook="
    'dpkg --root="$1" --purge --force-depends --force-remove-protected tzdata e2fsprogs >&2'
)


@pytest.fixture(scope="session")
def rootfs() -> Path:
    """Give a minimal Debian 12; tests read it and never write to it."""
    return _made("minbase")


@pytest.fixture(scope="session")
def upgraded() -> Path:
    """Give the same Debian some upgrades later; tests never write to it either."""
    return _made("upgraded", ADDED, REMOVED)


def _made(name: str, *options: str) -> Path:
    need_root("a root file system with owners and devices")
    made = cache() / f"{SUITE}-{name}"
    if not made.exists():
        _make(made, options)
    return made


def cache() -> Path:
    """Give the folder of what is kept between sessions."""
    folder = os.environ.get("FASTLAYER_TEST_CACHE")
    return Path(folder) if folder else Path.home() / ".cache" / "fastlayer-tests"


def _make(made: Path, options: Sequence[str]) -> None:
    program = find("mmdebstrap")
    made.parent.mkdir(parents=True, exist_ok=True)
    # The rename keeps an interrupted run from leaving half a file system under the final name.
    folder = Path(tempfile.mkdtemp(prefix=f"{made.name}.", dir=made.parent))
    try:
        unfinished = folder / "rootfs"
        try:
            call([program, "--quiet", "--variant=minbase", *options, SUITE, unfinished])
        except AssertionError as error:
            absent(f"mmdebstrap cannot make a Debian here: {error}")
        if not made.exists():
            unfinished.rename(made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
