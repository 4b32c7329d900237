"""Who USER is: names and numbers, by `etc/passwd` and `etc/group` of the image.

As in BuildKit, which takes the rules from runc.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.ownership import id_of
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.dockerfile.run.view import View

__all__ = ["Account", "account_of"]

_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of a user, all its groups, and its home directory."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    number: int
    rest: tuple[str, ...]


def account_of(user: str, view: View) -> Account:
    """Find `name[:group]`, where both may be numbers; without a name it is root.

    Raises `DockerfileError` for a name that is not there.
    """
    name, _, group = user.partition(":")
    uid, gid = id_of(name or "0"), id_of(group)
    passwd = list(_lines(view, "/etc/passwd"))
    if not user:
        return Account(0, 0, (0,), _home(passwd, 0))
    if uid is not None and gid is not None:
        return Account(uid, gid, (gid,), _home(passwd, uid))
    known = next((line for line in passwd if name == line.name or uid == line.number), None)
    if known is not None:
        uid = known.number
    elif uid is None:
        raise DockerfileError(f"the user {quoted(name)} is not in `/etc/passwd` of the image")
    groups: tuple[int, ...] = ()
    if group:
        gid = _group(view, group)
    else:
        gid = 0 if known is None else id_of(known.rest[0]) or 0
        groups = _memberships(view, known.name) if known else ()
    return Account(uid, gid, (*groups, gid), _home(passwd, uid))


def _group(view: View, group: str) -> int:
    number = id_of(group)
    for line in _lines(view, "/etc/group"):
        if group == line.name or number == line.number:
            return line.number
    if number is None:
        raise DockerfileError(f"the group {quoted(group)} is not in `/etc/group` of the image")
    return number


def _memberships(view: View, name: str) -> tuple[int, ...]:
    lines = _lines(view, "/etc/group")
    return tuple(line.number for line in lines if name in line.rest[0].split(","))


def _home(passwd: list[_Line], uid: int) -> str:
    homes = (line.rest[2] for line in passwd if line.number == uid)
    return next(homes, "") or "/"


def _lines(view: View, path: str) -> Iterator[_Line]:
    """Read lines of `name:password:number:…`; what has no name or number is passed over."""
    content = view.read(path, _LIMIT) or b""
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        fields = (*line.strip().split(":"), "", "", "", "", "")
        number = id_of(fields[2])
        if fields[0] and not fields[0].startswith("#") and number is not None:
            yield _Line(fields[0], number, fields[3:])
