"""What the suites counted stands in docs/reliability.md, and nothing else there changes."""

import json
from pathlib import Path

import pytest
from benches.common.tables import passages
from benches.figures import ROOT
from benches.reliability import PAGE, main, refresh, summed

import tally

OLD = """\
# Title

<!-- kills -->
| old | table |
<!-- /kills -->

Text.

<!-- fuzz -->
| kept |
<!-- /fuzz -->
"""

NEW = """\
# Title

<!-- kills -->

| where | signal | tried | lost |
| --- | --- | ---: | ---: |
| a \\| b | KILL | 12,345 | 0 |

<!-- /kills -->

Text.

<!-- fuzz -->
| kept |
<!-- /fuzz -->
"""


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the tables, which isn't there yet."""
    folder = tmp_path / "build" / "tables"
    monkeypatch.setattr(tally, "FOLDER", folder)
    return folder


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with places for two tables."""
    path = tmp_path / PAGE
    path.parent.mkdir()
    path.write_text(OLD)
    return path


def test_a_table_takes_its_place(page: Path, tables: Path, tmp_path: Path) -> None:
    """Words stand on the left and numbers on the right; a suite that didn't run keeps its table."""
    rows: list[list[str | int]] = [["a | b", "KILL", 12345, 0]]
    tally.tally("kills", ["where", "signal", "tried", "lost"], rows)
    assert refresh(tables, tmp_path) == ["kills"]
    assert page.read_text() == NEW
    refresh(tables, tmp_path)
    assert page.read_text() == NEW


def test_a_last_column_of_words_is_a_table_too(page: Path, tables: Path, tmp_path: Path) -> None:
    """A reason after the numbers, even of several lines, stays in its row."""
    tally.tally("fuzz", ["target", "runs", "note"], [["tar", 5, "one\ntwo"]])
    refresh(tables, tmp_path)
    assert "| tar | 5 | one two |\n" in page.read_text()


def test_a_table_without_a_place_is_an_error(page: Path, tables: Path, tmp_path: Path) -> None:
    """Figures don't vanish silently, and the page stays as it was."""
    for name in ("kills", "unasked"):
        tally.tally(name, ["x"], [[1]])
    with pytest.raises(ValueError, match="no passage for unasked"):
        refresh(tables, tmp_path)
    assert page.read_text() == OLD


def test_a_row_of_another_length_is_an_error(page: Path, tables: Path, tmp_path: Path) -> None:
    """A table that can't be one is refused by the name of its file."""
    tally.tally("kills", ["x", "y"], [[1]])
    with pytest.raises(ValueError, match=r"kills\.json"):
        refresh(tables, tmp_path)
    assert page.read_text() == OLD


def test_no_table_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who ran no suite is told which there are, and the page stays as it is."""
    before = (ROOT / PAGE).read_bytes()
    with pytest.raises(SystemExit) as caught:
        main(["--tables", str(tmp_path)])
    assert caught.value.code == 2
    assert "make faults" in capsys.readouterr().err
    assert (ROOT / PAGE).read_bytes() == before


def test_the_page_has_a_place_for_each_suite() -> None:
    """Each of them stands on the page."""
    names = {"faults", "kills", "changes", "writers", "hostile", "fuzz", "compatibility"}
    assert passages((ROOT / PAGE).read_text()).keys() >= names


def test_a_tally_is_json(tables: Path) -> None:
    """Its columns and rows are read back as they were."""
    tally.tally("x", ("a", "b"), [("é", 1)])
    document = json.loads((tables / "x.json").read_text())
    assert document == {"columns": ["a", "b"], "rows": [["é", 1]]}


def test_the_commands_of_a_kind_are_one_row() -> None:
    """What is counted for many commands each would make a table that nobody reads."""
    rows = [("layer", 1, 0), ("memory: layer", 2, 1), ("memory: unpack", 3, 0), ("layer", 5, 0)]
    assert summed(rows) == [["layer", 1, 0], ["memory", 5, 1], ["layer", 5, 0]]
