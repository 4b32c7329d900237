"""The folder in which RUN works: layers unpacked once, and what one step needs."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from fastlayer import engine
from fastlayer.dockerfile.run.machine import in_user_namespace
from fastlayer.errors import DockerfileError, SourceError, quoted
from fastlayer.stored.blob import verified_layer
from fastlayer.temporary import temporary_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.digest import Digest
    from fastlayer.stored.image import StoredLayer

__all__ = ["Workspace", "make_like", "workspace"]

_PREFIX: Final = "fastlayer-run-"

_Key = tuple["Digest", ...]


class Workspace:
    """A folder for the steps of one build.

    Names in it are short, since an overlay is told all its directories in one page of text.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._chains: dict[_Key, tuple[str, ...]] = {(): ()}
        self._trees: dict[_Key, str] = {}
        self._caches: dict[str, str] = {}
        self._made = 0
        self._step: str | None = None

    def chain(self, layers: Sequence[StoredLayer]) -> tuple[str, ...]:
        """Give the directories of an overlay that shows `layers`, the highest first.

        Those that were unpacked before are used again: only what is new is unpacked, each layer
        in a directory of its own. Raises `SourceError` for layers that engines cannot agree on,
        `InvalidImageError` for blobs that are not what they should be, and `OSError`.
        """
        key = tuple(layer.descriptor.digest for layer in layers)
        known = next(count for count in range(len(key), -1, -1) if key[:count] in self._chains)
        chain = self._chains[key[:known]]
        for count in range(known, len(key)):
            above = self._above(layers[count], chain) if chain else None
            if above is None:
                chain = (self._lowest(layers),)
                break
            chain = (above, *chain)
            self._chains[key[: count + 1]] = chain
        if not chain:
            chain = (self._lowest(layers),)
        self._chains[key] = chain
        return chain

    def tree(self, layers: Sequence[StoredLayer]) -> str:
        """Give a directory with what is there when `layers` are applied."""
        key = tuple(layer.descriptor.digest for layer in layers)
        chain = self._chains.get(key, ())
        if len(chain) == 1:
            return chain[0]
        if key not in self._trees:
            self._trees[key] = self._lowest(layers)
        return self._trees[key]

    def cache(self, name: str, *, mode: int, owner: tuple[int, int]) -> str:
        """Give the directory of a cache, which lasts as long as the workspace."""
        if name not in self._caches:
            self._caches[name] = self._new("c")
            os.chown(self._caches[name], *owner)
            os.chmod(self._caches[name], mode)  # noqa: PTH101 (text, as elsewhere here)
        return self._caches[name]

    def step(self) -> str:
        """Begin a step: make its directory, and remove that of the last one."""
        if self._step is not None:
            engine.remove_tree(self._step)
        self._step = self._new("s")
        return self._step

    def _new(self, kind: str) -> str:
        self._made += 1
        path = f"{self.path}/{kind}{self._made}"
        os.mkdir(path)  # noqa: PTH102
        os.chmod(path, 0o755)  # noqa: PTH101, S103 (whatever the umask is)
        return path

    def _lowest(self, layers: Sequence[StoredLayer]) -> str:
        path = self._new("l")
        os.utime(path, (0, 0))  # what the root has if no layer says anything of it
        _unpack(layers, path, "lowest")
        return path

    def _above(self, layer: StoredLayer, chain: tuple[str, ...]) -> str | None:
        """Unpack one layer for itself; `None` if it takes something of those below."""
        path = self._new("l")
        make_like(path, chain[0])
        try:
            _unpack([layer], path, "above-user" if in_user_namespace() else "above")
        except SourceError:
            engine.remove_tree(path)
            return None
        return path


def make_like(path: str, other: str) -> None:
    """Give the directory `path` the owner, mode and time of another one."""
    status = os.lstat(other)
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, status.st_mode & 0o7777)  # noqa: PTH101
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _unpack(layers: Sequence[StoredLayer], directory: str, purpose: str) -> None:
    with ExitStack() as files:
        stretches = [files.enter_context(verified_layer(layer)) for layer in layers]
        # What is left out here is in the layers all the same.
        try:
            engine.unpack_layers(stretches, directory, purpose=purpose)
        except OSError as error:
            if error.errno == errno.EINVAL and in_user_namespace():
                raise DockerfileError(
                    f"{quoted(error.filename)} has an owner that is nobody in this user namespace: "
                    "RUN as an ordinary user needs ranges for the others in `/etc/subuid` and "
                    "`/etc/subgid`, and `newuidmap`: apt-get install uidmap"
                ) from error
            raise


@contextmanager
def workspace(parent: str | None = None) -> Iterator[Workspace]:
    """Make a workspace in `parent`, by default where temporary files go, and remove it at the end.

    Those that others left there when they were killed are removed too.
    """
    folder = parent or tempfile.gettempdir()
    with temporary_directory(folder, _PREFIX, mode=0o700) as made:
        yield Workspace(made.path)
