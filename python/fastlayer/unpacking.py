"""The file system of an image as a directory."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from fastlayer import engine
from fastlayer.errors import InvalidArgumentError, warn_of
from fastlayer.layer import Layer
from fastlayer.links import check_links
from fastlayer.stored.blob import verified_layer
from fastlayer.temporary import temporary_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastlayer.engine import Progress
    from fastlayer.stored.image import StoredLayer

__all__ = ["unpack_layers"]

_PREFIX: Final = ".fastlayer-unpack-"


def unpack_layers(
    layers: Sequence[Layer | StoredLayer],
    directory: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
) -> None:
    """Make `directory` what is there when all `layers` are applied.

    It may exist if it is empty, and appears complete or not at all. Raises `InvalidArgumentError`
    for a directory that cannot be replaced and for layers that are only described, `SourceError`
    for what engines cannot agree on, `InvalidImageError` for blobs that are not what they should
    be, and `OSError`.
    """
    stored = [_stored(layer) for layer in layers]
    path = _place(os.fsdecode(directory))
    _check_free(path)
    parent = os.path.dirname(path)  # noqa: PTH120
    with (
        _named(path, parent),
        temporary_directory(parent, _PREFIX, mode=0o777) as made,
        ExitStack() as files,
    ):
        stretches = [files.enter_context(verified_layer(layer)) for layer in stored]
        lost = engine.unpack_layers(stretches, made.path, purpose="tree", progress=progress)
        os.rename(made.path, path)  # noqa: PTH104 (takes the place of an empty directory)
        made.keep()
    warn_of((path + place.removeprefix(made.path), what) for place, what in lost)


def _stored(layer: Layer | StoredLayer) -> StoredLayer:
    if isinstance(layer, Layer):
        raise InvalidArgumentError(
            "only stored layers can be unpacked: write the image first, and load it"
        )
    return layer


def _place(directory: str) -> str:
    """Name it wherever processes are; what a link leads to is replaced, and not the link.

    Raises `PermissionError` for a link of a stranger.
    """
    check_links(directory)
    path = os.path.abspath(directory)  # noqa: PTH100 (text, as the core takes it)
    return os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114


def _check_free(path: str) -> None:
    """Raise what the end would raise, before any work."""
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        if next(entries, None) is not None:
            raise InvalidArgumentError(f"the directory `{path}` is not empty")
        if os.path.ismount(path):
            raise InvalidArgumentError(
                f"the directory `{path}` is a mount point, which cannot be replaced: name one in it"
            )
        if os.path.samefile(path, os.curdir):  # noqa: PTH121
            raise InvalidArgumentError(
                f"the directory `{path}` is the current one, which would be lost: name one in it"
            )


@contextmanager
def _named(path: str, parent: str) -> Iterator[None]:
    """Have errors name `path`: who gave it never heard of the temporary name beside it."""
    beside = os.path.join(parent, _PREFIX)  # noqa: PTH118
    try:
        yield
    except OSError as error:
        name = os.fsdecode(error.filename or "")
        if name == parent:
            error.filename = path
        elif name.startswith(beside):
            _, slash, inner = name.removeprefix(beside).partition("/")
            error.filename = path + slash + inner
            error.filename2 = None
        raise
