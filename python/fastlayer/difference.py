"""What is different between two trees, wherever they are: on disk, in archives or in images."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastlayer import engine
from fastlayer.archive.blob import file_blob
from fastlayer.errors import warn_of
from fastlayer.location import find_place
from fastlayer.stored.blob import verified_layer

if TYPE_CHECKING:
    from fastlayer.registries import Registries
    from fastlayer.store import LayerStretch, Stretch

__all__ = ["Difference", "Fact", "diff"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of an entry that is another one now; empty text where there is none.

    `name` is `type`, `mode`, `owner`, `size`, `content` (a digest), `mtime` (seconds), `target`,
    `device`, `link` (the first name of the same inode) or `xattr NAME` (the value in hexadecimal).
    """

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that was added (`A`), deleted (`D`) or modified (`M`, then with the facts).

    Names that are no UTF-8 hold surrogates, as in `os.fsdecode`; the root is `.`.
    """

    change: Literal["A", "D", "M"]
    path: str
    facts: tuple[Fact, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        facts = {fact.name: [fact.before, fact.after] for fact in self.facts}
        return {"change": self.change, "path": self.path, **({"facts": facts} if facts else {})}


def diff(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    *,
    registries: Registries | None = None,
) -> list[Difference]:
    """List what changed from one tree to another, in the order of a layer.

    A side is a directory, a tar (plain or compressed; whiteouts in it are entries like others), or
    an image as in `Image.load`, with all its layers applied. Every file is read once, and
    compared by its SHA-256. Times count in whole seconds. A root that one side has no entry for is
    no difference. A socket is left out with a `SourceWarning`.

    Raises `InvalidImageError` for a broken image and for several without a tag, `SourceError` for
    trees that a layer cannot hold and broken archives, `RegistryError`, and `OSError`.
    """
    with ExitStack() as files:
        found, left_out = engine.compare_trees(
            _side(before, files, registries), _side(after, files, registries)
        )
    warn_of(left_out)
    return [
        Difference(
            change=change,  # type: ignore[arg-type]  # the core says one of the three
            path=_text(path) or ".",
            facts=tuple(Fact(_text(name), _text(old), _text(new)) for name, old, new in facts),
        )
        for path, change, facts in found
    ]


def _side(
    path: str | os.PathLike[str], files: ExitStack, registries: Registries | None
) -> str | Stretch | list[LayerStretch]:
    name = os.fsdecode(path)
    # A layout is a directory too.
    if os.path.isdir(name) and not os.path.lexists(os.path.join(name, "oci-layout")):  # noqa: PTH112, PTH118
        return name
    contents = find_place(path, registries)
    if contents is None:
        return files.enter_context(file_blob(name).stretch())
    return [files.enter_context(verified_layer(layer)) for layer in contents.image(None).layers]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
