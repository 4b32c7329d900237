"""The options of a layer and of its blob, and those of what is printed, which commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import click

from fastlayer.cli.command import option, together
from fastlayer.cli.progress import MODES
from fastlayer.cli.values import checked, id_range, mtime
from fastlayer.options import compression_and_level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastlayer.engine import Progress
    from fastlayer.media_type import Compression
    from fastlayer.options import LayerOptions, PackOptions

__all__ = [
    "json_option",
    "layer_options",
    "options_of",
    "pack_options",
    "packing_of",
    "progress_option",
]

_SECTION: Final = "Layers"

pack_options: Final = together(
    option(
        "--compression",
        section=_SECTION,
        metavar="NAME[:LEVEL]",
        type=checked(compression_and_level),
        help="gzip (levels 1-9, default 4), zstd (1-22, default 3) or none.",
    ),
    option(
        "--threads",
        section=_SECTION,
        metavar="N",
        type=int,
        help="Threads to use; by default all there are. The bytes do not depend on it.",
    ),
    option(
        "--verify",
        section=_SECTION,
        is_flag=True,
        help="Decode what was compressed and compare it before it is written; with none there is "
        "nothing to decode.",
    ),
)
"""The options of a blob whose entries stay as they are."""

layer_options: Final = together(
    option(
        "--prefix",
        section=_SECTION,
        metavar="PATH",
        default="",
        help="Put the tree there in the layer, such as /opt/app.",
    ),
    option(
        "--include",
        section=_SECTION,
        metavar="PATTERN",
        multiple=True,
        help="Take in only what matches, as in a .dockerignore; --exclude comes after it.",
    ),
    option(
        "--exclude",
        section=_SECTION,
        metavar="PATTERN",
        multiple=True,
        help="Leave out what matches, as in a .dockerignore; `!PATTERN` takes back in.",
    ),
    option(
        "--owner",
        section=_SECTION,
        metavar="UID:GID|keep",
        help="Owner of every entry; keep is for what else belongs to root.",
    ),
    option(
        "--uid-map",
        section=_SECTION,
        metavar="INSIDE:OUTSIDE:COUNT",
        type=id_range,
        multiple=True,
        help="User ids from OUTSIDE on, as they are on the host, are those from INSIDE on in the "
        "image: 0:100000:65536 is for a tree made in a user namespace.",
    ),
    option(
        "--gid-map",
        section=_SECTION,
        metavar="INSIDE:OUTSIDE:COUNT",
        type=id_range,
        multiple=True,
        help="The same for groups; one of the two stands for both.",
    ),
    option(
        "--mode",
        section=_SECTION,
        metavar="OCTAL|CHANGES",
        help="Permission bits of every file (0644; directories can be searched besides), or what "
        "chmod changes: go-w or u=rwX,go=rX.",
    ),
    option(
        "--mtime",
        section=_SECTION,
        metavar="[clamp:]TIME",
        type=mtime,
        help="Time of every entry, or of later ones only (clamp): seconds since 1970, or as "
        "2025-04-18T19:07:30Z.",
    ),
    option(
        "--xattrs",
        section=_SECTION,
        metavar="keep|none|NAME",
        multiple=True,
        help="Extended attributes: all (the default), none, or those of these names, such as "
        "security.capability or 'user.*'.",
    ),
    pack_options,
)
"""The options of a layer."""

json_option: Final = option(
    "--json", "as_json", section="Output", is_flag=True, help="Print one record in JSON on stdout."
)

progress_option: Final = option(
    "--progress",
    section="Output",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="On stderr: a bar, or a line every few seconds (plain); auto is a bar on a terminal.",
)


def packing_of(
    given: Mapping[str, Any],
    default: tuple[Compression, int | None],
    progress: Progress | None,
) -> PackOptions:
    """Take the options of a blob from what a command was given."""
    name, level = given["compression"] or default
    return {
        "compression": name,
        "level": level,
        "threads": given["threads"],
        "verify": given["verify"],
        "progress": progress,
    }


def options_of(
    given: Mapping[str, Any],
    default: tuple[Compression, int | None],
    progress: Progress | None,
) -> LayerOptions:
    """Take the options of a layer from what a command was given."""
    mtime: LayerOptions = {} if given["mtime"] is None else given["mtime"]
    return {
        **packing_of(given, default, progress),
        "prefix": given["prefix"],
        "owner": given["owner"],
        "uid_map": given["uid_map"] or None,
        "gid_map": given["gid_map"] or None,
        "mode": given["mode"],
        **mtime,
        "include": given["include"],
        "exclude": given["exclude"],
        "xattrs": _xattrs(given["xattrs"]),
    }


def _xattrs(given: tuple[str, ...]) -> Literal["keep", "none"] | tuple[str, ...]:
    match given:
        case ():
            return "keep"
        case ("keep" | "none" as word,):
            return word
        case _:
            return given
