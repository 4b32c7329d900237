"""Puts what suites of faults counted into docs/reliability.md: `python -m benches.reliability`.

Each leaves a table, build/reliability/NAME.json (tests/tally.py), which takes the place of the
passage NAME of the page. A suite that did not run changes nothing.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benches.common.tables import passage, passages, refreshed, table
from benches.figures import ROOT

PAGE = "docs/reliability.md"


def refresh(folder: Path, root: Path) -> list[str]:
    """Refresh the page below `root` with the tables in the folder; return whose they are.

    Raises `ValueError` for a table that the page has no place for, and leaves the page as it was.
    """
    news = {path.stem: read(path) for path in sorted(folder.glob("*.json"))}
    page = root / PAGE
    text = page.read_text(encoding="utf-8")
    homeless = news.keys() - passages(text).keys()
    if homeless:
        raise ValueError(f"`{PAGE}` has no passage for {', '.join(sorted(homeless))}")
    page.write_text(refreshed(text, news), encoding="utf-8")
    return list(news)


def read(path: Path) -> str:
    """Return the table of a file as the passage with its name."""
    document = json.loads(path.read_text(encoding="utf-8"))
    columns, rows = document["columns"], document["rows"]
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"`{path}` has a row that is not as long as its columns")
    rows = summed(rows)
    # Numbers stand on the right, from the first column on that has no words in or after it.
    texts = (number for row in rows for number, one in enumerate(row, 1) if isinstance(one, str))
    cells = [[cell(one) for one in row] for row in rows]
    return passage(path.stem, table(columns, cells, words=max(texts, default=0)))


def summed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Make one row, `memory`, of all commands of a kind: `memory: unpack` and `memory: export`."""
    kept: list[list[Any]] = []
    kinds: dict[str, list[Any]] = {}
    for name, *numbers in rows:
        kind, colon, _ = str(name).partition(": ")
        if kind in kinds:
            kinds[kind][1:] = map(sum, zip(kinds[kind][1:], numbers, strict=True))
            continue
        row = [kind if colon else name, *numbers]
        kept.append(row)
        if colon:
            kinds[kind] = row
    return kept


def cell(value: str | int) -> str:
    """Return what stands in a cell; lines of a text become one."""
    return f"{value:,}" if isinstance(value, int) else " ".join(value.split())


def main(argv: Sequence[str]) -> int:
    """Refresh this checkout's page; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.reliability",
        description=f"Puts the tables of faults, kills and other tools into {PAGE}.",
    )
    parser.add_argument(
        "--tables",
        type=Path,
        default=Path("build/reliability"),
        metavar="DIR",
        help="where the suites leave them (default: %(default)s)",
    )
    tables = parser.parse_args(argv).tables
    try:
        found = refresh(tables, ROOT)
    except ValueError as error:
        parser.error(str(error))
    if not found:
        parser.error(f"no table is in `{tables}`: run `make faults` or `make fuzz`")
    print(f"refreshed {PAGE} with {', '.join(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
