"""Control groups kept out of the way: a step has no limits, and a killed one must leave none."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.run.machine import in_user_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["without_cgroups"]

_CGROUPS: Final = "/sys/fs/cgroup"
_TYPES: Final = ("cgroup", "cgroup2")


def without_cgroups(*, crun: bool) -> Iterator[str]:
    """Give shell commands for a mount namespace in which a runtime makes no control groups.

    crun can be told to, but refuses to look at both versions at once. runc passes over those that
    are read-only, which they are for others than root anyway.
    """
    if crun:
        if os.path.isdir(f"{_CGROUPS}/unified"):  # noqa: PTH112 (text)
            yield shlex.join(["mount", "-t", "tmpfs", "tmpfs", _CGROUPS])
    elif not in_user_namespace():
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, path, kind, *_ = line.split(" ")
            if kind in _TYPES:
                # Spaces and the like are octal escapes there, which printf knows.
                target = f'"$(printf %b {shlex.quote(path)})"'
                yield f"mount -o remount,bind,ro {target}"
