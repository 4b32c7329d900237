"""Builds side by side give the bytes that they give alone, lose nothing and end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import fastlayer as fl
from commands import environment
from faults.amount import ALL, amount
from tally import tally

from .work import tags

TESTS = Path(__file__).parent.parent
WRITERS = 40

# Far above what a scenario takes on a busy machine; who is not done by then hangs.
LIMIT = 300.0


def finish(scenario: str, folder: Path, *numbers: int) -> None:
    """Run a scenario to its end; one that hangs is ended with all its processes."""
    program = ["-X", "faulthandler", "-m", "concurrency.scenarios"]
    temporary = folder / "tmp"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, *program, scenario, folder, *map(str, numbers)],
        cwd=folder,
        env=environment({"PYTHONPATH": search_path(), "TMPDIR": os.fspath(temporary)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # says where each thread is
            said = process.communicate(timeout=10)[0]
            pytest.fail(f"{scenario} is not done after {LIMIT:.0f} s: {said}")
        finally:
            if process.returncode != 0:
                with suppress(ProcessLookupError):  # none of its processes is left
                    os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, said.splitlines()[-1:]) == (0, ["done"]), said
    assert list(temporary.iterdir()) == []


def search_path() -> str:
    """Where scenarios find themselves and the package, wherever they run."""
    package = Path(fl.__file__).parent.parent
    return os.pathsep.join([os.fspath(TESTS), os.fspath(package)])


@pytest.mark.parametrize(
    ("scenario", "few", "many"),
    [
        ("threads", 1, 10),
        ("executor", 2, 20),
        ("forked", 1, 10),
        ("spawned", 1, 5),
        ("forked_amid_builds", 1, 20),
        ("one_value", 1, 10),
        ("interrupted", 1, 20),
        ("readers", 20, 200),
    ],
)
def test_side_by_side(scenario: str, few: int, many: int, tmp_path: Path) -> None:
    """No build hangs, and each makes what it makes alone."""
    finish(scenario, tmp_path, amount(few, many))


@pytest.fixture(scope="module")
def rounds() -> Iterator[list[tuple[int, int]]]:
    """Collect writers and tags that were there afterwards; of all rounds, the table is written."""
    counts: list[tuple[int, int]] = []
    yield counts
    writers, kept = (sum(column) for column in zip(*counts, strict=True))
    columns = ("layouts", "writers of each", "tags written", "tags kept", "lost")
    if ALL:
        tally("writers", columns, [(len(counts), WRITERS, writers, kept, writers - kept)])


@pytest.mark.parametrize("turn", range(amount(1, 10)))
def test_writers_lose_no_tag(turn: int, tmp_path: Path, rounds: list[tuple[int, int]]) -> None:
    """Forty processes write to one layout at once."""
    rounds.append((WRITERS, 0))
    finish("writers", tmp_path, WRITERS)
    layout = tmp_path / "layout"
    found = tags(layout)
    rounds[-1] = (WRITERS, len(set(found)))
    assert set(found) == {str(number) for number in range(WRITERS)}
    assert not fl.validate(layout).problems
    assert {path.name for path in layout.iterdir()} == {"blobs", "index.json", "oci-layout"}
    # A config, a manifest and a layer for each, and the layer that all have.
    assert len(list((layout / "blobs" / "sha256").iterdir())) == 3 * WRITERS + 1
