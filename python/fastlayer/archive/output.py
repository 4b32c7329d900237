"""Files that appear at their name complete or not at all.

The order of a safe write: a temporary file in the same folder, fsync, rename, fsync of the
folder. What a killed process left behind is removed by the next one that writes to the folder.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastlayer.errors import named
from fastlayer.links import check_links
from fastlayer.stored.blob import write_all
from fastlayer.temporary import Temporary, temporary_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "OutputFile",
    "file_identity",
    "final_path",
    "is_special",
    "output_file",
    "replace_file",
]


class OutputFile:
    """A temporary file on its way to its name."""

    def __init__(self, made: Temporary) -> None:
        self._made = made

    def fileno(self) -> int:
        """Give the open file."""
        return self._made.descriptor

    def commit(self, path: Path) -> None:
        """Make the file durable and give it its name, in place of what has that name now."""
        with named(path):
            os.fsync(self._made.descriptor)
            with _renamed(path):
                os.replace(self._made.path, path)  # noqa: PTH105
            self._made.keep()
            _sync_directory(path.parent)


@contextmanager
def output_file(directory: Path) -> Iterator[OutputFile]:
    """Open a new temporary file in `directory`; it is removed unless it is committed."""
    with temporary_file(os.fspath(directory)) as made:
        yield OutputFile(made)


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
