"""Shows how near the builds came to the limit."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from .model import STAGES, Row

MODEL_CORES = (8, 64)
MB = 1_000_000


def markdown(rows: Sequence[Row]) -> str:
    """Return both tables."""
    return "\n".join([*stage_table(rows), "", *limit_table(rows), ""])


def stage_table(rows: Sequence[Row]) -> Iterator[str]:
    """Give the stages: megabytes of what each works on per second of one core, and their shares."""
    heads = [
        "compression",
        *(f"{stage} s" for stage in STAGES),
        "compress MB/s",
        "layer MB",
        "ratio",
    ]
    yield from head(heads)
    for row in rows:
        stages = row.stages
        speed = "-" if stages.compression == "none" else f"{stages.tar / MB / stages.compress:.0f}"
        yield line(
            stages.compression,
            *(f"{getattr(stages, stage):.2f}" for stage in STAGES),
            speed,
            f"{stages.blob / MB:.1f}",
            f"{stages.tar / stages.blob:.3f}",
        )


def limit_table(rows: Sequence[Row]) -> Iterator[str]:
    """Give the limit, what was measured and how much of the limit that is; then the model."""
    threads = list(rows[0].walls)
    measured = [
        text for count in threads for text in (f"limit {count}", f"wall {count}", "reached")
    ]
    yield from head(["compression", *measured, *(f"model {count}" for count in MODEL_CORES)])
    for row in rows:
        cells = [
            text
            for count in threads
            for text in (
                f"{row.stages.limit(count):.2f}",
                f"{row.wall(count):.2f}",
                f"{row.share(count):.2f}",
            )
        ]
        model = [f"{row.stages.limit(count):.2f}" for count in MODEL_CORES]
        yield line(row.stages.compression, *cells, *model)


def head(names: Sequence[str]) -> Iterator[str]:
    """Give the first two lines of a table."""
    yield line(*names)
    yield line("---", *("---:" for _ in names[1:]))


def line(*cells: str) -> str:
    """Give one line of a table."""
    return f"| {' | '.join(cells)} |"


def as_json(rows: Sequence[Row]) -> str:
    """Return all that was measured."""
    return json.dumps([asdict(row) for row in rows], indent=1) + "\n"
