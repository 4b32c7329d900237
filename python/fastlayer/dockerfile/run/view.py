"""What an overlay of directories shows, seen without mounting it.

A name is looked up in each directory, and links lead to places in the same view, so that nothing of
the host is ever met. Nobody else writes to these directories.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Place", "View"]

_MAX_LINKS: Final = 40  # as the kernel has it
_MAX_BYTES: Final = 8192  # of a path and all its targets, each of which has less than 4096
_OPAQUE: Final = ("trusted.overlay.opaque", "user.overlay.opaque")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads to: its names from the root down, none of which is a link.

    `found` is what is there: the directories that are shown as one, the upper one first, or one
    other thing. There is none if nothing is there.
    """

    names: tuple[str, ...]
    found: tuple[str, ...]


class View:
    """Directories on top of each other, the highest first."""

    def __init__(self, directories: Sequence[str]) -> None:
        self._root = Place((), tuple(directories))

    def resolve(self, path: str) -> Place:
        """Follow `path`, links and `..` included. What is missing stays as it is.

        Raises `DockerfileError` for links without end, or with too long targets together.
        """
        size = len(path)
        if size > _MAX_BYTES:
            raise DockerfileError(f"{quoted(path)} is too long for a path")
        above = [self._root]
        parts = deque(path.split("/"))
        links = 0
        while parts:
            part = parts.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                above = above[:-1] or above
                continue
            found = _look(above[-1].found, part)
            if len(found) == 1 and os.path.islink(found[0]):  # noqa: PTH114 (text, as elsewhere)
                links += 1
                if links > _MAX_LINKS:
                    raise DockerfileError(f"{quoted(path)}: links without end")
                target = os.readlink(found[0])  # noqa: PTH115 (a path loses a slash at its end)
                size += len(target)
                if size > _MAX_BYTES:
                    raise DockerfileError(f"{quoted(path)}: the links are too long")
                above = above[:1] if target.startswith("/") else above
                parts.extendleft(reversed(target.split("/")))
                continue
            above.append(Place((*above[-1].names, part), found))
        return above[-1]

    def read(self, path: str, limit: int) -> bytes | None:
        """Read a file of at most `limit` bytes; `None` if there is none."""
        place = self.resolve(path)
        if not place.found or not stat.S_ISREG(os.lstat(place.found[0]).st_mode):
            return None
        with open(place.found[0], "rb") as file:  # noqa: PTH123
            content = file.read(limit + 1)
        if len(content) > limit:
            raise DockerfileError(f"{quoted(path)} has more than {limit} bytes")
        return content


def _look(directories: Sequence[str], name: str) -> tuple[str, ...]:
    """Find a name in directories that are shown as one."""
    found: list[str] = []
    for directory in directories:
        path = f"{directory}/{name}"
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISDIR(status.st_mode):
            found.append(path)
            if _is_opaque(path):
                break
            continue
        whiteout = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
        # Anything else hides what is below it, and is hidden by a directory above it.
        return tuple(found) if found or whiteout else (path,)
    return tuple(found)


def _is_opaque(directory: str) -> bool:
    for name in _OPAQUE:
        with suppress(OSError):
            if os.getxattr(directory, name, follow_symlinks=False) == b"y":
                return True
    return False
