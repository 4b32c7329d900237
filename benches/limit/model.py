"""The limit: what a layer would take if no core ever waited.

A layer is read, hashed (`diff_id`), compressed, hashed again (`digest`) and written. Any core can
do any of it, but the bytes of the tar go through one hash in their order, so that

    T(k) = max(diff_id, read + diff_id + compress + digest + write, divided by k)

for k cores, from the processor time that each stage takes alone on one of them.
"""

from dataclasses import dataclass
from statistics import median

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

    def limit(self, cores: int) -> float:
        """Return the least seconds of wall time on so many cores."""
        return max(self.diff_id, self.work / cores)


@dataclass(frozen=True)
class Row:
    """A compression: its stages, and the wall times of builds by the number of their threads."""

    stages: Stages
    walls: dict[int, list[float]]

    def wall(self, threads: int) -> float:
        """Return the median of the builds with so many threads, in seconds."""
        return median(self.walls[threads])

    def share(self, threads: int) -> float:
        """Return how much of the limit was reached, 1 being all."""
        return self.stages.limit(threads) / self.wall(threads)
