"""The compiled core. Everything else of the package reaches it through `fastlayer.engine`."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Protocol, Self, final

__all__ = [
    "LayerQueue",
    "LayerRecord",
    "MemberRecord",
    "Patterns",
    "ScanRecord",
    "Tree",
    "check_edit",
    "check_items",
    "check_layer",
    "compare_trees",
    "describe_tree",
    "holds_tar",
    "list_members",
    "member_header",
    "pick_members",
    "remove_tree",
    "scan_layer",
    "unpack_layers",
]

_Progress = Callable[[int, int | None], object]
_Ranges = Sequence[tuple[int, int, int]]
_Stretch = tuple[int, int, int, str]
_LayerStretch = tuple[int, int, int, str, str | None]
_Facts = tuple[bytes, str, int, int, int, int, int, bytes | None]

class _Room(Protocol):
    def room(self, size: int, /) -> memoryview | None: ...
    def filled(self, count: int, /) -> None: ...

class _Policy(Protocol):
    @property
    def prefix(self) -> bytes: ...
    @property
    def owner(self) -> tuple[int, int] | None: ...
    @property
    def keep_owner(self) -> bool: ...
    @property
    def uid_map(self) -> _Ranges | None: ...
    @property
    def gid_map(self) -> _Ranges | None: ...
    @property
    def mode(self) -> int | bytes | None: ...
    @property
    def mtime(self) -> int | None: ...
    @property
    def clamp_mtime(self) -> int | None: ...
    @property
    def drop_xattrs(self) -> bool: ...
    @property
    def only_xattrs(self) -> Sequence[bytes] | None: ...
    @property
    def exclude(self) -> Sequence[bytes]: ...

@final
class LayerRecord:
    """A layer that was made."""

    @property
    def digest(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def diff_id(self) -> str: ...
    @property
    def uncompressed_size(self) -> int: ...
    @property
    def entries(self) -> int: ...
    @property
    def warnings(self) -> list[tuple[str, str]]: ...
    @property
    def unmatched(self) -> list[int]: ...

@final
class LayerQueue:
    """Layers that are made on the same threads and come out in the order in which they were added.

    `outputs`: device and inode of files being written, which no layer may read.
    """

    def __new__(cls, outputs: Sequence[tuple[int, int]]) -> Self: ...
    def add(
        self,
        kind: str,
        source: Any,
        policy: _Policy,
        edits: Sequence[tuple[Any, ...]],
        *,
        compression: str,
        level: int | None,
        threads: int | None,
        verify: bool,
        ground: Tree | None = None,
    ) -> None:
        """Add a layer; nothing of it is read yet.

        A layer that was made before is a stretch (descriptor, offset, size, name) or a stream:
        `"transcode"` has one, `"rewrite"` too, `"flatten"` a list of stretches, the lowest first.
        `"copy"` has a list of stretches and one of items, of which those made of layers name them
        by their places in the first. Descriptors may be closed when this returns. With
        `"transcode"`, a policy or edits that change anything raise `InvalidArgumentError`.

        Parents that the layer lacks are those that `ground` has.
        """

    def make(
        self,
        sink: int | _Room,
        *,
        sink_name: str | PathLike[str],
        progress: _Progress | None = None,
    ) -> LayerRecord:
        """Make the next layer and write its blob to `sink`: an open file, or memory (`store.Room`).

        Those after it may be made meanwhile, and go on after the call; an error ends them all.
        """

    def close(self) -> None:
        """Stop what is still under way; every thread has ended when this returns."""

@final
class MemberRecord:
    """One member of a tar, as its header describes it."""

    @property
    def path(self) -> bytes: ...
    @property
    def kind(self) -> str: ...
    @property
    def mode(self) -> int: ...
    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def mtime(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def link(self) -> bytes | None: ...
    @property
    def device(self) -> tuple[int, int] | None: ...
    @property
    def xattrs(self) -> list[bytes]: ...
    @property
    def offset(self) -> int: ...
    @property
    def sparse(self) -> bool: ...

@final
class ScanRecord:
    """What a layer blob turned out to be when it was read."""

    @property
    def digest(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def diff_id(self) -> str: ...
    @property
    def uncompressed_size(self) -> int: ...
    @property
    def compression(self) -> str: ...
    @property
    def parts(self) -> int: ...
    @property
    def entries(self) -> int: ...
    @property
    def duplicates(self) -> list[bytes]: ...
    @property
    def members(self) -> list[MemberRecord]: ...

@final
class Patterns:
    """Lines of a `.dockerignore`, asked as docker asks them while it walks a build context.

    A `!` takes back what is left out by then, from the root down: with `**/a` and `!b`, `b/a` stays
    out.
    """

    def __new__(cls, lines: Sequence[bytes]) -> Self: ...
    def excludes(self, path: bytes) -> bool:
        """Tell whether a path, relative and in normal form, is left out."""

    def matches(self, path: bytes) -> bool:
        """Tell whether a path itself is matched, and not only a directory that it lies in."""

    @property
    def has_negation(self) -> bool: ...

@final
class Tree:
    """What is there when layers are applied."""

    def __new__(cls) -> Self: ...
    def copy(self) -> Self:
        """Return a tree that goes on from here by itself."""

    def apply_blob(self, blob: _LayerStretch) -> None:
        """Apply a layer that was made before."""

    def apply_layer(
        self,
        kind: str,
        source: Any,
        policy: _Policy,
        edits: Sequence[tuple[Any, ...]],
        ground: Tree | None = None,
    ) -> None:
        """Apply a layer as `LayerQueue.add` takes it."""

    def entry(self, path: bytes) -> _Facts | None:
        """Return path, kind, mode, uid, gid, mtime, size and target of what is at this path."""

    def resolve(self, path: bytes, *, follow_last: bool) -> bytes:
        """Return the path without links."""

    def children(self, directory: bytes) -> list[bytes]:
        """List the names in a directory."""

    def content(self, path: bytes) -> bytes | None:
        """Return the content of one of the few files whose content is kept."""

def check_edit(edit: tuple[Any, ...]) -> None:
    """Raise `InvalidArgumentError` for an edit that `LayerQueue.add` refuses."""

def check_items(items: Sequence[tuple[Any, ...]]) -> None:
    """Raise `InvalidArgumentError` for items of a `"copy"` that `LayerQueue.add` refuses."""

def check_layer(
    policy: _Policy,
    *,
    compression: str,
    level: int | None,
    threads: int | None,
    destinations: Sequence[bytes],
) -> None:
    """Raise `InvalidArgumentError` for options, and destinations, that `LayerQueue.add` refuses."""

def describe_tree(
    path: str | PathLike[str],
    *,
    digests: bool,
    drop_xattrs: bool,
    progress: _Progress | None = None,
) -> tuple[bytes, list[tuple[str, str]]]:
    """Write the text of mtree(5) about all that a layer of the directory or tar `path` holds.

    Returns it, and what was left out of it: paths, each with the rest of a sentence.
    """

def scan_layer(
    descriptor: int,
    offset: int,
    size: int,
    *,
    name: str | PathLike[str],
    members: bool,
    progress: _Progress | None = None,
) -> ScanRecord:
    """Read a layer blob of `size` bytes at `offset` of an open file to its end.

    With `members`, the record holds every entry; else its list is empty.
    """

_Changes = list[tuple[bytes, bytes, bytes]]

def compare_trees(
    before: str | _Stretch | Sequence[_LayerStretch],
    after: str | _Stretch | Sequence[_LayerStretch],
) -> tuple[list[tuple[bytes, str, _Changes]], list[tuple[str, str]]]:
    """List all that is different in `after`, and what was left out on either side.

    A side is a directory, an archive (descriptor, offset, size, name), or a list of layers.
    """

def holds_tar(path: str | PathLike[str]) -> bool:
    """Tell whether a file is a tar, plain or compressed, by its first header; an empty one is not.

    Raises `OSError` for what cannot be read.
    """

def list_members(descriptor: int, *, name: str | PathLike[str]) -> list[MemberRecord]:
    """List the members of the plain tar in an open file, without reading their content."""

def pick_members(
    path: str | PathLike[str],
    part: tuple[int, int] | None,
    *,
    patterns: Sequence[bytes],
    limit: int,
    first: bool,
) -> list[tuple[MemberRecord, bytes]]:
    """List the members of the tar `path`, plain or compressed, whose paths match, with content.

    `part` is the offset and the size of the tar in the file, if that is not all of it. More than
    `limit` bytes of content raise `MalformedArchiveError`. With `first`, nothing is read after the
    first match.
    """

def member_header(name: str, size: int) -> bytes:
    """Return the 512 bytes in front of a member of an image archive."""

def unpack_layers(
    layers: Sequence[_LayerStretch],
    directory: str | PathLike[str],
    *,
    purpose: str,
    threads: int | None = None,
    progress: _Progress | None = None,
) -> list[tuple[str, str]]:
    """Make what is there when layers are applied, the lowest first, in the empty `directory`.

    They are stretches. `purpose`: `"tree"`; `"lowest"`, the lowest directory of an overlay; or
    `"above"` and `"above-user"`, one of its others, of one layer, whose whiteouts become marks
    below `trusted.overlay.` or `user.overlay.`. Returns paths, and what was lost of each.
    """

def remove_tree(directory: str | PathLike[str]) -> None:
    """Remove a directory with all that is in it. Links are removed and never followed."""
