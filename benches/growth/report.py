"""Shows what one more of each thing costs, and how that changes as there is more."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from benches.common.machine import Machine
from benches.common.process import Cost, Typical
from benches.common.report import machine_line, sections
from benches.common.tables import MB, passage, table

from .series import COMPRESSIONS, Point, Series

HOW = """\
- **wall s** and **CPU s** (user + system time) are medians of the runs, from the start of the
  command to its end. What a start without work takes is subtracted before they are divided among
  MB, files or layers; **x before** is that cost as a ratio to the one of the row before, with ten
  times less to do: 1.00 where the cost is in proportion, less where something is paid only once.
- All rows of the first table have as many files, so its first ones pay for more files per MB.
- **peak MB** is the largest peak RSS of the runs over that of `fastlayer --version`.
- The content is made by the program, the same everywhere: text, code and tables that gzip packs to
  about a third, with hardly anything the same in two files. It is in the page cache."""


@dataclass(frozen=True)
class Growth:
    """All that a report needs: the points, and under which conditions they came about."""

    machine: Machine
    runs: int
    threads: int
    command: str
    points: list[Point]
    idle_costs: list[Cost]

    @property
    def idle(self) -> Typical:
        """Return what a start without work costs."""
        return Typical.of(self.idle_costs)

    @property
    def series(self) -> list[Series]:
        """Return what was measured, each once."""
        return list({point.series.name: point.series for point in self.points}.values())

    def line(self, series: Series, compression: str) -> list[Point]:
        """Return the points of one series and one compression, from the least amount on."""
        found = (one for one in self.points if one.series.name == series.name)
        return [one for one in found if one.compression == compression]


def markdown(growth: Growth) -> str:
    """Return the report as Markdown; `growth.svg` is expected beside it."""
    tables = [growth_table(growth, series) for series in growth.series]
    return sections(
        "# How the cost grows",
        "![Time by megabytes, files and layers](growth.svg)",
        passage("growth", sections(*tables)),
        "## How it was measured",
        passage("growth-how", "\n".join([*conditions(growth), HOW])),
    )


def growth_table(growth: Growth, series: Series) -> str:
    """Return the figures of one series."""
    cost = f"{series.per} per {series.unit}"
    heads = [
        "compression",
        series.title,
        *("wall s", f"wall {cost}", "x before"),
        *("CPU s", f"CPU {cost}", "x before"),
        "peak MB",
    ]
    rows = [row for name in COMPRESSIONS for row in line_rows(growth, growth.line(series, name))]
    return table(heads, rows)


def line_rows(growth: Growth, points: Sequence[Point]) -> Iterator[list[str]]:
    """Yield the rows of one line, each compared with the one before."""
    wall_before = cpu_before = 0.0
    for point in points:
        typical, over = Typical.of(point.costs), point.over(growth.idle)
        scale = point.series.factor / point.amount
        wall, cpu = over.wall * scale, over.cpu * scale
        yield [
            point.compression,
            f"{point.amount:,g}",
            *(f"{typical.wall:.2f}", f"{wall:.2f}", ratio_cell(wall, wall_before)),
            *(f"{typical.cpu:.2f}", f"{cpu:.2f}", ratio_cell(cpu, cpu_before)),
            f"{over.peak_bytes / MB:.0f}",
        ]
        wall_before, cpu_before = wall, cpu


def ratio_cell(cost: float, before: float) -> str:
    """Return the ratio of a cost to the one before, if there is one."""
    return f"{cost / before:.2f}" if before > 0 else "-"


def conditions(growth: Growth) -> list[str]:
    """Return the lines that say where and how it was measured."""
    idle = growth.idle
    return [
        machine_line(growth.machine),
        f"- runs: {growth.runs} of each, interleaved; threads: {growth.threads}; a start without"
        f" work takes {idle.wall:.2f} s, {idle.cpu:.2f} s of CPU and {idle.peak_bytes / MB:.0f} MB",
        f"- made by: `{growth.command}`",
    ]


def as_json(growth: Growth) -> str:
    """Return every run's figures and the conditions, for programs."""
    points = [
        {
            "series": point.series.name,
            "unit": point.series.unit,
            "compression": point.compression,
            "amount": point.amount,
            "output_bytes": point.output_bytes,
            "runs": [asdict(cost) for cost in point.costs],
        }
        for point in growth.points
    ]
    conditions = {
        "command": growth.command,
        "machine": asdict(growth.machine),
        "runs": growth.runs,
        "threads": growth.threads,
        "idle": [asdict(cost) for cost in growth.idle_costs],
    }
    return json.dumps({**conditions, "points": points}, indent=1) + "\n"
