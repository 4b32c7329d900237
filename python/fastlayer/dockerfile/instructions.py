"""What the instructions of a Dockerfile say, one class each.

`line` is where an instruction begins in its file, counted from 1; `text` is the instruction as it
was written, its continuation lines joined. Words are as they were written until the evaluator
expands their variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from fastlayer.config import Healthcheck

__all__ = [
    "Add",
    "Arg",
    "Argument",
    "Cmd",
    "Command",
    "Copy",
    "Entrypoint",
    "Env",
    "Expose",
    "From",
    "Health",
    "Heredoc",
    "Instruction",
    "Label",
    "Maintainer",
    "Mount",
    "Onbuild",
    "Pair",
    "Run",
    "Shell",
    "Stopsignal",
    "User",
    "Volume",
    "Workdir",
]


_LEADING_TABS: Final = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heredoc:
    """Lines between `<<NAME` and `NAME`.

    `content` is as it stands in the file, each line with its line break: where `chomp` (`<<-NAME`),
    its leading tabs are still there, until `chomped` takes them away. `expand`: whether variables
    in it are replaced, which a quote in the name forbids.
    """

    name: str
    content: str
    expand: bool = True
    chomp: bool = False

    @property
    def chomped(self) -> str:
        """The content as it is meant: without leading tabs if `chomp`."""
        return _LEADING_TABS.sub("", self.content) if self.chomp else self.content


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: `words` as a JSON array had them, or with `for_shell` one for a shell."""

    words: tuple[str, ...]
    for_shell: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """`key=value`, or with `spaced` the old form `key value`."""

    key: str
    value: str
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """One variable of ARG; `value` is its default."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """What all have in common."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class From(Instruction):
    """`FROM [--platform=…] base [AS name]`; `name` is in lower case, empty if there is none."""

    base: str
    name: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class _Transfer(Instruction):
    """What COPY and ADD have in common. `sources` and `heredocs` are in their own order each.

    Of `heredocs` the `name` is that of the file. `link`, `parents`, `exclude` and so on are the
    flags of the same name.
    """

    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[Heredoc, ...] = ()
    chown: str | None = None
    chmod: str | None = None
    link: bool = False
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy(_Transfer):
    """`COPY [--from=…] source… destination`; `from_` is a stage, an image or a build context."""

    from_: str | None = None
    parents: bool = False


@dataclass(frozen=True, slots=True)
class Add(_Transfer):
    """`ADD source… destination`; `unpack` is `None` where the default holds.

    Nothing is kept of `--keep-git-dir`: it is for repositories, which are refused.
    """

    checksum: str | None = None
    unpack: bool | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """One `--mount=` of RUN, its variables replaced.

    `kind` is `bind`, `cache`, `tmpfs`, `secret` or `ssh`; `from_` is a stage, an image or a build
    context, empty for the context; `source` and `target` are as they were written. `size` is in
    bytes. What was not given is empty or `None`.
    """

    kind: str = "bind"
    from_: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = True
    size: int | None = None
    id: str = ""
    sharing: str = ""
    required: bool = False
    env: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class Run(Instruction):
    """`RUN [--mount=…] [--network=…] [--security=…] command`; flags are empty if not given.

    `mounts` are as they were written: `mount.read_mount` reads them.
    """

    command: Command
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[str, ...] = ()
    network: str = ""
    security: str = ""


@dataclass(frozen=True, slots=True)
class Cmd(Instruction):
    """`CMD command`."""

    command: Command


@dataclass(frozen=True, slots=True)
class Entrypoint(Instruction):
    """`ENTRYPOINT command`."""

    command: Command


@dataclass(frozen=True, slots=True)
class Shell(Instruction):
    """`SHELL ["…", …]`."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Env(Instruction):
    """`ENV key=value …` or `ENV key value`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Label(Instruction):
    """`LABEL key=value …` or `LABEL key value`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Arg(Instruction):
    """`ARG name[=default] …`."""

    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Maintainer(Instruction):
    """`MAINTAINER name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Workdir(Instruction):
    """`WORKDIR path`."""

    path: str


@dataclass(frozen=True, slots=True)
class User(Instruction):
    """`USER user[:group]`."""

    user: str


@dataclass(frozen=True, slots=True)
class Volume(Instruction):
    """`VOLUME path …`, in either form."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expose(Instruction):
    """`EXPOSE port[-port][/protocol] …`, in the order of the texts."""

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stopsignal(Instruction):
    """`STOPSIGNAL signal`."""

    signal: str


@dataclass(frozen=True, slots=True)
class Health(Instruction):
    """`HEALTHCHECK …`; its test is without a shell around it."""

    check: Healthcheck


@dataclass(frozen=True, slots=True)
class Onbuild(Instruction):
    """`ONBUILD instruction`; `trigger` is the instruction's text, heredocs included."""

    trigger: str


StageInstruction: TypeAlias = (
    Add
    | Arg
    | Cmd
    | Copy
    | Entrypoint
    | Env
    | Expose
    | Health
    | Label
    | Maintainer
    | Onbuild
    | Run
    | Shell
    | Stopsignal
    | User
    | Volume
    | Workdir
)
"""What can stand in a stage, behind its FROM."""
