"""What one hostile input is: a name, a sentence, and a recipe for its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from archives import Link
from hostile.doors import FURTHER

if TYPE_CHECKING:
    from pathlib import Path

Verdict = Literal["refused", "read"]


_TO_DISK = {"unpack"}


@dataclass(frozen=True)
class Special:
    """Something that is no file: a `fifo`, a `folder`, a `device` (which takes root)."""

    kind: Literal["fifo", "folder", "device"]


Files = Mapping[str, bytes | Link | Special]
"""The input by its names, relative to the folder in which a command runs."""


@dataclass(frozen=True)
class Case:
    """One hostile input.

    `what` says what it tries, and by which name it is known. `verdict` is what has to become of it
    at the first of `doors`, which are names of `doors.DOORS`; the whole of it, at every door,
    stands in the folder `expected`. `memory` is what it may take in MiB, beyond what is promised:
    the window of a compression is no part of that promise. One that is `heavy` is for the full
    form of the tests.
    """

    name: str
    what: str
    make: Callable[[], Files]
    verdict: Verdict
    doors: tuple[str, ...]
    memory: int = 0
    heavy: bool = False

    @property
    def quick(self) -> Case:
        """The case at its first door, and unpacked where it is that too."""
        return replace(self, doors=tuple(dict.fromkeys((self.doors[0], *_TO_DISK & {*self.doors}))))

    def write(self, place: Path) -> None:
        """Make its files."""
        for name, content in self.make().items():
            _write(place / name, content)


def _with_further(doors: tuple[str, ...]) -> tuple[str, ...]:
    """All doors, those of the same kind that are alike included."""
    further = [
        door for first, others in FURTHER.items() if first & {*doors} == first for door in others
    ]
    return tuple(dict.fromkeys((*doors, *further)))


def _write(path: Path, content: bytes | Link | Special) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match content:
        case bytes():
            path.write_bytes(content)
        case Link(target=target, hard=True):
            path.hardlink_to(path.parent / target)
        case Link(target=target):
            path.symlink_to(target)
        case Special(kind="fifo"):
            os.mkfifo(path)
        case Special(kind="folder"):
            path.mkdir()
        case Special():
            os.mknod(path, 0o20644, os.makedev(1, 5))  # /dev/zero, which never ends


class Family:
    """The cases of one kind, in the order in which they were added."""

    def __init__(self, name: str, *doors: str) -> None:
        self.name = name
        self._doors = doors
        self._cases: dict[str, Case] = {}

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases.values())

    def __len__(self) -> int:
        return len(self._cases)

    def add(
        self,
        name: str,
        what: str,
        files: Files | bytes | Callable[[], Files | bytes],
        verdict: Verdict,
        *,
        doors: tuple[str, ...] = (),
        memory: int = 0,
        heavy: bool = False,
    ) -> None:
        """Add a case; bytes alone are the archive `in.tar`."""
        assert name not in self._cases, name

        def make() -> Files:
            made = files() if callable(files) else files
            return {"in.tar": made} if isinstance(made, bytes) else made

        case = Case(name, what, make, verdict, _with_further(doors or self._doors), memory, heavy)
        self._cases[name] = case
