"""Reports: what a validation looked at, and what it found wrong."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastlayer.errors import FastlayerError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Checked", "Findings", "Problem", "Report"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong: where (`image hello:1, layer 2`, `index.json`), and what."""

    where: str
    message: str

    def record(self) -> dict[str, str]:
        """Return plain JSON values: `where` and `message`."""
        return {"where": self.where, "message": self.message}


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at: images, blobs (documents too) and their bytes as stored."""

    images: int = 0
    blobs: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a validation of `path`.

    A note is no fault: something that is unusual, or that could not be checked.
    """

    path: str
    checked: Checked
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def record(self) -> dict[str, Any]:
        """Return plain JSON values.

        `path`, `ok`, `checked` (`images`, `blobs`, `bytes`), and `problems` and `notes`, each with
        `where` and `message`.
        """
        return {
            "path": self.path,
            "ok": self.ok,
            "checked": {
                "images": self.checked.images,
                "blobs": self.checked.blobs,
                "bytes": self.checked.bytes,
            },
            "problems": [problem.record() for problem in self.problems],
            "notes": [note.record() for note in self.notes],
        }


class Findings:
    """Problems and notes as they come up; what is said twice is kept once."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}
        self._notes: dict[Problem, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems, in their order."""
        return tuple(self._problems)

    @property
    def notes(self) -> tuple[Problem, ...]:
        """The notes, in their order."""
        return tuple(self._notes)

    def problem(self, where: str, message: str) -> None:
        """Add a problem."""
        self._problems[Problem(where, message)] = None

    def note(self, where: str, message: str) -> None:
        """Add a note."""
        self._notes[Problem(where, message)] = None

    @contextmanager
    def catching(self, where: str) -> Iterator[None]:
        """Turn an error of the content into a problem, and go on after the block."""
        try:
            yield
        except FastlayerError as error:
            # A message that begins with the place says it once.
            self.problem(where, str(error).removeprefix(f"{where}: "))
