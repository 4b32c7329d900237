"""From a Dockerfile to an image: the stages that the target needs, one after the other."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastlayer.dockerfile.arguments import Arguments, warn_of_unused
from fastlayer.dockerfile.bases import Directory, Origins
from fastlayer.dockerfile.context import Sources
from fastlayer.dockerfile.copying import copied, directory_made
from fastlayer.dockerfile.instructions import Add, Copy, Run
from fastlayer.dockerfile.lines import MAX_SIZE
from fastlayer.dockerfile.located import located
from fastlayer.dockerfile.plan import Named, Plan, PlannedStage
from fastlayer.dockerfile.reading import read_dockerfile
from fastlayer.dockerfile.state import State
from fastlayer.dockerfile.steps import Steps, check_sources
from fastlayer.dockerfile.syntax import check_syntax, warn_of_gaps
from fastlayer.dockerfile.words import Lexer
from fastlayer.dockerfile.workshop import Workshop
from fastlayer.errors import DockerfileError, named, quoted
from fastlayer.layer import Layer
from fastlayer.options import Recipe
from fastlayer.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Unpack

    from fastlayer.dockerfile.instructions import Mount
    from fastlayer.dockerfile.plan import Origin
    from fastlayer.dockerfile.reading import Dockerfile
    from fastlayer.dockerfile.run import RunEngine
    from fastlayer.dockerfile.stage import Finished
    from fastlayer.image import Image
    from fastlayer.options import PackOptions
    from fastlayer.registries import Registries
    from fastlayer.stored.image import StoredLayer

__all__ = ["evaluate"]

_NAME: Final = "Dockerfile"


@contextmanager
def evaluate(
    dockerfile: str | os.PathLike[str] | bytes,
    *,
    context: str | os.PathLike[str] | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    platform: Platform | str | None = None,
    build_contexts: Mapping[str, str | os.PathLike[str]] | None = None,
    run: RunEngine | None = None,
    registries: Registries | None = None,
    **options: Unpack[PackOptions],
) -> Iterator[Image]:
    """Evaluate a Dockerfile to an image, which can be built while the block runs.

        with fl.dockerfile.evaluate("Dockerfile", context=".", build_args={"V": "1"}) as image:
            image.save("app.tar", tags=["app:1"])

    `dockerfile` is the path of a file, or the content of one. `context` is the directory that COPY
    and ADD take files from; without one they can take none. `target` is a stage, by default the
    last; only stages that it needs are evaluated. `platform` is what all is built for. By default
    that is the host, and a base that is for another one stays so.

    `build_contexts` are names for FROM and `--from` besides those of stages and images: each a
    directory, or an image as `docker-image://NAME`, `oci-layout://DIR` or what `Image.load` takes.

    RUN needs an engine, `fastlayer.dockerfile.RunEngine`; without one it is an error, before any
    work. The options are those of `fastlayer.PackOptions`, and hold for every layer of the image.

    Layers are described and made by what writes the image. But those that a RUN or `COPY --from`
    reads are made first, in a temporary folder that is removed when the block ends.

    Raises `DockerfileError`, which names the line, `InvalidArgumentError`, what `Image.load` raises
    for bases, and `OSError`.
    """
    Recipe.packing(options)
    target_platform = Platform.parse(platform) if isinstance(platform, str) else platform
    contexts = {name: os.fspath(text) for name, text in (build_contexts or {}).items()}
    origins = Origins(contexts, registries)
    content, file, path = _content(dockerfile)
    parsed = read_dockerfile(content, file=file)
    check_syntax(parsed)
    host = Platform.host()
    arguments = Arguments(build_args or {}, host, target_platform or host)
    plan = Plan(parsed, arguments, origins, target_platform)
    wanted = plan.target(target)
    _check(plan, parsed, run)
    warn_of_gaps(parsed)
    warn_of_unused(build_args or {}, parsed, arguments)
    with ExitStack() as stack:
        workshop = stack.enter_context(Workshop.opened())
        if run is not None:
            stack.enter_context(run)
        evaluation = _Evaluation(parsed, arguments, workshop, run, options)
        evaluation.take_files_from(None if context is None else os.fspath(context), path)
        image = evaluation.image(plan, wanted)
        yield image if target_platform is None else image.with_platform(target_platform)


def _content(dockerfile: str | os.PathLike[str] | bytes) -> tuple[bytes, str, str | None]:
    """Read the file. Give what messages call it, and its path if it has one."""
    if isinstance(dockerfile, bytes):
        return dockerfile, _NAME, None
    path = os.fsdecode(dockerfile)
    with named(path), Path(path).open("rb") as stream:
        content = stream.read(MAX_SIZE + 1)
    return content, path, path


def _check(plan: Plan, dockerfile: Dockerfile, run: RunEngine | None) -> None:
    """Refuse what cannot be done, in any stage that is needed."""
    lexer = Lexer(dockerfile.escape)
    for stage in plan.ordered:
        for step in stage.steps:
            with located(dockerfile.file, step.line):
                if isinstance(step, Run):
                    _check_run(step, run, lexer)
                if isinstance(step, Add | Copy):
                    check_sources(step)


def _check_run(step: Run, run: RunEngine | None, lexer: Lexer) -> None:
    if run is None:
        raise DockerfileError(
            "RUN needs a running container: begin with a base that has what it makes, by edits "
            "(`fastlayer build --rootfs … --put …`), by a recipe or built elsewhere, or give "
            "`--run-engine crun`"
        )
    from fastlayer.dockerfile.run.check import check_run  # noqa: PLC0415 (few need it)

    check_run(step, run, lexer)


class _Evaluation:
    """One evaluation: stages that are done, and all that their instructions need."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        arguments: Arguments,
        workshop: Workshop,
        run: RunEngine | None,
        options: PackOptions,
    ) -> None:
        self._file = dockerfile.file
        self._arguments = arguments
        self._workshop = workshop
        self._run = run
        self._options = options
        self._states: dict[int, State] = {}
        self._images: dict[int, State] = {}
        # What `--from` names in the stage that is being evaluated.
        self._from: Mapping[str, Origin] = {}
        self._lexer = Lexer(dockerfile.escape)
        # What is mounted of directories of this host, by what `from` says.
        self._mounts: dict[str, Layer] = {}

    def take_files_from(self, context: str | None, dockerfile: str | None) -> None:
        """Say where files come from; beside the Dockerfile may lie what says which do not."""
        self._sources = Sources(context=context, dockerfile=dockerfile, find=self._found)

    def image(self, plan: Plan, wanted: Origin) -> Image:
        """Evaluate all stages that are needed, and give the image of the one that is wanted."""
        steps = Steps(self._lexer, self._arguments, self)
        final = _chain(wanted)
        for stage in plan.ordered:
            # What is only copied from is not compressed.
            options: PackOptions = {**self._options, "compression": "none", "level": None}
            self._evaluate(stage, steps, self._options if stage in final else options)
        return self._state(wanted).image

    def _evaluate(self, stage: PlannedStage, steps: Steps, options: PackOptions) -> None:
        self._from = stage.sources
        state = self._state(stage.base).child(stage.name, options)
        self._states[id(stage)] = state
        for step in stage.steps:
            with located(self._file, step.line):
                steps.perform(step, state)

    def _state(self, origin: Origin) -> State:
        """Return what a stage has become, or an image as if it were one."""
        if isinstance(origin, PlannedStage):
            return self._states[id(origin)]
        image = origin.what
        if isinstance(image, Directory):
            raise DockerfileError(f"{quoted(origin.name)} is a directory, not an image", self._file)
        if id(image) not in self._images:
            state = State.of_image(origin.name, image, self._workshop)
            if image.origin is None:  # scratch, by whatever name
                state.settings.working_dir = "/"
            self._images[id(image)] = state
        return self._images[id(image)]

    def _found(self, name: str) -> Finished | str:
        """Return what `--from` names in the stage that is being evaluated."""
        origin = self._from[name]
        if isinstance(origin, Named) and isinstance(origin.what, Directory):
            return origin.what.path
        return self._state(origin)

    def copied(self, instruction: Add | Copy, state: State) -> Layer | None:
        """Describe the layer of COPY or ADD."""
        return copied(instruction, state, self._sources)

    def directory_made(self, path: str, state: State) -> Layer | None:
        """Describe the layer of WORKDIR."""
        return directory_made(path, state)

    def run(self, instruction: Run, state: State) -> tuple[Layer | None, str]:
        """Run a command on the layers so far, and keep what it changed: the next one needs it."""
        from fastlayer.dockerfile.run import run_step  # noqa: PLC0415 (few need it)
        from fastlayer.dockerfile.running import step_of, text_of  # noqa: PLC0415

        proxies = self._arguments.proxies()
        step = step_of(instruction, state, self._lexer, proxies, self._mounted)
        if self._run is None:  # `_check` has looked
            raise DockerfileError("RUN needs an engine")
        layer = run_step(state.layers, step, self._run)
        if layer is not None:
            self._workshop.stored([layer])
        return layer, text_of(instruction, state)

    def _mounted(self, mount: Mount) -> Sequence[StoredLayer] | None:
        """Return what a mount takes its files from: what `from` names, or the context."""
        if mount.kind != "bind" and not mount.from_:
            return None
        found = self._found(mount.from_) if mount.from_ else None
        if found is not None and not isinstance(found, str):
            return found.layers
        if mount.from_ not in self._mounts:
            item = self._sources.origin(mount.from_ or None).item(b"", {}, contents=True)
            self._mounts[mount.from_] = Layer.from_items([item], compression="none")
        return self._workshop.stored([self._mounts[mount.from_]])


def _chain(origin: Origin) -> list[PlannedStage]:
    """List a stage and the stages that it began from: their layers are in its image."""
    found = []
    while isinstance(origin, PlannedStage):
        found.append(origin)
        origin = origin.base
    return found
