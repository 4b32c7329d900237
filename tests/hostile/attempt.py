"""One command on one case: what it said and left, and whether the rules held."""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from fastlayer.cli.run import run
from hostile.doors import DOORS
from hostile.listing import listing, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostile.sandbox import Sandbox

MAX_LINE = 10_000
"""Characters of the longest line that a message may be: two whole paths and some words."""

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")

_NEVER = ("internal error", "panicked", "Traceback", "out of memory", "Allocation")


class BrokenRuleError(Exception):
    """Something that must not happen whatever the input is."""


def attempt(name: str, sandbox: Sandbox) -> str:
    """Run the command of one door; tell the outcome as text.

    Raises `BrokenRuleError`.
    """
    door = DOORS[name]
    before = sandbox.state()
    with _within(sandbox.work), _stdin(sandbox.work / "in.tar" if door.stdin else None):
        status, stdout, stderr = _call(door.arguments)
    problems = [*_wrong_words(stdout, stderr), *_wrong_places(before, sandbox.state())]
    made = sorted(sandbox.out.iterdir())
    refused = _refusal(name, status, stderr)
    if (refused is None) != (status == 0 or (name == "diff" and status == 1)):
        problems.append(f"exit status {status} with {stderr!r}")
    if refused is not None and made:
        problems.append(f"left behind: {[path.name for path in made]}")
    if any(path.name.startswith(".") for path in made):
        problems.append(f"temporary files: {[path.name for path in made]}")
    if problems:
        raise BrokenRuleError("; ".join(problems))
    warned = [f"warned: {_cut(line)}; " for line in stderr if line.startswith("fastlayer: warn")]
    said = "".join(warned).replace("fastlayer: warning: ", "")
    said += _reading(made, stdout, sandbox) if refused is None else f"refused: {_cut(refused)}"
    # What is different each time, and names that say nothing.
    return _DIGEST.sub("…", said.replace(str(sandbox.top), "BOX"))


def _call(arguments: tuple[str, ...]) -> tuple[int, list[str], list[str]]:
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in "12")
    with redirect_stdout(stdout), redirect_stderr(stderr):
        status = run(arguments)
    return status, _lines(stdout), _lines(stderr)


def _lines(stream: io.TextIOWrapper) -> list[str]:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    # By line breaks alone: Python also splits where a terminal would not.
    text = stream.buffer.getvalue().decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def _wrong_words(stdout: list[str], stderr: list[str]) -> Iterator[str]:
    for line in (*stdout, *stderr):
        if not line.isprintable():
            yield f"a line with control characters: {line!r:.300}"
        if len(line) > MAX_LINE and line in stderr:
            yield f"a line of {len(line)} characters: {line:.200}"
    yield from (f"it said: {line}" for line in stderr if any(word in line for word in _NEVER))


def _wrong_places(
    before: dict[str, object] | object, after: dict[str, object] | object
) -> Iterator[str]:
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    if changed:
        yield f"touched: {sorted(changed)[:5]}"


def _refusal(name: str, status: int, stderr: list[str]) -> str | None:
    """What was said of what is wrong; `None` if nothing is."""
    errors = [line for line in stderr if line.startswith("fastlayer: error: ")]
    problems = [line for line in stderr if line.startswith("problem: ")]
    known = ("fastlayer: error: ", "fastlayer: warning: ", "problem: ", "note: ")
    if strange := [line for line in stderr if not line.startswith(known)]:
        raise BrokenRuleError(f"it said: {strange[:3]}")
    if name in ("validate", "bare") and problems and not errors:
        return " | ".join(problems)
    if len(errors) > 1 or problems:
        raise BrokenRuleError(f"more than one error: {stderr}")
    return errors[0].removeprefix("fastlayer: error: ") if errors else None


def _reading(made: list[Path], stdout: list[str], sandbox: Sandbox) -> str:
    if not made:
        return f"read: {summary(stdout)}"
    (path,) = made
    if path.name == "copy":
        return f"read: a layout of {sum(1 for _ in path.glob('blobs/sha256/*'))} blobs"
    if path.suffix == ".gz":
        return "read"  # compared by `layer`, whose tar it has
    return f"read: {summary(listing(path, sandbox.layers))}"


def _cut(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:300]}…({len(text)})…{text[-80:]}"


@contextmanager
def _within(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _stdin(path: Path | None) -> Iterator[None]:
    """Let the standard input be a file: fastlayer only ever reads on from it."""
    if path is None:
        yield
        return
    sys.stdin.flush()
    saved = os.dup(0)
    given = os.open(path, os.O_RDONLY)
    try:
        os.dup2(given, 0)
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(given)
