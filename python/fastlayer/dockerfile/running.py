"""RUN: from the instruction to what an engine executes, and to its step in the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastlayer.dockerfile.heredoc import heredoc_of
from fastlayer.dockerfile.history import run_text
from fastlayer.dockerfile.instructions import Command
from fastlayer.dockerfile.mount import read_mount
from fastlayer.dockerfile.run import Mounted, RunStep, Script
from fastlayer.dockerfile.steps import with_shell
from fastlayer.errors import DockerfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastlayer.dockerfile.instructions import Mount, Run
    from fastlayer.dockerfile.run.step import MountSource
    from fastlayer.dockerfile.state import State
    from fastlayer.dockerfile.words import Lexer
    from fastlayer.options import LayerOptions

__all__ = ["step_of", "text_of"]


def step_of(
    instruction: Run,
    state: State,
    lexer: Lexer,
    proxies: Mapping[str, str],
    source: Callable[[Mount], MountSource],
) -> RunStep:
    """Describe what is executed; `source` finds what is mounted. Raises `DockerfileError`."""
    line, script = _line(instruction)
    mounts = [
        read_mount(mount, lambda text: lexer.expand(text, state.variables))
        for mount in instruction.mounts
    ]
    return RunStep(
        argv=with_shell(line, state),
        env={**proxies, **state.variables},
        user=state.user,
        cwd=state.working_dir,
        mounts=[Mounted(mount, source(mount)) for mount in mounts],
        script=script,
        network=instruction.network,
        security=instruction.security,
        text=" ".join(instruction.command.words),
        options=cast("LayerOptions", state.options),
    )


def text_of(instruction: Run, state: State) -> str:
    """Write the step of the history."""
    line, _ = _line(instruction)
    arguments = [(key, state.variables.get(key, value)) for key, value in state.arguments]
    return run_text(with_shell(line, state), arguments)


def _line(instruction: Run) -> tuple[Command, Script | None]:
    """Put heredocs where they are executed.

    One alone is what the shell runs, or with `#!` a program of its own. With more around them they
    go to the shell as they are written, which must know what they are.
    """
    command, heredocs = instruction.command, instruction.heredocs
    if not heredocs:
        return command, None
    try:
        alone = heredoc_of(command.words[0])
    except DockerfileError:
        alone = None
    first = heredocs[0]
    if alone is None:
        parts = [f"\n{heredoc.content}{heredoc.name}" for heredoc in heredocs]
        return Command(("".join((command.words[0], *parts)),), for_shell=True), None
    if first.content.startswith("#!"):
        script = Script(first.name, first.chomped.encode())
        return Command((script.path,), for_shell=True), script
    return Command((first.chomped,), for_shell=True), None
