"""The pieces of a picture as SVG.

Written without a plotting library: the pictures are a few rectangles, lines and texts, and say in
their own style sheet how they look in light and in dark mode.
"""

from collections.abc import Sequence
from math import floor, log10
from xml.etree.ElementTree import Element, SubElement, indent, tostring

WIDTH = 920
MARGIN = 36
TITLE_HEIGHT = 92

# Of bars, one below the other in groups with a title.
GROUP_HEIGHT = 34
ROW_HEIGHT = 30
BAR_HEIGHT = 18
GROUP_GAP = 12

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
.limit { stroke: #0f172a; stroke-width: 2.5 }
.bar { fill: #b6c2d1 }
.bar-ours { fill: #14b8a6 }
.curve { fill: none; stroke-width: 1.75 }
.slope { stroke-width: 1.25; stroke-opacity: .75; stroke-dasharray: 5 4 }
.curve.first, .slope.first { stroke: #0d9488 }
.curve.second, .slope.second { stroke: #6366f1 }
.curve.third, .slope.third { stroke: #d97706 }
.dot.first { fill: #0d9488 }
.dot.second { fill: #6366f1 }
.dot.third { fill: #d97706 }
@media (prefers-color-scheme: dark) {
text { fill: #e2e8f0 }
.surface { fill: #0d1117; stroke: #263041 }
.title { fill: #f8fafc }
.muted, .group, .size, .tick { fill: #94a3b8 }
.ours { fill: #5eead4 }
.value { stroke: #0d1117 }
.grid { stroke: #1e2733 }
.spread { stroke: #f8fafc; stroke-opacity: .7 }
.limit { stroke: #f8fafc }
.bar { fill: #475569 }
.curve.second, .slope.second { stroke: #a5b4fc }
.dot.second { fill: #a5b4fc }
}
"""


def canvas(height: float, title: str, where: str) -> Element:
    """Return a picture with nothing but its title, and below that where it was measured."""
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
    SubElement(svg, "title").text = title
    SubElement(svg, "style").text = STYLE
    box(svg, (0.5, 0.5, WIDTH - 1, height - 1), "surface").set("rx", "10")
    label(svg, MARGIN, 46, title, "title")
    label(svg, MARGIN, 70, where, "muted")
    return svg


def text_of(svg: Element) -> str:
    """Return a picture as the text of its file."""
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def median_of(runs: int) -> str:
    """Return what a picture says of its figures."""
    return "one run" if runs == 1 else f"median of {runs} runs"


def tick_step(longest: float, ticks: int) -> float:
    """Return the distance of an axis' lines, at most about so many: 1, 2 or 5 times 10ⁿ."""
    rough = longest / ticks
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


def curve(svg: Element, points: Sequence[tuple[float, float]], css: str) -> Element:
    """Add a line through all points."""
    text = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return SubElement(svg, "polyline", {"points": text, "class": f"curve {css}"})


def dot(svg: Element, x: float, y: float, css: str) -> Element:
    """Add what marks a measured point."""
    place = {"cx": number(x), "cy": number(y), "r": "4"}
    return SubElement(svg, "circle", {**place, "class": f"dot {css}"})


def number(value: float) -> str:
    """Return a coordinate with a hundredth of a pixel, without zeros that say nothing."""
    return f"{round(value, 2):g}"
