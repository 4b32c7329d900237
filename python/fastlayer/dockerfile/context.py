"""What COPY and ADD may copy from: the build context, other directories, stages and images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fastlayer import engine
from fastlayer.dockerfile.trees import HostTree, patterns, resolved
from fastlayer.errors import DockerfileError, named, quoted
from fastlayer.items import HostItem, LayersItem
from fastlayer.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.dockerfile.stage import Finished
    from fastlayer.dockerfile.trees import Listing
    from fastlayer.items import Item
    from fastlayer.options import LayerOptions

__all__ = ["Origin", "Sources"]

_IGNORE_FILE = ".dockerignore"
_MAX_IGNORE_FILE = 4 << 20


class Origin(Protocol):
    """A tree to copy from."""

    @property
    def tree(self) -> Listing:
        """What is there."""

    def item(self, path: bytes, options: LayerOptions, *, contents: bool = False) -> Item:
        """Describe what is at `path`, or with `contents` in that directory, for a layer."""

    def holds_something(self, directory: bytes) -> bool:
        """Whether there is anything in a directory."""

    def time_of(self, path: bytes) -> int | None:
        """Return the modification time of a directory, if the origin has one for it."""

    def archive(self, path: bytes) -> str | None:
        """Return where on this machine a file is that ADD unpacks, `None` if it is none."""

    def missing(self, source: str) -> DockerfileError:
        """Say that nothing is at `source`, and why."""


class HostOrigin:
    """A directory of this machine, without what `ignore_file` leaves out."""

    def __init__(self, directory: str, ignore_file: Path | None, lines: tuple[bytes, ...]) -> None:
        self._directory = directory
        self._ignore_file = ignore_file
        self._lines = lines
        try:
            self.tree = HostTree(Path(directory), patterns(lines))
        except DockerfileError as error:
            raise DockerfileError(f"{quoted(ignore_file)}: {error}") from None

    def item(self, path: bytes, options: LayerOptions, *, contents: bool = False) -> Item:
        """Owners and attributes are those of the host, not of the image: docker takes neither."""
        policy = Policy.of({"owner": (0, 0), "xattrs": "none", **options})
        return HostItem(self._directory, path, policy, self._lines, contents)

    def holds_something(self, directory: bytes) -> bool:
        """Whether anything in a directory is not left out."""
        return self.tree.holds_something(directory)

    def time_of(self, path: bytes) -> int | None:
        """Return any but that of the root itself, which BuildKit does not transfer."""
        found = self.tree.entry(path)
        return found.mtime if path and found is not None else None

    def archive(self, path: bytes) -> str | None:
        """Look into the file: what it is called does not count."""
        file = str(Path(self._directory, os.fsdecode(path)))
        return file if engine.holds_tar(file) else None

    def missing(self, source: str) -> DockerfileError:
        """Say whether it is only left out."""
        on_disk = self.tree.on_disk
        path = resolved(on_disk, os.fsencode(source))
        if on_disk(path) is not None:
            left_out = f"{quoted(self._ignore_file)} leaves it out"
            return DockerfileError(f"{quoted(source)} is not in the context: {left_out}")
        return DockerfileError(f"{quoted(source)} is not in the context {quoted(self._directory)}")


class LayersOrigin:
    """A stage or an image."""

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self.tree: Listing = finished.tree

    def item(self, path: bytes, options: LayerOptions, *, contents: bool = False) -> Item:
        """Owners and attributes are kept."""
        return LayersItem(tuple(self._finished.layers), path, Policy.of(options), contents)

    def holds_something(self, directory: bytes) -> bool:
        """Whether there is anything in a directory."""
        return bool(self.tree.children(directory))

    def time_of(self, path: bytes) -> int | None:
        """Return that of any directory."""
        found = self.tree.entry(path)
        return None if found is None else found.mtime

    def archive(self, path: bytes) -> str | None:
        """Return `None`: ADD has no `--from`."""

    def missing(self, source: str) -> DockerfileError:
        """Name the stage or image."""
        return DockerfileError(f"{quoted(source)} is not in {quoted(self._finished.name)}")


class Sources:
    """All that the instructions of one Dockerfile may copy from.

    `context` is the directory that is built from, if there is one; `dockerfile` the file, beside
    which `NAME.dockerignore` may lie; `find` leads from what `--from` says to a stage or image,
    or to the path of another directory.
    """

    def __init__(
        self, context: str | None, dockerfile: str | None, find: Callable[[str], Finished | str]
    ) -> None:
        self._context = context
        self._dockerfile = dockerfile
        self._find = find
        self._host: dict[tuple[str, str | None], HostOrigin] = {}

    def origin(self, name: str | None) -> Origin:
        """Return what `--from={name}` means; without a name that is the context.

        Raises `DockerfileError` if that is no directory, or its `.dockerignore` cannot be read.
        """
        if name is None:
            return self.context()
        found = self._find(name)
        return self._opened(found, None) if isinstance(found, str) else LayersOrigin(found)

    def context(self) -> HostOrigin:
        """Return the directory that is built from."""
        if self._context is None:
            raise DockerfileError("there is no context to copy from: give a directory")
        return self._opened(self._context, self._dockerfile)

    def _opened(self, directory: str, dockerfile: str | None) -> HostOrigin:
        key = (directory, dockerfile)
        if key not in self._host:
            if not Path(directory).is_dir():
                raise DockerfileError(
                    f"the context {quoted(directory)} is no directory: unpack an archive first"
                )
            self._host[key] = HostOrigin(directory, *_ignored(directory, dockerfile))
        return self._host[key]


def _ignored(directory: str, dockerfile: str | None) -> tuple[Path | None, tuple[bytes, ...]]:
    """Read the file that says what is left out, if there is one: that of the Dockerfile wins."""
    beside = [Path(f"{dockerfile}{_IGNORE_FILE}")] if dockerfile is not None else []
    for path in [*beside, Path(directory, _IGNORE_FILE)]:
        if path.is_file():
            with named(path), path.open("rb") as file:
                content = file.read(_MAX_IGNORE_FILE + 1)
            if len(content) > _MAX_IGNORE_FILE:
                raise DockerfileError(f"{quoted(path)} has more than {_MAX_IGNORE_FILE} bytes")
            return path, tuple(content.split(b"\n"))
    return None, ()
