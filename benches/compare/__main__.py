"""The command line of the comparison: `python -m benches.compare TREE`."""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from rich.console import Console

from benches.common.arguments import add_out, add_runs, add_threads, add_tree
from benches.common.machine import this_machine
from benches.common.process import EXIT_FAILED
from benches.common.report import write_reports
from benches.common.trees import warm

from .contestants import Contestant, all_contestants
from .measure import measure
from .picture import picture
from .report import Comparison, as_json, markdown, notes, terminal

NAME = "compare"
# igzip-1 is the fastest way to a gzip layer that a shell has.
DEFAULTS = {"only": "*", "baseline": "igzip-1"}
PLAIN_WIDTH = 120  # characters of the table where no terminal says how many it has
EXIT_INTERRUPTED = 130


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; end the program with status 2 if it can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.compare",
        description="Times fastlayer and other tools making one layer of TREE.",
    )
    add_tree(parser)
    add_out(parser, NAME)
    add_runs(parser)
    parser.add_argument(
        "--only",
        default=DEFAULTS["only"],
        metavar="NAME,…",
        help="contestants to run; * and ? are wildcards (default: all)",
    )
    add_threads(parser)
    parser.add_argument(
        "--baseline",
        default=DEFAULTS["baseline"],
        metavar="NAME",
        help="one more reference for the ratios (default: %(default)s)",
    )
    chosen = parser.parse_args(argv)
    names = [one.name for one in all_contestants()]
    for pattern in (*chosen.only.split(","), chosen.baseline):
        if not any(fnmatch(name, pattern) for name in names):
            parser.error(f"no contestant is named `{pattern}`; there are: {', '.join(names)}")
    return chosen


def selected(patterns: str) -> list[Contestant]:
    """Return the contestants that one of the comma-separated patterns names."""
    return [
        one
        for one in all_contestants()
        if any(fnmatch(one.name, pattern) for pattern in patterns.split(","))
    ]


def compare(chosen: argparse.Namespace, talk: Console) -> Comparison:
    """Measure what the arguments ask for."""
    contestants = selected(chosen.only)
    chosen.out.mkdir(parents=True, exist_ok=True)
    talk.print("reading the tree")
    facts = warm(chosen.tree)
    with tempfile.TemporaryDirectory(dir=chosen.out, prefix="work-") as workspace:
        outcomes = measure(
            contestants,
            chosen.tree,
            runs=chosen.runs,
            threads=chosen.threads,
            workspace=Path(workspace).resolve(),
            progress=talk.print,
        )
    return Comparison(
        machine=this_machine(),
        tree=facts,
        outcomes=outcomes,
        absent=[one for one in contestants if one.absent],
        baseline=chosen.baseline,
        runs=chosen.runs,
        threads=chosen.threads,
        command=shown_command(chosen),
    )


def shown_command(chosen: argparse.Namespace) -> str:
    """Return the command line that asks for the same, without this machine's paths."""
    command = f"python -m benches.compare TREE --runs {chosen.runs} --threads {chosen.threads}"
    for option in ("only", "baseline"):
        value = getattr(chosen, option)
        if value != DEFAULTS[option]:
            command += f" --{option} {shlex.quote(value)}"
    return command


def main(argv: Sequence[str]) -> int:
    """Measure, print the table and write the three reports; return the exit status."""
    chosen = arguments(argv)
    talk = Console(stderr=True, highlight=False)
    try:
        comparison = compare(chosen, talk)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    reports = markdown(comparison), picture(comparison), as_json(comparison)
    written = write_reports(chosen.out, NAME, *reports)
    out = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    out.print(terminal(comparison))
    for contestant, reason in notes(comparison):
        out.print(f"{contestant.name}: {reason}", markup=False, highlight=False)
    talk.print(written)
    return EXIT_FAILED if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
