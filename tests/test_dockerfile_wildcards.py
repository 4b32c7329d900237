"""Wildcards in the sources of COPY: those of Go's `filepath.Match`, in each part of a path."""

import os
import time
from pathlib import Path

import pytest

from dockerfile_stages import Build, file, link, names, unpacked, write
from fastlayer.dockerfile.trees import Entry, KnownEntry
from fastlayer.dockerfile.wildcards import expanded
from fastlayer.errors import DockerfileError
from vectors import cases


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A context with names alike."""
    build = Build(tmp_path)
    tree = {
        "one/a1": file(b"1"),
        "one/a2": file(b"2"),
        "two/a1": file(b"21"),
        "two/deep/a1": file(b"31"),
        "to-one": link("/one"),
        "[x]": file(b"x"),
    }
    write(build.context, tree)
    return build


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("*/a1", ["x", "x/a1"]),
        ("one/*", ["x", "x/a1", "x/a2"]),
        ("one/a?", ["x", "x/a1", "x/a2"]),
        ("one/a[^2]", ["x", "x/a1"]),
        ("t[wx]o", ["x", "x/a1", "x/deep", "x/deep/a1"]),
        ("to-one/*2", ["x", "x/a2"]),
        ("*/deep/*", ["x", "x/a1"]),
        ("[[]x]", ["x", "x/[x]"]),
        (r"\[x*", ["x", "x/[x]"]),
        ("../o*/a1", ["x", "x/a1"]),
    ],
)
def test_wildcards(build: Build, source: str, expected: list[str]) -> None:
    """They match within one part; links are followed only before the first."""
    assert names(build.copy(source, "/x/")) == expected


def test_the_last_match_wins(build: Build) -> None:
    """Two files that match and one name to go to."""
    assert unpacked(build.copy("one/*", "/x")) == {"x": file(b"2")}
    assert unpacked(build.copy("*/a1", "/x/"))["x/a1"] == file(b"21")


class OnePath:
    """A tree with one path in it."""

    def __init__(self, path: bytes) -> None:
        self.parts = path.split(b"/")

    def entry(self, path: bytes) -> Entry | None:
        parts = path.split(b"/") if path else []
        found = parts == self.parts[: len(parts)]
        return KnownEntry("file" if parts == self.parts else "directory") if found else None

    def children(self, directory: bytes) -> list[bytes]:
        depth = len(directory.split(b"/")) if directory else 0
        return self.parts[depth : depth + 1]


@pytest.mark.parametrize("row", cases("dockerignore.json", "filepath_match"))
def test_wildcards_are_those_of_go(row: tuple[str, str, bool, str | None]) -> None:
    """Vectors of `filepath.Match`; what they match may be a directory above."""
    pattern, text, matched, error = row
    path = f"d/{text}".encode()
    if error:
        with pytest.raises(DockerfileError, match="is no pattern"):
            expanded(OnePath(path), f"*/{pattern}")
        return
    found = expanded(OnePath(path), f"*/{pattern}")
    assert any(path == one or path.startswith(one + b"/") for one in found) == matched


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("#x", "#*"),
        ("!x", "!*"),
        (" x ", " * "),
        (" x ", "[ ]x*"),
        ("a b", r"a\ b*"),
        ("axb", "a**b"),
        ("a*b", r"a\**"),
        ("a*", r"[a]\*"),
        ("a**", "a[**]?"),
        ("\udcff", "?"),
        ("$x", "*x"),
    ],
)
def test_names_that_mean_something_in_an_ignore_file(name: str, source: str) -> None:
    """They do not here."""
    assert expanded(OnePath(os.fsencode(name)), source) == [os.fsencode(name)]


def test_no_wildcard_makes_matching_slow() -> None:
    """Time is proportional to the name and to the pattern."""
    start = time.monotonic()
    assert expanded(OnePath(b"a" * 255), "*a" * 100 + "b") == []
    assert time.monotonic() - start < 5
