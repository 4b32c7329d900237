"""Files that appear at their name complete or not at all.

The order of a safe write: a temporary file in the same folder, fsync, rename, fsync of the
folder. A temporary file is locked while its process lives, so that what a killed process left
behind is recognised, and removed by the next one that writes to the folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fastlayer.errors import named
from fastlayer.links import check_links
from fastlayer.stored.blob import write_all
from fastlayer.undo import undone_unless_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "OutputFile",
    "file_identity",
    "final_path",
    "is_special",
    "output_file",
    "replace_file",
    "temporary",
]

_PREFIX, _SUFFIX = ".fastlayer-", ".tmp"

# A file between its creation and its lock looks as if nobody held it; that takes microseconds.
_STALE_AFTER = 60.0


class OutputFile:
    """A temporary file on its way to its name."""

    def __init__(self, descriptor: int, temporary: Path, keep: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._temporary = temporary
        self._keep = keep

    def fileno(self) -> int:
        """Give the open file."""
        return self._descriptor

    def commit(self, path: Path) -> None:
        """Make the file durable and give it its name, in place of what has that name now."""
        with named(path):
            os.fsync(self._descriptor)
            with _renamed(path):
                self._temporary.replace(path)
            self._keep()
            _sync_directory(path.parent)


@contextmanager
def output_file(directory: Path) -> Iterator[OutputFile]:
    """Open a new temporary file in `directory`; it is removed unless it is committed."""
    _remove_stale(directory)
    temporary = directory / f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

    def remove() -> None:
        with suppress(OSError):
            temporary.unlink()

    with undone_unless_kept(remove) as keep:
        try:
            descriptor = os.open(temporary, flags, 0o666)
        except OSError as error:
            # Who gave the folder never heard of the temporary name.
            error.filename = os.fspath(directory)
            raise
        try:
            # Without locks on this file system, a leftover just stays where it is.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield OutputFile(descriptor, temporary, keep)
        finally:
            # What was committed is on disk, and nobody wants the rest.
            with suppress(OSError):
                os.close(descriptor)


def file_identity(descriptor: int) -> tuple[int, int]:
    """Device and inode of an open file."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether an output is a pipe or device, also through a link such as `/dev/stdout`.

    Raises `PermissionError` for a link of a stranger.
    """
    check_links(path)
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def final_path(path: str | os.PathLike[str]) -> Path:
    """Where a file appears: a link is written through, a folder is refused.

    Raises `PermissionError` for a link of a stranger.
    """
    check_links(path)
    target = Path(path)
    if target.is_symlink():
        target = target.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    return target


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file, in place of what has its name now."""
    with output_file(path.parent) as file, named(path):
        write_all(file.fileno(), content)
        file.commit(path)


def temporary(path: Path) -> bool:
    """Whether a file has the name of one that is being written."""
    return path.name.startswith(_PREFIX) and path.name.endswith(_SUFFIX)


@contextmanager
def _renamed(path: Path) -> Iterator[None]:
    """Have an error of a rename name the new name alone."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = os.fspath(path), None
        raise


def _sync_directory(directory: Path) -> None:
    """Make a rename in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(directory: Path) -> None:
    for path in _listed(directory):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(descriptor).st_mtime > _STALE_AFTER:
                    path.unlink()
            finally:
                os.close(descriptor)


def _listed(directory: Path) -> list[Path]:
    """List temporary files. Where that fails they stay, for the next one who can see them."""
    try:
        return [path for path in directory.iterdir() if temporary(path)]
    except OSError:
        return []
