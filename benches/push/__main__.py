"""The command line of the push: `python -m benches.push TREE`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console

from benches.common.arguments import add_out, add_runs, add_tree
from benches.common.machine import this_machine
from benches.common.process import EXIT_FAILED, RunFailedError, Spread
from benches.common.report import machine_line, sections
from benches.common.tables import table
from benches.common.trees import warm

from .measure import Row, measure

NAME = "push"
COMPRESSIONS = ("gzip", "zstd:3")
HEADS = (
    *("compression", "file s", "push s", "push / file"),
    *("file CPU s", "push CPU s", "registry CPU s"),
)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; end the program with status 2 if it can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.push",
        description="Times builds of TREE to a file, and to a registry on this machine.",
    )
    add_tree(parser)
    parser.add_argument("compressions", nargs="*", default=COMPRESSIONS, metavar="COMPRESSION")
    parser.add_argument(
        "--registry",
        default="docker-registry",
        metavar="PROGRAM",
        help="the server: docker-registry (default), or what takes its command line",
    )
    add_out(parser, NAME)
    add_runs(parser)
    return parser.parse_args(argv)


def row_cells(row: Row) -> list[str]:
    """Return the cells of a table's row: medians, and the ratio of those of the wall times."""
    file = Spread.of([cost.wall for cost in row.files]).median
    push = Spread.of([cost.wall for cost in row.pushes]).median
    cpus = (
        median(cost.cpu for cost in row.files),
        median(cost.cpu for cost in row.pushes),
        median(row.registry_cpu),
    )
    return [
        row.compression,
        f"{file:.2f}",
        f"{push:.2f}",
        f"{push / file:.2f}",
        *(f"{seconds:.2f}" for seconds in cpus),
    ]


def main(argv: Sequence[str]) -> int:
    """Measure, write the report and print it; return the exit status."""
    chosen = arguments(argv)
    talk = Console(stderr=True, highlight=False)
    chosen.out.mkdir(parents=True, exist_ok=True)
    try:
        facts = warm(chosen.tree)
        with tempfile.TemporaryDirectory(dir=chosen.out, prefix="work-") as workspace:
            rows = measure(
                chosen.tree.resolve(),
                chosen.compressions,
                program=chosen.registry,
                runs=chosen.runs,
                workspace=Path(workspace).resolve(),
                progress=talk.print,
            )
    except RunFailedError as error:
        talk.print(f"{NAME}: {error}", markup=False)
        return EXIT_FAILED
    text = sections(
        "# A push beside a build to a file",
        [f"- tree: {facts.line}", machine_line(this_machine()), f"- runs: {chosen.runs}, medians"],
        table(HEADS, [row_cells(row) for row in rows]),
    )
    (chosen.out / f"{NAME}.md").write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
