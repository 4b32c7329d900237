"""Files and folders that are there while a process works.

A process holds a lock on each of its own, which ends with it, however it ends. Whoever makes
another one in the same place first removes those that have such a name and that nobody holds:
they are what a killed process left behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from fastlayer import engine
from fastlayer.undo import undone_unless_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Temporary", "has_temporary_name", "temporary_directory", "temporary_file"]

_PREFIX: Final = ".fastlayer-"
_SUFFIX: Final = ".tmp"

# What nobody can foresee, in as few characters as will do: a mount is told all its directories in
# one page of text.
_RANDOM: Final = 5
_HEX: Final = f"[0-9a-f]{{{2 * _RANDOM}}}"
_FILE: Final = re.compile(re.escape(_PREFIX) + _HEX + re.escape(_SUFFIX))

# How often a folder is removed anew to which threads add that nobody can wait for.
_ATTEMPTS: Final = 1000


class Temporary(NamedTuple):
    """A file or folder that is removed at the end, unless `keep` was called before."""

    path: str
    descriptor: int
    """The open file or folder, which is locked."""
    keep: Callable[[], None]


@contextmanager
def temporary_file(folder: str, *, mode: int = 0o666) -> Iterator[Temporary]:
    """Make a file in `folder`, open for reading and writing.

    Raises `OSError`, which names the folder: who gave it never heard of the temporary name.
    """
    _sweep(folder, _FILE, os.O_RDWR, os.unlink)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

    def make(path: str) -> int:
        return os.open(path, flags, mode)

    with _made(folder, _PREFIX, _SUFFIX, make, _remove_file) as made:
        yield made


@contextmanager
def temporary_directory(parent: str, prefix: str, *, mode: int) -> Iterator[Temporary]:
    """Make a directory in `parent` whose name begins with `prefix`, which no other kind has.

    Raises `OSError`, which names the parent.
    """
    pattern = re.compile(re.escape(prefix) + _HEX)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    _sweep(parent, pattern, flags, _remove_directory)

    def make(path: str) -> int:
        os.mkdir(path, mode)  # noqa: PTH102 (text, as the core takes it)
        return os.open(path, flags)

    with _made(parent, prefix, "", make, _remove_directory) as made:
        yield made


def has_temporary_name(name: str) -> bool:
    """Whether a file of this name is one that is being written, or was when a process died."""
    return _FILE.fullmatch(name) is not None


@contextmanager
def _made(
    folder: str,
    prefix: str,
    suffix: str,
    make: Callable[[str], int],
    remove: Callable[[str], None],
) -> Iterator[Temporary]:
    while True:
        path = os.path.join(folder, f"{prefix}{os.urandom(_RANDOM).hex()}{suffix}")  # noqa: PTH118
        with undone_unless_kept(lambda path=path: remove(path)) as keep:  # type: ignore[misc]
            try:
                descriptor = make(path)
            except FileExistsError:
                keep()  # it is somebody else's
                continue
            except OSError as error:
                error.filename = folder
                raise
            try:
                if _hold(descriptor, path):
                    yield Temporary(path, descriptor, keep)
                    return
            finally:
                # What was kept is on disk, and nobody wants the rest.
                with suppress(OSError):
                    os.close(descriptor)


def _hold(descriptor: int, path: str) -> bool:
    """Lock what was just made; say whether it is still there.

    Before it was locked it looked as if nobody held it, and another process may have removed it.
    Raises `OSError`, which names the folder.
    """
    # Without locks on this file system, nothing is taken for a leftover, and leftovers stay.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
    except OSError as error:
        error.filename = os.path.dirname(path)  # noqa: PTH120
        raise


def _sweep(
    folder: str, pattern: re.Pattern[str], flags: int, remove: Callable[[str], None]
) -> None:
    """Remove leftovers, as far as that is possible: it is not what anybody waits for."""
    names: list[str] = []
    with suppress(OSError):
        names = os.listdir(folder)  # noqa: PTH208 (text; blobs may be many)
    for name in names:
        if pattern.fullmatch(name):
            with suppress(OSError):
                _remove_leftover(os.path.join(folder, name), flags, remove)  # noqa: PTH118


def _remove_leftover(path: str, flags: int, remove: Callable[[str], None]) -> None:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(descriptor)
        # In a folder for all, another user's directory may carry such a name, and no lock.
        directory = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        if directory or stat.S_ISREG(status.st_mode):
            remove(path)
    finally:
        os.close(descriptor)


def _remove_file(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def _remove_directory(path: str) -> None:
    """Remove a folder, also while threads of an interrupted call still add to it.

    They end on their own as soon as they miss a directory that is gone.
    """
    for _ in range(_ATTEMPTS):
        try:
            engine.remove_tree(path)
        except FileNotFoundError:
            if not os.path.lexists(path):
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
