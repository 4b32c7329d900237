"""The options that edit a layer on its way; they apply as they stand on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import click

from fastlayer import edit
from fastlayer.cli.command import in_order, option, together
from fastlayer.cli.values import checked, destination, file_mode, source_and_path
from fastlayer.errors import quoted
from fastlayer.options import Unmatched

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.options import LayerOptions

__all__ = ["edit_options", "edits_of"]

_F = TypeVar("_F", bound="Callable[..., Any]")

_SECTION: Final = "Edits"
_RULES: Final = ("path_exclude", "path_include")

_OWNED: Final = re.compile(r"([0-9]+):(?:([0-9]+):)?(.+)", re.DOTALL)


def _put(text: str) -> edit.Edit:
    """Read `SRC:DEST[:MODE]`: `--add`'s form, and a mode, which a checkout takes from the umask."""
    form = "`SOURCE:/DESTINATION[:MODE]`, such as `motd:/etc/motd` or `tool:/usr/bin/:0755`"
    source, rest = source_and_path(text, form)
    path, mode = _path_and_mode(rest)
    return edit.put(destination(path, source), source, mode=mode)


def _mkdir(text: str) -> edit.Edit:
    path, mode = _path_and_mode(text)
    return edit.directory(path) if mode is None else edit.directory(path, mode=mode)


def _path_and_mode(text: str) -> tuple[str, int | None]:
    """Split `PATH[:MODE]`; a name with a colon needs the mode, or a wrong mode would be a name."""
    path, colon, mode = text.rpartition(":")
    return (path, file_mode(mode)) if colon and "/" not in mode else (text, None)


def _symlink(text: str) -> edit.Edit:
    target, path = source_and_path(text, "`TARGET:/PATH`, such as `../run:/var/run`")
    return edit.symlink(path, target)


def _rename(text: str) -> edit.Edit:
    return edit.rename(*source_and_path(text, "`FROM:/TO`, such as `/opt/app-1.0:/opt/app`"))


def _chmod(text: str) -> edit.Edit:
    mode, _, pattern = text.partition(":")
    if not pattern:
        raise click.BadParameter(
            f"{quoted(text)} is not of the form `MODE:PATTERN`, such as `0755:/usr/bin/*`"
        )
    return edit.chmod(pattern, file_mode(mode))


def _chown(text: str) -> edit.Edit:
    match = _OWNED.fullmatch(text)
    # `0:0` is an owner whose pattern was forgotten, not the pattern `0`.
    if match is None or (match[2] is None and match[3].isdecimal()):
        raise click.BadParameter(
            f"{quoted(text)} is not of the form `UID[:GID]:PATTERN`, such as `0:0:/etc/**`"
        )
    uid, gid, pattern = match.groups()
    return edit.chown(pattern, f"{uid}:{gid or uid}")


def _rule(kind: str) -> Callable[[str], str]:
    """Make the reader of one dpkg rule, which gives it as a line of dpkg's configuration."""

    def rule(pattern: str) -> str:
        line = f"path-{kind}={pattern}"
        edit.path_rules(line)  # refused here, a wrong one has the name of its option
        return line

    return rule


def _option(
    name: str, read: Callable[[str], object], metavar: str, text: str
) -> Callable[[_F], _F]:
    return option(
        name, section=_SECTION, metavar=metavar, type=checked(read), multiple=True, help=text
    )


edit_options: Final = together(
    _option(
        "--put",
        _put,
        "SRC:DEST[:MODE]",
        "Put a file of this host at DEST, or into a DEST that ends in /. It belongs to root and "
        "keeps its mode unless one is given.",
    ),
    _option(
        "--mkdir",
        _mkdir,
        "PATH[:MODE]",
        "Make a directory, of mode 0755 and root's; one that is there keeps what it holds.",
    ),
    _option("--symlink", _symlink, "TARGET:PATH", "Put a symbolic link to TARGET at PATH."),
    _option("--remove", edit.remove, "PATH", "Leave out PATH with all that it holds."),
    _option("--rename", _rename, "FROM:TO", "Move FROM with all that it holds to TO."),
    _option("--chmod", _chmod, "MODE:PATTERN", "Set the permission bits of what matches."),
    _option(
        "--chown",
        _chown,
        "UID[:GID]:PATTERN",
        "Set user and group of what matches; without GID they have one number.",
    ),
    _option("--truncate", edit.truncate, "PATTERN", "Empty the files that match."),
    _option(
        "--path-exclude",
        _rule("exclude"),
        "PATTERN",
        "Leave out what dpkg would with this option. All such rules are one edit, at the place of "
        "the first; the last rule that matches decides.",
    ),
    _option("--path-include", _rule("include"), "PATTERN", "Take back in, as dpkg does."),
    option(
        "--edits",
        section=_SECTION,
        metavar="FILE",
        multiple=True,
        help="Edits of a TOML file; see docs/edits.md.",
    ),
    option(
        "--unmatched",
        section=_SECTION,
        type=click.Choice(get_args(Unmatched)),
        default="warn",
        show_default=True,
        help="What to do about an edit that matches nothing.",
    ),
)
"""The options of edits."""

_NAMES: Final = (
    *("put", "mkdir", "symlink", "remove", "rename", "chmod", "chown", "truncate"),
    *(*_RULES, "edits"),
)


def edits_of(context: click.Context) -> LayerOptions:
    """Take the edits that a command was given, in their order, and what is to be if one is idle.

    Raises `InvalidArgumentError` and `OSError` for a file of edits.
    """
    edits: list[edit.Edit] = []
    rules: list[str] = []
    place = 0
    for name, value in in_order(context, *_NAMES):
        if name in _RULES:
            place = place if rules else len(edits)
            rules.append(value)
        elif name == "edits":
            edits += edit.load(value)
        else:
            edits.append(value)
    if rules:
        edits.insert(place, edit.path_rules(*rules))
    return {"edits": edits, "unmatched": context.params["unmatched"]}
