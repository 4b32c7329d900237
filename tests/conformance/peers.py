"""Finding and calling the independent tools that these tests compare with.

A peer that is not there skips its tests and says why. With ``FASTLAYER_REQUIRE_PEERS=1``, as CI
sets it, the same is a failure: a test that silently never runs proves nothing.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

# The Debian package of a program whose package has another name.
PACKAGES = {
    "bsdtar": "libarchive-tools",
    "cc": "gcc libc6-dev",
    "ctr": "containerd",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "dpkg-deb": "dpkg",
    "igzip": "isal",
    "setcap": "libcap2-bin",
    "setfacl": "acl",
}

# Far above what any call here takes; a peer that hangs must not hang the session.
TIMEOUT = 300.0


def absent(reason: str) -> NoReturn:
    """Skip the test for `reason`, or fail it where every peer is required."""
    if os.environ.get("FASTLAYER_REQUIRE_PEERS") == "1":
        pytest.fail(f"FASTLAYER_REQUIRE_PEERS=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def find(program: str) -> str:
    """Return the full path of `program`."""
    path = shutil.which(program)
    if path is None:
        absent(f"`{program}` is not installed (apt-get install {PACKAGES.get(program, program)})")
    return path


def need_root(purpose: str) -> None:
    """Skip unless the session may do what `purpose` needs root for."""
    if os.geteuid() != 0:
        absent(f"{purpose} needs root")


def call(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    statuses: Collection[int] = (0,),
) -> str:
    """Run `argv` and return its stdout; a failure is an assertion that shows its stderr.

    `env` is the whole environment, not an addition to it; `statuses` are those that mean success.
    """
    stdout = call_bytes(argv, cwd=cwd, env=env, statuses=statuses)
    return stdout.decode(errors="surrogateescape")


def call_bytes(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    statuses: Collection[int] = (0,),
) -> bytes:
    """Like `call`, for output that is not text."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode not in statuses:
        command = " ".join(map(str, argv))
        stderr = done.stderr.decode(errors="replace").strip()
        raise AssertionError(f"exit status {done.returncode} from `{command}`:\n{stderr}")
    return done.stdout


@functools.cache
def docker_client() -> str:
    """Return the client that came with the `dockerd` in use.

    A newer client found first on the path may no longer speak the older daemon's API.
    """
    beside = Path(find("dockerd")).parent.parent / "bin" / "docker"
    return str(beside) if beside.exists() else find("docker")
