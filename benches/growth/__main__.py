"""The command line of the growth: `python -m benches.growth`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benches.common.arguments import add_out, add_runs, add_threads
from benches.common.machine import this_machine
from benches.common.process import EXIT_FAILED, RunFailedError
from benches.common.report import write_reports

from .measure import measure
from .picture import picture
from .report import Growth, as_json, markdown
from .series import Sizes, make_series

NAME = "growth"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; end the program with status 2 if it can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.growth",
        description="Times builds of ever more megabytes, files and layers. The trees take 3 GB.",
    )
    add_out(parser, NAME)
    add_runs(parser)
    add_threads(parser)
    return parser.parse_args(argv)


def grow(chosen: argparse.Namespace, sizes: Sizes, talk: Console) -> Growth:
    """Measure what the arguments ask for."""
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out, prefix="work-") as name:
        folder = Path(name).resolve()
        series = make_series(folder, sizes, talk.print)
        points, idle_costs = measure(
            series,
            runs=chosen.runs,
            threads=chosen.threads,
            workspace=folder,
            progress=talk.print,
        )
    command = f"python -m benches.growth --runs {chosen.runs} --threads {chosen.threads}"
    return Growth(this_machine(), chosen.runs, chosen.threads, command, points, idle_costs)


def main(argv: Sequence[str], sizes: Sizes | None = None) -> int:
    """Measure, write the reports and print the text; return the exit status."""
    chosen = arguments(argv)
    talk = Console(stderr=True, highlight=False)
    try:
        growth = grow(chosen, sizes or Sizes(), talk)
    except RunFailedError as error:
        talk.print(f"{NAME}: {error}", markup=False)
        return EXIT_FAILED
    text = markdown(growth)
    written = write_reports(chosen.out, NAME, text, picture(growth), as_json(growth))
    print(text, end="")
    talk.print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
