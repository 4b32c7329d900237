"""A panel of a picture with two logarithmic axes, on which what is in proportion is a line."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.etree.ElementTree import Element

from .svg import dot, label, line


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high`, at pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        share = log10(value / self.low) / log10(self.high / self.low)
        return self.start + share * (self.end - self.start)


@dataclass(frozen=True)
class Panel:
    """The axes, and the values that have lines of the grid."""

    x: Axis
    y: Axis
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point."""
        return self.x.at(x), self.y.at(y)


def round_ticks(values: Sequence[float]) -> list[float]:
    """Return 1, 2 and 5 times powers of ten, from below the least value to above the greatest.

    There are two at least, also of values that are all the same.
    """
    powers = range(floor(log10(min(values))), ceil(log10(max(values))) + 2)
    ticks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    low = max(tick for tick in ticks if tick <= min(values))
    high = min(tick for tick in ticks if tick >= max(values) and tick > low)
    return [tick for tick in ticks if low <= tick <= high]


def draw_panel(svg: Element, panel: Panel, title: str) -> None:
    """Draw title and grid, and the values below its lines."""
    top, bottom = panel.y.end, panel.y.start
    left, right = panel.x.start, panel.x.end
    label(svg, left, top - 16, title, "group")
    for tick in panel.x_ticks:
        x = panel.x.at(tick)
        line(svg, (x, top, x, bottom), "grid")
        label(svg, x, bottom + 17, f"{tick:,g}", "tick").set("text-anchor", "middle")
    for tick in panel.y_ticks:
        y = panel.y.at(tick)
        line(svg, (left, y, right, y), "grid")


def draw_seconds(svg: Element, panel: Panel) -> None:
    """Draw the seconds on the left of the lines."""
    for tick in panel.y_ticks:
        place = panel.x.start - 8, panel.y.at(tick) + 4
        label(svg, *place, f"{tick:g} s", "tick").set("text-anchor", "end")


def draw_slope(svg: Element, panel: Panel, point: tuple[float, float], css: str) -> None:
    """Draw the line of all that is in proportion to the point, as far as the panel reaches."""
    x, y = point
    low = max(panel.x.low, panel.y.low * x / y)
    high = min(panel.x.high, panel.y.high * x / y)
    ends = (*panel.at(low, low * y / x), *panel.at(high, high * y / x))
    line(svg, ends, f"slope {css}")


def draw_legend(svg: Element, top: float, left: float, entries: Sequence[tuple[str, str]]) -> None:
    """Draw the names of what the colours stand for, side by side."""
    for name, css in entries:
        dot(svg, left + 4, top - 4.5, css)
        label(svg, left + 16, top, name, "")
        left += 40 + 7 * len(name)
