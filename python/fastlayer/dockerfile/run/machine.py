"""What RUN needs of the machine, looked for before any work."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastlayer.errors import DockerfileError, InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SUPPORTED",
    "check_rights",
    "enter_user_namespace",
    "find_runtime",
    "in_user_namespace",
    "is_mapped",
]

SUPPORTED: Final = ("crun", "runc")

# Programs of util-linux, which keep a container in namespaces of its own.
_TOOLS: Final = ("mount", "setpriv", "unshare")

_SYS_ADMIN: Final = 21  # capabilities(7)


def find_runtime(program: str) -> str:
    """Return the absolute path of crun or runc, or of a program that is called so.

    Raises `InvalidArgumentError` for another program, and if something is not installed.
    """
    name = Path(program).name
    if name not in SUPPORTED:
        expected = " or ".join(map(quoted, SUPPORTED))
        raise InvalidArgumentError(f"unknown run engine {quoted(program)}: expected {expected}")
    path = shutil.which(program)
    if path is None:
        raise InvalidArgumentError(
            f"the run engine {quoted(program)} is not installed: apt-get install {name}"
        )
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            raise InvalidArgumentError(
                f"RUN needs the program {quoted(tool)}, which is not installed: "
                "apt-get install util-linux mount"
            )
    return os.path.abspath(path)  # noqa: PTH100 (a link keeps its name)


def check_rights() -> None:
    """Raise `DockerfileError` unless this process may mount file systems."""
    if os.geteuid() != 0:
        raise DockerfileError(
            "RUN needs root, or a user namespace: `fastlayer build` enters one by itself; start "
            "other programs with `unshare --user --map-root-user --map-auto`"
        )
    if not _effective_capabilities() >> _SYS_ADMIN & 1:
        raise DockerfileError(
            "RUN needs the capability `CAP_SYS_ADMIN`, which root does not have here: a container "
            "has to be started with it"
        )


def in_user_namespace() -> bool:
    """Tell whether root is somebody else outside."""
    return _map("uid") != [(0, 0, 2**32 - 1)]


def is_mapped(gid: int) -> bool:
    """Tell whether a group has a number on the host."""
    return any(inside <= gid < inside + count for inside, _, count in _map("gid"))


def enter_user_namespace() -> None:
    """Execute this command line again as root of a user namespace, unless it is root already.

    The ranges of `/etc/subuid` and `/etc/subgid` are its other users, where there are some; else it
    has none. Raises `DockerfileError` if the machine has no such namespaces for this user.
    """
    if os.geteuid() == 0:
        return
    options = _namespace_options()
    # `-P`: with `-m` alone, modules would come from the working directory first.
    program = [sys.executable, *_interpreter_options(), "-P", "-m", "fastlayer"]
    command = [*options, "--", *program, *sys.argv[1:]]
    sys.stdout.flush()
    os.execvp(options[0], command)  # noqa: S606 (its arguments are a list)


def _interpreter_options() -> list[str]:
    """Return the options that this interpreter was given, of those that say where modules are."""
    flags = sys.flags
    given = {"-I": flags.isolated, "-E": flags.ignore_environment, "-s": flags.no_user_site}
    return [option for option, is_given in given.items() if is_given]


def _namespace_options() -> Sequence[str]:
    """Return a command that enters a namespace, after trying it."""
    if shutil.which("unshare") is None:
        raise DockerfileError(
            "RUN as an ordinary user needs the program `unshare`: apt-get install util-linux"
        )
    root = ["unshare", "--user", "--map-root-user"]
    if shutil.which("newuidmap") and shutil.which("newgidmap") and _has_ranges():
        everybody = [*root, "--map-auto"]
        if _fails(everybody) is None:
            return everybody
    reason = _fails(root)
    if reason is not None:
        raise DockerfileError(
            f"RUN as an ordinary user needs user namespaces, which this machine refuses: {reason}"
        )
    return root


def _fails(command: Sequence[str]) -> str | None:
    done = subprocess.run(
        [*command, "--", "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode == 0:
        return None
    return done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"


def _has_ranges() -> bool:
    names = {str(os.geteuid())}
    with suppress(OSError, KeyError):
        names.add(getpass.getuser())
    for file in ("/etc/subuid", "/etc/subgid"):
        lines = []
        with suppress(OSError):
            lines = Path(file).read_text(errors="replace").splitlines()
        if not any(line.partition(":")[0] in names for line in lines):
            return False
    return True


def _map(kind: str) -> list[tuple[int, int, int]]:
    """Read ranges (inside, outside, count); a kernel without user namespaces has one of all."""
    lines = ["0 0 4294967295"]
    with suppress(OSError):
        lines = Path(f"/proc/self/{kind}_map").read_text().splitlines()
    ranges = [tuple(map(int, line.split())) for line in lines]
    return [(inside, outside, count) for inside, outside, count in ranges]


def _effective_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
