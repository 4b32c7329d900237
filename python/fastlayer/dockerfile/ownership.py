"""`--chown` and `--chmod`: whose copied files are, and what may be done with them."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from fastlayer import engine
from fastlayer.errors import DockerfileError, InvalidArgumentError, SourceWarning, quoted
from fastlayer.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.tree import Tree

__all__ = ["id_of", "owner_of", "permissions"]

_MAX_ID = 2**31 - 1
_MAX_MODE = 0o7777


def owner_of(text: str, tree: Tree) -> tuple[int, int]:
    """Read `user`, `user:group`, `:group` or `user:`, each a name or a number.

    A user's name stands for its group in `etc/passwd` too, a number for the group of the same
    number. Names are those of the files in `tree`; one that is not there is 0, or the group of the
    user, as for BuildKit, with a `SourceWarning`. Raises `DockerfileError` for a name where there
    are no such files.
    """
    user, colon, group = text.partition(":")
    uid = gid = _number(user)
    if uid is None or gid is None:
        uid, gid = _named(text, user, tree, "passwd", (2, 3)) or (0, 0)
    if colon:
        number = _number(group)
        found = (number,) if number is not None else _named(text, group, tree, "group", (2,))
        gid = found[0] if found else gid
    return uid, gid


def _number(text: str) -> int | None:
    return 0 if text in ("", "root") else id_of(text)


def id_of(text: str) -> int | None:
    """Read the number of a user or group; `None` for a name, and for what is too great for one."""
    # Python reads no number of more than 4300 digits.
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_MAX_ID)):
        return None
    number = int(text)
    return number if number <= _MAX_ID else None


def _named(
    text: str, name: str, tree: Tree, file: str, fields: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Read numbers from the first line of `etc/{file}` that is about `name`."""
    if not tree.children(b""):
        raise DockerfileError(
            f"{quoted(text)} names {quoted(name)}, but there is no `/etc/{file}` to find it in: "
            "give numbers"
        )
    content = tree.content(tree.resolve(f"etc/{file}")) or b""
    for line in _lines(content):
        if line[0] == name:
            return tuple(_leading_number(line[at]) if at < len(line) else 0 for at in fields)
    warnings.warn(
        f"{quoted(text)}: {quoted(name)} is not in `/etc/{file}`, so it counts as not given",
        SourceWarning,
        stacklevel=2,
    )
    return None


def _lines(content: bytes) -> Iterator[list[str]]:
    for line in content.decode(errors="surrogateescape").split("\n"):
        if line.strip():
            yield line.strip().split(":")


def _leading_number(text: str) -> int:
    """Read a number; anything else is 0, as in moby's package `user`."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,10}", text) else 0


def permissions(chmod: str) -> str:
    """Return `--chmod` as the core takes it; octal digits hold for directories as they are.

    Raises `DockerfileError` for what is neither octal nor a change as of chmod.
    """
    if re.fullmatch(r"[0-7]+", chmod) and int(chmod, 8) <= _MAX_MODE:
        return f"={int(chmod, 8):o}"
    if not chmod[:1].isdecimal() and _is_change(chmod):
        return chmod
    raise DockerfileError(
        f"`--chmod` is {quoted(chmod)}: expected octal digits from 0 to 7777, or changes "
        "such as `u=rwX,go=rX`"
    )


def _is_change(mode: str) -> bool:
    """Ask the core, which is what reads it."""
    policy = Policy(mode=mode.encode(errors="surrogateescape"))
    try:
        engine.check_layer(policy, compression="none", level=None, threads=None, destinations=())
    except InvalidArgumentError:
        return False
    return True
