"""Programs of a newer Debian than the one underneath, out of a folder.

Debian 12 has Docker 20.10, whose builder knows no heredocs, no `--link` and less of the rest than
people write today; Debian 13 has 26.1. Its packages ask for no newer libraries than Debian 12's.
"""

import shutil
import tempfile
from pathlib import Path

from .peers import absent, call, find
from .rootfs import cache

SUITE = "trixie"
PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "busybox-static")
SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {suite} main\n"


def programs() -> Path:
    """Return a folder with `usr` as the packages have it, fetched once and kept."""
    made = cache() / f"{SUITE}-docker"
    if not made.exists():
        _make(made)
    return made


def _make(made: Path) -> None:
    made.parent.mkdir(parents=True, exist_ok=True)
    # The rename keeps an interrupted run from leaving half of it under the final name.
    folder = Path(tempfile.mkdtemp(prefix=f"{made.name}.", dir=made.parent))
    try:
        unfinished = folder / "root"
        try:
            _fetch(folder)
            for package in sorted(folder.glob("*.deb")):
                call([find("dpkg-deb"), "--extract", package, unfinished])
        except AssertionError as error:
            absent(f"the packages of Debian's {SUITE} cannot be had: {error}")
        if not made.exists():
            unfinished.rename(made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(folder: Path) -> None:
    """Let apt verify and fetch, with lists and a cache that are nobody else's."""
    source = folder / "sources.list"
    source.write_text(SOURCE.format(mirror=_mirror(), suite=SUITE))
    for name in ("state", "cache"):
        (folder / name).mkdir()
    settings = {
        "Dir::Etc::SourceList": source,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": folder / "state",
        "Dir::State::Status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    options = [f"--option={name}={value}" for name, value in settings.items()]
    call([find("apt-get"), "--quiet", *options, "update"], cwd=folder)
    call([find("apt-get"), "--quiet", *options, "download", *PACKAGES], cwd=folder)


def _mirror() -> str:
    """Return where this system has its own packages of Debian from."""
    wanted = ("Origin: Debian", "Label: Debian", "Created-By: Packages")
    found = call([find("apt-get"), "indextargets", "--format=$(REPO_URI)", *wanted]).split()
    if not found:
        absent("apt knows no mirror of Debian here")
    return found[0]
