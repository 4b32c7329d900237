"""The real Docker, twice: the one of this Debian and a newer one. Both build by BuildKit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import trixie
from .daemon import private_folder
from .engines import Engine, running_docker
from .peers import absent, docker_client, find, need_root

OLDER, NEWER = 20, 26

PLUGIN = "docker-buildx"


@dataclass(frozen=True)
class Docker:
    """A client with a daemon of its own, and its major version."""

    version: int
    engine: Engine

    def build(self, context: Path, dockerfile: Path, tag: str, *options: str) -> None:
        """Build with no network; a failure is an assertion with what docker said."""
        self.engine(
            "build", "--network=none", f"--file={dockerfile}", f"--tag={tag}", *options, context
        )


@pytest.fixture(scope="session")
def older_docker() -> Iterator[Docker]:
    """Give this Debian's Docker, whose builder is BuildKit only when asked."""
    need_root("a private dockerd")
    with _builder(find("dockerd"), docker_client()) as client:
        version = client("version", "--format={{.Server.Version}}").strip()
        if not version.startswith(f"{OLDER}."):
            absent(f"the Docker of this system is {version}, not {OLDER}.10 as in Debian 12")
        yield Docker(OLDER, Engine((find("env"), "DOCKER_BUILDKIT=1", *client.argv)))


@pytest.fixture(scope="session")
def newer_docker() -> Iterator[Docker]:
    """Give a newer Debian's Docker with this machine's containerd and runc."""
    need_root("a private dockerd")
    find("containerd")
    find("runc")
    usr = trixie.programs() / "usr"
    plugin = usr / "libexec" / "docker" / "cli-plugins" / PLUGIN
    with _builder(usr / "sbin" / "dockerd", usr / "bin" / "docker", plugin) as client:
        yield Docker(NEWER, client)


@contextmanager
def _builder(
    daemon: str | Path, program: str | Path, plugin: Path | None = None
) -> Iterator[Engine]:
    with private_folder(in_memory=True) as folder:
        plugins = folder / "client" / "cli-plugins"
        plugins.mkdir(parents=True)
        if plugin is not None:
            (plugins / PLUGIN).symlink_to(plugin)
        client = Engine((program, f"--config={folder}/client"))
        with running_docker(daemon, client, folder) as engine:
            yield engine
