"""A stage while its instructions are evaluated, and when they have been."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fastlayer.config import DEFAULT_PATH, RunConfig
from fastlayer.dockerfile.history import step
from fastlayer.dockerfile.places import clean, joined
from fastlayer.dockerfile.text import MAX_LENGTH
from fastlayer.epoch import source_date_epoch
from fastlayer.errors import DockerfileError
from fastlayer.image import Image
from fastlayer.layer import Layer
from fastlayer.setting import timestamp
from fastlayer.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastlayer.config import Healthcheck, History, ImageConfig
    from fastlayer.dockerfile.workshop import Workshop
    from fastlayer.options import PackOptions
    from fastlayer.platform import Platform
    from fastlayer.stored.image import StoredLayer

__all__ = ["State"]

_WINDOWS_PATH: Final = "c:\\Windows\\System32;c:\\Windows"


@dataclass(slots=True)
class _Settings:
    """The settings of a container while they change: as those of `RunConfig`, but by names."""

    env: dict[str, str]
    labels: dict[str, str]
    exposed_ports: dict[str, Any]
    volumes: dict[str, Any]
    user: str
    working_dir: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    shell: tuple[str, ...]
    stop_signal: str
    healthcheck: Healthcheck | None
    args_escaped: bool
    on_build: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, run: RunConfig) -> _Settings:
        """Take those of a base, but for what it wanted done on top of it."""
        pairs = (variable.partition("=") for variable in run.env)
        return cls(
            env={name: value for name, _, value in pairs},
            labels=dict(run.labels),
            exposed_ports=dict(run.exposed_ports),
            volumes=dict(run.volumes),
            user=run.user,
            working_dir=run.working_dir,
            entrypoint=run.entrypoint,
            cmd=run.cmd,
            shell=run.shell,
            stop_signal=run.stop_signal,
            healthcheck=run.healthcheck,
            args_escaped=run.args_escaped,
        )

    @property
    def run_config(self) -> RunConfig:
        """These settings, and no others."""
        return RunConfig(
            env=tuple(f"{name}={value}" for name, value in self.env.items()),
            labels=dict(self.labels),
            exposed_ports=dict(self.exposed_ports),
            volumes=dict(self.volumes),
            user=self.user,
            working_dir=self.working_dir,
            entrypoint=self.entrypoint,
            cmd=self.cmd,
            shell=self.shell,
            stop_signal=self.stop_signal,
            healthcheck=self.healthcheck,
            args_escaped=self.args_escaped,
            on_build=tuple(self.on_build),
        )


class State:
    """A stage, or an image that a stage begins with or copies from.

    `variables` are those that its instructions see: of the environment and of build arguments;
    `arguments` are the latter alone, with the values they were declared with. `fixed_cmd` says
    that the stage has a CMD of its own, which an ENTRYPOINT does not take away.
    """

    def __init__(
        self, name: str, config: ImageConfig, workshop: Workshop, options: PackOptions
    ) -> None:
        self.name = name
        self.options = options
        self.settings = _Settings.of(config.config)
        self.author = config.author
        self.variables: dict[str, str] = {}
        self.arguments: list[tuple[str, str]] = []
        self.fixed_cmd = False
        self._config = config
        self._history: list[History] = []
        self._told = 0
        self._described: list[Layer | StoredLayer] = []
        self._inherited: tuple[History, ...] = ()
        self._workshop = workshop
        self._base: State | None = None
        self._tree: Tree | None = None
        self._applied = 0

    @classmethod
    def of_image(cls, name: str, image: Image, workshop: Workshop) -> State:
        """Take an image as it is."""
        # What its maker's tools wrote besides (`docker_version` and such) is not true of a child.
        config = msgspec.structs.replace(image.config, unknown={}, created=_created())
        state = cls(name, config, workshop, {})
        state._history = list(image.config.history)
        state._inherited = image.config.history
        state._described = list(image.layers)
        return state

    def child(self, name: str, options: PackOptions) -> State:
        """Begin a stage from this one, which changes no more."""
        child = State(name, self._config, self._workshop, options)
        child.settings = _Settings.of(self.settings.run_config)
        child.author = self.author
        child._history = list(self._history)
        child._told = self._told
        child._inherited = self._inherited
        child._described = list(self._described)
        child._base = self
        child._begin(self.variables)
        return child

    def _begin(self, variables: Mapping[str, str]) -> None:
        """Make sure of what every stage has: a PATH, and a clean working directory."""
        settings = self.settings
        if "PATH" not in settings.env:
            settings.env["PATH"] = _WINDOWS_PATH if self.platform.os == "windows" else DEFAULT_PATH
        if settings.working_dir:
            settings.working_dir = joined("/", settings.working_dir)
        self.variables = {**variables, **settings.env}

    @property
    def image(self) -> Image:
        """Layers, config and history so far."""
        config = msgspec.structs.replace(
            self._config,
            author=self.author,
            config=self.settings.run_config,
            history=tuple(self._history),
        )
        layers = tuple(map(self._workshop.known, self._described))
        return Image(config, layers, inherited=self._inherited)

    @property
    def platform(self) -> Platform:
        """What the stage is built for."""
        return self._config.platform

    @property
    def working_dir(self) -> str:
        """The working directory, clean."""
        return clean(self.settings.working_dir or "/")

    @property
    def user(self) -> str:
        """Who runs its containers."""
        return self.settings.user

    @property
    def epoch(self) -> int | None:
        """The time of what has no time of its own."""
        return source_date_epoch()

    @property
    def layers(self) -> Sequence[StoredLayer]:
        """All layers so far, made."""
        return self._workshop.stored(self._described)

    @property
    def tree(self) -> Tree:
        """What is there when all layers so far are applied."""
        if self._tree is None:
            self._tree = Tree()
            if self._base is not None and self._base._described:
                self._tree = self._base.tree.copy()
                self._applied = len(self._base._described)
        while self._applied < len(self._described):
            self._tree.apply(self._readable(self._described[self._applied]))
            self._applied += 1
        return self._tree

    def _readable(self, layer: Layer | StoredLayer) -> Layer | StoredLayer:
        """Return a layer in the form that is read soonest: in a file, or not made at all."""
        made = self._workshop.known(layer)
        return made if isinstance(made, Layer) else self._workshop.stored([made])[0]

    def append(self, layer: Layer, text: str) -> None:
        """Add a layer and its step in the history."""
        self._described.append(layer)
        self._tell(text, layer=True)

    def tell(self, text: str) -> None:
        """Add a step that made no layer to the history."""
        self._tell(text, layer=False)

    def _tell(self, text: str, *, layer: bool) -> None:
        self._told += len(text)
        if self._told > MAX_LENGTH:
            raise DockerfileError(f"the history has more than {MAX_LENGTH} characters")
        self._history.append(step(text, layer=layer))


def _created() -> str:
    """Tell the time of creation: not that of the base, but SOURCE_DATE_EPOCH or none."""
    epoch = source_date_epoch()
    return "" if epoch is None else timestamp(epoch)
