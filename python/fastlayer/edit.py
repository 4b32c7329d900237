r"""Edits: what a shell would do to an unpacked tree, done to a layer on its way.

Edits are values. A layer takes a list of them, and each sees what those before it made:

    from fastlayer import edit

    slim = [
        edit.path_rules(exclude=["/usr/share/doc/*"], include=["/usr/share/doc/*/copyright"]),
        edit.put("etc/hostname", b"debian\n"),
        edit.remove("boot"),
    ]
    Layer.from_archive("rootfs.tar.xz", edits=slim)

Paths are those of the layer, with or without a slash before them. Patterns are of the
`.dockerignore` dialect; for `chmod`, `chown` and `truncate` a pattern matches the entry itself, not
what is in it (`usr/**` matches that).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastlayer import engine
from fastlayer.attribute import mode_bits, name_bytes, owner_ids, seconds
from fastlayer.errors import InvalidArgumentError
from fastlayer.rewriting import Appended, Substituted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

__all__ = [
    "Edit",
    "append",
    "chmod",
    "chown",
    "clamp_mtime",
    "directory",
    "exclude",
    "load",
    "path_rules",
    "put",
    "remove",
    "rename",
    "rewrite",
    "substitute",
    "symlink",
    "truncate",
]

Path = str | os.PathLike[str]
Owner = tuple[int, int] | str


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit, made by a function of this module; `str()` shows it as that call.

    Nobody is told if an `optional` one meets nothing: `dataclasses.replace` makes it that.
    """

    terms: tuple[Any, ...]
    shown: str
    optional: bool = False

    def __str__(self) -> str:
        return self.shown


def exclude(*patterns: str) -> Edit:
    """Leave out what the patterns match, with all that it holds; `!` before one takes back."""
    return _edit("exclude", _patterns("exclude", patterns), shown=patterns)


def path_rules(*rules: str, exclude: Sequence[str] = (), include: Sequence[str] = ()) -> Edit:
    """Leave out what dpkg would not unpack under such rules (dpkg.cfg(5)).

    `rules` are lines as in a dpkg configuration (`path-exclude=/usr/share/man/*`); `exclude` and
    `include` are patterns that follow them, in this order. The last one that matches decides, and
    `*` matches slashes too. A directory stays as long as something in it does.
    """
    lines = (
        *rules,
        *(f"path-exclude={pattern}" for pattern in exclude),
        *(f"path-include={pattern}" for pattern in include),
    )
    return _edit("path_rules", _patterns("path_rules", lines), shown=lines)


def remove(path: Path) -> Edit:
    """Leave out `path` and all that it holds."""
    return _edit("remove", name_bytes(path), shown=(path,))


def rename(source: Path, target: Path) -> Edit:
    """Move `source`, with all that it holds, to `target`; hard links follow.

    A directory that is there already is added to; any other entry that is there is an error.
    """
    return _edit("rename", name_bytes(source), name_bytes(target), shown=(source, target))


def put(
    path: Path, content: Path | bytes, *, mode: int | None = None, owner: Owner = (0, 0)
) -> Edit:
    """Put a file at `path`, in place of what is there: `content` is a host file or the bytes.

    Without `mode`, a file keeps its own and bytes get 0644. Hard links to what was there keep the
    old content.
    """
    source = content if isinstance(content, bytes) else os.fsdecode(content)
    shown = (path, "…" if isinstance(content, bytes) else content)
    bits = None if mode is None else mode_bits(mode)
    return _edit("put", name_bytes(path), source, bits, owner_ids(owner), shown=shown)


def directory(path: Path, *, mode: int = 0o755, owner: Owner = (0, 0)) -> Edit:
    """Make a directory at `path`; one that is there is this one then, and keeps what it holds."""
    terms = (name_bytes(path), None, mode_bits(mode), owner_ids(owner))
    return _edit("directory", *terms, shown=(path,))


def symlink(path: Path, target: Path, *, owner: Owner = (0, 0)) -> Edit:
    """Put a symbolic link to `target` at `path`, in place of what is there."""
    terms = (name_bytes(path), name_bytes(target), None, owner_ids(owner))
    return _edit("symlink", *terms, shown=(path, target))


def chmod(patterns: str | Sequence[str], mode: int) -> Edit:
    """Set the permission bits of what the patterns match; symbolic links have none."""
    listed = _listed(patterns)
    bits = mode_bits(mode)
    return _edit("chmod", _patterns("chmod", listed), bits, shown=(*listed, f"0o{bits:o}"))


def chown(patterns: str | Sequence[str], owner: Owner) -> Edit:
    """Set user and group of what the patterns match, to `(uid, gid)` or `"uid:gid"`."""
    listed = _listed(patterns)
    ids = owner_ids(owner)
    return _edit("chown", _patterns("chown", listed), ids, shown=(*listed, "{}:{}".format(*ids)))


def truncate(*patterns: str) -> Edit:
    """Empty the regular files that the patterns match."""
    return _edit("truncate", _patterns("truncate", patterns), shown=patterns)


def rewrite(path: Path, function: Callable[[bytes], bytes]) -> Edit:
    """Give the regular file at `path` the content that `function` makes of its own.

    It keeps its mode, owner and time. Neither content may have more than 4 MiB, and the file no
    other name. The function is called on another thread, perhaps more than once; what it raises,
    the build raises, and `InvalidArgumentError` if it gives no bytes. If it changes nothing, the
    edit has met nothing.
    """
    if not callable(function):
        raise InvalidArgumentError(f"`function` is a `{type(function).__name__}`")
    name = getattr(function, "__name__", "…")
    return _edit("rewrite", name_bytes(path), function, shown=(path, name))


def append(path: Path, lines: bytes) -> Edit:
    """Add lines at the end of the file at `path`, as `rewrite` does, unless it has them already.

    The last one gets a line break if it has none.
    """
    return _edit("rewrite", name_bytes(path), Appended(lines), shown=(path, "…"), verb="append")


def substitute(path: Path, pattern: str, replacement: str) -> Edit:
    r"""Replace what a regular expression matches in the file at `path`, as `rewrite` does.

    They are those of `re.sub`; `^` and `$` match at every line, and `\1` is the first group. While
    an expression is at work, nothing can stop it: take none from strangers.
    """
    function = Substituted(pattern, replacement)
    shown = (path, pattern, replacement)
    return _edit("rewrite", name_bytes(path), function, shown=shown, verb="substitute")


def clamp_mtime(time: int | datetime) -> Edit:
    """Make no modification time later than `time`, in seconds since 1970."""
    latest = seconds("time", time)
    return _edit("clamp_mtime", latest, shown=(latest,))


def load(path: Path) -> list[Edit]:
    """Read the edits of a TOML file, which `fastlayer.edit_file` describes.

    Raises `InvalidArgumentError` that names the file, the number of the edit and the key, and
    `OSError`.
    """
    from fastlayer.edit_file import read_edits  # noqa: PLC0415 (it makes what is made here)

    return read_edits(path)


def _edit(name: str, *terms: object, shown: Sequence[object], verb: str = "") -> Edit:
    edit = (name, *terms)
    engine.check_edit(edit)
    return Edit(edit, " ".join([verb or name, *map(str, shown)]))


def _listed(patterns: str | Sequence[str]) -> Sequence[str]:
    return (patterns,) if isinstance(patterns, str) else patterns


def _patterns(name: str, patterns: Sequence[str]) -> tuple[bytes, ...]:
    if not patterns:
        raise InvalidArgumentError(f"`{name}` needs at least one pattern")
    return tuple(name_bytes(pattern) for pattern in patterns)
