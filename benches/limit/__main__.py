"""The command line of the limit: `python -m benches.limit TREE`."""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from .measure import measure
from .report import as_json, markdown

DEFAULT_OUT = Path("build/limit")
COMPRESSIONS = ("gzip:1", "gzip", "gzip:6", "zstd:1", "zstd:3", "zstd:9", "none")


def arguments() -> argparse.Namespace:
    """Parse the command line; end the program with status 2 if it can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.limit",
        description="Times each stage of a layer of TREE alone, and whole builds beside them.",
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("tree", type=Path, metavar="TREE", help="the folder to pack")
    parser.add_argument("compressions", nargs="*", default=COMPRESSIONS, metavar="COMPRESSION")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="for the report"
    )
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each (default: 3)")
    parser.add_argument(
        "--threads", type=int, nargs="*", default=sorted({1, cores}), metavar="N", help="of builds"
    )
    chosen = parser.parse_args()
    if not chosen.tree.is_dir():
        parser.error(f"`{chosen.tree}` is not a folder")
    return chosen


def main() -> int:
    """Measure, write the report and print it."""
    chosen = arguments()
    chosen.out.mkdir(parents=True, exist_ok=True)
    talk = Console(stderr=True, highlight=False)
    rows = measure(
        chosen.tree.resolve(),
        chosen.compressions,
        chosen.threads,
        runs=chosen.runs,
        workspace=chosen.out.resolve(),
        progress=talk.print,
    )
    (chosen.out / "limit.md").write_text(markdown(rows))
    (chosen.out / "limit.json").write_text(as_json(rows))
    print(markdown(rows), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
