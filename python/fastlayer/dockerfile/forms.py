"""Instructions out of their text, each by its own form."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile import instructions as made
from fastlayer.dockerfile.flags import Flags
from fastlayer.dockerfile.health import health_of
from fastlayer.dockerfile.source import Source, json_texts
from fastlayer.dockerfile.split import name_words, split_statement
from fastlayer.dockerfile.text import SPACES, json_words, split, split_once
from fastlayer.dockerfile.transfers import read_add, read_copy, read_run
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.dockerfile.lines import Statement

__all__ = ["read_instruction"]

_STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9-_.]*")
_ONBUILD: Final = re.compile(rf"[{SPACES}]*ONBUILD[{SPACES}]*", re.IGNORECASE)


def read_instruction(statement: Statement, escape: str = "\\") -> made.From | made.StageInstruction:
    """Read one instruction. Raises `DockerfileError`, without a place."""
    source = _source(statement, statement.text, escape)
    reader = _READERS.get(source.name)
    if reader is None:
        raise DockerfileError(_unknown(source.name))
    return reader(source)


def _source(statement: Statement, text: str, escape: str) -> Source:
    name, flags, rest = split_statement(text)
    return Source(statement, name.upper(), flags, rest, escape)


def _unknown(name: str) -> str:
    near = get_close_matches(name, _READERS, n=1)
    hint = f": did you mean {near[0]}?" if near else ""
    return f"unknown instruction {quoted(name)}{hint}"


def _from(source: Source) -> made.From:
    platform = Flags(source.flags, texts=("platform",)).text("platform")
    words = split(source.rest) if source.rest else []
    match words:
        case [base]:
            return made.From(*source.place, base, platform=platform)
        case [base, word, name] if word.upper() == "AS":
            if not _STAGE_NAME.fullmatch(name.lower()):
                raise DockerfileError(
                    f"the name of the stage is {quoted(name)}: expected a letter, then letters, "
                    "digits, `-`, `_` and `.`"
                )
            return made.From(*source.place, base, name.lower(), platform)
    raise DockerfileError("FROM takes an image, or an image, AS and the name of the stage")


def _cmd(source: Source) -> made.Cmd:
    source.no_flags()
    return made.Cmd(*source.place, source.command())


def _entrypoint(source: Source) -> made.Entrypoint:
    source.no_flags()
    return made.Entrypoint(*source.place, source.command())


def _shell(source: Source) -> made.Shell:
    source.no_flags()
    words = source.json()
    if words is None and source.rest:
        raise DockerfileError('SHELL needs a JSON array, such as `["/bin/bash", "-c"]`')
    return made.Shell(*source.place, source.some(words or ()))


def _env(source: Source) -> made.Env:
    return made.Env(*source.place, source.pairs())


def _label(source: Source) -> made.Label:
    return made.Label(*source.place, source.pairs())


def _arg(source: Source) -> made.Arg:
    source.no_flags()
    arguments = []
    for word in source.some(name_words(source.rest, source.escape)):
        key, equals, value = word.partition("=")
        if not key:
            raise DockerfileError(f"{quoted(word)} has no name")
        arguments.append(made.Argument(key, value if equals else None))
    return made.Arg(*source.place, tuple(arguments))


def _maintainer(source: Source) -> made.Maintainer:
    source.no_flags()
    return made.Maintainer(*source.place, source.whole())


def _workdir(source: Source) -> made.Workdir:
    source.no_flags()
    return made.Workdir(*source.place, source.whole())


def _user(source: Source) -> made.User:
    source.no_flags()
    return made.User(*source.place, source.whole())


def _stopsignal(source: Source) -> made.Stopsignal:
    source.no_flags()
    return made.Stopsignal(*source.place, source.whole())


def _volume(source: Source) -> made.Volume:
    source.no_flags()
    paths = [path.strip(SPACES) for path in source.some(source.list())]
    if not all(paths):
        raise DockerfileError("the path of a VOLUME is empty")
    return made.Volume(*source.place, tuple(paths))


def _expose(source: Source) -> made.Expose:
    source.no_flags()
    ports = source.some(split(source.rest) if source.rest else ())
    return made.Expose(*source.place, tuple(sorted(ports)))


def _health(source: Source) -> made.Health:
    kind, *line = split_once(source.rest)
    words = json_texts(json_words(line[0])) if line else None
    command = made.Command(tuple(line) if words is None else words, for_shell=words is None)
    return made.Health(*source.place, health_of(kind.upper(), command, source.flags))


def _check_trigger(source: Source) -> None:
    """Refuse what Docker refuses in an ONBUILD; the rest is told to who builds on top of it."""
    match source.name:
        case "ENV" | "LABEL" if source.rest:
            source.pairs()
        case "ADD" | "CMD" | "COPY" | "ENTRYPOINT" | "RUN" | "SHELL" | "VOLUME":
            source.json()


def _onbuild(source: Source) -> made.Onbuild:
    source.no_flags()
    name = split_once(source.whole())[0].upper()
    if name == "ONBUILD":
        raise DockerfileError("ONBUILD cannot hold another ONBUILD")
    if name in ("FROM", "MAINTAINER"):
        raise DockerfileError(f"ONBUILD cannot hold {name}")
    _check_trigger(_source(source.statement, source.rest, source.escape))
    text = _ONBUILD.sub("", source.statement.text, count=1)
    for heredoc in source.statement.heredocs:
        text += f"\n{heredoc.content}{heredoc.name}"
    return made.Onbuild(*source.place, text)


_READERS: Final[dict[str, Callable[[Source], made.From | made.StageInstruction]]] = {
    "ADD": read_add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": read_copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _health,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": read_run,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
