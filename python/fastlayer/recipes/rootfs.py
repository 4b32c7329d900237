"""One layer of a root file system, which is what a base image is."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from fastlayer import engine
from fastlayer.config import DEFAULT_PATH
from fastlayer.dockerfile.history import step
from fastlayer.dockerfile.text import quoted_texts
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.image import Image
from fastlayer.layer import Layer, Readable
from fastlayer.rootfs import is_mtree
from fastlayer.setting import timestamp

if TYPE_CHECKING:
    from typing import Unpack

    from fastlayer.config import History
    from fastlayer.options import LayerOptions
    from fastlayer.platform import Platform
    from fastlayer.recipes.tweak import Tweaks

__all__ = [
    "MAX_LINKS",
    "Created",
    "Rootfs",
    "base_image",
    "dockerfile_settings",
    "from_dockerfile",
    "is_merged_usr",
    "moment",
]

Rootfs: TypeAlias = str | os.PathLike[str] | Readable
"""A directory, an archive, or a stream of one: what a base image is made of."""

Created: TypeAlias = str | datetime | int | None
"""When an image was made, in the forms of `Image.with_config`; by default SOURCE_DATE_EPOCH."""

MAX_LINKS: Final = 64 << 10
"""Bytes of entries that are looked up to see whether they are links: many times what is there."""


def base_image(
    rootfs: Rootfs,
    tweaks: Tweaks | None = None,
    *,
    platform: Platform | str | None = None,
    created: Created = None,
    history: History | None = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe an image of one layer: `rootfs` with `tweaks`, and then the `edits` of the options.

    Nothing is read before a sink runs. The options are those of `fastlayer.LayerOptions`.
    """
    own = () if tweaks is None else tweaks.edits
    options = {**options, "edits": (*own, *options.get("edits", ()))}
    image = Image.scratch(platform=platform)
    if created is not None:
        image = image.with_config(created=created)
    return image.append(_layer(rootfs, options), history=history)


def from_dockerfile(
    rootfs: Rootfs,
    tweaks: Tweaks | None = None,
    *,
    before: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    cmd: tuple[str, ...],
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe what `FROM scratch`, `ADD rootfs /` and `CMD` make.

    Other instructions stand `before` and `after` the `ADD`. Variables and history are those that
    `docker build` gives to such an image.
    """
    added = step(f"ADD {_name(rootfs)} / # buildkit", layer=True)
    image = base_image(rootfs, tweaks, platform=platform, created=created, history=added, **options)
    steps = (*map(step, before), added, *map(step, after), step(f"CMD {quoted_texts(cmd)}"))
    return dockerfile_settings(image, cmd).with_history(*steps)


def dockerfile_settings(image: Image, cmd: tuple[str, ...]) -> Image:
    """Return the image with variables, command and directory as `docker build` gives them.

    It says `ArgsEscaped` of every CMD, which means something on Windows only.
    """
    image = image.with_config(env={"PATH": DEFAULT_PATH}, cmd=cmd, working_dir="/")
    settings = msgspec.structs.replace(image.config.config, args_escaped=True)
    return replace(image, config=msgspec.structs.replace(image.config, config=settings))


def is_merged_usr(rootfs: Rootfs) -> bool:
    """Look whether /sbin is a link, as it is where all programs are in /usr.

    An archive is read as far as to that entry. A stream is not read: it is taken for one of these
    days, where it is a link. Raises `OSError` and `MalformedArchiveError`.
    """
    if not isinstance(rootfs, str | os.PathLike):
        return True
    if os.path.isdir(rootfs):  # noqa: PTH112 (the path as given)
        return os.path.islink(os.path.join(rootfs, "sbin"))  # noqa: PTH114, PTH118
    if not os.path.isfile(rootfs):  # noqa: PTH113
        return True
    found = engine.pick_members(rootfs, None, patterns=[b"sbin"], limit=MAX_LINKS, first=True)
    return all(member.kind == "symlink" for member, _ in found)


def moment(created: Created) -> int | datetime | None:
    """Return the time of creation as layers take it, that of the environment if none is given."""
    if created is None:
        return source_date_epoch()
    return created if isinstance(created, int) else datetime.fromisoformat(timestamp(created))


def _layer(rootfs: Rootfs, options: LayerOptions) -> Layer:
    if not isinstance(rootfs, str | os.PathLike):
        return Layer.from_stream(rootfs, **options)
    if os.path.isdir(rootfs):  # noqa: PTH112
        return Layer.from_directory(rootfs, **options)
    # What is not there, or is a pipe, is not looked into before a sink runs.
    if os.path.isfile(rootfs) and is_mtree(os.fsdecode(rootfs), None):  # noqa: PTH113
        raise InvalidArgumentError(
            f"{quoted(os.fsdecode(rootfs))} is an mtree file: "
            "a recipe takes a directory or an archive"
        )
    return Layer.from_archive(rootfs, **options)


def _name(rootfs: Rootfs) -> str:
    """Say what a Dockerfile would add."""
    if not isinstance(rootfs, str | os.PathLike):
        return "rootfs.tar"
    return os.path.basename(os.path.abspath(rootfs))  # noqa: PTH100, PTH119
