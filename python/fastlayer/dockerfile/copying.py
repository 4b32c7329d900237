"""What COPY, ADD and WORKDIR do to the file system of a stage: one layer, or nothing.

The rules are those of BuildKit as it is in docker 26 (dockerfile2llb `dispatchCopy`,
solver/llbsolver/file); for symbolic modes, `--parents`, `--exclude` and `--unpack`, which that has
not, those of docker 28.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from fastlayer import edit
from fastlayer.dockerfile.instructions import Add, Copy
from fastlayer.dockerfile.ownership import owner_of, permissions
from fastlayer.dockerfile.scene import Contents, Scene
from fastlayer.dockerfile.trees import KnownEntry, joined, patterns, resolved
from fastlayer.dockerfile.wildcards import expanded, has_wildcards
from fastlayer.errors import DockerfileError, quoted
from fastlayer.items import ArchiveItem, BytesItem, DirectoryItem
from fastlayer.layer import Layer
from fastlayer.policy import Policy
from fastlayer.tree import Tree

if TYPE_CHECKING:
    from fastlayer import engine
    from fastlayer.dockerfile.context import Origin, Sources
    from fastlayer.dockerfile.instructions import Heredoc
    from fastlayer.dockerfile.stage import StageState
    from fastlayer.options import LayerOptions

__all__ = ["copied", "directory_made"]


def copied(instruction: Copy | Add, stage: StageState, sources: Sources) -> Layer | None:
    """Describe the layer that COPY or ADD makes; `None` if it changes nothing.

    Raises `DockerfileError` for sources that are not there or cannot be read, and destinations that
    cannot be.
    """
    transfer = _Transfer(instruction, stage)
    if instruction.sources:
        origin = sources.origin(instruction.from_ if isinstance(instruction, Copy) else None)
        for source in instruction.sources:
            try:
                transfer.copy(origin, source)
            except OSError as error:
                name = quoted(error.filename or source)
                raise DockerfileError(f"{name}: {error.strerror}") from error
    for heredoc in instruction.heredocs:
        transfer.write(heredoc)
    return transfer.layer()


def directory_made(path: str, stage: StageState) -> Layer | None:
    """Describe the layer in which WORKDIR makes the directory `path`; `None` if it is there.

    `path` is absolute and clean. All directories that have to be made belong to the user of the
    stage.
    """
    owner = owner_of(stage.user, stage.tree) if stage.user else None
    scene = Scene(stage.tree, owner, stage.epoch)
    scene.make_directories(scene.resolve(os.fsencode(path)))
    if not scene.items:
        return None
    return Layer.from_items(scene.items, ground=stage.tree, **stage.options)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which entries of a directory are copied: patterns relative to it."""

    options: LayerOptions
    left_out: engine.Patterns

    @classmethod
    def of(cls, include: tuple[str, ...], exclude: tuple[str, ...]) -> Self:
        options: LayerOptions = {"include": include, "exclude": exclude}
        return cls(options, patterns(Policy.of(options).exclude))


class _Transfer:
    """The sources of one instruction, on their way to its destination."""

    def __init__(self, instruction: Copy | Add, stage: StageState) -> None:
        self._instruction = instruction
        self._stage = stage
        # BuildKit does not link what it has to change the mode of.
        linked = instruction.link and not instruction.chmod
        self._ground = Tree() if linked else stage.tree
        self._owner = owner_of(instruction.chown, self._ground) if instruction.chown else None
        self._mode = permissions(instruction.chmod) if instruction.chmod else None
        self._scene = Scene(self._ground, self._owner, stage.epoch, linked=linked)
        text = instruction.destination
        self._inside = text in ("", ".") or text.endswith(("/", "/."))
        self._destination = os.fsencode(_clean(posixpath.join(stage.working_dir, text)))

    def copy(self, origin: Origin, source: str) -> None:
        """Copy all that `source` means."""
        exclude = self._instruction.exclude
        if isinstance(self._instruction, Copy) and self._instruction.parents:
            self._copy_with_parents(origin, source, exclude)
            return
        choice = _Choice.of((), exclude)
        for path in expanded(origin.tree, _clean(source)):
            self._copy_path(origin, path, choice)

    def _copy_with_parents(self, origin: Origin, source: str, exclude: tuple[str, ...]) -> None:
        """Copy what is behind `/./`, with the directories from there down to it."""
        if any(line.startswith("!") for line in exclude):
            raise DockerfileError("`--exclude` with a `!` does not go together with `--parents`")
        above, pivot, below = source.partition("/./")
        start, pattern = (_clean(above), _clean(below)) if pivot else ("", _clean(source))
        choice = _Choice.of((pattern,) if pattern else (), exclude)
        for path in expanded(origin.tree, start):
            if not has_wildcards(start + pattern):
                directory = resolved(origin.tree.entry, path)
                if origin.tree.entry(joined(directory, os.fsencode(pattern))) is None:
                    raise origin.missing(_clean(source))
            self._copy_path(origin, path, choice)

    def _copy_path(self, origin: Origin, named: bytes, choice: _Choice) -> None:
        """Copy what a path leads to, under the last name of the path."""
        path = resolved(origin.tree.entry, named)
        found = origin.tree.entry(path)
        if found is None:
            raise origin.missing(os.fsdecode(named))
        if found.kind == "directory":
            self._copy_contents(origin, path, choice)
            return
        archive = origin.archive(path) if found.kind == "file" and self._unpacks else None
        if archive is not None:
            self._unpack(archive)
            return
        place = self._place(named.rpartition(b"/")[2])
        self._scene.put(place, found, origin.item(path, self._options(place)))

    def _copy_contents(self, origin: Origin, directory: bytes, choice: _Choice) -> None:
        place = self._scene.place_for_contents(self._destination, inside=self._inside)
        mtime = origin.time_of(directory)
        if mtime is not None:
            self._scene.set_time(place, mtime)
        if self._scene.items or origin.holds_something(directory):
            options: LayerOptions = {**self._options(place), **choice.options}
            item = origin.item(directory, options, contents=True)
            contents = Contents(place, origin.tree, directory, choice.left_out)
            self._scene.merge(contents, item)

    @property
    def _unpacks(self) -> bool:
        return isinstance(self._instruction, Add) and self._instruction.unpack is not False

    def _unpack(self, archive: str) -> None:
        """Have all entries of an archive below the destination, whatever they replace there.

        They are as the archive says: owner and mode are for what is copied, and for directories
        that have to be made.
        """
        place = self._scene.place_for_contents(self._destination, inside=True)
        policy = Policy.of(self._times() | {"prefix": os.fsdecode(place)})
        self._scene.items.append(ArchiveItem(archive, policy))

    def write(self, heredoc: Heredoc) -> None:
        """Write a file that the Dockerfile itself holds."""
        place = self._place(os.fsencode(heredoc.name))
        options = self._options(b"")
        content = heredoc.chomped.encode(errors="surrogateescape")
        item = BytesItem(place, content, policy=Policy.of(options))
        self._scene.put(place, KnownEntry("file"), item)

    def _place(self, name: bytes) -> bytes:
        return self._scene.place_for_file(self._destination, inside=self._inside, name=name)

    def _options(self, place: bytes) -> LayerOptions:
        options = self._times() | {"prefix": os.fsdecode(place)}
        if self._owner is not None:
            options["owner"] = self._owner
        if self._mode is not None:
            options["mode"] = self._mode
        return options

    def _times(self) -> LayerOptions:
        epoch = self._stage.epoch
        return {} if epoch is None else {"clamp_mtime": epoch}

    def layer(self) -> Layer | None:
        """Describe what all steps have come to."""
        items = self._scene.items
        if not items:
            return None
        archives = [item for item in items if isinstance(item, ArchiveItem)]
        directories = [item for item in items if isinstance(item, DirectoryItem)]
        if len(archives) == 1 and len(directories) == len(items) - 1:
            return self._streamed(archives[0], directories)
        return Layer.from_items(items, ground=self._ground, **self._stage.options)

    def _streamed(self, archive: ArchiveItem, directories: list[DirectoryItem]) -> Layer:
        """One archive alone is read as a stream, in one pass: directories are edits of it."""
        options: LayerOptions = {
            **self._times(),
            **self._stage.options,
            "prefix": os.fsdecode(archive.policy.prefix),
            "edits": [
                edit.directory(os.fsdecode(item.path), mode=item.mode, owner=item.owner)
                for item in directories
            ],
        }
        return Layer.from_archive(archive.path, **options).above(self._ground)


def _clean(path: str) -> str:
    """Return a path from the root without `.`, `..` and slashes at its ends, by its text alone."""
    return posixpath.normpath("/" + path).strip("/")
