"""Debian's `docker-registry`, the reference server, for one test session."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from registries import Authority

from .daemon import private_folder, running
from .peers import find

# The server finds itself a free port and says so in its log.
CONFIG = """\
version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: {folder}/data
  delete:
    enabled: true
http:
  addr: 127.0.0.1:0
"""
TLS = """\
  tls:
    certificate: {authority.certificate}
    key: {authority.key}
"""
HTPASSWD = """\
auth:
  htpasswd:
    realm: test
    path: {folder}/htpasswd
"""
USER, PASSWORD = "ann", "correct horse"
# Made once, by bcrypt with the lowest cost: the server takes no other kind, and so no test needs a
# tool to make one.
HASH = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"


@dataclass(frozen=True)
class RealRegistry:
    """A running server: where it is, and what it was asked."""

    domain: str
    log: Path
    authority: Authority | None = None

    def asked(self, match: str = "") -> list[str]:
        """The answered requests whose `METHOD path status` begins with a pattern.

        The access log shows a request once its answer is complete.
        """
        found = re.findall(r'"(\S+) (\S+) HTTP/1\.1" (\d+) ', self.log.read_text())
        lines = [" ".join(request) for request in found]
        return [line for line in lines if re.match(match, line)]


@pytest.fixture(scope="session")
def open_registry() -> Iterator[RealRegistry]:
    """Give a registry that lets everybody do everything, without TLS."""
    with serving() as registry:
        yield registry


@pytest.fixture(scope="session")
def locked_registry() -> Iterator[RealRegistry]:
    """Give a registry with one user (`USER`, `PASSWORD`), with TLS of a throw-away authority."""
    with private_folder() as folder:
        authority = Authority.made(find("openssl"), folder)
        with serving(CONFIG + TLS + HTPASSWD, authority) as registry:
            yield registry


@contextmanager
def serving(config: str = CONFIG, authority: Authority | None = None) -> Iterator[RealRegistry]:
    """Run a server with a config, whose fields are its folder and the authority."""
    server = find("docker-registry")
    with private_folder() as folder:
        path, log = folder / "config.yml", folder / "log"
        path.write_text(config.format(folder=folder, authority=authority))
        (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
        with running([server, "serve", path], folder, lambda: _port(log) is not None):
            yield RealRegistry(f"127.0.0.1:{_port(log)}", log, authority)


def _port(log: Path) -> str | None:
    found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
    return found and found[1]
