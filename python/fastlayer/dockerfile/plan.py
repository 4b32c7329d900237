"""Which stages a target needs, and what each begins with and copies from: known before any work."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeAlias

from fastlayer.dockerfile.bases import SCRATCH, Directory, is_of_host
from fastlayer.dockerfile.forms import read_instruction
from fastlayer.dockerfile.instructions import Copy, From, Onbuild, Run
from fastlayer.dockerfile.lines import read_lines
from fastlayer.dockerfile.located import located
from fastlayer.dockerfile.mount import mount_origin
from fastlayer.dockerfile.words import Lexer
from fastlayer.errors import DockerfileError, InvalidPlatformError, RegistryError, quoted
from fastlayer.image import Image
from fastlayer.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fastlayer.dockerfile.arguments import Arguments
    from fastlayer.dockerfile.bases import Origins
    from fastlayer.dockerfile.instructions import StageInstruction
    from fastlayer.dockerfile.reading import Dockerfile, StageText

__all__ = ["Named", "Plan", "PlannedStage"]

# Stages of which each needs the one before: they are planned one inside the other.
_MAX_DEPTH: Final = 200

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Named:
    """An image or a directory, with the name that it has in the file."""

    name: str
    what: Image | Directory


@dataclass(eq=False, slots=True)
class PlannedStage:
    """A stage that is needed.

    `base` is a stage or image; `steps` are what an ONBUILD of it asks for, then those of the stage.
    `sources` holds what `--from` names in them.
    """

    name: str
    base: Origin
    steps: tuple[StageInstruction, ...]
    sources: dict[str, Origin] = field(default_factory=dict)


Origin: TypeAlias = PlannedStage | Named


class Plan:
    """The stages of a file. `ordered` are those that are needed, in an order that works."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        arguments: Arguments,
        origins: Origins,
        platform: Platform | None,
    ) -> None:
        """Read what comes before the first FROM, and the FROMs.

        Raises `DockerfileError` that names the line.
        """
        self.ordered: list[PlannedStage] = []
        self._file = dockerfile
        self._lexer = Lexer(dockerfile.escape)
        self._origins = origins
        self._platform = platform
        self._texts = dockerfile.stages
        for instruction in dockerfile.arguments:
            with located(dockerfile.file, instruction.line):
                arguments.declare(instruction, self._lexer)
        variables = arguments.variables
        self._bases = [self._expanded(stage.origin, variables) for stage in self._texts]
        self._planned: dict[int, Origin] = {}
        self._begun: list[int] = []

    def target(self, name: str | None) -> Origin:
        """Plan the stage of this name or number, by default the last, and all that it needs.

        Raises `DockerfileError`, and what `Image.load` raises.
        """
        return self._stage(self._target_number(name))

    def _target_number(self, name: str | None) -> int:
        if name is None:
            return len(self._texts) - 1
        number = self._number(name, before=len(self._texts))
        if number is None:
            names = [stage.origin.name for stage in self._texts if stage.origin.name]
            known = f"it has {', '.join(map(quoted, names))}" if names else "none has a name"
            raise DockerfileError(f"there is no stage {quoted(name)}: {known}", self._file.file)
        return number

    def _expanded(self, origin: From, variables: dict[str, str]) -> tuple[str, Platform | None]:
        """Replace the variables of a FROM."""
        with located(self._file.file, origin.line):
            base = self._lexer.expand(origin.base, variables)
            if not base:
                raise DockerfileError(f"the base {quoted(origin.base)} is empty")
            if not origin.platform:
                return base, None
            text = self._lexer.expand(origin.platform, variables)
            if not text:
                raise DockerfileError(f"the platform {quoted(origin.platform)} is empty")
            try:
                return base, Platform.parse(text)
            except InvalidPlatformError as error:
                raise DockerfileError(str(error)) from error

    def _number(self, name: str, *, before: int) -> int | None:
        """Find a stage by its name or number; of several with one name, the last is meant."""
        if _NUMBER.fullmatch(name):
            return int(name) if 0 <= int(name) < len(self._texts) else None
        for number in reversed(range(before)):
            if self._texts[number].origin.name == name.lower():
                return number
        return None

    def _stage(self, number: int) -> Origin:
        """Plan a stage, once."""
        if number not in self._planned:
            text = self._texts[number]
            with located(self._file.file, text.origin.line):
                if number in self._begun:
                    raise DockerfileError(f"the stage {_called(text, number)} needs itself")
                if len(self._begun) == _MAX_DEPTH:
                    raise DockerfileError(f"more than {_MAX_DEPTH} stages need each other")
                self._begun.append(number)
                self._planned[number] = self._replaced(text.origin) or self._new(number)
                self._begun.pop()
        return self._planned[number]

    def _replaced(self, origin: From) -> Origin | None:
        """Look for a build context that stands in for the stage."""
        if not origin.name:
            return None
        what = self._origins.context(origin.name, self._platform)
        return None if what is None else Named(origin.name, what)

    def _new(self, number: int) -> PlannedStage:
        text = self._texts[number]
        name, platform = self._bases[number]
        base = self._base(number, name, platform)
        if isinstance(base, Named) and isinstance(base.what, Directory):
            raise DockerfileError(
                f"the build context {quoted(name)} is a directory, and FROM needs an image"
            )
        steps = (*self._triggered(base, text.origin), *text.steps)
        stage = PlannedStage(_called(text, number), base, steps)
        for step in steps:
            with located(self._file.file, step.line):
                for source in _origins_of(step):
                    stage.sources[source] = self._source(source, number)
        self.ordered.append(stage)
        return stage

    def _base(self, number: int, name: str, platform: Platform | None) -> Origin:
        """Find what a FROM names: a stage above, which is named in lower case, or an image."""
        above = self._number(name, before=number) if name == name.lower() else None
        if above is not None and not _NUMBER.fullmatch(name):
            return self._stage(above)
        # Nothing is for every platform: it is what the whole is built for.
        wanted = None if name == SCRATCH else platform
        try:
            return Named(name, self._origins.find(name, wanted or self._platform))
        except RegistryError as error:
            names = [stage.origin.name for stage in self._texts[:number]]
            near = get_close_matches(name, filter(None, names), n=1)
            if not near:
                raise
            raise DockerfileError(f"{error}; did you mean the stage {quoted(near[0])}?") from error

    def _source(self, name: str, user: int) -> Origin:
        """Find what `--from` names in the stage with the number `user`."""
        if "$" in name:
            raise DockerfileError(
                f"`--from={name}` takes no variables: name a stage whose FROM has them"
            )
        number = self._number(name, before=len(self._texts))
        if number is not None and number <= user:
            return self._stage(number)
        if number is not None:
            replaced = self._replaced(self._texts[number].origin)
            if replaced is None:
                raise DockerfileError(
                    f"the stage {quoted(name)} comes later: `--from` takes those above"
                )
            return replaced
        if _NUMBER.fullmatch(name):
            raise DockerfileError(f"there is no stage {name}: the last is {len(self._texts) - 1}")
        return Named(name, self._origins.find(name, self._platform))

    def _triggered(self, base: Origin, origin: From) -> Iterator[StageInstruction]:
        """Read what ONBUILD of the base asks for; it counts as part of the FROM."""
        for trigger in _triggers_of(base):
            try:
                (statement,) = read_lines(trigger.encode("utf-8", "surrogateescape")).statements
                step = read_instruction(statement)
            except (DockerfileError, ValueError) as error:
                reason = error if isinstance(error, DockerfileError) else "it is not one line"
                raise DockerfileError(f"ONBUILD {quoted(trigger)} of the base: {reason}") from error
            if isinstance(step, From):
                raise DockerfileError(f"ONBUILD {quoted(trigger)} of the base is not allowed")
            if isinstance(base, Named) and any(map(is_of_host, _origins_of(step))):
                raise DockerfileError(
                    f"ONBUILD {quoted(trigger)} of the base names a file of this machine: only "
                    "the Dockerfile itself may"
                )
            yield replace(step, line=origin.line)


def _called(text: StageText, number: int) -> str:
    return text.origin.name or str(number)


def _triggers_of(base: Origin) -> Iterable[str]:
    if isinstance(base, PlannedStage):
        return [step.trigger for step in base.steps if isinstance(step, Onbuild)]
    return base.what.config.config.on_build if isinstance(base.what, Image) else ()


def _origins_of(step: StageInstruction) -> Iterable[str]:
    """List what an instruction has in `--from` and in the `from` of its mounts."""
    match step:
        case Copy(from_=str(name)):
            return [name]
        case Run():
            return [name for mount in step.mounts if (name := mount_origin(mount))]
    return ()
