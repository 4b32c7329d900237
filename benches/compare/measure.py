"""Runs contestants in rounds and keeps what each run cost."""

import json
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benches.common.process import Cost, RunFailedError, Spread, launch

from .contestants import Contestant, Job


@dataclass(frozen=True)
class Run(Cost):
    """The cost of one run, and the bytes of the layer that it made."""

    layer_bytes: int


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
        cost = launch(contestant.command(job), folder)
        return Run(**asdict(cost), layer_bytes=layer_bytes(job.out / contestant.output))


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
