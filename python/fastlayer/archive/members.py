"""The files inside an image archive or image layout, found by name.

Nothing is unpacked, and no name from an archive becomes a path of the host.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from fastlayer import engine
from fastlayer.archive.blob import Blob
from fastlayer.errors import InvalidImageError, named, quoted
from fastlayer.stored.blob import read_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fastlayer.engine import MemberRecord

__all__ = ["ArchiveMembers", "LayoutMembers", "Members"]

# As many links in a row as Linux follows.
_MAX_LINKS: Final = 40

_IRREGULAR: Final = "is not a regular file (links are not followed)"

# A link is an answer here, not a way; O_NONBLOCK so that opening a pipe does not wait.
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Members(Protocol):
    """The files of an archive or layout by their names, such as `index.json`."""

    def __contains__(self, name: str) -> bool: ...

    def find(self, name: str) -> Blob:
        """Find a file; raises `InvalidImageError` if it is missing or no regular file."""

    def read(self, name: str) -> bytes:
        """Return the whole of a document, of which others may put a new version at any time.

        Raises what `find` raises, and `InvalidImageError` if it is too large or cut short.
        """

    def blobs(self) -> list[str]:
        """List the names of the files in the folders of `blobs`."""


class ArchiveMembers:
    """The members of a plain tar. Links are followed inside the archive, and only there."""

    def __init__(self, archive: Blob) -> None:
        """List the archive.

        Raises `InvalidImageError` if it is not a whole tar.
        """
        self._archive = archive
        self._members: dict[str, MemberRecord] = {}
        self._twice: set[str] = set()
        with archive.open() as descriptor:
            for member in engine.list_members(descriptor, name=archive.path):
                name = _inside(member.path.decode("utf-8", "surrogateescape"))
                if name in self._members and member.kind != "directory":
                    self._twice.add(name)
                self._members[name] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def find(self, name: str) -> Blob:
        """Find a regular file, also through links.

        Raises `InvalidImageError` if it is missing, sparse or there twice, or if a link leads
        nowhere.
        """
        wanted, name = name, _inside(name)
        for _ in range(_MAX_LINKS):
            member = self._members.get(name)
            if member is None:
                raise self._refusal(wanted, "is missing")
            if name in self._twice:
                raise self._refusal(wanted, "is there twice")
            if member.sparse:
                raise self._refusal(wanted, "is a sparse file, of which only parts are stored")
            if member.kind == "file":
                return Blob(
                    wanted,
                    self._archive.path,
                    member.offset,
                    member.size,
                    self._archive.open,
                )
            if member.link is None:
                raise self._refusal(wanted, f"is a {member.kind}, not a file")
            name = self._target(wanted, name, member)
        raise self._refusal(wanted, "is a link that leads to itself")

    def read(self, name: str) -> bytes:
        """Return the whole of a document."""
        return read_blob(self.find(name))

    def blobs(self) -> list[str]:
        """List the names of the members under `blobs`."""
        return sorted(
            name
            for name, member in self._members.items()
            if name.startswith("blobs/") and member.kind != "directory"
        )

    def _target(self, wanted: str, name: str, member: MemberRecord) -> str:
        link = (member.link or b"").decode("utf-8", "surrogateescape")
        # A hard link is named from the top of the archive, a symbolic link from its own folder.
        folder = posixpath.dirname(name) if member.kind == "symlink" else ""
        target = posixpath.normpath(posixpath.join(folder, link))
        if target.startswith(("/", "../")) or target == "..":
            raise self._refusal(wanted, "is a link out of the archive")
        return target

    def _refusal(self, name: str, reason: str) -> InvalidImageError:
        return InvalidImageError(f"{quoted(name)} {reason} in {quoted(self._archive.path)}")


def _inside(name: str) -> str:
    """Bring a member's name to its one spelling: `./index.json` is `index.json`."""
    return posixpath.normpath(name).lstrip("/")


class LayoutMembers:
    """The files of an OCI layout directory: regular ones, never reached through a link."""

    def __init__(self, path: str) -> None:
        """Take the directory `path`, which is opened when something is read."""
        self._path = path

    def __contains__(self, name: str) -> bool:
        with self._root() as root:
            try:
                os.stat(name, dir_fd=root, follow_symlinks=False)
            except FileNotFoundError:
                return False
            except OSError as error:
                error.filename = os.path.join(self._path, name)  # noqa: PTH118
                raise
            return True

    def find(self, name: str) -> Blob:
        """Find a regular file.

        Raises `InvalidImageError` if it is missing or something else, and `OSError`.
        """
        with self._opened(name) as descriptor:
            return self._blob(name, descriptor, partial(self._opened, name))

    def read(self, name: str) -> bytes:
        """Return the whole of a document as it was at one moment: it is opened once."""
        with self._opened(name) as descriptor:
            return read_blob(self._blob(name, descriptor, lambda: nullcontext(descriptor)))

    def blobs(self) -> list[str]:
        """List the names of the files in the folders of `blobs`."""
        return [
            f"blobs/{algorithm}/{encoded}"
            for algorithm in self._listed("blobs")
            for encoded in self._listed(f"blobs/{algorithm}")
        ]

    def _blob(
        self, name: str, descriptor: int, open_: Callable[[], AbstractContextManager[int]]
    ) -> Blob:
        path = os.path.join(self._path, name)  # noqa: PTH118 (text, as the user wrote it)
        return Blob(name, path, 0, os.fstat(descriptor).st_size, open_)

    def _listed(self, folder: str) -> list[str]:
        try:
            with self._descended(folder.split("/")) as descriptor:
                return sorted(os.listdir(descriptor))  # noqa: PTH208 (a descriptor has no `Path`)
        except InvalidImageError:
            return []  # a file or link, which the layout ignores

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        *folders, last = name.split("/")
        with self._descended(folders) as parent, self._part(last, parent, name) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self._refusal(name, _IRREGULAR)
            yield descriptor

    @contextmanager
    def _root(self) -> Iterator[int]:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with named(self._path):
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _descended(self, folders: list[str]) -> Iterator[int]:
        """Open folder after folder: the kernel refuses links in the last part of a path only."""
        with ExitStack() as stack:
            descriptor = stack.enter_context(self._root())
            for folder in folders:
                part = self._part(folder, descriptor, "/".join(folders), os.O_DIRECTORY)
                descriptor = stack.enter_context(part)
            yield descriptor

    @contextmanager
    def _part(self, part: str, parent: int, name: str, flags: int = 0) -> Iterator[int]:
        try:
            descriptor = os.open(part, _OPEN | flags, dir_fd=parent)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise self._refusal(name, "is missing") from None
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
                raise self._refusal(name, _IRREGULAR) from None
            error.filename = os.path.join(self._path, name)  # noqa: PTH118
            raise
        with named(os.path.join(self._path, name)):  # noqa: PTH118
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    def _refusal(self, name: str, reason: str) -> InvalidImageError:
        return InvalidImageError(f"{quoted(name)} {reason} in {quoted(self._path)}")
