"""Shows how near the builds came to the limit."""

import json
from dataclasses import asdict

from benches.common.report import machine_line, sections
from benches.common.tables import MB, passage, table

from .model import STAGES, Limits, Stages

MODEL_CORES = (8, 64)

HOW = """\
- **limit s** is the model: what all stages take together, divided by the cores, but no less than
  the SHA-256 of the tar alone, which has to go in order. Each stage was timed alone, as processor
  time of one thread; **model** is the same for machines with more cores.
- **wall s** is the median of the runs, from the start of the command to its end; **reached** is the
  limit divided by it.
- **cores** are those that the process may use, and `--threads` says the same. With zstd, libzstd's
  own workers come on top of the threads asked for, and share those cores: `--threads 1` alone would
  keep two cores busy.
- **peak MB** is the largest peak RSS of the runs over that of `fastlayer --version`.
- The tree was read once before the first run, so its files are in the page cache."""


def markdown(limits: Limits) -> str:
    """Return the report as Markdown; `limit.svg` is expected beside it."""
    return sections(
        "# How near a layer comes to the limit of the machine",
        "![The limit and what was reached](limit.svg)",
        passage("limit", limit_table(limits)),
        "## What each stage takes alone",
        passage("limit-stages", stage_table(limits)),
        "## How it was measured",
        passage("limit-how", "\n".join([*conditions(limits), HOW])),
    )


def limit_table(limits: Limits) -> str:
    """Return the limit, what was measured and how much of the limit that is."""
    rows = []
    for row in limits.rows:
        for cores in limits.cores:
            cost = row.typical(cores)
            rows.append(
                [
                    row.stages.compression,
                    str(cores),
                    f"{row.stages.limit(cores):.2f}",
                    f"{cost.wall:.2f}",
                    f"{row.share(cores):.0%}",
                    f"{cost.over(limits.idle).peak_bytes / MB:.0f}",
                ]
            )
    return table(["compression", "cores", "limit s", "wall s", "reached", "peak MB"], rows)


def stage_table(limits: Limits) -> str:
    """Return the seconds of each stage, what comes out, and the model for other machines."""
    heads = [
        "compression",
        *(f"{stage} s" for stage in STAGES),
        "compress MB/s",
        "layer MB",
        "ratio",
        *(f"model {cores} cores s" for cores in MODEL_CORES),
    ]
    return table(heads, [stage_row(row.stages) for row in limits.rows])


def stage_row(stages: Stages) -> list[str]:
    """Return the figures of one compression, a cell each."""
    speed = "-" if stages.compression == "none" else f"{stages.tar / MB / stages.compress:.0f}"
    return [
        stages.compression,
        *(f"{getattr(stages, stage):.2f}" for stage in STAGES),
        speed,
        f"{stages.blob / MB:.1f}",
        f"{stages.tar / stages.blob:.3f}",
        *(f"{stages.limit(cores):.2f}" for cores in MODEL_CORES),
    ]


def conditions(limits: Limits) -> list[str]:
    """Return the lines that say on what, where and how it was measured."""
    return [
        f"- tree: {limits.tree.line}",
        machine_line(limits.machine),
        f"- runs: {limits.runs} of each; a start without work takes {limits.idle.wall:.2f} s"
        f" and {limits.idle.peak_bytes / MB:.0f} MB",
        f"- made by: `{limits.command}`",
    ]


def as_json(limits: Limits) -> str:
    """Return all that was measured."""
    return json.dumps(asdict(limits), indent=1) + "\n"
