"""Paths of a container, joined and cleaned as Go's `path.Join` and `path.Clean` do."""

from __future__ import annotations

__all__ = ["clean", "joined"]


def clean(path: str) -> str:
    """Return an absolute path without `.`, `..`, doubled slashes and a slash at its end."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def joined(directory: str, path: str) -> str:
    """Return `path` as seen from `directory`. An absolute one stays as it is written."""
    if not path:
        return directory or "/"
    return path if path.startswith("/") else clean(f"{directory}/{path}")
