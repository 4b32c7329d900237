"""The limit is the model that its text tells, and the reports show it beside what was measured."""

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benches.common.machine import Machine
from benches.common.process import Cost, launch, on_cores
from benches.common.tables import passages
from benches.common.trees import TreeFacts
from benches.limit.__main__ import main
from benches.limit.model import Limits, Row, Stages
from benches.limit.picture import picture
from benches.limit.report import as_json, markdown

MACHINE = Machine("A <fast> CPU", ("sha_ni",), cores=2, memory_bytes=8 * 10**9, kernel="6.1.0")
STAGES = Stages("gzip", 3_000_000, 1_000_000, 0.5, 1.0, 6.0, 0.25, 0.25)
NONE = Stages("none", 3_000_000, 3_000_000, 0.5, 1.0, 0.0, 0.0, 0.5)


def cost(wall: float, peak_bytes: int = 50_000_000) -> Cost:
    return Cost(wall, wall, 0.0, peak_bytes, 10_000_000)


@pytest.fixture
def limits() -> Limits:
    rows = [
        Row(STAGES, {1: [cost(10.0), cost(9.0), cost(11.0)], 2: [cost(5.0)]}),
        Row(NONE, {1: [cost(2.0)], 2: [cost(1.0, 35_000_000)]}),
    ]
    idle = [cost(0.1, 30_000_000)]
    return Limits(MACHINE, TreeFacts(7, 1_500_000), 3, "python -m …", rows, idle)


@pytest.mark.parametrize(("cores", "seconds"), [(1, 8.0), (2, 4.0), (8, 1.0), (64, 1.0)])
def test_the_limit_is_the_work_divided_or_the_hash_of_the_tar(cores: int, seconds: float) -> None:
    """More cores than the work is worth do not help."""
    assert STAGES.limit(cores) == seconds


def test_the_table_has_a_row_for_each_build(limits: Limits) -> None:
    """The median counts, memory is that over an idle program, and all of the limit is 100%."""
    rows = passages(markdown(limits))["limit"].splitlines()
    assert "| gzip | 1 | 8.00 | 10.00 | 80% | 20 |" in rows
    assert "| gzip | 2 | 4.00 | 5.00 | 80% | 20 |" in rows
    assert "| none | 2 | 1.00 | 1.00 | 100% | 5 |" in rows


def test_the_stages_tell_speed_ratio_and_model(limits: Limits) -> None:
    """What isn't compressed has no speed."""
    rows = passages(markdown(limits))["limit-stages"].splitlines()
    assert "| gzip | 0.50 | 1.00 | 6.00 | 0.25 | 0.25 | 0 | 1.0 | 3.000 | 1.00 | 1.00 |" in rows
    assert "| none | 0.50 | 1.00 | 0.00 | 0.00 | 0.50 | - | 3.0 | 1.000 | 1.00 | 1.00 |" in rows


def test_the_picture_has_bars_limits_and_curves(limits: Limits) -> None:
    """Each build has a bar and a stroke at its limit; a curve bends where the hash is the limit."""
    svg = ElementTree.fromstring(picture(limits))  # noqa: S314 - our own
    by_class: dict[str, list[ElementTree.Element]] = {}
    for one in svg.iter():
        by_class.setdefault(one.get("class", ""), []).append(one)
    assert len(by_class["bar-ours"]) == len(by_class["limit"]) == 4
    assert by_class["limit"][-1].get("x1") == f"{130 + 470 / 10:g}"
    (curve,) = by_class["curve first"]
    heights = [float(place.split(",")[1]) for place in curve.get("points", "").split()]
    assert heights == sorted(heights)
    assert heights[3] == heights[-1] > heights[2]
    assert len(by_class["dot first"]) == 2 + 1  # and that of the legend


def test_json_has_every_run(limits: Limits) -> None:
    """Programs get what the tables leave out."""
    document = json.loads(as_json(limits))
    walls = [one["wall"] for one in document["rows"][0]["costs"]["1"]]
    assert walls == [10.0, 9.0, 11.0]
    assert document["machine"]["cores"] == 2


def test_a_build_has_only_the_cores_it_is_measured_on(tmp_path: Path) -> None:
    """What is started meanwhile may use so many cores, and what comes after it all."""
    mine = os.sched_getaffinity(0)
    script = "import os, sys; sys.exit(len(os.sched_getaffinity(0)) != 1)"
    with on_cores(1):
        launch([sys.executable, "-I", "-S", "-c", script], tmp_path)
    assert os.sched_getaffinity(0) == mine


@pytest.mark.parametrize("arguments", [["--cores", "0"], ["--cores", "100000"], ["--runs", "0"]])
def test_bad_usage_is_refused(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What can't be measured is refused before any work, with status 2."""
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path), *arguments])
    assert caught.value.code == 2
    assert arguments[1] in capsys.readouterr().err
