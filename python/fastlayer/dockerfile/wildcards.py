"""Wildcards in the sources of COPY and ADD: those of Go's `filepath.Match`, part by part."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from fastlayer import engine
from fastlayer.dockerfile.trees import joined, resolved
from fastlayer.errors import DockerfileError, InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.dockerfile.trees import Listing

__all__ = ["expanded", "has_wildcards"]


def has_wildcards(text: str) -> bool:
    """Whether `*`, `?` or `[` is in a text without a backslash before it."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?[]", text) is not None


def expanded(tree: Listing, source: str) -> list[bytes]:
    """List the paths that `source` means, sorted; a source without wildcards is itself.

    `source` is clean and begins with no `/`. Links are followed before the first part with
    wildcards, never behind it. Raises `DockerfileError` for a bad pattern, and for a directory
    that is not there.
    """
    parts = source.split("/")
    first = next((at for at, part in enumerate(parts) if has_wildcards(part)), None)
    if first is None:
        return [os.fsencode(source)]
    behind = [_pattern(part, source) for part in parts[first:]]
    directory = resolved(tree.entry, os.fsencode("/".join(parts[:first])))
    found = tree.entry(directory)
    if directory and (found is None or found.kind != "directory"):
        raise DockerfileError(f"{quoted('/'.join(parts[:first]))} is no directory to look into")
    return list(_matches(tree, directory, behind))


def _matches(tree: Listing, directory: bytes, parts: list[engine.Patterns]) -> Iterator[bytes]:
    for name in tree.children(directory):
        if not parts[0].matches(name):
            continue
        path = joined(directory, name)
        found = tree.entry(path)
        if found is not None and len(parts) == 1:
            yield path
        elif found is not None and found.kind == "directory":
            yield from _matches(tree, path, parts[1:])


_SPECIAL: Final = re.compile(
    r"(?P<class>\[\^?(?:\\.|[^\\\]])+\])|\\(?P<escaped>.)|(?P<stars>\*+)|(?P<plain>[!#\s])",
    re.DOTALL,
)


def _pattern(part: str, source: str) -> engine.Patterns:
    """Read one part as a pattern of `.dockerignore`, which within a part differs in little."""
    try:
        return engine.Patterns([os.fsencode(_SPECIAL.sub(_as_ignored, part))])
    except InvalidArgumentError:
        raise DockerfileError(
            f"{quoted(source)} is no pattern: {quoted(part)} cannot be read"
        ) from None


def _as_ignored(token: re.Match[str]) -> str:
    """Write what means something else in a `.dockerignore`: `**`, blanks at the ends, `!`, `#`."""
    if token["class"]:
        return token["class"]
    if token["stars"]:
        return "*"
    character = token["escaped"] or token["plain"]
    return f"[{character}]" if character.isspace() else f"\\{character}"
