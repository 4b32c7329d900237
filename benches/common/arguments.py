"""What the command lines of the benches share."""

import argparse
import os
from pathlib import Path


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def add_tree(parser: argparse.ArgumentParser) -> None:
    """Add the folder to pack."""
    parser.add_argument("tree", type=folder, metavar="TREE", help="the folder to pack")


def folder(text: str) -> Path:
    """Parse the path of a folder that exists."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"`{text}` is not a folder")
    return path


def add_out(parser: argparse.ArgumentParser, name: str) -> None:
    """Add where the report of a bench goes."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build", name),
        metavar="DIR",
        help="where the report goes, and what is built meanwhile (default: %(default)s)",
    )


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add how often each thing is measured."""
    parser.add_argument(
        "--runs", type=positive, default=3, metavar="N", help="of each (default: %(default)s)"
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add how many threads the builds have."""
    parser.add_argument(
        "--threads",
        type=positive,
        default=available_cores(),
        metavar="N",
        help="for those that can be told (default: the cores, %(default)s here)",
    )
