"""Signals and kills at any moment: an output is complete or absent, and the next run works."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from .amount import amount
from .figures import Figures
from .killing import run
from .writing import OPERATIONS, Inputs, Operation, Run

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)

# The promise is a second; a machine that is busy with other tests may need more.
REACTION = 5.0


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """What commands read."""
    return Inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module", params=OPERATIONS)
def measured(
    request: pytest.FixtureRequest, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Operation, float]:
    """Each command that writes, and how many seconds it works; it has learned what is right."""
    operation = OPERATIONS[request.param](inputs)
    if isinstance(operation, Run):
        inputs.make_runner()
    folder = tmp_path_factory.mktemp("undisturbed")
    seconds = []
    for _ in range(amount(1, 3)):
        with operation.prepared(folder / "place") as place:
            ended = run(operation.arguments(), place)
            assert (ended.status, ended.stderr) == (0, "")
            operation.learn(place)
            seconds.append(ended.worked)
    return operation, min(seconds)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_at_any_moment(
    measured: tuple[Operation, float], number: signal.Signals, tmp_path: Path, kills: Figures
) -> None:
    """Status and message are right, nothing is half done, and nothing is left for long."""
    operation, seconds = measured
    seed = int(os.environ.get("FASTLAYER_SEED", time.time_ns() % 1_000_000))
    moments = random.Random(seed)
    wanted = amount(1, 100)
    hits = 0
    for attempt in range(4 * wanted):
        moment = moments.uniform(0, seconds)
        told = f"FASTLAYER_SEED={seed}: attempt {attempt} at {moment:.4f} of {seconds:.4f} s"
        hits += strike(operation, tmp_path / "place", number, moment, kills=kills, told=told)
        if hits == wanted:
            return
    raise AssertionError(f"only {hits} of {wanted} signals came before the end: {told}")


def strike(
    operation: Operation,
    folder: Path,
    number: signal.Signals,
    moment: float,
    *,
    kills: Figures,
    told: str,
) -> bool:
    """Send one signal, and check everything; say whether it came in time."""
    name = f"{operation.name}, {number.name}"
    with operation.prepared(folder) as place:
        ended = run(operation.arguments(), place, number, moment)
        if ended.before or ended.status == 0:
            return False
        kills.injected(name)
        verdict = operation.verdict(place)
        told = f"{told}: {verdict}, {ended}"
        if number == signal.SIGKILL:
            assert ended.status == -number, told
            again = run(operation.arguments(), place)
            assert (again.status, again.stderr) == operation.again(place, verdict), told
            assert operation.verdict(place) == "complete", told
        elif ended.status != -number:
            assert ended.status == 128 + number, told
            assert ended.stderr == "fastlayer: interrupted\n", told
            assert ended.reacted < REACTION, told
        else:
            # The interpreter, on its way out, has no handlers any more.
            assert (verdict, ended.stderr) == ("complete", ""), told
        operation.check_clean(place)
    kills.survived(name, verdict)
    return True
