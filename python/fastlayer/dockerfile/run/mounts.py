"""What `--mount` adds to the file system of a step, and where."""

from __future__ import annotations

import os
import posixpath
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fastlayer.dockerfile.run.view import View
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.dockerfile.instructions import Mount
    from fastlayer.dockerfile.run.step import Mounted, RunStep
    from fastlayer.dockerfile.run.workspace import Workspace

__all__ = ["Mounts", "Target", "check_mount", "mounts_of"]

_NO_TARGET: Final = "it needs a `target` that is not the root"


@dataclass(frozen=True, slots=True)
class Target:
    """A place in the container that something is mounted on."""

    path: str
    is_directory: bool


@dataclass(slots=True)
class Mounts:
    """Mounts for the runtime's configuration, and shell commands that come before it.

    `options` are those of every overlay.
    """

    options: Sequence[str]
    entries: list[dict[str, Any]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def bind(self, source: str, target: str, *options: str) -> None:
        """Add a file or directory of the host."""
        entry = {"type": "bind", "source": source, "options": ["rbind", *options]}
        self._add(entry, Target(target, os.path.isdir(source)))  # noqa: PTH112 (text)

    def tmpfs(self, target: str, size: int | None) -> None:
        """Add an empty file system in memory."""
        options = ["nosuid", "nodev", *([f"size={size}"] if size else [])]
        entry = {"type": "tmpfs", "source": "tmpfs", "options": options}
        self._add(entry, Target(target, is_directory=True))

    def _add(self, entry: dict[str, Any], target: Target) -> None:
        self.entries.append({"destination": target.path, **entry})
        self.targets.append(target)


def mounts_of(step: RunStep, workspace: Workspace, folder: str, options: Sequence[str]) -> Mounts:
    """Prepare the `--mount`s of a step, in the step's `folder`.

    `options` are those of every overlay. Raises `DockerfileError` for what cannot be mounted.
    """
    mounts = Mounts(options)
    for number, mounted in enumerate(step.mounts):
        check_mount(mounted.mount)
        target = posixpath.normpath(posixpath.join("/", step.cwd, mounted.mount.target))
        try:
            _add(mounts, mounted, target, workspace, f"{folder}/m{number}")
        except DockerfileError as error:
            raise DockerfileError(f"`--mount=type={mounted.mount.kind}`: {error}") from error
    return mounts


def check_mount(mount: Mount) -> None:
    """Refuse what cannot be mounted wherever it is. Raises `DockerfileError`."""
    reason = _refusal(mount)
    if reason is not None:
        raise DockerfileError(f"`--mount=type={mount.kind}`: {reason}")


def _refusal(mount: Mount) -> str | None:
    if mount.kind in ("secret", "ssh"):
        return "there are no secrets and no agents for builds here" if mount.required else None
    if mount.target in ("", "/"):
        return _NO_TARGET
    if mount.kind == "cache" and mount.from_:
        return "a cache begins empty here: leave out `from`"
    return None


def _add(mounts: Mounts, mounted: Mounted, target: str, workspace: Workspace, folder: str) -> None:
    mount = mounted.mount
    if mount.kind in ("secret", "ssh"):
        return  # what is not required may be absent, as where `docker build` was given none
    if target == "/":
        raise DockerfileError(_NO_TARGET)
    if mount.kind == "tmpfs":
        mounts.tmpfs(target, mount.size)
    elif mount.kind == "cache":
        owner = (mount.uid or 0, mount.gid or 0)
        mode = 0o755 if mount.mode is None else mount.mode
        source = workspace.cache(mount.id or target, mode=mode, owner=owner)
        mounts.bind(source, target, "nodev", *(["ro"] if mount.read_only else []))
    else:
        source = _source(mounted, workspace)
        if mount.read_only:
            mounts.bind(source, target, "ro", "nodev")
        else:
            mounts.bind(_writable(mounts, source, folder), target, "nodev")


def _source(mounted: Mounted, workspace: Workspace) -> str:
    """Find the directory or file of a bind; links lead to places in what it comes from."""
    source = mounted.source
    if source is None:
        raise DockerfileError("there is no build context")
    place = View([workspace.tree(source)]).resolve(mounted.mount.source)
    if not place.found:
        raise DockerfileError(f"{quoted(mounted.mount.source)} is not there")
    return place.found[0]


def _writable(mounts: Mounts, source: str, folder: str) -> str:
    """Have writes to `source` go elsewhere, where they are lost: nothing else may see them."""
    is_directory = os.path.isdir(source)  # noqa: PTH112
    lower = source if is_directory else os.path.dirname(source)  # noqa: PTH120
    for name in ("", "lower", "upper", "work", "merged"):
        os.mkdir(f"{folder}/{name}")  # noqa: PTH102
    # A bind gives the source a name without the commas and colons that it may have.
    mounts.commands.append(shlex.join(["mount", "--bind", lower, f"{folder}/lower"]))
    text = ",".join(["lowerdir=lower", "upperdir=upper", "workdir=work", *mounts.options])
    overlay = shlex.join(["mount", "-t", "overlay", "overlay", "-o", text, "merged"])
    mounts.commands.append(f"(cd {shlex.quote(folder)} && {overlay})")
    merged = f"{folder}/merged"
    return merged if is_directory else f"{merged}/{os.path.basename(source)}"  # noqa: PTH119
