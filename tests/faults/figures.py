"""What became of each fault, counted by the operation that met it."""

from collections import Counter
from typing import Literal

from tally import tallied, tally

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
        """Write the table, if something ran and not only a sample of it.

        What did not run this time keeps its rows: one test that was mended is run by itself.
        """
        if not self._injected or not ALL:
            return
        counts = {operation: count for operation, *count in tallied(self._name)}
        counts |= {operation: self._counted(operation) for operation in self._injected}
        counts.pop("all", None)
        total = [sum(column) for column in zip(*counts.values(), strict=True)]
        rows = [(operation, *count) for operation, count in sorted(counts.items())]
        tally(self._name, COLUMNS, [*rows, ("all", *total)])

    def _counted(self, operation: str) -> list[int]:
        injected = self._injected[operation]
        complete, absent = (
            self._survived[operation, "complete"],
            self._survived[operation, "absent"],
        )
        return [injected, complete, absent, injected - complete - absent]
