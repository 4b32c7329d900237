"""Real Debian packages, fetched once and kept between sessions."""

from pathlib import Path

import pytest

from .kept import kept
from .peers import absent, call, find

# A base, certificates, time zones, names of networks, and an interpreter with its libraries.
PACKAGES = ("base-files", "libc6", "ca-certificates", "tzdata", "netbase", "perl-base", "libcrypt1")


@pytest.fixture(scope="session")
def debs() -> Path:
    """Give a folder of packages of this machine's Debian; tests never write to it."""
    return kept("debs", _fetch)


def _fetch(folder: Path) -> None:
    folder.mkdir()
    try:
        call([find("apt-get"), "--quiet", "download", *PACKAGES], cwd=folder)
    except AssertionError as error:
        absent(f"apt-get cannot fetch packages here: {error}")
