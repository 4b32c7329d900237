"""System calls of a command that are recorded, or made to fail: see `inject.c`."""

import errno
import os
import platform
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands import Argument, Outcome, command, environment
from conformance.peers import absent, call, find

SOURCE = Path(__file__).parent / "inject.c"
# Above what any call takes here, retries of registries among them.
TIMEOUT = 120.0

# Names that are drawn at random: temporary files and folders, and files without a name.
RANDOM = re.compile(
    r"(?P<kind>\.fastlayer-(?:unpack-)?|(?<=tmp/)fastlayer-layers-)[0-9a-f]{10}"
    r"|(?<=tmp/)(?:(?:tmp)?\w{8}(?=/|$)|#\d+ \(deleted\))"
)


@dataclass(frozen=True)
class Call:
    """A system call on files of the operation, those with names at random as a pattern."""

    name: str
    files: str
    kind: str
    failed: bool

    @classmethod
    def read(cls, line: str) -> "Call":
        name, files, kind, failed = line.split("\t")
        return cls(name, RANDOM.sub(_pattern, files), kind, failed == "1")


def _pattern(name: "re.Match[str]") -> str:
    return f"{name['kind'] or ''}*"


@dataclass(frozen=True)
class Fault:
    """What calls of one name on some files do from the `first` to the `last` time, from 1 on."""

    name: str
    files: str
    first: int
    last: int
    action: str
    """The name of an error, such as `EIO`; or `short`: half of the bytes."""

    @classmethod
    def once(cls, call: Call, number: int, action: str) -> "Fault":
        return cls(call.name, call.files, number, number, action)

    def __str__(self) -> str:
        return f"{self.action} from {self.name} of {self.files} ({self.first}-{self.last})"

    @property
    def argument(self) -> str:
        action = self.action
        if action != "short":
            action = str(getattr(errno, action))
        return f"{self.name}:{self.files}:{self.first}:{self.last}:{action}"


@dataclass(frozen=True)
class Traced:
    """A command that ran, and the calls it made on files of its folder."""

    outcome: Outcome
    calls: list[Call]

    @property
    def injected(self) -> list[Call]:
        """Those that were made to fail."""
        return [call for call in self.calls if call.failed]


class Injector:
    """Runs commands while system calls on files below their folder fail."""

    def __init__(self, folder: Path) -> None:
        if platform.machine() != "x86_64":
            absent("how registers of another thread are changed is known for x86-64 only")
        self._program = folder / "inject"
        self._log = folder / "calls"
        call([find("cc"), "-O1", "-o", self._program, SOURCE])
        try:
            call([self._program, folder, self._log, "--", "true"])
        except AssertionError as error:
            absent(f"nothing can be traced here: {error}")

    def run(
        self,
        arguments: Sequence[Argument],
        folder: Path,
        *faults: Fault,
        env: Mapping[str, str] | None = None,
    ) -> Traced:
        """Run fastlayer in a folder; only what lies below it can fail."""
        program, *rest = command(*arguments)
        wanted = [fault.argument for fault in faults]
        # Modules are not looked for in the folder.
        traced = [self._program, folder, self._log, *wanted, "--", program, "-P", *rest]
        try:
            done = subprocess.run(
                traced,
                cwd=folder,
                env=environment(env or {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=TIMEOUT,
            )
            outcome = Outcome(done.returncode, done.stdout, done.stderr.decode())
        except subprocess.TimeoutExpired:
            outcome = Outcome(-signal.SIGKILL, b"", f"no end after {TIMEOUT} seconds\n")
        lines = os.fsdecode(self._log.read_bytes()).splitlines()
        return Traced(outcome, [Call.read(line) for line in lines])
