"""Container engines for one test session, each with storage and sockets of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from .daemon import private_folder, running
from .peers import call, docker_client, find, need_root

CONTAINERD_CONFIG = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/sock"
[ttrpc]
address = "{folder}/sock.ttrpc"
"""

# What docker puts into a container of its own: files, and by that new times of their directories.
DOCKERS = {
    ".dockerenv",
    "dev",
    "dev/console",
    "etc",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
}


@dataclass(frozen=True)
class Engine:
    """A command that talks to a private engine: ``engine("load", "-i", path)``."""

    argv: tuple[str | Path, ...]

    def __call__(self, *arguments: str | Path) -> str:
        return call([*self.argv, *arguments])

    def answers(self, *arguments: str) -> bool:
        """Tell whether the engine carries out `arguments`."""
        with suppress(subprocess.TimeoutExpired):
            argv = [*self.argv, *arguments]
            return (
                subprocess.run(argv, capture_output=True, timeout=10, check=False).returncode == 0
            )
        return False


@contextmanager
def running_docker(daemon: str | Path, client: Engine, folder: Path) -> Iterator[Engine]:
    """Give a client with a `dockerd` that has no network; all that is theirs is in `folder`."""
    host = f"--host=unix://{folder}/sock"
    argv = [
        daemon,
        host,
        f"--data-root={folder}/data",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
    ]
    engine = Engine((*client.argv, host))
    with running(argv, folder, lambda: engine.answers("version")):
        yield engine


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """Give a `docker` client with a daemon that has no network and no images."""
    need_root("a private dockerd")
    client = Engine((docker_client(),))
    with private_folder() as folder, running_docker(find("dockerd"), client, folder) as engine:
        yield engine


@pytest.fixture(scope="session")
def containerd() -> Iterator[Engine]:
    """Give a `ctr` client with a containerd of its own."""
    need_root("a private containerd")
    daemon, client = find("containerd"), find("ctr")
    with private_folder() as folder:
        config = folder / "config.toml"
        config.write_text(CONTAINERD_CONFIG.format(folder=folder))
        engine = Engine((client, f"--address={folder}/sock"))
        with running([daemon, f"--config={config}"], folder, lambda: engine.answers("version")):
            yield engine


@pytest.fixture(scope="session")
def podman() -> Iterator[Engine]:
    """Give a `podman` with storage of its own; it needs no daemon."""
    need_root("podman with private storage")
    with private_folder() as folder:
        # runc rather than crun: crun refuses machines that mount both versions of cgroups.
        yield Engine((find("podman"), *_storage(folder), f"--runtime={find('runc')}"))


@pytest.fixture(scope="session")
def buildah() -> Iterator[Engine]:
    """Give a `buildah` with storage of its own."""
    need_root("buildah with private storage")
    with private_folder() as folder:
        yield Engine((find("buildah"), *_storage(folder)))


def export(engine: Engine, image: str, folder: Path) -> Path:
    """Return the unpacked root file system that docker or podman export of a container."""
    container = engine("create", image, "none").strip()
    try:
        engine("export", "--output", folder / "export.tar", container)
    finally:
        engine("rm", container)
    found = folder / "exported"
    found.mkdir()
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
    call([find("tar"), "-xpf", folder / "export.tar", "-C", found, *options])
    return found


def _storage(folder: Path) -> tuple[str, str, str]:
    # Overlay does not stack on overlay, as in a container; vfs works anywhere, by slow copies.
    below = call([find("stat"), "--file-system", "--format=%T", folder]).strip()
    driver = "vfs" if below == "overlayfs" else "overlay"
    return f"--root={folder}/root", f"--runroot={folder}/run", f"--storage-driver={driver}"
