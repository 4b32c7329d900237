"""How a layer is made: the options that every way to a layer takes, checked at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self, TypedDict

from fastlayer import engine
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.engine import Progress
    from fastlayer.media_type import Compression

__all__ = ["LayerOptions", "Policy", "Recipe"]

_MAX_ID = 2**32 - 2  # the kernel reads -1 as "leave it as it is"
_MAX_MODE = 0o7777


class LayerOptions(TypedDict, total=False):
    """The keyword options of every `Layer.from_…`.

    `compression` and `level`: `"gzip"` (1-9, default 4), `"zstd"` (1-22, default 3) or `"none"`.
    `threads`: how many; by default as many as the process may use. The bytes do not depend on it.
    `prefix`: where the input goes in the layer, such as `"/opt/app"`.
    `owner`: `(uid, gid)` or `"uid:gid"` for every entry.
    `mode`: permission bits of every file; directories get search permission besides.
    `mtime`: time of every entry, in seconds since 1970 or as a `datetime` with a zone.
    `exclude`: patterns of the `.dockerignore` dialect, relative to the input's root.
    `xattrs`: `"keep"` (the default) or `"none"`.
    `progress`: called with the bytes of tar done, and in all once that is known.
    """

    compression: Compression
    level: int | None
    threads: int | None
    prefix: str | os.PathLike[str]
    owner: tuple[int, int] | str | None
    mode: int | None
    mtime: int | datetime | None
    exclude: Sequence[str]
    xattrs: Literal["keep", "none"]
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to metadata between a source and the layer, in the core's terms."""

    prefix: bytes = b""
    owner: tuple[int, int] | None = None
    mode: int | None = None
    mtime: int | None = None
    clamp_mtime: int | None = None
    drop_xattrs: bool = False
    exclude: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """All options of a layer, checked: what `LayerOptions` say, with the defaults filled in."""

    policy: Policy
    compression: Compression
    level: int | None
    threads: int | None
    progress: Progress | None

    @classmethod
    def of(cls, options: LayerOptions, *, destinations: Sequence[bytes] = ()) -> Self:
        """Check `options` and read `SOURCE_DATE_EPOCH`, which no time of the layer is later than.

        `destinations` are those of single files. Raises `InvalidArgumentError` naming what is
        wrong.
        """
        unknown = sorted(options.keys() - LayerOptions.__annotations__.keys())
        if unknown:
            raise TypeError(f"unknown option {quoted(unknown[0])}")
        recipe = cls(
            policy=_policy(options),
            compression=options.get("compression", "gzip"),
            level=options.get("level"),
            threads=options.get("threads"),
            progress=options.get("progress"),
        )
        engine.check_layer(
            recipe.policy,
            compression=recipe.compression,
            level=recipe.level,
            threads=recipe.threads,
            destinations=destinations,
        )
        return recipe


def _policy(options: LayerOptions) -> Policy:
    xattrs = options.get("xattrs", "keep")
    if xattrs not in ("keep", "none"):
        raise InvalidArgumentError(f"`xattrs` is {quoted(xattrs)}: expected `keep` or `none`")
    mode = options.get("mode")
    exclude = options.get("exclude", ())
    if isinstance(exclude, str):
        raise InvalidArgumentError("`exclude` must be a list of patterns, got text")
    return Policy(
        prefix=os.fsencode(options.get("prefix", "")),
        owner=_owner(options.get("owner")),
        mode=None if mode is None else _number("mode", mode, 0, _MAX_MODE),
        mtime=_mtime(options.get("mtime")),
        clamp_mtime=source_date_epoch(),
        drop_xattrs=xattrs == "none",
        exclude=tuple(os.fsencode(pattern) for pattern in exclude),
    )


def _owner(owner: tuple[int, int] | str | None) -> tuple[int, int] | None:
    if owner is None:
        return None
    try:
        uid, gid = _ids(owner) if isinstance(owner, str) else owner
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"`owner` is {quoted(owner)}: expected numbers, such as `1000:1000`"
        ) from None
    return _number("owner", uid, 0, _MAX_ID), _number("owner", gid, 0, _MAX_ID)


def _ids(text: str) -> tuple[int, int]:
    """Read `uid:gid`; a single number is both."""
    uid, colon, gid = text.partition(":")
    if not all(number.isascii() and number.isdecimal() for number in (uid, gid or uid)):
        raise ValueError(text)
    return int(uid), int(gid if colon else uid)


def _mtime(mtime: int | datetime | None) -> int | None:
    if isinstance(mtime, datetime):
        if mtime.tzinfo is None:
            raise InvalidArgumentError(f"`mtime`: {quoted(mtime)} has no time zone")
        return int(mtime.timestamp() // 1)
    return None if mtime is None else _number("mtime", mtime, -(2**62), 2**62)


def _number(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError(f"`{name}` must be a number, got `{type(value).__name__}`")
    if not low <= value <= high:
        shown = oct if name == "mode" else str
        raise InvalidArgumentError(
            f"`{name}` is `{shown(value)}`: expected `{shown(low)}` to `{shown(high)}`"
        )
    return value
