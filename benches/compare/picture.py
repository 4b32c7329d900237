"""Draws the comparison: a bar of wall time for each contestant, grouped by compression."""

from collections.abc import Iterator
from math import floor
from xml.etree.ElementTree import Element, SubElement

from benches.common.svg import (
    BAR_HEIGHT,
    GROUP_GAP,
    GROUP_HEIGHT,
    MARGIN,
    ROW_HEIGHT,
    TITLE_HEIGHT,
    box,
    canvas,
    label,
    line,
    median_of,
    text_of,
    tick_step,
)
from benches.common.tables import MB

from .measure import Outcome
from .report import Comparison

BARS_LEFT = 292
BARS_RIGHT = 740  # what is left of the width holds the figures of the longest bar
AXIS_HEIGHT = 46
NOTE_HEIGHT = 20
NOTE_LENGTH = 118  # characters that fit into the width
TICKS = 6  # at most about as many

GROUPS = {"gzip": "gzip layers", "zstd": "zstd layers", "none": "uncompressed layers"}


def picture(comparison: Comparison) -> str:
    """Return the comparison as the text of an SVG file."""
    groups = list(grouped(comparison))
    notes = list(footnotes(comparison))
    bars_height = sum(GROUP_HEIGHT + ROW_HEIGHT * len(rows) + GROUP_GAP for _, rows in groups)
    axis_top = TITLE_HEIGHT + bars_height
    height = axis_top + AXIS_HEIGHT + NOTE_HEIGHT * len(notes) + MARGIN // 2
    where = f"{comparison.machine.line} · {median_of(comparison.runs)}, warm cache"
    svg = canvas(height, f"Seconds to make one layer of {comparison.tree.line}", where)
    longest = max((outcome.wall.high for outcome in comparison.measured), default=1.0)
    step = tick_step(longest, TICKS)
    scale = (BARS_RIGHT - BARS_LEFT) / longest

    draw_axis(svg, axis_top, step=step, longest=longest, scale=scale)
    top: float = TITLE_HEIGHT
    for title, rows in groups:
        label(svg, MARGIN, top + 20, title, "group")
        top += GROUP_HEIGHT
        for outcome in rows:
            draw_row(svg, top, outcome, scale)
            top += ROW_HEIGHT
        top += GROUP_GAP
    for row, note in enumerate(notes):
        label(svg, MARGIN, axis_top + AXIS_HEIGHT + NOTE_HEIGHT * row, note, "muted")
    return text_of(svg)


def grouped(comparison: Comparison) -> Iterator[tuple[str, list[Outcome]]]:
    """Yield the title of each group that has figures, with its outcomes, the fastest first."""
    for compression, title in GROUPS.items():
        rows = [one for one in comparison.measured if one.contestant.compression == compression]
        if rows:
            yield title, rows


def footnotes(comparison: Comparison) -> Iterator[str]:
    """Yield the lines below the axis: how to read it, and who is missing."""
    yield "Line on a bar: fastest to slowest run. MB: size of the layer. Shorter is better."
    for outcome in comparison.failed:
        yield shortened(f"Failed: {outcome.contestant.title} ({outcome.failure})")
    if comparison.absent:
        yield shortened("Not installed: " + ", ".join(one.name for one in comparison.absent))


def shortened(text: str) -> str:
    """Return a text that fits on one line of the picture."""
    return text if len(text) <= NOTE_LENGTH else text[: NOTE_LENGTH - 1] + "…"


def draw_axis(svg: Element, bottom: float, *, step: float, longest: float, scale: float) -> None:
    """Draw the vertical lines behind the bars and their seconds below."""
    for tick in range(floor(longest / step) + 1):
        x = BARS_LEFT + tick * step * scale
        line(svg, (x, TITLE_HEIGHT + GROUP_HEIGHT - 8, x, bottom - 4), "grid")
        label(svg, x, bottom + 12, f"{tick * step:g} s", "tick").set("text-anchor", "middle")


def draw_row(svg: Element, top: float, outcome: Outcome, scale: float) -> None:
    """Draw one contestant: name, bar, spread of the runs, seconds and size."""
    ours = outcome.contestant.family == "fastlayer"
    wall = outcome.wall
    middle = top + ROW_HEIGHT / 2
    baseline = middle + 4.5
    label(svg, MARGIN, baseline, outcome.contestant.title, "ours" if ours else "")
    bar_class = "bar-ours" if ours else "bar"
    bar = box(svg, (BARS_LEFT, middle - BAR_HEIGHT / 2, wall.median * scale, BAR_HEIGHT), bar_class)
    bar.set("rx", "2")
    low, high = BARS_LEFT + wall.low * scale, BARS_LEFT + wall.high * scale
    if high > low:
        line(svg, (low, middle, high, middle), "spread")
    value = label(svg, high + 10, baseline, f"{wall.median:.2f} s", "value")
    size = SubElement(value, "tspan", {"dx": "8", "class": "size"})
    size.text = f"{outcome.layer_bytes / MB:,.0f} MB"
