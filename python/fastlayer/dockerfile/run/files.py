"""What only a container in the making has: files about the network, and a heredoc's program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.run.network import HOSTS
from fastlayer.dockerfile.run.step import SCRIPTS
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from fastlayer.dockerfile.run.mounts import Mounts
    from fastlayer.dockerfile.run.step import Script

__all__ = ["add_files"]

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def add_files(mounts: Mounts, script: Script | None, folder: str, servers: bytes) -> None:
    """Write these files into a step's `folder`, and mount them; `servers` is `resolv.conf`.

    Raises `DockerfileError` for a script whose name is not that of a file.
    """
    for name, content in (("resolv.conf", servers), ("hosts", HOSTS)):
        path = f"{folder}/{name}"
        Path(path).write_bytes(content)
        Path(path).chmod(0o644)
        mounts.bind(path, f"/etc/{name}", "ro", "nosuid", "nodev", "noexec")
    if script is not None:
        os.mkdir(f"{folder}/pipes")  # noqa: PTH102
        _write_script(script, f"{folder}/pipes")
        mounts.bind(f"{folder}/pipes", SCRIPTS, "ro", "nosuid", "nodev")


def _write_script(script: Script, folder: str) -> None:
    """Write the program as a new file right in `folder`: its name comes from a Dockerfile."""
    if script.name in ("", ".", "..") or "/" in script.name:
        raise DockerfileError(f"the heredoc {quoted(script.name)} is not the name of a file")
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        descriptor = os.open(script.name, _NEW, 0o700, dir_fd=directory)
    finally:
        os.close(directory)
    with open(descriptor, "wb") as file:  # noqa: PTH123
        file.write(script.content)
        os.fchmod(descriptor, 0o755)  # whatever the umask is
