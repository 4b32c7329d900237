"""What has to become of each case: texts for people to read, compared to the letter.

`python -m hostile.expected` meets all cases and writes the folder `expected` anew. Whoever does
that reads what changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostile.cases import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostile.case import Case, Family

FOLDER = Path(__file__).with_name("expected")

Outcomes = dict[str, str]
"""What became of a case at each door; `DOOR (nobody)` where it is another thing to nobody."""

NOBODY = " (nobody)"


def met(*wanted: str, full: bool = True) -> Iterator[dict[str, Any]]:
    """Meet cases in one process; yield what it tells of each."""
    tests = Path(__file__).parents[1]
    environment = {
        **os.environ,
        # Each arena would take 64 MiB of addresses, of which a child has few.
        "MALLOC_ARENA_MAX": "1",
        "PYTHONPATH": os.pathsep.join([str(tests), *sys.path]),
        "FASTLAYER_HOSTILE": "all" if full else "",
    }
    for name in ("SOURCE_DATE_EPOCH", "FASTLAYER_TRACEBACK"):
        environment.pop(name, None)
    # Not below the tests' own folder, which nobody may enter; in memory, where no output waits
    # for a disk.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        Path(folder).chmod(0o755)
        command = [sys.executable, "-m", "hostile.cell", folder, *wanted]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as cell:
            assert cell.stdout is not None
            for line in cell.stdout:
                yield json.loads(line)
        assert cell.returncode == 0


def outcomes(told: dict[str, Any]) -> Outcomes:
    """What a case came to, here and in the child."""
    found: Outcomes = dict(told["here"])
    for door, outcome in told["child"].items():
        if outcome != found.get(door):
            found[door + NOBODY] = outcome
    return found


def written(case: Case, found: Outcomes) -> str:
    """The paragraph of one case."""
    grouped: dict[str, list[str]] = {}
    for door, outcome in found.items():
        grouped.setdefault(outcome, []).append(door)
    lines = [f"    {', '.join(doors)}:\n        {text}" for text, doors in grouped.items()]
    return "\n".join([case.name, f"  {case.what}", *lines])


def read(family: Family) -> dict[str, Outcomes]:
    """What is kept of a family: the outcomes of each case."""
    text = (FOLDER / f"{family.name}.txt").read_text(encoding="utf-8")
    found: dict[str, Outcomes] = {}
    for paragraph in text.removesuffix("\n").split("\n\n"):
        name, _, *lines = paragraph.split("\n")
        found[name] = {
            door: text.removeprefix(" " * 8)
            for doors, text in zip(lines[::2], lines[1::2], strict=True)
            for door in doors.strip().removesuffix(":").split(", ")
        }
    return found


def main() -> None:
    """Write all of it anew."""
    told = {(one["family"], one["case"]): one for one in met(*sys.argv[1:])}
    for family in FAMILIES:
        kept = read(family) if (FOLDER / f"{family.name}.txt").exists() else {}
        for case in family:
            if one := told.get((family.name, case.name)):
                kept[case.name] = outcomes(one)
        paragraphs = [written(case, kept[case.name]) for case in family if case.name in kept]
        text = "\n\n".join(paragraphs)
        (FOLDER / f"{family.name}.txt").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
