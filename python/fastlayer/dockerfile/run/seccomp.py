"""System calls that a container does without: none takes a capability, and all reach outside.

Keys of the kernel belong to a user, whatever container it is in; programs for the kernel, and user
namespaces with all rights in them, are where it has had most of its holes. Docker's own filter
refuses all of these too, so that what `docker build` can do works here.
"""

from __future__ import annotations

import errno
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["can_filter", "filter_of"]

_REFUSED: Final = (
    *("add_key", "keyctl", "request_key"),
    *("bpf", "perf_event_open", "userfaultfd"),
    *("io_uring_enter", "io_uring_register", "io_uring_setup"),
    *("setns", "unshare"),
)

_NEW_USER_NAMESPACE: Final = 0x10000000  # CLONE_NEWUSER (clone(2))

# Programs of one machine that another kind of kernel call can be made by; without them here, they
# would be killed.
_ARCHITECTURES: Final = {
    "aarch64": ("AARCH64", "ARM"),
    "s390x": ("S390X", "S390"),
    "x86_64": ("X86_64", "X86", "X32"),
}

# On these the first two arguments of clone(2) have changed places.
_FLAGS_ARE_SECOND: Final = ("s390", "s390x")

_SECONDS: Final = 10.0


def filter_of(machine: str | None = None) -> dict[str, Any]:
    """Write the filter (runtime-spec, config-linux.md, "Seccomp"), by default for this machine."""
    machine = machine or platform.machine()
    names = [f"SCMP_ARCH_{name}" for name in _ARCHITECTURES.get(machine, ())]
    user_namespace = {
        "index": 1 if machine in _FLAGS_ARE_SECOND else 0,
        "value": _NEW_USER_NAMESPACE,
        "valueTwo": _NEW_USER_NAMESPACE,
        "op": "SCMP_CMP_MASKED_EQ",
    }
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        **({"architectures": names} if names else {}),
        "syscalls": [
            _refusal(_REFUSED, errno.EPERM),
            {**_refusal(("clone",), errno.EPERM), "args": [user_namespace]},
            # Its flags are in memory, where no filter looks. Who is told so takes `clone`.
            _refusal(("clone3",), errno.ENOSYS),
        ],
    }


def can_filter(program: str) -> bool:
    """Whether a runtime was built with filters, and the kernel has them."""
    if not Path("/proc/sys/kernel/seccomp").exists():
        return False
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
        return b"seccomp" in done.stdout.lower()
    return False


def _refusal(names: tuple[str, ...], number: int) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": number}
