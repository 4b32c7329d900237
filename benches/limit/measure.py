"""Measures the stages of a layer, and whole builds beside them."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .model import Row, Stages

CORE = ("cargo", "bench", "--quiet", "--package", "fastlayer-core", "--bench", "limit", "--")


def measure(
    tree: Path,
    compressions: Sequence[str],
    threads: Sequence[int],
    *,
    runs: int,
    workspace: Path,
    progress: Callable[[str], object],
) -> list[Row]:
    """Measure each compression `runs` times, stages and builds in turn; the best stages count.

    A stage that was disturbed took longer than it takes; a build has to live with the machine.
    """
    walls: dict[tuple[str, int], list[float]] = {}
    stages: dict[str, Stages] = {}
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        output = Path(folder) / "layer"
        for run in range(1, runs + 1):
            for name in compressions:
                progress(f"run {run} of {runs}: {name}")
                stages[name] = better(stages.get(name), measure_stages(tree, name, output))
                for count in threads:
                    seconds = measure_build(tree, name, count, output)
                    walls.setdefault((name, count), []).append(seconds)
    return [
        Row(stages[name], {count: walls[name, count] for count in threads}) for name in compressions
    ]


def better(one: Stages | None, other: Stages) -> Stages:
    """Return the stages that took less in all."""
    return other if one is None or other.work < one.work else one


def measure_stages(tree: Path, compression: str, output: Path) -> Stages:
    """Run every stage alone."""
    command = [*CORE, str(tree), str(output), compression]
    line = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return Stages(**json.loads(line))


def measure_build(tree: Path, compression: str, threads: int, output: Path) -> float:
    """Return the seconds of a build by the command line, from its start to its end."""
    command = [sys.executable, "-m", "fastlayer", "layer", str(tree), "-o", str(output), "--json"]
    options = ["--compression", compression, "--threads", str(threads)]
    subprocess.run(["sync"], check=True)
    began = time.perf_counter()
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
