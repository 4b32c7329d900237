"""What a run of `make fuzz` counted: `python -m fuzz.figures LOGS ARTIFACTS…`."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tally import tally

_COLUMNS = ("target", "executions", "seconds", "findings")
_DONE = re.compile(r"^Done ([0-9]+) runs in ([0-9]+) second", re.MULTILINE)


def rows(logs: Path, artifacts: Sequence[Path]) -> list[tuple[str, int, int, int]]:
    """One for each log in a folder, and one for all of them.

    What was found, now or before, lies in a folder of the target in one of `artifacts`.
    """
    found = [_row(log, artifacts) for log in sorted(logs.glob("*.log"))]
    executions = sum(row[1] for row in found)
    seconds = sum(row[2] for row in found)
    findings = sum(row[3] for row in found)
    return [*found, ("all", executions, seconds, findings)]


def _row(log: Path, artifacts: Sequence[Path]) -> tuple[str, int, int, int]:
    done = _DONE.findall(log.read_text(errors="replace"))
    executions, seconds = map(int, done[-1]) if done else (0, 0)
    findings = sum(len(list((folder / log.stem).glob("*"))) for folder in artifacts)
    return log.stem, executions, seconds, findings


if __name__ == "__main__":
    logs, *folders = map(Path, sys.argv[1:])
    tally("fuzz", _COLUMNS, rows(logs, folders))
