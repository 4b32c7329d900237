"""The command line of the limit: `python -m benches.limit TREE`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benches.common.arguments import add_out, add_runs, add_tree, available_cores, positive
from benches.common.machine import this_machine
from benches.common.process import EXIT_FAILED, RunFailedError
from benches.common.report import write_reports
from benches.common.trees import warm

from .measure import measure
from .model import Limits
from .picture import picture
from .report import as_json, markdown

NAME = "limit"
COMPRESSIONS = ("gzip:1", "gzip", "gzip:6", "zstd:1", "zstd:3", "zstd:9", "none")


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; end the program with status 2 if it can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.limit",
        description="Times each stage of a layer of TREE alone, and whole builds beside them.",
    )
    cores = available_cores()
    add_tree(parser)
    parser.add_argument("compressions", nargs="*", default=COMPRESSIONS, metavar="COMPRESSION")
    add_out(parser, NAME)
    add_runs(parser)
    parser.add_argument(
        "--cores",
        type=positive,
        nargs="+",
        default=sorted({1, cores}),
        metavar="N",
        help=f"that builds may use (default: 1 and all, {cores} here)",
    )
    chosen = parser.parse_args(argv)
    if max(chosen.cores) > cores:
        parser.error(f"there are only {cores} cores, not {max(chosen.cores)}")
    return chosen


def shown_command(chosen: argparse.Namespace) -> str:
    """Return the command line that asks for the same, without this machine's paths."""
    words = ["python -m benches.limit TREE"]
    if tuple(chosen.compressions) != COMPRESSIONS:
        words += chosen.compressions
    return " ".join([*words, f"--runs {chosen.runs} --cores", *map(str, chosen.cores)])


def find_limits(chosen: argparse.Namespace, talk: Console) -> Limits:
    """Measure what the arguments ask for."""
    chosen.out.mkdir(parents=True, exist_ok=True)
    talk.print("reading the tree")
    facts = warm(chosen.tree)
    with tempfile.TemporaryDirectory(dir=chosen.out, prefix="work-") as workspace:
        rows, idle_costs = measure(
            chosen.tree.resolve(),
            chosen.compressions,
            chosen.cores,
            runs=chosen.runs,
            workspace=Path(workspace).resolve(),
            progress=talk.print,
        )
    return Limits(this_machine(), facts, chosen.runs, shown_command(chosen), rows, idle_costs)


def main(argv: Sequence[str]) -> int:
    """Measure, write the reports and print the text; return the exit status."""
    chosen = arguments(argv)
    talk = Console(stderr=True, highlight=False)
    try:
        limits = find_limits(chosen, talk)
    except RunFailedError as error:
        talk.print(f"{NAME}: {error}", markup=False)
        return EXIT_FAILED
    text = markdown(limits)
    written = write_reports(chosen.out, NAME, text, picture(limits), as_json(limits))
    print(text, end="")
    talk.print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
