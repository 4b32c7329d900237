"""What became of each fault, counted by the operation that met it."""

from collections import Counter
from typing import Literal

from tally import tally

from .amount import ALL

Verdict = Literal["complete", "absent"]
"""The whole right output, or the one from before."""

COLUMNS = ("operation", "injected", "complete", "absent", "lost")


class Figures:
    """Counts of one suite, which go to `build/reliability/NAME.json`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._injected: Counter[str] = Counter()
        self._survived: Counter[tuple[str, Verdict]] = Counter()

    def injected(self, operation: str) -> None:
        """Count a fault that came to pass. What is not `survived` then is lost."""
        self._injected[operation] += 1

    def survived(self, operation: str, verdict: Verdict) -> None:
        """Count one after which everything was checked and right."""
        self._survived[operation, verdict] += 1

    def write(self) -> None:
        """Write the table, if something ran and not only a sample of it."""
        rows: list[tuple[str, int, int, int, int]] = []
        for operation, injected in self._injected.items():
            complete, absent = (
                self._survived[operation, "complete"],
                self._survived[operation, "absent"],
            )
            rows.append((operation, injected, complete, absent, injected - complete - absent))
        if rows and ALL:
            total = tuple(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))
            tally(self._name, COLUMNS, [*sorted(rows), ("all", *total)])
