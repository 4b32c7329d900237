"""Measures builds of one image to a file and to a registry, in turn."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benches.common.process import FASTLAYER, Cost, build, launch

from .server import serving


@dataclass(frozen=True)
class Row:
    """What builds with one compression cost, and what the registry did meanwhile."""

    compression: str
    files: list[Cost] = field(default_factory=list)
    pushes: list[Cost] = field(default_factory=list)
    registry_cpu: list[float] = field(default_factory=list)


def measure(
    tree: Path,
    compressions: Sequence[str],
    *,
    program: str,
    runs: int,
    workspace: Path,
    progress: Callable[[str], object],
) -> list[Row]:
    """Build with each compression `runs` times to either place."""
    rows = [Row(name) for name in compressions]
    for run in range(1, runs + 1):
        for row in rows:
            progress(f"run {run} of {runs}: {row.compression}")
            arguments = ["build", "--rootfs", str(tree), "--compression", row.compression]
            cost, _ = build(arguments, workspace)
            row.files.append(cost)
            cost, cpu = push(arguments, program, workspace)
            row.pushes.append(cost)
            row.registry_cpu.append(cpu)
    return rows


def push(arguments: Sequence[str], program: str, workspace: Path) -> tuple[Cost, float]:
    """Build into a registry that has nothing yet; return also the CPU seconds of the registry."""
    with (
        tempfile.TemporaryDirectory(dir=workspace) as name,
        serving(program, Path(name)) as server,
    ):
        before = server.cpu
        output = f"docker://{server.address}/bench:1"
        cost = launch([*FASTLAYER, *arguments, "-o", output, "--json"], Path(name))
        return cost, server.cpu - before
