"""The bench of pushes shows what a registry costs beside a file."""

from pathlib import Path

import pytest
from benches.common.process import Cost
from benches.push.__main__ import main, row_cells
from benches.push.measure import Row
from benches.push.server import address


def cost(wall: float) -> Cost:
    return Cost(wall, wall, 0.5, 50_000_000, 10_000_000)


def test_a_row_has_medians_and_their_ratio() -> None:
    """Wall times of both, the second by the first, and the seconds of CPU of all three."""
    files, pushes = [cost(4.0), cost(1.0), cost(2.0)], [cost(3.0), cost(3.5), cost(2.5)]
    row = Row("zstd:3", files, pushes, [0.25, 1.0, 0.5])
    assert row_cells(row) == ["zstd:3", "2.00", "3.00", "1.50", "2.50", "3.50", "0.50"]


def test_a_registry_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no report is written."""
    (tmp_path / "tree").mkdir()
    out = tmp_path / "out"
    arguments = [str(tmp_path / "tree"), "none", "--registry", "no-such-registry", "--runs", "1"]
    assert main([*arguments, "--out", str(out)]) == 1
    assert "push: no-such-registry: No such file or directory" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_the_log_tells_where_a_registry_listens(tmp_path: Path) -> None:
    """It takes a free port by itself."""
    log = tmp_path / "log"
    log.write_text('level=info msg="listening on 127.0.0.1:40123" go.version=go1.24\n')
    assert address(log) == "127.0.0.1:40123"
