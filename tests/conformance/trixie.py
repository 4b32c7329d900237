"""Programs of a newer Debian than the one underneath, out of a folder.

Debian 12 has Docker 20.10, whose builder knows no heredocs, no `--link` and less of the rest than
people write today; Debian 13 has 26.1. Its packages ask for no newer libraries than Debian 12's.
"""

from pathlib import Path

from .kept import kept
from .peers import absent, call, find

SUITE = "trixie"
PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "busybox-static")
SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {suite} main\n"


def programs() -> Path:
    """Return a folder with `usr` as the packages have it, fetched once and kept."""
    return kept(f"{SUITE}-docker", _make)


def _make(made: Path) -> None:
    folder = made.parent
    try:
        _fetch(folder)
        for package in sorted(folder.glob("*.deb")):
            call([find("dpkg-deb"), "--extract", package, made])
    except AssertionError as error:
        absent(f"the packages of Debian's {SUITE} cannot be had: {error}")


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
