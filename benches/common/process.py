"""Runs a process and says what it cost."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
KIB = 1024
EXIT_FAILED = 1  # of a bench that could not measure
FASTLAYER = (sys.executable, "-m", "fastlayer")


class RunFailedError(Exception):
    """A run that ended badly; the message is one line that says how."""


@dataclass(frozen=True)
class Cost:
    """The cost of one run; `peak_bytes` is that of its largest single process."""

    wall: float
    user: float
    system: float
    peak_bytes: int
    floor_bytes: int

    @property
    def cpu(self) -> float:
        return self.user + self.system


@dataclass(frozen=True)
class Spread:
    """The median of some runs, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Typical:
    """What runs of one thing cost: the median of the times, the largest of the peaks."""

    wall: float
    cpu: float
    peak_bytes: int

    @classmethod
    def of(cls, costs: Sequence[Cost]) -> "Typical":
        return cls(
            statistics.median(cost.wall for cost in costs),
            statistics.median(cost.cpu for cost in costs),
            max(cost.peak_bytes for cost in costs),
        )

    def over(self, idle: "Typical") -> "Typical":
        """Return what is more than an idle program costs."""
        return Typical(
            self.wall - idle.wall, self.cpu - idle.cpu, self.peak_bytes - idle.peak_bytes
        )


def launch(command: Sequence[str], folder: Path) -> Cost:
    """Run a command below the launcher, which leaves its notes in the folder."""
    report, said = folder / "report", folder / "stderr"
    with said.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(report), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=usual_environment(),
            check=False,
        )
    lines = said.read_text(errors="replace").strip().splitlines()
    if not report.exists():
        raise RunFailedError(lines[-1] if lines else "the launcher left no report")
    wall, user, system, peak, floor, status = report.read_text().split()
    if int(status):
        raise RunFailedError(f"exit status {status}: {lines[-1] if lines else 'nothing on stderr'}")
    return Cost(float(wall), float(user), float(system), int(peak) * KIB, int(floor) * KIB)


def usual_environment() -> dict[str, str]:
    """Return the environment, without what would have Python compile its modules in each run."""
    unusual = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if name != unusual}


def build(arguments: Sequence[str], workspace: Path) -> tuple[Cost, int]:
    """Run fastlayer's command line, with an output of its own; return the output's bytes too."""
    with tempfile.TemporaryDirectory(dir=workspace) as name:
        folder = Path(name)
        output = folder / "output"
        os.sync()  # so that nobody pays for writing back what the one before left in the page cache
        cost = launch([*FASTLAYER, *arguments, "-o", str(output), "--json"], folder)
        return cost, output.stat().st_size


def idle(workspace: Path) -> Cost:
    """Run fastlayer's command line without any work."""
    with tempfile.TemporaryDirectory(dir=workspace) as name:
        return launch([*FASTLAYER, "--version"], Path(name))


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Let what is started meanwhile run on so many cores only."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(mine)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
