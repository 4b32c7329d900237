"""Figures that the tests of a session share."""

from collections.abc import Iterator

import pytest

from .figures import Figures


@pytest.fixture(scope="session")
def faults() -> Iterator[Figures]:
    """Give the figures of failing system calls and of what is short."""
    figures = Figures("faults")
    yield figures
    figures.write()


@pytest.fixture(scope="session")
def kills() -> Iterator[Figures]:
    """Give the figures of signals and kills."""
    figures = Figures("kills")
    yield figures
    figures.write()
