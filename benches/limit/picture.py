"""Draws the limit: bars of what was measured beside it, and its curve for more cores."""

from xml.etree.ElementTree import Element, SubElement

from benches.common.panel import Axis, Panel, draw_legend, draw_panel, draw_seconds, round_ticks
from benches.common.svg import (
    BAR_HEIGHT,
    GROUP_GAP,
    GROUP_HEIGHT,
    MARGIN,
    ROW_HEIGHT,
    TITLE_HEIGHT,
    WIDTH,
    box,
    canvas,
    curve,
    dot,
    label,
    line,
    median_of,
    text_of,
)

from .model import Limits, Row

BARS_LEFT = 130
BARS_RIGHT = 600  # what is left of the width holds the figures of the longest bar
LIMIT_HEIGHT = 26  # of the stroke across a bar
PANEL_TOP = 60  # from the last bar to the panel's grid
PANEL_HEIGHT = 260
FOOT_HEIGHT = 84

MODEL_CORES = (1, 2, 4, 8, 16, 32, 64)
# Enough to show one engine with two levels, and two engines.
CURVES = {"gzip:1": "second", "gzip": "first", "zstd:3": "third"}


def picture(limits: Limits) -> str:
    """Return the limit as the text of an SVG file."""
    group_height = GROUP_HEIGHT + ROW_HEIGHT * len(limits.rows) + GROUP_GAP
    panel_top = TITLE_HEIGHT + group_height * len(limits.cores) + PANEL_TOP
    height = panel_top + PANEL_HEIGHT + FOOT_HEIGHT
    where = f"{limits.machine.line} · {median_of(limits.runs)}, warm cache"
    svg = canvas(height, f"Seconds to make one layer of {limits.tree.line}, and the limit", where)
    longest = max(
        seconds
        for row in limits.rows
        for cores in limits.cores
        for seconds in (row.typical(cores).wall, row.stages.limit(cores))
    )
    top: float = TITLE_HEIGHT
    for cores in limits.cores:
        title = f"on {cores} core" + "s" * (cores != 1)
        label(svg, MARGIN, top + 20, title, "group")
        for place, row in enumerate(limits.rows):
            draw_row(svg, top + GROUP_HEIGHT + ROW_HEIGHT * place, row, cores, longest)
        top += group_height
    draw_model(svg, limits, panel_top)
    foot = "Stroke across a bar: the limit. Curves: the limit on more cores; dots: measured."
    label(svg, MARGIN, height - MARGIN / 2, foot, "muted")
    return text_of(svg)


def draw_row(svg: Element, top: float, row: Row, cores: int, longest: float) -> None:
    """Draw one compression: name, bar, limit and how much of that was reached."""
    scale = (BARS_RIGHT - BARS_LEFT) / longest
    wall, limit = row.typical(cores).wall, row.stages.limit(cores)
    middle = top + ROW_HEIGHT / 2
    label(svg, MARGIN, middle + 4.5, row.stages.compression, "ours")
    bar = box(svg, (BARS_LEFT, middle - BAR_HEIGHT / 2, wall * scale, BAR_HEIGHT), "bar-ours")
    bar.set("rx", "2")
    x = BARS_LEFT + limit * scale
    line(svg, (x, middle - LIMIT_HEIGHT / 2, x, middle + LIMIT_HEIGHT / 2), "limit")
    right = BARS_LEFT + max(wall, limit) * scale
    value = label(svg, right + 12, middle + 4.5, f"{wall:.2f} s", "value")
    share = SubElement(value, "tspan", {"dx": "8", "class": "size"})
    share.text = f"{row.share(cores):.0%} of the limit"


def draw_model(svg: Element, limits: Limits, top: float) -> None:
    """Draw the curves of the model, with what was measured on them."""
    rows = [row for row in limits.rows if row.stages.compression in CURVES]
    if not rows:
        return
    seconds = [row.stages.limit(cores) for row in rows for cores in MODEL_CORES]
    seconds += [row.typical(cores).wall for row in rows for cores in limits.cores]
    y_ticks = round_ticks(seconds)
    panel = Panel(
        Axis(MODEL_CORES[0], MODEL_CORES[-1], BARS_LEFT, WIDTH - MARGIN),
        Axis(y_ticks[0], y_ticks[-1], top + PANEL_HEIGHT, top),
        MODEL_CORES,
        y_ticks,
    )
    draw_panel(svg, panel, "the limit by the number of cores")
    draw_seconds(svg, panel)
    for row in rows:
        css = CURVES[row.stages.compression]
        # Where the hash of the tar begins to be what everything waits for.
        bend = min(max(row.stages.work / row.stages.diff_id, 1), MODEL_CORES[-1])
        curve(
            svg,
            [panel.at(k, row.stages.limit(k)) for k in sorted({*MODEL_CORES, bend})],
            css,
        )
        for cores in limits.cores:
            dot(svg, *panel.at(cores, row.typical(cores).wall), css)
    entries = [(row.stages.compression, CURVES[row.stages.compression]) for row in rows]
    draw_legend(svg, top + PANEL_HEIGHT + 42, BARS_LEFT, entries)
