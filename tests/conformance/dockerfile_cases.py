"""The Dockerfiles of `dockerfiles/`, each with a table of its context and of how it is built."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import trixie
from .dockers import OLDER
from .files import Table, write_archive, write_files

FOLDER = Path(__file__).parent / "dockerfiles"

# Programs of the small file system that cases with `base = true` start from, all one busybox.
# fmt: off
APPLETS = (
    "cat", "chmod", "chown", "cp", "echo", "env", "find", "grep", "id", "ln", "ls", "mkdir",
    "mv", "printf", "pwd", "rm", "rmdir", "sed", "sh", "sort", "stat", "test", "touch", "tr",
    "true", "wc",
)
# fmt: on


@dataclass(frozen=True)
class Case:
    """What `case.toml` says; without one everything is as here."""

    name: str
    # The oldest Docker that can build it.
    docker: int = OLDER
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: str | None = None
    # Whether it has RUN.
    run: bool = False
    # Whether `base.tar`, a file system with a shell, users, links and odd modes, is in the context.
    base: bool = False
    # Another case, whose image is the build argument BASE.
    image: str | None = None
    # The files, and the archives among them, as `files.py` reads them.
    context: Table = field(default_factory=dict)
    archives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def dockerfile(self) -> Path:
        return FOLDER / self.name / "Dockerfile"

    @property
    def options(self) -> list[str]:
        """The options that docker and fastlayer have in common."""
        options = [f"--build-arg={name}={value}" for name, value in self.build_args.items()]
        if self.target is not None:
            options.append(f"--target={self.target}")
        if self.platform is not None:
            options.append(f"--platform={self.platform}")
        return options

    def write_context(self, folder: Path) -> None:
        """Make the context as both get it."""
        made = [*self.archives, *(["base.tar"] if self.base else [])]
        write_files(folder, {**self.context, **dict.fromkeys(made, "")})
        for name, told in self.archives.items():
            write_archive(folder / name, told["entries"], told.get("compression"))
        if self.base:
            write_archive(folder / "base.tar", base())


def load(name: str) -> Case:
    """Return a case by the name of its folder."""
    path = FOLDER / name / "case.toml"
    told = tomllib.loads(path.read_text()) if path.exists() else {}
    return Case(name=name, **told)


def names() -> list[str]:
    """List the cases in order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/Dockerfile"))


@functools.cache
def base() -> Table:
    """Return the entries of `base.tar`."""
    busybox = (trixie.programs() / "usr" / "bin" / "busybox").read_bytes()
    programs: Table = {
        "bin/": {},
        "bin/busybox": {"data": busybox, "mode": 0o755},
        **{f"bin/{name}": {"symlink": "busybox"} for name in APPLETS},
    }
    return {**programs, **tomllib.loads((FOLDER / "base.toml").read_text())}
