"""Real root file systems, made once and kept between sessions."""

from pathlib import Path

import pytest

from .kept import kept
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

    def make(folder: Path) -> None:
        program = find("mmdebstrap")
        try:
            call([program, "--quiet", "--variant=minbase", *options, SUITE, folder])
        except AssertionError as error:
            absent(f"mmdebstrap cannot make a Debian here: {error}")

    return kept(f"{SUITE}-{name}", make)
