"""Measures the builds of every series, in turn."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benches.common.process import Cost, build, idle

from .series import COMPRESSIONS, Point, Series


def measure(
    series: Sequence[Series],
    *,
    runs: int,
    threads: int,
    workspace: Path,
    progress: Callable[[str], object],
) -> tuple[list[Point], list[Cost]]:
    """Build everything `runs` times, in rounds; return also what starts without work cost."""
    points: dict[tuple[str, str, float], Point] = {}
    idles = []
    for run in range(1, runs + 1):
        for one in series:
            progress(f"run {run} of {runs}: {one.title}")
            idles.append(idle(workspace))
            for amount, arguments in one.builds.items():
                for compression in COMPRESSIONS:
                    options = ["--compression", compression, "--threads", str(threads)]
                    cost, size = build([*arguments, *options], workspace)
                    point = Point(one, compression, amount, [], size)
                    points.setdefault((one.name, compression, amount), point).costs.append(cost)
    return list(points.values()), idles
