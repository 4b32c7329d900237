"""The growth is measured on trees that grow in one thing, and told per one of that."""

import json
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benches.common.machine import Machine
from benches.common.process import Cost
from benches.common.tables import passages
from benches.common.trees import TreeFacts, warm
from benches.growth.__main__ import main
from benches.growth.picture import picture
from benches.growth.report import Growth, markdown
from benches.growth.series import COMPRESSIONS, Point, Series, Sizes
from benches.growth.trees import make_tree, pool

MACHINE = Machine("A <fast> CPU", ("sha_ni",), cores=2, memory_bytes=8 * 10**9, kernel="6.1.0")
SERIES = Series("files", "files of 1 byte", "file", "µs", 1e6, {1.0: [], 10.0: [], 100.0: []})


def growth_of(*walls: float) -> Growth:
    """A growth with a wall time, twice that much CPU, for each amount; a start takes 1 s."""
    points = [
        Point(SERIES, name, amount, [Cost(wall, wall, wall, 50_000_000, 0)], 1)
        for amount, wall in zip(SERIES.builds, walls, strict=True)
        for name in COMPRESSIONS
    ]
    idle = [Cost(1.0, 1.0, 1.0, 30_000_000, 0)]
    return Growth(MACHINE, 1, 2, "python -m …", points, idle)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the reports of a growth up to small sizes."""
    out = tmp_path_factory.mktemp("growth")
    sizes = Sizes(content_files=100, content_bytes=2000, small_files=200, small_bytes=50)
    assert main(["--out", str(out), "--runs", "1", "--threads", "1"], sizes) == 0
    return out


def test_reports_have_every_build(reports: Path) -> None:
    """Three amounts of three things with three compressions are built, and trees are removed."""
    assert sorted(path.name for path in reports.iterdir()) == [
        "growth.json",
        "growth.md",
        "growth.svg",
    ]
    points = json.loads((reports / "growth.json").read_bytes())["points"]
    assert len(points) == 3 * 3 * len(COMPRESSIONS)
    assert all(len(point["runs"]) == 1 for point in points)
    plain = [point for point in points if point["compression"] == "none"]
    amounts = [(point["series"], point["amount"]) for point in plain]
    assert amounts[:3] == [("content", 0.002), ("content", 0.02), ("content", 0.2)]
    assert amounts[3:6] == [("files", 2), ("files", 20), ("files", 200)]
    assert amounts[6:] == [("layers", 1), ("layers", 10), ("layers", 100)]
    # Each layer of 2,000 bytes takes as many in the image, with its headers.
    assert plain[-1]["output_bytes"] - plain[-2]["output_bytes"] > 90 * 2000
    rows = [line for line in (reports / "growth.md").read_text().splitlines() if line[:2] == "| "]
    assert len(rows) == 3 * (2 + 9)


def test_costs_are_told_per_unit_and_compared() -> None:
    """The start is subtracted; ten times the amount for ten times the time has the ratio 1."""
    rows = passages(markdown(growth_of(1.5, 6.0, 11.0)))["growth"].splitlines()
    gzip = [row for row in rows if row.startswith("| gzip ")]
    assert gzip == [
        "| gzip | 1 | 1.50 | 500000.00 | - | 3.00 | 1000000.00 | - | 20 |",
        "| gzip | 10 | 6.00 | 500000.00 | 1.00 | 12.00 | 1000000.00 | 1.00 | 20 |",
        "| gzip | 100 | 11.00 | 100000.00 | 0.20 | 22.00 | 200000.00 | 0.20 | 20 |",
    ]


def test_what_is_in_proportion_lies_on_the_line() -> None:
    """Dots are on the dashed line, which goes up by as much as it goes to the right."""
    svg = ElementTree.fromstring(picture(growth_of(1.1, 2.0, 11.0)))  # noqa: S314 - our own
    slope = next(one for one in svg.iter() if one.get("class") == "slope first")
    x1, y1, x2, y2 = (float(slope.get(name, "")) for name in ("x1", "y1", "x2", "y2"))
    assert y1 - y2 == pytest.approx(x2 - x1, abs=0.1)
    dots = [one for one in svg.iter() if one.get("class") == "dot first"][:3]
    for dot in dots:
        x, y = float(dot.get("cx", "")), float(dot.get("cy", ""))
        assert y == pytest.approx(y1 - (x - x1), abs=0.1)


def test_a_build_as_fast_as_the_start_can_be_drawn() -> None:
    """Noise may make less than nothing of a small amount."""
    growth = growth_of(0.9, 1.0, 11.0)
    ElementTree.fromstring(picture(growth))  # noqa: S314 - our own
    assert "| gzip | 10 | 1.00 | 0.00 | - |" in markdown(growth)


def test_the_content_shrinks_to_a_third_and_is_nowhere_the_same(tmp_path: Path) -> None:
    """A layer of it costs what one of real files costs; a second tree is the same."""
    one, two = (
        make_tree(tmp_path / name, files=20, file_bytes=100_000, per_folder=8) for name in "ab"
    )
    assert warm(one) == TreeFacts(1 + 3 + 20, 2_000_000)
    files = [path for path in sorted(one.rglob("*")) if path.is_file()]
    contents = [path.read_bytes() for path in files]
    assert [(two / path.relative_to(one)).read_bytes() for path in files] == contents
    assert len(pool()) / len(zlib.compress(pool(), 6)) == pytest.approx(3, abs=0.3)
    alone = sum(len(zlib.compress(content, 9)) for content in contents)
    assert len(zlib.compress(b"".join(contents), 9)) > 0.95 * alone


def test_builds_that_take_no_time_have_a_picture() -> None:
    """What is done as fast as nothing is all in one place, and not at the edge of the world."""
    assert "</svg>" in picture(growth_of(1.0, 1.0, 1.0))
