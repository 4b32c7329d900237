"""All of a Dockerfile, read: what comes before the first FROM, and the stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastlayer.dockerfile.forms import read_instruction
from fastlayer.dockerfile.instructions import Arg, From
from fastlayer.dockerfile.lines import read_lines
from fastlayer.errors import DockerfileError

if TYPE_CHECKING:
    from fastlayer.dockerfile.instructions import StageInstruction
    from fastlayer.dockerfile.lines import Lines

__all__ = ["Dockerfile", "StageText", "read_dockerfile"]


@dataclass(frozen=True, slots=True)
class StageText:
    """A FROM and the instructions behind it."""

    origin: From
    steps: tuple[StageInstruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A file that was read. `file` is what messages call it, `arguments` come before any FROM."""

    file: str
    escape: str
    syntax: str
    arguments: tuple[Arg, ...]
    stages: tuple[StageText, ...]
    gaps: tuple[int, ...]


def read_dockerfile(content: bytes, *, file: str) -> Dockerfile:
    """Read a whole file. Raises `DockerfileError` that names the line."""
    lines = read_lines(content, file=file)
    arguments: list[Arg] = []
    stages: list[tuple[From, list[StageInstruction]]] = []
    for statement in lines.statements:
        try:
            step = read_instruction(statement, lines.escape)
            if isinstance(step, From):
                stages.append((step, []))
            elif stages:
                stages[-1][1].append(step)
            elif isinstance(step, Arg):
                arguments.append(step)
            else:
                raise DockerfileError("nothing but ARG can stand before the first FROM")
        except DockerfileError as error:
            raise DockerfileError(str(error), file, statement.line) from error
    if not stages:
        raise DockerfileError("it has no FROM", file)
    texts = tuple(StageText(origin, tuple(steps)) for origin, steps in stages)
    return _dockerfile(file, lines, tuple(arguments), texts)


def _dockerfile(
    file: str, lines: Lines, arguments: tuple[Arg, ...], stages: tuple[StageText, ...]
) -> Dockerfile:
    syntax = lines.directives.get("syntax", "")
    return Dockerfile(file, lines.escape, syntax, arguments, stages, lines.gaps)
