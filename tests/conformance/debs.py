"""Real Debian packages, fetched once and kept between sessions."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from .peers import absent, call, find
from .rootfs import cache

# A base, certificates, time zones, names of networks, and an interpreter with its libraries.
PACKAGES = ("base-files", "libc6", "ca-certificates", "tzdata", "netbase", "perl-base", "libcrypt1")


@pytest.fixture(scope="session")
def debs() -> Path:
    """Give a folder of packages of this machine's Debian; tests never write to it."""
    folder = cache() / "debs"
    if len(list(folder.glob("*.deb"))) < len(PACKAGES):
        _fetch(folder, PACKAGES)
    return folder


def _fetch(folder: Path, packages: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        call([find("apt-get"), "--quiet", "download", *packages], cwd=folder)
    except AssertionError as error:
        absent(f"apt-get cannot fetch packages here: {error}")
