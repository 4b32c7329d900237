"""Places for mounts that the image does not have.

A runtime makes what it mounts on, and that would be in the layer. Here it is there already, in a
directory of its own right below the upper one, so that nothing is made.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.run.workspace import make_like

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.dockerfile.run.mounts import Target
    from fastlayer.dockerfile.run.view import Place, View

__all__ = ["add_stubs"]

# In these, which are mounts themselves, a runtime makes what it wants.
_MOUNTED: Final = ("dev", "proc", "sys")


def add_stubs(directory: str, targets: Sequence[Target], view: View) -> None:
    """Make in `directory` what is missing in `view` of `targets` and of the directories above."""
    for target in targets:
        place = view.resolve(target.path)
        if place.found or not place.names or place.names[0] in _MOUNTED:
            continue
        parent = _parents(directory, place, view)
        stub = f"{parent}/{place.names[-1]}"
        if os.path.lexists(stub):
            continue
        if target.is_directory:
            _directory(stub)
        else:
            Path(stub).touch(0o644)
    _set_times(directory, view)


def _parents(directory: str, place: Place, view: View) -> str:
    """Make the directories above a place, those that are there as they are there."""
    for count in range(1, len(place.names)):
        directory = f"{directory}/{place.names[count - 1]}"
        if os.path.lexists(directory):
            continue
        _directory(directory)
        there = view.resolve("/".join(place.names[:count])).found
        if there:
            make_like(directory, there[0])
            _copy_attributes(there[0], directory)
    return directory


def _directory(path: str) -> None:
    os.mkdir(path)  # noqa: PTH102
    os.chmod(path, 0o755)  # noqa: PTH101, S103 (whatever the umask is)


def _copy_attributes(source: str, target: str) -> None:
    for name in os.listxattr(source, follow_symlinks=False):
        if ".overlay." not in name:
            with suppress(OSError):
                value = os.getxattr(source, name, follow_symlinks=False)
                os.setxattr(target, name, value, follow_symlinks=False)


def _set_times(directory: str, view: View) -> None:
    """Give directories that are in the view the times that they have there."""
    for folder, _, _ in os.walk(directory, topdown=False):
        there = view.resolve(os.path.relpath(folder, directory)).found
        if there:
            status = os.lstat(there[0])
            os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))
