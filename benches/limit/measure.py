"""Measures the stages of a layer, and whole builds beside them."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benches.common.process import Cost, build, idle, on_cores

from .model import Row, Stages

CORE = ("cargo", "bench", "--quiet", "--package", "fastlayer-core", "--bench", "limit", "--")


def measure(
    tree: Path,
    compressions: Sequence[str],
    cores: Sequence[int],
    *,
    runs: int,
    workspace: Path,
    progress: Callable[[str], object],
) -> tuple[list[Row], list[Cost]]:
    """Measure each compression `runs` times, stages and builds in turn; the best stages count.

    A stage that was disturbed took longer than it takes; a build has to live with the machine.
    Returns also what runs without work cost.
    """
    costs: dict[tuple[str, int], list[Cost]] = {}
    stages: dict[str, Stages] = {}
    idles = []
    for run in range(1, runs + 1):
        idles.append(idle(workspace))
        for name in compressions:
            progress(f"run {run} of {runs}: {name}")
            stages[name] = better(stages.get(name), measure_stages(tree, name, workspace))
            for count in cores:
                cost = measure_build(tree, name, count, workspace)
                costs.setdefault((name, count), []).append(cost)
    rows = [
        Row(stages[name], {count: costs[name, count] for count in cores}) for name in compressions
    ]
    return rows, idles


def better(one: Stages | None, other: Stages) -> Stages:
    """Return the stages that took less in all."""
    return other if one is None or other.work < one.work else one


def measure_stages(tree: Path, compression: str, workspace: Path) -> Stages:
    """Run every stage alone."""
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        command = [*CORE, str(tree), str(Path(folder) / "layer"), compression]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return Stages(**json.loads(told))


def measure_build(tree: Path, compression: str, cores: int, workspace: Path) -> Cost:
    """Return what a build by the command line costs that has so many cores and no more.

    As many threads alone would not do: libzstd's own come on top of those that are asked for.
    """
    options = ["--compression", compression, "--threads", str(cores)]
    with on_cores(cores):
        cost, _ = build(["layer", str(tree), *options], workspace)
    return cost
