"""The comparison with other tools reports what was measured, and says so when nothing was."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # `benches` is no part of the package

from benches.common.machine import Machine, cpu_facts
from benches.common.svg import tick_step
from benches.common.tables import passages
from benches.common.trees import TreeFacts, warm
from benches.compare.__main__ import main
from benches.compare.contestants import Contestant, all_contestants
from benches.compare.measure import Outcome, Run, layer_bytes, measure
from benches.compare.picture import TICKS, picture
from benches.compare.report import Comparison, as_json, markdown
from benches.tree import Tree, make_tree

MACHINE = Machine("A <fast> CPU", ("sha_ni",), cores=2, memory_bytes=8 * 10**9, kernel="6.1.0")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("compare") / "tree"
    return make_tree(root, large_bytes=300_000, small_files=20)


@pytest.fixture(scope="module")
def reports(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the reports of a comparison of Python with itself."""
    out = tmp_path_factory.mktemp("reports")
    status = main([str(tree.root), "--out", str(out), "--runs", "2", "--only", "python-*"])
    assert status == 0
    return out


def contestant(name: str, script: str) -> Contestant:
    """A contestant that runs a Python script with the path of its layer."""
    template = next(one for one in all_contestants() if one.name == "python-1")
    return replace(
        template,
        name=name,
        title=f"the <{name}> way",
        command=lambda job: (sys.executable, "-I", "-S", "-c", script, str(job.out / "layer")),
    )


def comparison(outcomes: list[Outcome], absent: list[Contestant]) -> Comparison:
    return Comparison(
        machine=MACHINE,
        tree=TreeFacts(entries=7, content_bytes=1_500_000),
        outcomes=outcomes,
        absent=absent,
        baseline="python-1",
        runs=1,
        threads=2,
        command="python -m benches.compare TREE",
    )


def run_of(wall: float) -> Run:
    return Run(wall, user=1.0, system=0.5, peak_bytes=20, floor_bytes=10, layer_bytes=700_000)


def run_one(one: Contestant, tree: Tree, workspace: Path) -> Outcome:
    (outcome,) = measure([one], tree.root, runs=1, threads=1, workspace=workspace)
    return outcome


def test_tree_has_the_same_bytes_everywhere(tree: Tree) -> None:
    """Figures of two machines can be compared only if both packed the same."""
    assert warm(tree.root) == TreeFacts(tree.entries, tree.content_bytes) == TreeFacts(76, 347_890)
    files = sorted(path for path in tree.root.rglob("*") if path.is_file())
    content = b"".join(path.read_bytes() for path in files)
    assert hashlib.sha256(content).hexdigest() == (
        "b8f9c8cd150b774e148337195f5948ca8716461de6a3a9134ad75c5ea76a01ab"
    )


def test_json_has_every_run(reports: Path, tree: Tree) -> None:
    """Each contestant has its runs, and a summary that follows from them."""
    document = json.loads((reports / "compare.json").read_bytes())
    assert document["tree"] == {"entries": tree.entries, "content_bytes": tree.content_bytes}
    assert [one["name"] for one in document["contestants"]] == ["python-1", "python-6"]
    for one in document["contestants"]:
        walls = [run["wall"] for run in one["runs"]]
        assert len(walls) == 2
        assert one["wall"]["low"] == min(walls) > 0
        assert one["wall"]["median"] == pytest.approx(sum(walls) / 2)
        assert one["cpu"]["median"] > 0
        assert one["peak_bytes"] > 4 << 20  # an interpreter
        assert 0 < one["layer_bytes"] < tree.content_bytes
        assert one["ratios"][one["name"]] == 1


def test_markdown_has_a_row_for_each(reports: Path, tree: Tree) -> None:
    """Every row of the table has as many cells as its head, and no path of this machine is told."""
    text = (reports / "compare.md").read_text()
    table = passages(text)["compare"]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1
    assert f"{tree.entries:,} entries" in text
    assert "--only 'python-*'" in text
    assert str(tree.root) not in text


def test_picture_has_a_bar_for_each(reports: Path) -> None:
    """The picture is well-formed XML with a bar for each contestant, and knows the dark mode."""
    text = (reports / "compare.svg").read_text()
    svg = ElementTree.fromstring(text)  # noqa: S314 - our own
    bars = [one for one in svg.iter() if one.get("class") == "bar"]
    assert len(bars) == 2
    assert max(float(bar.get("width", "0")) for bar in bars) > 100
    assert "prefers-color-scheme: dark" in text


def test_work_is_cleaned_up(reports: Path) -> None:
    """Nothing but the reports stays behind."""
    assert sorted(path.name for path in reports.iterdir()) == [
        "compare.json",
        "compare.md",
        "compare.svg",
    ]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import sys; print('first'); sys.exit('disk on fire')", "exit status 1: disk on fire"),
        ("import os; os.kill(os.getpid(), 9)", "exit status -9: nothing on stderr"),
        ("pass", "exit status 0, but no layer"),
    ],
)
def test_failure_is_shown(tree: Tree, tmp_path: Path, script: str, reason: str) -> None:
    """A contestant that fails has the reason in all reports, and no figures."""
    outcome = run_one(contestant("broken", script), tree, tmp_path)
    assert reason in outcome.failure
    failed = comparison([outcome], absent=[])
    assert f"failed: {reason}" in markdown(failed)
    assert reason in as_json(failed)
    svg = ElementTree.fromstring(picture(failed))  # noqa: S314 - our own
    assert any("the <broken> way" in (one.text or "") for one in svg.iter())


def test_failed_contestant_sits_out(tree: Tree, tmp_path: Path) -> None:
    """The others go on when one has failed."""
    good = contestant("good", "import sys; open(sys.argv[1], 'w').write('layer')")
    bad = contestant("bad", "raise SystemExit(3)")
    talk: list[str] = []
    outcomes = measure(
        [bad, good], tree.root, runs=2, threads=1, workspace=tmp_path, progress=talk.append
    )
    assert talk == ["round 1 of 2: bad", "round 1 of 2: good", "round 2 of 2: good"]
    assert [len(one.runs) for one in outcomes] == [0, 2]


def test_program_that_is_missing_fails(tree: Tree, tmp_path: Path) -> None:
    """A program that can't be started is a failure with a reason."""
    one = replace(contestant("x", ""), command=lambda _: ("no-such-program",))
    assert run_one(one, tree, tmp_path).failure == (
        "exit status 127: no-such-program: No such file or directory"
    )


def test_orphans_are_waited_for_and_counted(tree: Tree, tmp_path: Path) -> None:
    """Time that a process spends after its parent has ended belongs to the run."""
    script = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    end = time.process_time() + 0.15\n"
        "    while time.process_time() < end: pass\n"
        "    open(sys.argv[1], 'w').write('late')\n"
    )
    (run,) = run_one(contestant("orphan", script), tree, tmp_path).runs
    assert run.wall >= 0.15
    assert run.cpu >= 0.15
    assert run.layer_bytes == len("late")


def test_absent_tool_is_listed() -> None:
    """A tool that is not installed is named with the reason, never left out."""
    absent = replace(contestant("gone", ""), absent="no `gone` on the PATH")
    text = markdown(comparison([], absent=[absent]))
    assert "| the <gone> way | not installed: no `gone` on the PATH |" in text
    assert "Not installed: gone" in picture(comparison([], absent=[absent]))


def test_fastest_comes_first_and_ratios_say_how_many_times_as_fast() -> None:
    """A contestant with half the reference's time has the ratio 2."""
    slow = Outcome(replace(contestant("python-6", ""), title="slow"), [run_of(4.0)])
    fast = Outcome(contestant("python-1", ""), [run_of(1.0), run_of(2.0), run_of(9.0)])
    result = comparison([slow, fast], absent=[])
    assert result.measured == [fast, slow]
    assert result.ratio(fast, "python-6") == 2.0
    assert result.ratio(fast, "umoci") is None
    assert "| slow | 4.00 | 4.00-4.00 | 1.50 | 0 | 0.7 | 1.00x | 0.50x |" in markdown(result)


def test_layer_of_a_layout_is_counted(tmp_path: Path) -> None:
    """The layer's size in an OCI layout is what its manifest says, over all layers."""
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / "abc").write_text(json.dumps({"layers": [{"size": 40}, {"size": 2}]}))
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [{"digest": "sha256:abc"}]}))
    assert layer_bytes(tmp_path) == 42


@pytest.mark.parametrize(
    ("longest", "step"), [(0.04, 0.01), (1.0, 0.2), (12.0, 2.0), (60.0, 10.0), (61.0, 20.0)]
)
def test_axis_has_round_steps(longest: float, step: float) -> None:
    """Lines of the axis are at 1, 2 or 5 times a power of ten."""
    assert tick_step(longest, TICKS) == pytest.approx(step)


def test_cpu_facts_are_those_of_the_first_processor() -> None:
    """A value may be empty or hold a colon; later processors don't count."""
    text = "processor\t: 0\nmodel name\t: A: B\npower management:\n\nprocessor\t: 1\n"
    facts = {"processor": "0", "model name": "A: B", "power management": ""}
    assert cpu_facts(text) == facts


@pytest.mark.parametrize(
    "arguments", [["--only", "nobody"], ["--runs", "0"], ["--baseline", "nobody"]]
)
def test_bad_usage_is_refused(
    tree: Tree, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What can't be measured is refused before any work, with status 2."""
    with pytest.raises(SystemExit) as caught:
        main([str(tree.root), *arguments])
    assert caught.value.code == 2
    assert arguments[1] in capsys.readouterr().err
