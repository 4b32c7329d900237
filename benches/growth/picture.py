"""Draws the growth: a panel for each series, where what is in proportion lies on a dashed line."""

from math import log10
from xml.etree.ElementTree import Element

from benches.common.panel import (
    Axis,
    Panel,
    draw_legend,
    draw_panel,
    draw_seconds,
    draw_slope,
    round_ticks,
)
from benches.common.svg import (
    MARGIN,
    TITLE_HEIGHT,
    WIDTH,
    canvas,
    dot,
    label,
    median_of,
    text_of,
)

from .report import Growth
from .series import COMPRESSIONS, STEP, Series

PANEL_TOP = TITLE_HEIGHT + 46
PANEL_GAP = 36
SECONDS_WIDTH = 44
FOOT_HEIGHT = 84
LEAST = 1e-3  # seconds: less is the noise of the start that was subtracted
ROOM = 2  # times, from the last amount to the panel's edge

CSS = dict(zip(COMPRESSIONS, ("first", "second", "third"), strict=True))


def picture(growth: Growth) -> str:
    """Return the growth as the text of an SVG file."""
    count = len(growth.series)
    first = MARGIN + SECONDS_WIDTH
    width = (WIDTH - MARGIN - first - PANEL_GAP * (count - 1)) / count
    seconds = round_ticks([max(point.over(growth.idle).wall, LEAST) for point in growth.points])
    # A power of ten is as long upwards as it is sideways, so that slope 1 looks like it.
    panel_height = width * log10(seconds[-1] / seconds[0]) / log10(ROOM * STEP**2 * ROOM)
    bottom = PANEL_TOP + panel_height
    threads = f"{growth.threads} thread" + "s" * (growth.threads != 1)
    where = f"{growth.machine.line} · {threads}, {median_of(growth.runs)}, warm cache"
    title = "Seconds over those of an idle start, as there is more to do"
    svg = canvas(bottom + FOOT_HEIGHT, title, where)
    for place, series in enumerate(growth.series):
        left = first + place * (width + PANEL_GAP)
        amounts = list(series.builds)
        panel = Panel(
            Axis(amounts[0] / ROOM, amounts[-1] * ROOM, left, left + width),
            Axis(seconds[0], seconds[-1], bottom, PANEL_TOP),
            amounts,
            seconds,
        )
        draw_panel(svg, panel, series.title)
        if place == 0:
            draw_seconds(svg, panel)
        draw_series(svg, growth, series, panel)
    foot = bottom + FOOT_HEIGHT - MARGIN / 2
    draw_legend(svg, foot, MARGIN, [(name, CSS[name]) for name in COMPRESSIONS])
    note = "Dots: measured. Dashed: in proportion (slope 1) to the largest."
    label(svg, WIDTH - MARGIN, foot, note, "muted").set("text-anchor", "end")
    return text_of(svg)


def draw_series(svg: Element, growth: Growth, series: Series, panel: Panel) -> None:
    """Draw the points of one series, and what is in proportion to the last of each line."""
    for name in COMPRESSIONS:
        points = [
            (point.amount, max(point.over(growth.idle).wall, LEAST))
            for point in growth.line(series, name)
        ]
        draw_slope(svg, panel, points[-1], CSS[name])
        for place in points:
            dot(svg, *panel.at(*place), CSS[name])
