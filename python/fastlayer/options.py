"""How a layer is made: the options that every way to a layer takes, checked at once."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias, TypedDict, get_args

from fastlayer import engine
from fastlayer.edit import Edit
from fastlayer.errors import (
    InvalidArgumentError,
    SourceWarning,
    UnmatchedEditError,
    quoted,
)
from fastlayer.media_type import Compression
from fastlayer.policy import Policy

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from fastlayer.attribute import Ranges
    from fastlayer.engine import Progress

__all__ = ["LayerOptions", "PackOptions", "Recipe", "Unmatched", "compression_and_level"]

Unmatched: TypeAlias = Literal["warn", "error", "ignore"]

# What the core takes for a number.
_MAX_NUMBER: Final = 2**63 - 1

_LEVEL: Final = re.compile(r"-?[0-9]{1,18}")


class PackOptions(TypedDict, total=False):
    """The options of all that makes a blob, whatever is in it.

    `compression` and `level`: `"gzip"` (1-9, default 4), `"zstd"` (1-22, default 3) or `"none"`.
    `threads`: how many; by default as many as the process may use. The layers of an image share
    them. The bytes do not depend on it.
    `verify`: whether what was compressed is decoded again and compared with what it was made of,
    before it is written. The bytes do not depend on it; with `"none"` there is nothing to decode.
    `progress`: called with the bytes of tar done, and in all once that is known.
    """

    compression: Compression
    level: int | None
    threads: int | None
    verify: bool
    progress: Progress | None


class LayerOptions(PackOptions, total=False):
    """The keyword options of every `Layer.from_…`: those of `PackOptions`, and these.

    `prefix`: where the input goes in the layer, such as `"/opt/app"`.
    `owner`: `(uid, gid)` or `"uid:gid"` for every entry, or `"keep"` for each one's own, which
    is what trees and archives have without it; single files belong to root.
    `uid_map`, `gid_map`: ranges `(inside, outside, count)` as of a user namespace. They turn the
    owners on the host into those in the image; one of the two stands for both.
    `mode`: permission bits of every file, where directories get search permission besides; or
    text for chmod, such as `"0755"` or `"u=rwX,go=rX"`.
    `mtime`: time of every entry, in seconds since 1970 or as a `datetime` with a zone.
    `clamp_mtime`: the same, for entries that are later only.
    `include`: patterns of the `.dockerignore` dialect, relative to the input's root; nothing else
    is taken, but the directories above.
    `exclude`: patterns of that dialect; what they match is left out.
    `xattrs`: `"keep"` (the default), `"none"`, or names such as
    `["security.capability", "user.*"]`.
    `edits`: see `fastlayer.edit`; they come after all that is above.
    `unmatched`: if an edit matches nothing: `"warn"` (the default), `"error"` or `"ignore"`.
    """

    prefix: str | os.PathLike[str]
    owner: tuple[int, int] | str | None
    uid_map: Ranges | None
    gid_map: Ranges | None
    mode: int | str | None
    mtime: int | datetime | None
    clamp_mtime: int | datetime | None
    include: Sequence[str]
    exclude: Sequence[str]
    xattrs: Literal["keep", "none"] | Sequence[str]
    edits: Sequence[Edit]
    unmatched: Unmatched


@dataclass(frozen=True, slots=True)
class Recipe:
    """All options of a layer, checked: what `LayerOptions` say, with the defaults filled in."""

    policy: Policy
    compression: Compression
    level: int | None
    threads: int | None
    verify: bool
    edits: tuple[Edit, ...]
    unmatched: Unmatched
    progress: Progress | None

    @classmethod
    def of(cls, options: LayerOptions, *, destinations: Sequence[bytes] = ()) -> Self:
        """Check `options` and read `SOURCE_DATE_EPOCH`, which no time of the layer is later than.

        `destinations` are those of single files. Raises `InvalidArgumentError` naming what is
        wrong.
        """
        _check_names(options, LayerOptions)
        edits = _edits(options.get("edits", ()))
        unmatched = _unmatched(options.get("unmatched", "warn"))
        return cls._of(Policy.of(options), options, edits, unmatched, destinations)

    @classmethod
    def packing(cls, options: PackOptions, *, clamped: bool = False) -> Self:
        """Check the options of a blob whose entries stay as they are.

        `clamped`: but that no time is later than `SOURCE_DATE_EPOCH`. Raises
        `InvalidArgumentError` naming what is wrong.
        """
        _check_names(options, PackOptions)
        return cls._of(Policy.of({}) if clamped else Policy(), options, (), "warn", ())

    @classmethod
    def _of(
        cls,
        policy: Policy,
        options: PackOptions,
        edits: tuple[Edit, ...],
        unmatched: Unmatched,
        destinations: Sequence[bytes],
    ) -> Self:
        recipe = cls(
            policy=policy,
            compression=options.get("compression", "gzip"),
            level=_short(options.get("level")),
            threads=_short(options.get("threads")),
            verify=_verify(options.get("verify", False)),
            edits=edits,
            unmatched=unmatched,
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

    def tell_unmatched(self, places: Sequence[int]) -> None:
        """Warn of, or raise `UnmatchedEditError` for, the edits that matched nothing."""
        idle = [self.edits[place] for place in places]
        shown = [quoted(edit) for edit in idle if not edit.optional]
        if shown and self.unmatched == "error":
            raise UnmatchedEditError(f"nothing matched the edit {shown[0]}")
        if self.unmatched == "warn":
            for edit in shown:
                warnings.warn(f"nothing matched the edit {edit}", SourceWarning, stacklevel=3)


def compression_and_level(text: str) -> tuple[Compression, int | None]:
    """Read `zstd` or `zstd:19`; the range of the level is known to the core.

    Raises `InvalidArgumentError`.
    """
    name, colon, level = text.partition(":")
    for known in get_args(Compression):
        if name == known:
            break
    else:
        raise InvalidArgumentError(
            f"unknown compression {quoted(name)}: expected `gzip[:LEVEL]`, `zstd[:LEVEL]` or `none`"
        )
    if colon and not _LEVEL.fullmatch(level):
        raise InvalidArgumentError(f"the level {quoted(level)} is not a number")
    return known, int(level) if colon else None


def _check_names(options: Mapping[str, object], known: type) -> None:
    unknown = sorted(options.keys() - known.__annotations__.keys())
    if unknown:
        raise TypeError(f"unknown option {quoted(unknown[0])}")


def _verify(verify: object) -> bool:
    if not isinstance(verify, bool):
        raise InvalidArgumentError(f"`verify` is {quoted(verify)}: expected `True` or `False`")
    return verify


def _short(number: int | None) -> int | None:
    """Bring a number that is far out of range to where the core can say so."""
    return max(-_MAX_NUMBER, min(number, _MAX_NUMBER)) if isinstance(number, int) else number


def _edits(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    for edit in edits:
        if not isinstance(edit, Edit):
            raise InvalidArgumentError(
                f"`edits` holds a `{type(edit).__name__}`: expected what `fastlayer.edit` makes"
            )
    return tuple(edits)


def _unmatched(unmatched: Unmatched) -> Unmatched:
    if unmatched not in get_args(Unmatched):
        expected = "`warn`, `error` or `ignore`"
        raise InvalidArgumentError(f"`unmatched` is {quoted(unmatched)}: expected {expected}")
    return unmatched
