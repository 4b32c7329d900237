"""Draws the comparison as an SVG: a bar of wall time for each contestant, grouped by compression.

Written without a plotting library: the picture is a few rectangles and texts, and says in its own
style sheet how it looks in light and in dark mode.
"""

from collections.abc import Iterator
from math import floor, log10
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .measure import Outcome
from .report import MB, Comparison

WIDTH = 920
MARGIN = 36
BARS_LEFT = 292
BARS_RIGHT = 740  # what is left of the width holds the figures of the longest bar
TITLE_HEIGHT = 92
GROUP_HEIGHT = 34
ROW_HEIGHT = 30
BAR_HEIGHT = 18
GROUP_GAP = 12
AXIS_HEIGHT = 46
NOTE_HEIGHT = 20
NOTE_LENGTH = 118  # characters that fit into the width
TICKS = 6  # at most about as many

GROUPS = {"gzip": "gzip layers", "zstd": "zstd layers", "none": "uncompressed layers"}

STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
text { font-size: 13px; fill: #1e293b }
.surface { fill: #ffffff; stroke: #e2e8f0 }
.title { font-size: 19px; font-weight: 650; fill: #0f172a }
.muted { fill: #64748b }
.group { font-size: 12px; font-weight: 600; fill: #64748b }
.ours { font-weight: 600; fill: #0f766e }
.value { font-weight: 600; font-variant-numeric: tabular-nums }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
.size { font-weight: 400; fill: #64748b }
.tick { font-size: 11px; fill: #64748b; font-variant-numeric: tabular-nums }
.grid { stroke: #e8edf3 }
.spread { stroke: #0f172a; stroke-opacity: .55; stroke-width: 1.5 }
.bar { fill: #b6c2d1 }
.bar-ours { fill: #14b8a6 }
@media (prefers-color-scheme: dark) {
text { fill: #e2e8f0 }
.surface { fill: #0d1117; stroke: #263041 }
.title { fill: #f8fafc }
.muted, .group, .size, .tick { fill: #94a3b8 }
.ours { fill: #5eead4 }
.value { stroke: #0d1117 }
.grid { stroke: #1e2733 }
.spread { stroke: #f8fafc; stroke-opacity: .7 }
.bar { fill: #475569 }
}
"""


def picture(comparison: Comparison) -> str:
    """Return the comparison as the text of an SVG file."""
    groups = list(grouped(comparison))
    notes = list(footnotes(comparison))
    bars_height = sum(GROUP_HEIGHT + ROW_HEIGHT * len(rows) + GROUP_GAP for _, rows in groups)
    axis_top = TITLE_HEIGHT + bars_height
    height = axis_top + AXIS_HEIGHT + NOTE_HEIGHT * len(notes) + MARGIN // 2
    svg = canvas(height, comparison)
    longest = max((outcome.wall.high for outcome in comparison.measured), default=1.0)
    step = tick_step(longest)
    scale = (BARS_RIGHT - BARS_LEFT) / longest

    draw_title(svg, comparison)
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
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


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


def canvas(height: float, comparison: Comparison) -> Element:
    """Return the empty picture, with its style and its description for screen readers."""
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height:g}",
            "width": str(WIDTH),
            "height": f"{height:g}",
            "role": "img",
        },
    )
    SubElement(svg, "title").text = headline(comparison)
    SubElement(svg, "style").text = STYLE
    box(svg, (0.5, 0.5, WIDTH - 1, height - 1), "surface").set("rx", "10")
    return svg


def headline(comparison: Comparison) -> str:
    """Return the title: what was packed."""
    tree = comparison.tree
    megabytes = tree.content_bytes / MB
    size = f"{megabytes / 1000:.2f} GB" if megabytes >= 1000 else f"{megabytes:.1f} MB"
    return f"Seconds to make one layer of {size} in {tree.entries:,} entries"


def draw_title(svg: Element, comparison: Comparison) -> None:
    """Draw the title, and below it where and how it was measured."""
    label(svg, MARGIN, 46, headline(comparison), "title")
    runs = "one run" if comparison.runs == 1 else f"median of {comparison.runs} runs"
    where = f"{comparison.machine.line} · {runs}, warm cache"
    label(svg, MARGIN, 70, where, "muted")


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


def tick_step(longest: float) -> float:
    """Return the distance of the axis' lines: 1, 2 or 5 times a power of ten."""
    rough = longest / TICKS
    power: float = 10.0 ** floor(log10(rough))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= rough), 10 * power)


def label(svg: Element, x: float, y: float, text: str, css: str) -> Element:
    """Add a text that starts at x, on the baseline y."""
    element = SubElement(svg, "text", {"x": number(x), "y": number(y)})
    if css:
        element.set("class", css)
    element.text = text
    return element


def box(svg: Element, place: tuple[float, float, float, float], css: str) -> Element:
    """Add a rectangle at x, y with width and height."""
    attributes = zip(("x", "y", "width", "height"), map(number, place), strict=True)
    return SubElement(svg, "rect", {**dict(attributes), "class": css})


def line(svg: Element, ends: tuple[float, float, float, float], css: str) -> Element:
    """Add a line from x1, y1 to x2, y2."""
    attributes = zip(("x1", "y1", "x2", "y2"), map(number, ends), strict=True)
    return SubElement(svg, "line", {**dict(attributes), "class": css})


def number(value: float) -> str:
    """Return a coordinate with a hundredth of a pixel, without zeros that say nothing."""
    return f"{round(value, 2):g}"
