"""A repository as a store for blobs: layers go out while they are made."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from fastlayer.digest import Digest
from fastlayer.errors import InternalError, InvalidImageError, quoted
from fastlayer.registry.cancel import Cancel
from fastlayer.registry.chunks import Buffers
from fastlayer.registry.delivery import deliver, upload_content
from fastlayer.registry.feed import CHUNK_IN_THE_MAKING, BlobFeed, WrittenFeed
from fastlayer.registry.remote import RemoteBlob
from fastlayer.registry.tasks import Tasks
from fastlayer.registry.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fastlayer.descriptor import Descriptor
    from fastlayer.registry.repository import Repository
    from fastlayer.store import StoredBlob

__all__ = ["FedBlob", "RegistryStore"]

# Uploads at once: enough to fill most lines, and few enough for every registry.
_PARALLEL: Final = 4


class RegistryStore:
    """A `BlobStore` in a registry. Blobs are sent by threads of it; `finish` waits for them.

    Only then all blobs are there, and a manifest may name them. As a context, it ends what is
    under way when it is left before that. A failure is raised by the method that is called next.
    With `spool`, blobs in the making are copied to files without a name on their way, so that they
    can be sent again if the registry loses an upload.
    """

    def __init__(self, repository: Repository, *, spool: bool = False) -> None:
        self._repository = repository
        self._spool = spool
        # Of all layers that are made: the end of one may be on its way while the next begins.
        self._buffers = Buffers(CHUNK_IN_THE_MAKING)
        self._tasks = Tasks(_PARALLEL)
        self._digests: set[Digest] = set()
        # None of them is a file that a layer could read.
        self.outputs: Sequence[tuple[int, int]] = ()

    @contextmanager
    def blob(self) -> Iterator[FedBlob]:
        """Begin a blob, which is sent while it is written. Without a commit it is given up."""
        blob = FedBlob(self._repository.name, self._buffers, spool=self._spool)
        try:
            task = self._tasks.start(partial(self._send, blob))
        except BaseException:
            blob.target.close()
            blob.end()
            raise
        try:
            yield blob
        except BrokenPipeError:
            # Nobody reads on after a failure, which is what is to be told.
            blob.end()
            task.done.wait()
            self._tasks.check()
            raise
        finally:
            blob.end()
            if blob.digest is None:
                task.done.wait()

    def copy(self, descriptor: Descriptor, blob: StoredBlob) -> None:
        """Keep a stored blob: what is elsewhere in the registry is mounted, the rest is sent.

        The errors of `BlobStore.copy` are raised by a later method, at the latest by `finish`.
        """
        if not descriptor.digest.supported:
            raise InvalidImageError(
                f"{quoted(blob.name)} cannot be checked against {quoted(descriptor.digest)}: "
                "unsupported digest algorithm"
            )
        self._once(descriptor.digest, partial(self._copy, descriptor, blob))

    def put(self, content: bytes) -> None:
        """Keep a document."""
        digest = Digest.of(content)
        self._once(digest, partial(self._put, digest, content))

    def finish(self) -> None:
        """Wait until all blobs are there. Raises what failed first."""
        self._tasks.finish()

    def stop(self) -> None:
        """End what is under way."""
        self._tasks.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _once(self, digest: Digest, work: Callable[[], None]) -> None:
        """Begin what brings a blob there, unless that is under way."""
        if digest in self._digests:
            self._tasks.check()
            return
        self._digests.add(digest)
        self._tasks.start(work)

    def _send(self, blob: FedBlob) -> None:
        feed = blob.target
        with closing(feed), self._tasks.cancel.calling(blob.cancel.set):
            deliver(self._repository, feed, lambda: blob.wait(feed.count), blob.cancel)

    def _copy(self, descriptor: Descriptor, blob: StoredBlob) -> None:
        repository, digest, cancel = self._repository, descriptor.digest, self._tasks.cancel
        if repository.has_blob(digest, cancel=cancel):
            return
        begun = None
        if source := self._mountable(blob):
            begun = Upload.mount(repository, digest, source, cancel)
            if begun is None:
                return
        with closing(BlobFeed(blob, descriptor, cancel)) as feed:
            deliver(repository, feed, lambda: digest, cancel, begun, is_new=True)

    def _put(self, digest: Digest, content: bytes) -> None:
        cancel = self._tasks.cancel
        if not self._repository.has_blob(digest, cancel=cancel):
            upload_content(self._repository, digest, content, cancel)

    def _mountable(self, blob: StoredBlob) -> str:
        """Return the path of another repository of this registry that has the blob."""
        if not isinstance(blob, RemoteBlob):
            return ""
        source = blob.repository
        same = source.session.domain == self._repository.session.domain
        return source.path if same and source.path != self._repository.path else ""


class FedBlob:
    """A blob in the making: what is written into its `target` is sent."""

    def __init__(self, name: str, buffers: Buffers, *, spool: bool) -> None:
        self.name = name
        self.cancel = Cancel()
        self.digest: Digest | None = None
        self.target = WrittenFeed(buffers, self.cancel, spool=spool)
        self._size = 0
        self._ended = threading.Event()

    def commit(self, digest: Digest, size: int) -> None:
        """Keep the blob: all its bytes are written."""
        self.digest, self._size = digest, size
        self.end()

    def end(self) -> None:
        """Write no more; a blob that was not committed before is given up."""
        if self._ended.is_set():
            return
        if self.digest is None:
            self.cancel.set()
        self._ended.set()
        self.target.end()

    def wait(self, count: int) -> Digest:
        """Return the digest once it is known; `count` bytes were taken from the target."""
        self._ended.wait()
        self.cancel.check()
        if self.digest is None or count != self._size:
            raise InternalError(f"{count} bytes of a blob were sent, and {self._size} were made")
        return self.digest
