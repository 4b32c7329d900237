"""`WWW-Authenticate`, as servers write it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.registry.challenge import Challenge, parse_challenges
from vectors import cases

VECTORS = "auth_challenge.json"
SCHEMES = {"SchemeBasic": "basic", "SchemeBearer": "bearer"}


@pytest.mark.parametrize("row", cases(VECTORS, "oras", "name"))
def test_challenges_are_read_as_oras_reads_them(row: dict[str, Any]) -> None:
    """Well formed or not, the first challenge is theirs."""
    challenges = parse_challenges(row.get("header", ""))
    if "wantScheme" not in row:
        assert challenges == []
    elif row["wantScheme"] in SCHEMES:
        assert challenges[0].scheme == SCHEMES[row["wantScheme"]]
        # What a basic challenge says besides, their rows leave out.
        if row["wantScheme"] == "SchemeBearer":
            assert challenges[0].parameters == row.get("wantParams", {})
    else:
        assert challenges[0].scheme not in SCHEMES.values()


@pytest.mark.parametrize("row", cases(VECTORS, "distribution", "header"))
def test_challenges_are_read_as_distribution_reads_them(row: dict[str, Any]) -> None:
    """A backslash in quotes only says that the next character is itself."""
    assert parse_challenges(row["header"]) == [Challenge(row["scheme"], row["params"])]


def test_one_header_may_have_several_challenges() -> None:
    """Headers of one name come joined by commas, and so do the parameters."""
    header = 'Negotiate, BASIC Realm="a, b=c", Bearer realm=https://x/token?a=b , service=s'
    assert parse_challenges(header) == [
        Challenge("negotiate"),
        Challenge("basic", {"realm": "a, b=c"}),
        Challenge("bearer", {"realm": "https://x/token?a=b", "service": "s"}),
    ]


def test_the_first_of_two_equal_parameters_counts() -> None:
    """A second one cannot change what the first one said."""
    assert parse_challenges('Bearer realm="a",realm="b"')[0].parameters == {"realm": "a"}


@given(st.text(alphabet="aB ,=\"\\'\n\t-/:é", max_size=60))
def test_nothing_makes_it_fail(header: str) -> None:
    """Whatever the header says, there is an answer, and names in it are in lower case."""
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()
        assert all(name == name.lower() for name in challenge.parameters)


def test_a_long_header_takes_no_long_time() -> None:
    """A server cannot keep us busy with a header of the largest size."""
    for text in ("a" * 65536 + "=", 'Bearer a="' + '\\"' * 32000, "Bearer " + "a = " * 16000):
        parse_challenges(text)


@pytest.mark.parametrize("excess", [0, 1])
def test_a_header_has_a_limit(excess: int) -> None:
    """A server cannot have us ask for a million scopes."""
    start = 'Bearer realm="https://x", scope="'
    header = f"{start}{'a:b ' * 4096}"[: (16 << 10) - 1 + excess] + '"'
    assert len(parse_challenges(header)) == 1 - excess
