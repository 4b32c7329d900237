"""The promise: what is at the name of an output is complete or absent, and told so."""

import hashlib
import re
import stat
from collections.abc import Collection
from pathlib import Path

from commands import Outcome

State = dict[str, tuple[int, str]]
"""Each path below a folder, with its mode and what tells its content."""


def state(folder: Path) -> State:
    """What is there; no times, as these change when something was there for a while."""
    found: State = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = ""
        if stat.S_ISLNK(mode):
            content = str(path.readlink())
        elif stat.S_ISREG(mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = (mode, content)
    return found


def without_new_blobs(now: State, before: State) -> State:
    """Leave out blobs that are whole, in a layout that was there.

    The layout knows nothing of them, and the next build need not write them again.
    """
    return {
        path: (mode, content)
        for path, (mode, content) in now.items()
        if path in before or not path.endswith(f"blobs/sha256/{content}") or not content
    }


def without_begun_layouts(now: State, before: State) -> State:
    """Leave out what a killed process may leave of a new layout: without an index it is none."""
    blobs = "/blobs"
    begun = {path.removesuffix(blobs) for path in now.keys() - before if path.endswith(blobs)}
    parts = ("", blobs, f"{blobs}/sha256", "/oci-layout")
    left_out = {root + part for root in begun if f"{root}/index.json" not in now for part in parts}
    return {path: what for path, what in now.items() if path not in left_out}


def check_error(outcome: Outcome, names: Collection[str], status: int = 1) -> None:
    """One line that says what failed, by a name that the user knows."""
    assert outcome.status == status, outcome
    assert not re.search(r"Traceback|panicked|internal error", outcome.stderr), outcome.stderr
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    error = outcome.error
    assert ".fastlayer-" not in error, f"nobody knows that name: {error}"
    assert any(name in error for name in names), f"names none of {sorted(names)}: {error}"
