"""What happens to metadata between a source and a layer: options, checked and brought together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from fastlayer.attribute import (
    id_ranges,
    mode_bits,
    mode_text,
    name_bytes,
    owner_ids,
    seconds,
    texts,
)
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fastlayer.attribute import Ranges
    from fastlayer.options import LayerOptions

__all__ = ["Policy"]

_EXCLUSIVE = (("owner", "uid_map"), ("owner", "gid_map"), ("mtime", "clamp_mtime"))


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to metadata between a source and the layer, in the core's terms."""

    prefix: bytes = b""
    owner: tuple[int, int] | None = None
    keep_owner: bool = False
    uid_map: Ranges | None = None
    gid_map: Ranges | None = None
    mode: int | bytes | None = None
    mtime: int | None = None
    clamp_mtime: int | None = None
    drop_xattrs: bool = False
    only_xattrs: tuple[bytes, ...] | None = None
    exclude: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, options: LayerOptions) -> Self:
        """Check the options that say so; raise `InvalidArgumentError` naming what is wrong."""
        given = {name for name, value in options.items() if value is not None}
        for one, other in _EXCLUSIVE:
            if {one, other} <= given:
                raise InvalidArgumentError(f"`{one}` and `{other}` exclude each other: give one")
        owner, xattrs = options.get("owner"), options.get("xattrs", "keep")
        mtime, mode = options.get("mtime"), options.get("mode")
        return cls(
            prefix=name_bytes(options.get("prefix", "")),
            owner=None if owner is None or owner == "keep" else owner_ids(owner, or_keep=True),
            keep_owner=owner == "keep",
            uid_map=id_ranges("uid_map", options.get("uid_map")),
            gid_map=id_ranges("gid_map", options.get("gid_map")),
            mode=None if mode is None else _mode(mode),
            mtime=None if mtime is None else seconds("mtime", mtime),
            clamp_mtime=_latest(options.get("clamp_mtime")),
            drop_xattrs=xattrs == "none",
            only_xattrs=None if xattrs in ("keep", "none") else _xattr_names(xattrs),
            exclude=_patterns(options.get("include", ()), options.get("exclude", ())),
        )


def _mode(mode: int | str) -> int | bytes:
    return mode_text(mode) if isinstance(mode, str) else mode_bits(mode)


def _latest(clamp: int | datetime | None) -> int | None:
    """Take the earlier one of the latest time that is asked for and `SOURCE_DATE_EPOCH`."""
    epoch = source_date_epoch()
    if clamp is None:
        return epoch
    asked = seconds("clamp_mtime", clamp)
    return asked if epoch is None else min(asked, epoch)


def _xattr_names(names: Sequence[str]) -> tuple[bytes, ...]:
    if isinstance(names, str):
        raise InvalidArgumentError(
            f"`xattrs` is {quoted(names)}: expected `keep`, `none`, or a list of names such as "
            "`security.capability` and `user.*`"
        )
    return texts("xattrs", names)


def _patterns(include: Sequence[str], exclude: Sequence[str]) -> tuple[bytes, ...]:
    """Make one list of both, of which the last pattern that matches decides."""
    for name, patterns in (("include", include), ("exclude", exclude)):
        if isinstance(patterns, str):
            raise InvalidArgumentError(f"`{name}` must be a list of patterns, got text")
    included = texts("include", include)
    if any(pattern.startswith(b"!") for pattern in included):
        raise InvalidArgumentError("`include` has a pattern with `!`: give it to `exclude`")
    taken = (b"*", *(b"!" + pattern for pattern in included)) if included else ()
    return taken + texts("exclude", exclude)
