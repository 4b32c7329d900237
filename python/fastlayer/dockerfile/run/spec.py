"""The configuration of a container, as docker's is by default (runtime-spec, config.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastlayer.config import DEFAULT_PATH
from fastlayer.dockerfile.run.machine import in_user_namespace, is_mapped
from fastlayer.dockerfile.run.network import HOSTNAME
from fastlayer.dockerfile.run.seccomp import filter_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.dockerfile.run.accounts import Account
    from fastlayer.dockerfile.run.network import Network
    from fastlayer.dockerfile.run.step import RunStep

__all__ = ["Container", "spec_of"]

_CAPABILITIES: Final = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
]

_MAKE_DEVICES: Final = "CAP_MKNOD"

_MASKED: Final = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
]
# File systems that are mounted in a `/sys`: one that is read-only says nothing of them.
_BELOW_SYS: Final = [
    "/sys/fs/bpf",
    "/sys/fs/cgroup",
    "/sys/fs/fuse/connections",
    "/sys/fs/pstore",
    "/sys/kernel/config",
    "/sys/kernel/debug",
    "/sys/kernel/security",
    "/sys/kernel/tracing",
]
_READ_ONLY: Final = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")
_TERMINALS: Final = 5  # the group that owns terminals, as everywhere


@dataclass(frozen=True, slots=True)
class Container:
    """What is known of a container before it runs.

    `mounts` are those of the step; `devices`: whether its root may make devices; `filtered`:
    whether the runtime knows system-call filters.
    """

    rootfs: str
    account: Account
    network: Network
    mounts: Sequence[dict[str, Any]]
    devices: bool
    filtered: bool


def spec_of(step: RunStep, container: Container) -> dict[str, Any]:
    """Write the configuration.

    Where cgroups are not in use, nothing but the options of file systems keeps root in a container
    from devices of the host: there are none that work but the few in `/dev`, which are mounts.
    """
    spaces = ["ipc", "mount", "pid", "uts", *(["network"] if container.network == "none" else [])]
    return {
        "ociVersion": "1.0.2",
        "process": _process(step, container),
        "root": {"path": container.rootfs},
        "hostname": HOSTNAME,
        "mounts": [*_mounts(container), *container.mounts],
        "linux": {
            "namespaces": [{"type": space} for space in spaces],
            "maskedPaths": [*_MASKED, *(_BELOW_SYS if _has_sys_of_host(container) else [])],
            "readonlyPaths": _READ_ONLY,
            **({"seccomp": filter_of()} if container.filtered else {}),
        },
    }


def _process(step: RunStep, container: Container) -> dict[str, Any]:
    account = container.account
    env = {"PATH": DEFAULT_PATH, "HOME": account.home, **step.env}
    bounding = [name for name in _CAPABILITIES if container.devices or name != _MAKE_DEVICES]
    held = bounding if account.uid == 0 else []
    return {
        "terminal": False,
        "user": {
            "uid": account.uid,
            "gid": account.gid,
            "umask": 0o022,
            "additionalGids": list(account.groups),
        },
        "args": list(step.argv),
        "env": [f"{name}={value}" for name, value in env.items()],
        "cwd": step.cwd,
        "capabilities": {"bounding": bounding, "effective": held, "permitted": held},
        "noNewPrivileges": False,
    }


def _has_sys_of_host(container: Container) -> bool:
    """Whether `/sys` is that of the host: only who owns the network may mount it anew."""
    return container.network == "host" and in_user_namespace()


def _mounts(container: Container) -> list[dict[str, Any]]:
    safe = ["nosuid", "noexec", "nodev"]
    group = [f"gid={_TERMINALS}"] if is_mapped(_TERMINALS) else []
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *group]
    devices = ["nosuid", "nodev", "strictatime", "mode=755", "size=65536k"]
    nodes = [_mount(f"/dev/{name}", "bind", f"/dev/{name}", ["bind"]) for name in _DEVICES]
    system = _mount("/sys", "sysfs", "sysfs", [*safe, "ro"])
    if in_user_namespace():
        nodes = []  # no device works there, so that runtimes mount those of the host
    if _has_sys_of_host(container):
        system = _mount("/sys", "none", "/sys", ["rbind", *safe, "ro"])
    return [
        _mount("/proc", "proc", "proc", safe),
        _mount("/dev", "tmpfs", "tmpfs", devices),
        *nodes,
        _mount("/dev/pts", "devpts", "devpts", terminals),
        _mount("/dev/shm", "tmpfs", "shm", [*safe, "mode=1777", "size=65536k"]),  # noqa: S108
        _mount("/dev/mqueue", "mqueue", "mqueue", safe),
        system,
    ]


def _mount(destination: str, kind: str, source: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": options}
