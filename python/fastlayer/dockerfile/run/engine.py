"""RUN executed: an overlay of the layers so far, a runtime in it, and what it has changed."""

from __future__ import annotations

import json
import os
import shlex
import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from fastlayer.dockerfile.run.accounts import account_of
from fastlayer.dockerfile.run.cgroups import without_cgroups
from fastlayer.dockerfile.run.check import check_security, check_texts
from fastlayer.dockerfile.run.files import add_files
from fastlayer.dockerfile.run.machine import check_rights, find_runtime, in_user_namespace
from fastlayer.dockerfile.run.mounts import mounts_of
from fastlayer.dockerfile.run.network import check_network, network_of, resolv_conf
from fastlayer.dockerfile.run.process import execute
from fastlayer.dockerfile.run.seccomp import can_filter
from fastlayer.dockerfile.run.spec import Container, spec_of
from fastlayer.dockerfile.run.stubs import add_stubs
from fastlayer.dockerfile.run.view import View
from fastlayer.dockerfile.run.workspace import make_like, workspace
from fastlayer.errors import DockerfileError, quoted
from fastlayer.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from fastlayer.dockerfile.run.step import RunStep
    from fastlayer.dockerfile.run.workspace import Workspace
    from fastlayer.stored.image import StoredLayer

__all__ = ["RunEngine", "run_step"]

# So that an upper directory has all of what it changes, wherever the kernel's defaults are others.
_FEATURES: Final = {"index": "off", "metacopy": "off", "redirect_dir": "nofollow"}

_STARTED: Final = "started"
_SIGNALLED: Final = 128  # statuses above are signals


class RunEngine:
    """An OCI runtime, crun or runc, for the RUNs of one build.

    It is a context manager, and used once: in it there is a folder with what was unpacked, in
    `folder` or where temporary files go, which is removed at the end. `network` is what steps get:
    `none`, or the one of the `host`.

    Raises `InvalidArgumentError` for wrong arguments and a program that is not installed, and
    `DockerfileError` if this process may not mount file systems.
    """

    def __init__(
        self,
        program: str = "crun",
        *,
        network: str = "none",
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.program = find_runtime(program)
        self.can_filter = can_filter(self.program)
        self.network = check_network(network)
        self._folder = None if folder is None else os.path.realpath(folder)
        self._open = ExitStack()
        self._workspace: Workspace | None = None
        check_rights()

    def __enter__(self) -> Self:
        self._workspace = self._open.enter_context(workspace(self._folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._workspace = None
        self._open.__exit__(kind, error, traceback)

    @property
    def is_crun(self) -> bool:
        """Whether it is crun rather than runc."""
        return Path(self.program).name == "crun"

    @property
    def keeps_nodev(self) -> bool:
        """Whether devices on the root file system stay without use, which crun undoes."""
        return not self.is_crun

    @property
    def workspace(self) -> Workspace:
        """The folder in use."""
        if self._workspace is None:
            raise RuntimeError("a RunEngine is a context manager: use it in a `with` block")
        return self._workspace

    def command(self, folder: str) -> list[str]:
        """Return the runtime's command for the container in a step's `folder`."""
        options = [f"--root={folder}/state", f"--log={folder}/log", "--log-format=json"]
        options.append("--cgroup-manager=disabled" if self.is_crun else "--rootless=true")
        name = f"fastlayer-{os.getpid()}-{Path(folder).name}"
        return [self.program, *options, "run", f"--bundle={folder}", name]


def run_step(layers: Sequence[StoredLayer], step: RunStep, engine: RunEngine) -> Layer | None:
    """Execute a RUN on top of `layers`, and describe what it has changed.

    The layer has to be made before the next step of this engine and before the engine ends; it is
    `None` if nothing was changed.

    Raises `DockerfileError` for a command that fails, and for what cannot be done; `SourceError`
    and `InvalidImageError` for layers that cannot be unpacked; and `OSError`.
    """
    check_security(step.security)
    check_texts(step)
    network = network_of(step.network, engine.network)
    work = engine.workspace
    chain = work.chain(layers)
    view = View(chain)
    folder = work.step()
    for name in ("upper", "work", "merged", "stubs"):
        os.mkdir(f"{folder}/{name}")  # noqa: PTH102
    make_like(f"{folder}/upper", chain[0])
    make_like(f"{folder}/stubs", chain[0])
    features = _features()
    mounts = mounts_of(step, work, folder, features)
    add_files(mounts, step.script, folder, resolv_conf(network))
    add_stubs(f"{folder}/stubs", mounts.targets, view)
    container = Container(
        rootfs=f"{folder}/merged",
        account=account_of(step.user, view),
        network=network,
        mounts=mounts.entries,
        devices=engine.keeps_nodev,
        filtered=engine.can_filter,
    )
    Path(folder, "config.json").write_text(json.dumps(spec_of(step, container)))
    mounts.commands.insert(0, _overlay(work.path, folder, chain, features))
    _execute(step, engine, folder, mounts.commands)
    return _layer(f"{folder}/upper", chain[0], step)


def _features() -> list[str]:
    """Return the options of overlays that this kernel knows."""
    known = Path("/sys/module/overlay/parameters")
    options = [f"{name}={value}" for name, value in _FEATURES.items() if (known / name).exists()]
    return [*options, *(["userxattr"] if in_user_namespace() else [])]


def _overlay(base: str, folder: str, chain: Sequence[str], features: Sequence[str]) -> str:
    """Write the command that mounts a step's root, by names below `base`, which are short."""
    step = os.path.relpath(folder, base)
    lower = [f"{step}/stubs", *(os.path.relpath(directory, base) for directory in chain)]
    names = [
        f"lowerdir={':'.join(lower)}",
        f"upperdir={step}/upper",
        f"workdir={step}/work",
        *features,
        "nodev",
    ]
    return shlex.join(
        ["mount", "-t", "overlay", "overlay", "-o", ",".join(names), f"{step}/merged"]
    )


def _execute(step: RunStep, engine: RunEngine, folder: str, commands: list[str]) -> None:
    """Mount, and run the container. Raises `DockerfileError` unless its command succeeds."""
    started = f"{folder}/{_STARTED}"
    script = "\n".join(
        [
            "set -e",
            *commands,
            *without_cgroups(crun=engine.is_crun),
            f": > {shlex.quote(started)}",
            f"exec {shlex.join(engine.command(folder))}",
        ]
    )
    status = execute(["sh", "-c", script], cwd=engine.workspace.path)
    if status == 0:
        return
    if not os.path.exists(started):  # noqa: PTH110
        raise DockerfileError(
            "the machine does not let RUN mount its file systems, as told above: an overlay cannot "
            "be in another one, so that TMPDIR may have to be elsewhere"
        )
    reason = _reason(f"{folder}/log")
    if reason is not None:
        raise DockerfileError(f"{Path(engine.program).name} cannot run {_shown(step)}: {reason}")
    raise DockerfileError(f"the command {_shown(step)} {_ending(status)}")


def _shown(step: RunStep) -> str:
    return quoted(step.text or shlex.join(step.argv))


def _ending(status: int) -> str:
    if status > _SIGNALLED:
        with suppress(ValueError):
            name = signal.Signals(status - _SIGNALLED).name
            return f"ended with status {status}, as by the signal {name}"
    return f"ended with status {status}"


def _reason(log: str) -> str | None:
    """Return the last error that the runtime itself has had."""
    reason = None
    with suppress(OSError, ValueError):
        for line in Path(log).read_text(errors="replace").splitlines():
            entry: dict[str, Any] = json.loads(line)
            if entry.get("level") in ("error", "fatal"):
                reason = str(entry.get("msg"))
    return reason


def _layer(upper: str, below: str, step: RunStep) -> Layer | None:
    """Describe the layer of what was changed; its root is that of the layers below."""
    with os.scandir(upper) as entries:
        if next(entries, None) is None:
            return None
    make_like(upper, below)
    return Layer.from_overlay(upper, **step.options)
