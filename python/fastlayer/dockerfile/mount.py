"""`RUN --mount=type=bind,target=/src,…`: what is there for one command only."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, Final

from fastlayer.dockerfile.instructions import Mount
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_mount", "mount_origin", "read_mount"]

_KINDS: Final = ("bind", "cache", "tmpfs", "secret", "ssh")
_SHARING: Final = ("shared", "private", "locked")
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_SIZE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_UNITS: Final = ("", "k", "m", "g", "t", "p")
_MAX_ID: Final = 2**32 - 1

# Members that hold text as it is.
_TEXTS: Final = {
    "from": "from_",
    "source": "source",
    "src": "source",
    "target": "target",
    "dst": "target",
    "destination": "target",
    "id": "id",
    "env": "env",
}


def check_mount(text: str) -> None:
    """Refuse what can be refused before any variable is known. Raises `DockerfileError`."""
    for name, value in _members(text):
        if name == "from" and "$" in (value or "").rstrip("$"):
            raise DockerfileError(
                f"the mount {quoted(text)}: `from` takes no variables: name a stage that has them"
            )


def mount_origin(text: str) -> str:
    """Return what `from` of a mount names; empty if there is none. Raises `DockerfileError`."""
    return dict(_members(text)).get("from") or ""


def read_mount(text: str, expand: Callable[[str], str]) -> Mount:
    """Read a mount; `expand` replaces the variables of each value. Raises `DockerfileError`."""
    try:
        return _mount([(name, _expanded(name, value, expand)) for name, value in _members(text)])
    except DockerfileError as error:
        raise DockerfileError(f"the mount {quoted(text)}: {error}") from error


def _expanded(name: str, value: str | None, expand: Callable[[str], str]) -> str | None:
    """Replace variables; what `from` names was looked up before there were any."""
    return value if value is None or name == "from" else expand(value)


def _members(text: str) -> list[tuple[str, str | None]]:
    """Split `name=value,name` as CSV, in which quotes protect commas."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise DockerfileError(f"the mount {quoted(text)} is not a list in CSV: {error}") from error
    members = []
    for member in rows[0] if rows else []:
        name, equals, value = member.partition("=")
        members.append((name.lower(), value if equals else None))
    return members


def _mount(members: list[tuple[str, str | None]]) -> Mount:
    values: dict[str, Any] = {}
    for name, value in members:
        if value is None:
            values |= _switch(name, values)
        elif name in _TEXTS:
            values[_TEXTS[name]] = value
        else:
            values |= _value(name, value)
    kind = values.get("kind", "bind")
    values.setdefault("read_only", kind not in ("cache", "tmpfs"))
    mount = Mount(**values)
    _check(mount)
    return mount


def _switch(name: str, values: dict[str, Any]) -> dict[str, Any]:
    match name:
        case "readonly" | "ro":
            return {"read_only": True}
        case "readwrite" | "rw":
            return {"read_only": False}
        case "required":
            return {"required": True}
    raise DockerfileError(f"{quoted(name)} needs a value: `{name}=…`")


def _value(name: str, value: str) -> dict[str, Any]:  # noqa: PLR0911 (a table)
    match name:
        case "type":
            return {"kind": _one_of(name, value, _KINDS)}
        case "sharing":
            return {"sharing": _one_of(name, value, _SHARING)}
        case "readonly" | "ro":
            return {"read_only": _boolean(name, value)}
        case "readwrite" | "rw":
            return {"read_only": not _boolean(name, value)}
        case "required":
            return {"required": _boolean(name, value)}
        case "size":
            return {"size": _size(value)}
        case "mode":
            return {"mode": _number(name, value, 8)}
        case "uid" | "gid":
            return {name: _number(name, value, 10)}
    raise DockerfileError(f"unknown member {quoted(name)}")


def _check(mount: Mount) -> None:
    """Refuse members that another kind of mount has."""
    kind = mount.kind
    if mount.required and kind not in ("secret", "ssh"):
        raise DockerfileError(f"`required` is not for a mount of type {quoted(kind)}")
    if mount.size is not None and kind != "tmpfs":
        raise DockerfileError(f"`size` is not for a mount of type {quoted(kind)}")
    for name in ("mode", "uid", "gid"):
        if getattr(mount, name) is not None and kind not in ("secret", "ssh", "cache"):
            raise DockerfileError(f"`{name}` is not for a mount of type {quoted(kind)}")
    if mount.sharing and kind != "cache":
        raise DockerfileError(f"`sharing` is not for a mount of type {quoted(kind)}")
    if kind == "secret":
        if mount.from_:
            raise DockerfileError("`from` is not for a mount of type `secret`")
        if not (mount.source or mount.target or mount.id):
            raise DockerfileError("a secret needs an `id`, a `source` or a `target`")
        if mount.source and mount.id:
            raise DockerfileError("a secret has an `id` or a `source`, not both")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value.lower() not in known:
        expected = ", ".join(map(quoted, known))
        raise DockerfileError(f"`{name}` is {quoted(value)}: expected {expected}")
    return value.lower()


def _boolean(name: str, value: str) -> bool:
    if value not in _BOOLEANS:
        raise DockerfileError(f"`{name}` is {quoted(value)}: expected `true` or `false`")
    return _BOOLEANS[value]


def _number(name: str, value: str, base: int) -> int:
    digits = "0-7" if base == 8 else "0-9"  # noqa: PLR2004
    if not re.fullmatch(f"[{digits}]{{1,16}}", value) or int(value, base) > _MAX_ID:
        raise DockerfileError(f"`{name}` is {quoted(value)}: expected a number")
    return int(value, base)


def _size(value: str) -> int:
    """Read bytes, `64m` or `1.5GB`: the units are powers of 1024."""
    match = _SIZE.fullmatch(value)
    if match is None:
        raise DockerfileError(f"`size` is {quoted(value)}: expected bytes, or such as `64m`")
    return int(float(match[1]) * 1024 ** _UNITS.index(match[2].lower()))
