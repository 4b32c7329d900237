"""The blobs of a layout, which several writers add to at once.

Each appears by rename. Locks on folders say who is writing, and who changes the index.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from fastlayer.archive.output import OutputFile, file_identity, output_file, replace_file
from fastlayer.archive.store import blob_path
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, named, quoted
from fastlayer.stored.blob import copy_blob
from fastlayer.temporary import has_temporary_name
from fastlayer.undo import undone_unless_kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from fastlayer.descriptor import Descriptor
    from fastlayer.store import StoredBlob

__all__ = ["LayoutStore", "locked", "writing"]


class LayoutStore:
    """The blobs of a layout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outputs: Sequence[tuple[int, int]] = ()
        self.written: list[Path] = []

    @contextmanager
    def marked(self) -> Iterator[None]:
        """Keep a file where the blobs are, by which a layer is refused that would read them.

        A blob in the making does not do: layers are read before theirs begin.
        """
        with output_file(self.root / "blobs" / "sha256") as file:
            with named(self.root):
                self.outputs = [file_identity(file.fileno())]
            yield

    @contextmanager
    def blob(self) -> Iterator[LayoutBlob]:
        """Begin a blob in a temporary file beside its later place."""
        with named(self.root), output_file(self.root / "blobs" / "sha256") as file:
            yield LayoutBlob(self, file)

    def put(self, content: bytes) -> None:
        """Keep a document."""
        digest = Digest.of(content)
        path = self.root / blob_path(digest)
        if not self.has(digest, len(content)):
            self.written.append(path)
            replace_file(path, content)

    def put_manifest(self, content: bytes, media_type: str) -> None:
        """Keep a manifest or index as a blob, which is all that it is here."""
        self.put(content)

    def copy(self, descriptor: Descriptor, blob: StoredBlob) -> None:
        """Keep a blob that is stored elsewhere, unless it is here with all its bytes."""
        if not self.has(descriptor.digest, descriptor.size):
            copy_blob(blob, descriptor, self)

    def has(self, digest: Digest, size: int) -> bool:
        """Whether a blob is here with all its bytes."""
        try:
            status = (self.root / blob_path(digest)).lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == size


class LayoutBlob:
    """A blob on its way into a layout."""

    def __init__(self, store: LayoutStore, file: OutputFile) -> None:
        self._store = store
        self._file = file
        self.target = file.fileno()
        self.name = os.fspath(store.root)

    def commit(self, digest: Digest, size: int) -> None:
        """Give the blob its name, unless it is there already with all its bytes."""
        if not self._store.has(digest, size):
            path = self._store.root / blob_path(digest)
            self._store.written.append(path)
            _make(path.parent)  # other algorithms have folders of their own
            self._file.commit(path)


@contextmanager
def writing(root: Path) -> Iterator[LayoutStore]:
    """Open the layout for blobs; a failure takes back the layout if it was new.

    Whoever writes blobs holds a shared lock on their folder. Only when nobody else does, and no
    index refers to anything yet, are the blobs of a failed build surely of no use to others;
    otherwise they stay: each is whole, and the next build need not write it again.
    """
    _refuse_other_content(root)
    folders = (root, root / "blobs", root / "blobs" / "sha256")
    _refuse_links(folders[1:])
    made: list[Path] = []
    store = LayoutStore(root)
    with ExitStack() as stack:
        begun = stack.enter_context(undone_unless_kept(partial(_take_away, made)))
        made.extend(folder for folder in folders if _make(folder))
        lock = stack.enter_context(locked(root / "blobs", fcntl.LOCK_SH))

        def take_back() -> None:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not (root / "index.json").exists():
                    for path in (*store.written, root / "oci-layout"):
                        path.unlink(missing_ok=True)
                    _take_away(made)

        keep = stack.enter_context(undone_unless_kept(take_back))
        begun()
        yield store
        keep()


@contextmanager
def locked(folder: Path, how: int) -> Iterator[int]:
    """Open a folder, and wait for a lock on it."""
    with named(folder):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, how)
            yield lock
        finally:
            os.close(lock)


def _take_away(made: Sequence[Path]) -> None:
    """Remove folders that were made, unless something is in them."""
    with suppress(OSError):
        for folder in reversed(made):
            folder.rmdir()


def _make(folder: Path) -> bool:
    """Make a folder; say whether it was not there."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _refuse_links(folders: Iterable[Path]) -> None:
    """Refuse folders that are elsewhere: no reader would follow, and a stranger made the links."""
    for folder in folders:
        if folder.is_symlink():
            raise InvalidImageError(f"{quoted(folder)} is a link: links are not followed")


def _refuse_other_content(root: Path) -> None:
    """Refuse a folder that is in use for something else; `oci-layout` marks the right ones."""
    if root.is_dir() and not (root / "oci-layout").exists():
        others = [
            path
            for path in root.iterdir()
            if path.name != "blobs" and not has_temporary_name(path.name)
        ]
        # Another writer may have made it a layout since the first look.
        if others and not (root / "oci-layout").exists():
            raise InvalidImageError(
                f"{quoted(root)} is neither empty nor an OCI layout: it has no `oci-layout`"
            )
