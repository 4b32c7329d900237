"""Says what was measured: Markdown for readers, JSON for programs, a table for the terminal."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.box import SIMPLE
from rich.table import Table

from benches.common.machine import Machine
from benches.common.report import machine_line, sections
from benches.common.tables import MB, passage, table
from benches.common.trees import TreeFacts

from .contestants import Contestant
from .measure import Outcome

SCHEMA = 1  # of compare.json; raised when a name in it changes its meaning
REFERENCES = ("python-6", "python-1")
# What a short table shows: the tools that people know.
KNOWN = ("fastlayer-gzip", "fastlayer-zstd-3", "zstd-3", "umoci", "pigz-1", "buildah", "python-6")

HOW = """\
- **wall s** is the median of the runs, with the fastest and the slowest behind it; **CPU s** is the
  median of user + system time, summed over all processes of a run. Preparation that doesn't touch
  the tree (an empty layout, an empty container) is not timed.
- **peak RSS** is the memory of the largest single process of a contestant, in its largest run: the
  kernel keeps no figure for the sum, so a pipeline as a whole holds more than its row says. A `≤`
  marks a figure no larger than the launcher that starts the contestants.
- **layer MB** is the size of the layer that was written; MB are 10⁶ bytes.
- A ratio is how many times as fast as the reference a contestant is: reference wall / its wall.
- The tree was read once before the first run, so its files are in the page cache. Runs are
  interleaved (A B C, A B C), and dirty pages are written to the disk before a run starts; whether
  a contestant waits for the disk itself is its own choice.
- GNU tar without further options, and so each pipeline, leaves extended attributes out."""


@dataclass(frozen=True)
class Comparison:
    """All that a report needs: the outcomes, and under which conditions they came about."""

    machine: Machine
    tree: TreeFacts
    outcomes: Sequence[Outcome]
    absent: Sequence[Contestant]
    baseline: str
    runs: int
    threads: int
    command: str

    @property
    def references(self) -> tuple[str, ...]:
        """Return the names that ratios refer to, each once."""
        return tuple(dict.fromkeys((*REFERENCES, self.baseline)))

    @property
    def measured(self) -> list[Outcome]:
        """Return the outcomes with figures, the fastest first."""
        done = (outcome for outcome in self.outcomes if outcome.measured)
        return sorted(done, key=lambda outcome: outcome.wall.median)

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.failure]

    def ratio(self, outcome: Outcome, reference: str) -> float | None:
        """Return how many times as fast as the reference it was; `None` if that has no figures."""
        for other in self.measured:
            if other.contestant.name == reference:
                return other.wall.median / outcome.wall.median
        return None


def header(comparison: Comparison) -> list[str]:
    """Return the column titles that the Markdown and the terminal share."""
    ratios = [f"vs {name}" for name in comparison.references]
    return ["contestant", "wall s", "min-max", "CPU s", "peak RSS MB", "layer MB", *ratios]


def row(comparison: Comparison, outcome: Outcome) -> list[str]:
    """Return the figures of one contestant, a cell each."""
    wall = outcome.wall
    at_floor = "≤ " if outcome.peak_bytes <= outcome.floor_bytes else ""
    peak = max(outcome.peak_bytes, outcome.floor_bytes)
    return [
        f"{wall.median:.2f}",
        f"{wall.low:.2f}-{wall.high:.2f}",
        f"{outcome.cpu.median:.2f}",
        f"{at_floor}{peak / MB:.0f}",
        f"{outcome.layer_bytes / MB:.1f}",
        *(ratio_cell(comparison.ratio(outcome, name)) for name in comparison.references),
    ]


def ratio_cell(ratio: float | None, *, digits: int = 2) -> str:
    return "-" if ratio is None else f"{ratio:.{digits}f}x"


def notes(comparison: Comparison) -> list[tuple[Contestant, str]]:
    """Return every contestant without figures, with the reason."""
    failed = [(one.contestant, f"failed: {one.failure}") for one in comparison.failed]
    return failed + [(one, f"not installed: {one.absent}") for one in comparison.absent]


def markdown(comparison: Comparison) -> str:
    """Return the report as Markdown; `compare.svg` is expected beside it."""
    return sections(
        "# Making one layer: fastlayer and what people use today",
        passage("compare-short", short(comparison)),
        "![Wall time of each contestant](compare.svg)",
        passage("compare", full_table(comparison)),
        "## How it was measured",
        passage("compare-how", "\n".join([*conditions(comparison), HOW])),
        "## Contestants",
        passage("compare-contestants", "\n\n".join(commands(comparison))),
    )


def short(comparison: Comparison) -> str:
    """Return what was packed where, and what the tools that people know took."""
    where = f"One layer of {comparison.tree.line}, on {comparison.machine.short}:"
    rows = [
        [
            outcome.contestant.title,
            f"{outcome.wall.median:.1f}",
            f"{outcome.layer_bytes / MB:.0f}",
            ratio_cell(comparison.ratio(outcome, REFERENCES[0]), digits=1),
        ]
        for outcome in comparison.measured
        if outcome.contestant.name in KNOWN
    ]
    return sections(where, table(["tool", "seconds", "layer MB", "times as fast"], rows))


def full_table(comparison: Comparison) -> str:
    """Return every contestant with its figures, or with the reason why it has none."""
    columns = header(comparison)
    done = [[one.contestant.title, *row(comparison, one)] for one in comparison.measured]
    rest = [[one.title, reason] + [""] * (len(columns) - 2) for one, reason in notes(comparison)]
    return table(columns, done + rest)


def commands(comparison: Comparison) -> Iterator[str]:
    """Yield the version of each contestant and its commands, in paragraphs."""
    for one in [*(outcome.contestant for outcome in comparison.outcomes), *comparison.absent]:
        yield f"**{one.name}** ({one.version or 'not installed'})"
        yield "\n".join(f"    {line}" for line in one.shown(comparison.threads).splitlines())


def conditions(comparison: Comparison) -> list[str]:
    """Return the lines that say on what, where and how it was measured."""
    tree = comparison.tree
    return [
        f"- tree: {tree.entries:,} entries, {tree.content_bytes:,} bytes of content",
        machine_line(comparison.machine),
        f"- runs: {comparison.runs} of each; threads, for those that can be told:"
        f" {comparison.threads}",
        f"- made by: `{comparison.command}`",
    ]


def as_json(comparison: Comparison) -> str:
    """Return every run's figures and the conditions, for programs."""
    document = {
        "schema": SCHEMA,
        "command": comparison.command,
        "machine": asdict(comparison.machine),
        "tree": asdict(comparison.tree),
        "runs": comparison.runs,
        "threads": comparison.threads,
        "contestants": [outcome_json(comparison, one) for one in comparison.outcomes]
        + [{**contestant_json(one), "absent": one.absent} for one in comparison.absent],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def contestant_json(contestant: Contestant) -> dict[str, object]:
    return {
        "name": contestant.name,
        "title": contestant.title,
        "compression": contestant.compression,
        "version": contestant.version,
    }


def outcome_json(comparison: Comparison, outcome: Outcome) -> dict[str, object]:
    """Return one contestant with its runs, and with its summary or its failure."""
    document = contestant_json(outcome.contestant)
    document["runs"] = [asdict(run) for run in outcome.runs]
    if outcome.failure:
        return {**document, "failure": outcome.failure}
    return {
        **document,
        "wall": asdict(outcome.wall),
        "cpu": asdict(outcome.cpu),
        "peak_bytes": outcome.peak_bytes,
        "layer_bytes": outcome.layer_bytes,
        "ratios": {name: comparison.ratio(outcome, name) for name in comparison.references},
    }


def terminal(comparison: Comparison) -> Table:
    """Return the table for the terminal; it has the short names, which `--only` takes."""
    table = Table(box=SIMPLE, caption=comparison.machine.line)
    for number, title in enumerate(header(comparison)):
        table.add_column(title, justify="right" if number else "left")
    for outcome in comparison.measured:
        style = "bold" if outcome.contestant.family == "fastlayer" else None
        table.add_row(outcome.contestant.name, *row(comparison, outcome), style=style)
    return table
