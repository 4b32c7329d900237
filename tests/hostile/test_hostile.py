"""Promise: what was made to do harm is refused by its name, or read as it should be.

All cases are met in one process, one after the other, and again by a child that is nobody and has
little memory. `FASTLAYER_FAULTS=all` meets the heavy ones too, at every door.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from faults.amount import ALL
from hostile.cases import FAMILIES
from hostile.expected import NOBODY, Outcomes, met, read
from tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostile.case import Family

GROWTH = 64 << 20
"""Bytes that the process may hold more at its end than after its first family."""

Told = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Told]]:
    """What became of every case, by families; the figures are written at the end."""
    found: dict[str, Told] = {family.name: {} for family in FAMILIES}
    for one in met(full=ALL):
        found[one["family"]][one["case"]] = one
    yield found
    columns = ("family", "cases", "tried", "refused", "read right", "wrong")
    rows = [(family.name, *_figures(found[family.name], read(family))) for family in FAMILIES]
    sums = [sum(numbers) for numbers in zip(*(row[1:] for row in rows), strict=True)]
    if ALL:
        tally("hostile", columns, [*rows, ("all", *sums)])


def _figures(cases: Told, kept: dict[str, Outcomes]) -> tuple[int, int, int, int, int]:
    attempts = [
        attempt for name, one in cases.items() for attempt in _attempts(one, kept.get(name, {}))
    ]
    right = [outcome for _, outcome, is_right in attempts if is_right]
    refused = sum("refused: " in outcome for outcome in right)
    wrong = len(attempts) - len(right)
    return len(cases), len(attempts), refused, len(right) - refused, wrong


def _attempts(one: dict[str, Any], kept: Outcomes) -> Iterator[tuple[str, str, bool]]:
    """Every attempt on a case: its door, what became of it, and whether that is right."""
    for where in ("here", "child"):
        for door, outcome in one[where].items():
            expected = (
                kept.get(door + NOBODY, kept.get(door)) if where == "child" else kept.get(door)
            )
            # What a user may do who is neither root nor nobody is another matter.
            same = outcome == expected or os.geteuid() != 0
            yield f"{door} ({where})", outcome, same and "BROKEN: " not in outcome


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_case_becomes_what_is_written(family: Family, told: dict[str, Told]) -> None:
    """To the letter: what a command says, or what is in its output."""
    kept, wrong = read(family), []
    assert {case.name for case in family} == set(kept)
    for case in family:
        if case.heavy and not ALL:
            continue
        one = told[family.name][case.name]
        wrong += [
            f"{case.name}, {door}: {outcome}"
            for door, outcome, is_right in _attempts(one, kept[case.name])
            if not is_right
        ]
        first = one["here"][case.doors[0]]
        if ("refused: " in first) != (case.verdict == "refused"):
            wrong.append(f"{case.name} has to be {case.verdict}: {first}")
    assert not wrong, "\n".join(wrong)


def test_memory_does_not_grow(told: dict[str, Told]) -> None:
    """Nothing of thousands of refusals is kept."""
    first, *_, last = [list(cases.values())[-1]["rss"] for cases in told.values() if cases]
    assert last - first <= GROWTH


def test_no_case_takes_for_ever(told: dict[str, Told]) -> None:
    """The sum of all commands on one case, here and in the child."""
    seconds = {
        f"{family}/{name}": one["seconds"]
        for family, cases in told.items()
        for name, one in cases.items()
    }
    assert not {name: taken for name, taken in seconds.items() if taken > 60}
