"""The targets of `make fuzz` for what is written in Python, with what needs no fuzzer."""

import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases import cases
from fastlayer.errors import FastlayerError, InternalError
from fuzz import SEEDS, TARGETS, check_of
from fuzz.figures import rows
from fuzz.held import value_of


def seeds(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((SEEDS / target).iterdir())]


def check(target: str, content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_of(target)(content)


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_holds(target: str) -> None:
    """There are some for each, and the forms in them are read or refused."""
    assert seeds(target)
    for seed in seeds(target):
        check(target, seed)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=cases(25), deadline=None)
@given(data=st.data())
def test_anything_holds(target: str, data: st.DataObject) -> None:
    """Any bytes, and seeds in which a few stretches are others."""
    content = data.draw(st.sampled_from(seeds(target)) | st.binary())
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 8)))
        other = data.draw(st.binary(max_size=8) | st.sampled_from(seeds(target)))
        content = content[:start] + other + content[end:]
    check(target, content)


@pytest.mark.parametrize("error", [KeyError("a"), InternalError("a"), OSError("a")])
def test_other_errors_are_findings(error: Exception) -> None:
    """What is no refusal passes through; so does an error that says nothing, or two lines."""

    def act() -> None:
        raise error

    with pytest.raises((type(error), AssertionError)):
        value_of(act)


def test_a_refusal_is_one_line() -> None:
    """Which its class sees to; one that goes around it is a finding."""

    def act() -> None:
        error = FastlayerError("a")
        error.args = ("a\nb",)
        raise error

    with pytest.raises(AssertionError):
        value_of(act)
    assert value_of(lambda: 1) == 1


def test_figures_are_those_of_the_logs(tmp_path: Path) -> None:
    """With what was found in either folder, and a sum."""
    (tmp_path / "a.log").write_text("#2 DONE cov: 1\nDone 1200 runs in 31 second(s)\n")
    (tmp_path / "b.log").write_text("cut short")
    (tmp_path / "found" / "b").mkdir(parents=True)
    (tmp_path / "found" / "b" / "crash-1").write_bytes(b"x")
    assert rows(tmp_path, [tmp_path / "absent", tmp_path / "found"]) == [
        ("a", 1200, 31, 0),
        ("b", 0, 0, 1),
        ("all", 1200, 31, 1),
    ]
