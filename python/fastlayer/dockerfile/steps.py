"""What each instruction does to its stage."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from fastlayer import setting
from fastlayer.dockerfile.history import health_text, ports_text, transfer_text
from fastlayer.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Health,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from fastlayer.dockerfile.places import clean, joined
from fastlayer.dockerfile.ports import exposed
from fastlayer.dockerfile.text import MAX_LENGTH, MAX_WORD, quoted_texts
from fastlayer.dockerfile.words import Lexer
from fastlayer.errors import DockerfileError, InvalidConfigError, quoted
from fastlayer.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastlayer.dockerfile.arguments import Arguments
    from fastlayer.dockerfile.instructions import Heredoc, Pair, StageInstruction
    from fastlayer.dockerfile.state import State

__all__ = ["Maker", "Steps", "check_sources", "with_shell"]

# Bytes of a path: no system call takes a longer one (PATH_MAX of Linux).
_MAX_PATH: Final = 4096

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_GIT: Final = re.compile(r"(?:git|ssh)://|git@[^/:]+:", re.IGNORECASE)

_CONTENTS: Final = Lexer(quotes=False)


class Maker(Protocol):
    """Makes layers: of files, of directories that are missing, of what a command leaves."""

    def copied(self, instruction: Add | Copy, state: State) -> Layer | None:
        """Describe the layer of COPY or ADD."""

    def directory_made(self, path: str, state: State) -> Layer | None:
        """Describe the layer of a directory that may not be there yet."""

    def run(self, instruction: Run, state: State) -> tuple[Layer | None, str]:
        """Run a command; describe what it changed, and the step for the history."""


class Steps:
    """Does instructions, one after the other."""

    def __init__(self, lexer: Lexer, arguments: Arguments, maker: Maker) -> None:
        self._lexer = lexer
        self._arguments = arguments
        self._maker = maker
        # Characters that the words of the instruction have come to.
        self._length = 0

    def perform(self, instruction: StageInstruction, state: State) -> None:  # noqa: PLR0912
        """Do one instruction. Raises `DockerfileError` without a place, and what a layer raises."""
        self._length = 0
        match instruction:
            case Arg():
                self._arg(instruction, state)
            case Env():
                self._env(instruction, state)
            case Label():
                self._label(instruction, state)
            case Copy() | Add():
                self._transfer(instruction, state)
            case Workdir():
                self._workdir(instruction, state)
            case Run():
                _add(state, *self._maker.run(instruction, state))
            case Cmd():
                _cmd(instruction, state)
            case Entrypoint():
                _entrypoint(instruction, state)
            case Shell():
                state.settings.shell = instruction.words
                state.tell(f"SHELL [{' '.join(instruction.words)}]")
            case User():
                state.settings.user = self._expanded(instruction.user, state)
                state.tell(f"USER {state.settings.user}")
            case Volume():
                self._volume(instruction, state)
            case Expose():
                self._expose(instruction, state)
            case Stopsignal():
                self._stopsignal(instruction, state)
            case Health():
                state.settings.healthcheck = instruction.check
                state.tell(health_text(instruction.check))
            case Maintainer():
                state.author = instruction.name
                state.tell(f"MAINTAINER {instruction.name}")
            case Onbuild():
                state.settings.on_build.append(instruction.trigger)

    def _expanded(self, text: str, state: State) -> str:
        expanded = self._lexer.expand(text, state.variables)
        if len(expanded) > MAX_WORD:
            raise DockerfileError(f"{quoted(text)} comes to more than {MAX_WORD} characters")
        self._length += len(expanded)
        if self._length > MAX_LENGTH:
            raise DockerfileError(f"its words come to more than {MAX_LENGTH} characters")
        return expanded

    def _pairs(self, pairs: Iterable[Pair], state: State) -> list[tuple[str, str]]:
        """Replace the variables of all pairs, which see the values of before the line."""
        found = [
            (self._expanded(pair.key, state), self._expanded(pair.value, state)) for pair in pairs
        ]
        for key, _ in found:
            if not key:
                raise DockerfileError("a name is empty")
        return found

    def _env(self, instruction: Env, state: State) -> None:
        pairs = self._pairs(instruction.pairs, state)
        for key, _ in pairs:
            if "=" in key:
                raise DockerfileError(f"the name {quoted(key)} has a `=`")
        state.settings.env |= pairs
        state.variables |= pairs
        state.tell(" ".join(("ENV", *(f"{key}={value}" for key, value in pairs))))

    def _label(self, instruction: Label, state: State) -> None:
        pairs = self._pairs(instruction.pairs, state)
        state.settings.labels |= pairs
        state.tell(" ".join(("LABEL", *(f"{key}={value}" for key, value in pairs))))

    def _arg(self, instruction: Arg, state: State) -> None:
        """Set build arguments. The history has their defaults, and all see what was before."""
        given = [
            (
                self._expanded(argument.key, state),
                None if argument.value is None else self._expanded(argument.value, state),
            )
            for argument in instruction.arguments
        ]
        told = ["ARG"]
        for key, default in given:
            told.append(key if default is None else f"{key}={default}")
            value = self._arguments.value(key, default)
            if value is not None:
                if len(value) > MAX_WORD:
                    raise DockerfileError(f"{quoted(key)} has more than {MAX_WORD} characters")
                state.variables[key] = value
            state.arguments.append((key, value or ""))
        state.tell(" ".join(told))

    def _transfer(self, instruction: Copy | Add, state: State) -> None:
        expanded = replace(
            instruction,
            sources=tuple(self._expanded(source, state) for source in instruction.sources),
            destination=self._expanded(instruction.destination, state),
            chown=self._optional(instruction.chown, state),
            chmod=self._optional(instruction.chmod, state),
            heredocs=tuple(_filled(heredoc, state) for heredoc in instruction.heredocs),
        )
        if isinstance(expanded, Add):
            expanded = replace(expanded, checksum=self._optional(expanded.checksum, state))
        check_sources(expanded)
        for path in (*expanded.sources, joined(state.settings.working_dir, expanded.destination)):
            _check_path(path)
        _add(state, self._maker.copied(expanded, state), transfer_text(expanded))

    def _optional(self, text: str | None, state: State) -> str | None:
        return None if text is None else self._expanded(text, state) or None

    def _workdir(self, instruction: Workdir, state: State) -> None:
        path = joined(state.settings.working_dir, self._expanded(instruction.path, state))
        _check_path(path)
        text = f"WORKDIR {path}"
        if path == "/":
            state.settings.working_dir = path
            state.tell(text)
            return
        layer = self._maker.directory_made(clean(path), state)
        state.settings.working_dir = path
        _add(state, layer, text)

    def _volume(self, instruction: Volume, state: State) -> None:
        paths = [self._expanded(path, state) for path in instruction.paths]
        if not all(paths):
            raise DockerfileError("the path of a VOLUME is empty")
        state.settings.volumes |= {path: {} for path in paths}
        state.tell(f"VOLUME [{' '.join(paths)}]")

    def _expose(self, instruction: Expose, state: State) -> None:
        words = [
            word for text in instruction.ports for word in self._lexer.split(text, state.variables)
        ]
        ports = [port for word in words for port in exposed(word)]
        state.settings.exposed_ports |= {port: {} for port in ports}
        state.tell(ports_text(ports))

    def _stopsignal(self, instruction: Stopsignal, state: State) -> None:
        signal = self._expanded(instruction.signal, state)
        try:
            setting.signal("STOPSIGNAL", signal)
        except InvalidConfigError as error:
            raise DockerfileError(str(error)) from error
        state.settings.stop_signal = signal
        state.tell(f"STOPSIGNAL {signal}")


def _cmd(instruction: Cmd, state: State) -> None:
    state.settings.cmd = with_shell(instruction.command, state)
    state.settings.args_escaped = True
    state.fixed_cmd = True
    state.tell(f"CMD {quoted_texts(state.settings.cmd)}")


def _entrypoint(instruction: Entrypoint, state: State) -> None:
    state.settings.entrypoint = with_shell(instruction.command, state)
    if not state.fixed_cmd:
        state.settings.cmd = ()
    state.tell(f"ENTRYPOINT {quoted_texts(state.settings.entrypoint)}")


def with_shell(command: Command, state: State) -> tuple[str, ...]:
    """Return what a command starts: a line for a shell has the stage's shell before it."""
    if not command.for_shell:
        return command.words
    windows = state.platform.os == "windows"
    usual = ("cmd", "/S", "/C") if windows else ("/bin/sh", "-c")
    return (*(state.settings.shell or usual), " ".join(command.words))


def _add(state: State, layer: Layer | None, text: str) -> None:
    """Add a layer; where nothing changed it is one without entries, as with Docker."""
    if layer is None:
        layer = Layer.from_items((), **state.options)
    state.append(layer, text)


def _filled(heredoc: Heredoc, state: State) -> Heredoc:
    if not heredoc.expand:
        return heredoc
    return replace(heredoc, content=_CONTENTS.expand(heredoc.content, state.variables))


def _check_path(path: str) -> None:
    if "\0" in path:
        raise DockerfileError(f"the path {quoted(path)} has a NUL")
    if len(path.encode(errors="surrogateescape")) > _MAX_PATH:
        raise DockerfileError(f"the path {quoted(path)} has more than {_MAX_PATH} bytes")


def check_sources(instruction: Add | Copy) -> None:
    """Refuse sources on the network. Raises `DockerfileError`."""
    for source in instruction.sources:
        remote = _URL.match(source) or _GIT.match(source)
        if remote and isinstance(instruction, Add):
            raise DockerfileError(
                f"{quoted(source)} is on the network, where it may change or be gone: fetch it "
                "first, and ADD the file"
            )
        if remote:
            raise DockerfileError(f"{quoted(source)} is on the network: COPY takes files")
    if isinstance(instruction, Add) and instruction.checksum:
        raise DockerfileError("`--checksum` is for files on the network")
