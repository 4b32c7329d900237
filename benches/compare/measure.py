"""Runs contestants in rounds and keeps what each run cost."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from .contestants import Contestant, Job

LAUNCHER = Path(__file__).with_name("launcher.py")
KIB = 1024
PIECE = 1 << 20  # bytes of one read when the cache is warmed


class RunFailedError(Exception):
    """A run that ended badly; the message is one line that says how."""


@dataclass(frozen=True)
class TreeFacts:
    """How much there is to pack: names, and bytes of content with hard links counted once."""

    entries: int
    content_bytes: int


@dataclass(frozen=True)
class Run:
    """The cost of one run; `peak_bytes` is that of its largest single process."""

    wall: float
    user: float
    system: float
    peak_bytes: int
    floor_bytes: int
    layer_bytes: int

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


@dataclass
class Outcome:
    """A contestant's runs so far; `failure` says why there are no more."""

    contestant: Contestant
    runs: list[Run] = field(default_factory=list)
    failure: str = ""

    @property
    def measured(self) -> bool:
        return bool(self.runs) and not self.failure

    @property
    def wall(self) -> Spread:
        return Spread.of([run.wall for run in self.runs])

    @property
    def cpu(self) -> Spread:
        return Spread.of([run.cpu for run in self.runs])

    @property
    def peak_bytes(self) -> int:
        return max(run.peak_bytes for run in self.runs)

    @property
    def floor_bytes(self) -> int:
        return max(run.floor_bytes for run in self.runs)

    @property
    def layer_bytes(self) -> int:
        return round(statistics.median(run.layer_bytes for run in self.runs))


def measure(
    contestants: Sequence[Contestant],
    tree: Path,
    *,
    runs: int,
    threads: int,
    workspace: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Run every contestant that can run, in rounds (A B C, A B C), below `workspace`.

    A contestant that fails sits out the rounds that are left.
    """
    outcomes = [Outcome(one) for one in contestants if not one.absent]
    for number in range(1, runs + 1):
        for outcome in outcomes:
            if outcome.failure:
                continue
            progress(f"round {number} of {runs}: {outcome.contestant.name}")
            try:
                outcome.runs.append(run_once(outcome.contestant, tree, threads, workspace))
            except RunFailedError as error:
                outcome.failure = str(error).replace(str(tree), "TREE")
    return outcomes


def run_once(contestant: Contestant, tree: Path, threads: int, workspace: Path) -> Run:
    """Run a contestant in an empty folder of its own; only its main command is timed."""
    with tempfile.TemporaryDirectory(dir=workspace) as name:
        folder = Path(name)
        job = Job(tree, folder / "out", threads)
        job.out.mkdir()
        for command in contestant.prepare(job):
            launch(command, folder)
        os.sync()  # so that nobody pays for writing back what the one before left in the page cache
        wall, user, system, peak, floor = launch(contestant.command(job), folder)
        layer = layer_bytes(job.out / contestant.output)
        return Run(wall, user, system, int(peak) * KIB, int(floor) * KIB, layer)


def launch(command: Sequence[str], folder: Path) -> tuple[float, ...]:
    """Run a command below the launcher; return wall, user and system s, peak and floor KiB."""
    report, said = folder / "report", folder / "stderr"
    with said.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(report), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            check=False,
        )
    lines = said.read_text(errors="replace").strip().splitlines()
    if not report.exists():
        raise RunFailedError(lines[-1] if lines else "the launcher left no report")
    *figures, status = report.read_text().split()
    if int(status):
        raise RunFailedError(f"exit status {status}: {lines[-1] if lines else 'nothing on stderr'}")
    return tuple(float(figure) for figure in figures)


def layer_bytes(output: Path) -> int:
    """Return the size of the layer, a file or the layers of an OCI layout's image."""
    try:
        if output.is_dir():
            return sum(layer["size"] for layer in first_manifest(output)["layers"])
        return output.stat().st_size
    except (OSError, LookupError, ValueError) as error:
        raise RunFailedError(f"exit status 0, but no layer: {error!r}") from error


def first_manifest(layout: Path) -> dict[str, list[dict[str, int]]]:
    """Return the manifest of the first image in an OCI layout."""
    index = json.loads((layout / "index.json").read_bytes())
    algorithm, encoded = index["manifests"][0]["digest"].split(":")
    manifest: dict[str, list[dict[str, int]]] = json.loads(
        (layout / "blobs" / algorithm / encoded).read_bytes()
    )
    return manifest


def warm(tree: Path) -> TreeFacts:
    """Read the whole tree once, so that runs find it in the page cache; return what it holds."""
    entries = content = 0
    seen: set[tuple[int, int]] = set()
    buffer = bytearray(PIECE)
    for entry in walk(tree):
        entries += 1
        status = entry.lstat()
        inode = status.st_dev, status.st_ino
        if not S_ISREG(status.st_mode) or inode in seen:
            continue
        seen.add(inode)
        content += status.st_size
        with entry.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return TreeFacts(entries, content)


def walk(tree: Path) -> Iterator[Path]:
    """Yield the tree itself and everything below it."""
    yield tree
    for folder, names, files in os.walk(tree, onerror=raise_error):
        for name in (*names, *files):
            yield Path(folder, name)


def raise_error(error: OSError) -> None:
    """Let an unreadable folder be an error, where `os.walk` would skip it."""
    raise error
