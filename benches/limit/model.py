"""The limit: what a layer would take if no core ever waited.

A layer is read, hashed (`diff_id`), compressed, hashed again (`digest`) and written. Any core can
do any of it, but the bytes of the tar go through one hash in their order, so that

    T(k) = max(diff_id, read + diff_id + compress + digest + write, divided by k)

for k cores, from the processor time that each stage takes alone on one of them.
"""

from dataclasses import dataclass

from benches.common.machine import Machine
from benches.common.process import Cost, Typical
from benches.common.trees import TreeFacts

STAGES = ("read", "diff_id", "compress", "digest", "write")


@dataclass(frozen=True)
class Stages:
    """Seconds of processor time of each stage for one layer, and bytes of its tar and its blob."""

    compression: str
    tar: int
    blob: int
    read: float
    diff_id: float
    compress: float
    digest: float
    write: float

    @property
    def work(self) -> float:
        """Seconds of all stages."""
        return self.read + self.diff_id + self.compress + self.digest + self.write

    def limit(self, cores: float) -> float:
        """Return the least seconds of wall time on so many cores."""
        return max(self.diff_id, self.work / cores)


@dataclass(frozen=True)
class Row:
    """A compression: its stages, and what builds cost by the number of their cores."""

    stages: Stages
    costs: dict[int, list[Cost]]

    def typical(self, cores: int) -> Typical:
        """Return what a build on so many cores costs."""
        return Typical.of(self.costs[cores])

    def share(self, cores: int) -> float:
        """Return how much of the limit was reached, 1 being all."""
        return self.stages.limit(cores) / self.typical(cores).wall


@dataclass(frozen=True)
class Limits:
    """All that a report needs: the rows, and under which conditions they came about."""

    machine: Machine
    tree: TreeFacts
    runs: int
    command: str
    rows: list[Row]
    idle_costs: list[Cost]

    @property
    def cores(self) -> list[int]:
        """Return on how many cores there were builds."""
        return list(self.rows[0].costs)

    @property
    def idle(self) -> Typical:
        """Return what the program costs before it does anything."""
        return Typical.of(self.idle_costs)
