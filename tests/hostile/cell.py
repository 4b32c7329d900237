"""The process in which all cases are met, one after the other: `python -m hostile.cell FOLDER`.

Each command runs here first. Then a child, which is nobody and has little memory, runs it again.
A line of JSON on stdout tells of each case.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastlayer
from hostile.attempt import attempt
from hostile.cases import FAMILIES
from hostile.sandbox import NOBODY, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostile.case import Case

MIB = 1 << 20

PROMISED = 96 * MIB
"""What fastlayer may take beyond an idle interpreter (tests/boundary/test_memory.py)."""

STACKS = 48 * MIB
"""Addresses of threads' stacks, of which they use a few pages: threads are 2 MiB each, and there
are a few for each of two workers."""

PLACE = 60
"""Characters of the path of the folder that all happens in."""

PATIENCE = 60.0
"""Seconds for all commands on one case."""


def meet(case: Case, top: Path) -> dict[str, Any]:
    """Run all doors of a case, here and in a child."""
    start = time.monotonic()
    sandbox = Sandbox(top, case)
    here = dict(_attempts(case, sandbox))
    if os.geteuid() == 0:
        sandbox.give_away()
    return {
        "case": case.name,
        "here": here,
        "child": _in_child(case, sandbox),
        "rss": resident(),
        "seconds": round(time.monotonic() - start, 2),
    }


def _attempts(case: Case, sandbox: Sandbox) -> Iterator[tuple[str, str]]:
    for door in case.doors:
        sandbox.empty()
        try:
            outcome = attempt(door, sandbox)
        except Exception as error:
            traceback.print_exc()
            outcome = f"BROKEN: {type(error).__name__}: {error}".replace("\n", " ")
        yield door, outcome
    sandbox.empty()


def _in_child(case: Case, sandbox: Sandbox) -> dict[str, str]:
    """The same in a process that is nobody and gets little memory; it may die of that."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(receiving)
            _imprison(case)
            for told in _attempts(case, sandbox):
                os.write(sending, json.dumps(told).encode() + b"\n")
            status = 0
        finally:
            os._exit(status)
    os.close(sending)
    lines, ended = _read_all(receiving, time.monotonic() + PATIENCE)
    if not ended:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    outcomes = dict(json.loads(line) for line in lines.splitlines())
    if status:
        why = f"ended by {status}" if ended else f"no end after {PATIENCE} seconds"
        missing = next(door for door in case.doors if door not in outcomes)
        outcomes[missing] = f"BROKEN: the child {why}"
    return outcomes


def _read_all(descriptor: int, deadline: float) -> tuple[bytes, bool]:
    pieces = []
    while (left := deadline - time.monotonic()) > 0 and select.select([descriptor], [], [], left)[
        0
    ]:
        pieces.append(os.read(descriptor, MIB))
        if not pieces[-1]:
            os.close(descriptor)
            return b"".join(pieces), True
    os.close(descriptor)
    return b"".join(pieces), False


def _imprison(case: Case) -> None:
    limit = status_of("VmSize") + PROMISED + STACKS + case.memory * MIB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def status_of(key: str) -> int:
    """A number of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def resident() -> int:
    """Memory that this process holds, in bytes, without what it could give back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return status_of("VmRSS")


def _import_all() -> None:
    """Import what commands import when they are used: a child may not be allowed to read it."""
    for module in pkgutil.walk_packages(fastlayer.__path__, "fastlayer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def main(folder: str, wanted: set[str], *, full: bool) -> None:
    """Meet the cases, all or those whose `FAMILY` or `FAMILY/NAME` is wanted.

    The quick form leaves out the heavy ones, and of the doors all but two.
    """
    _import_all()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    # Messages that are cut are cut by their length.
    prefix = "x" * (PLACE - len(folder) - len("/12345678"))
    with tempfile.TemporaryDirectory(dir=folder, prefix=prefix) as place:
        Path(place).chmod(0o755)
        os.environ["TMPDIR"] = tempfile.tempdir = f"{place}/box/tmp"
        for family in FAMILIES:
            for case in family:
                if wanted and not wanted & {family.name, f"{family.name}/{case.name}"}:
                    continue
                if case.heavy and not full:
                    continue
                told = meet(case if full else case.quick, Path(place) / "box")
                print(json.dumps({"family": family.name, **told}), flush=True)
                Sandbox.remove_at(Path(place) / "box")


if __name__ == "__main__":
    main(sys.argv[1], set(sys.argv[2:]), full=os.environ.get("FASTLAYER_HOSTILE") == "all")
