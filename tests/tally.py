"""What a suite counted, kept for docs/reliability.md."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "build" / "reliability"


def tallied(name: str) -> list[list[Any]]:
    """Read the rows of a table; there are none before it was written."""
    try:
        rows: list[list[Any]] = json.loads((FOLDER / f"{name}.json").read_text())["rows"]
    except FileNotFoundError:
        return []
    return rows


def tally(name: str, columns: Sequence[str], rows: Sequence[Sequence[str | int]]) -> None:
    """Write one table of figures to `build/reliability/NAME.json` of the checkout."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = {"columns": list(columns), "rows": [list(row) for row in rows]}
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
