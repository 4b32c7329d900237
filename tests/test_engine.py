"""What the core answers by itself: patterns, and what a file is."""

import bz2
import gzip
import lzma
from contextlib import closing
from pathlib import Path

import pytest

import fastlayer as fl
from archives import tar, zstd
from fastlayer import engine


def test_patterns_are_those_of_dockerignore() -> None:
    """The last one that matches decides; `matches` says nothing of what a directory holds."""
    patterns = engine.Patterns([b"# comment", b"a", b"!a/b", b"*.o"])
    assert patterns.has_negation
    paths = [b"a", b"a/x", b"a/b", b"x.o", b"d/x.o"]
    assert [patterns.excludes(path) for path in paths] == [True, True, False, True, False]
    assert [patterns.matches(path) for path in paths] == [True, False, False, True, False]
    assert engine.Patterns([b"**/a", b"!b"]).excludes(b"b/a")
    assert not engine.Patterns([]).has_negation
    with pytest.raises(fl.InvalidArgumentError, match="bad exclusion pattern `\\[`"):
        engine.Patterns([b"["])


TAR = tar({"a": b"content"})
ODD_NAME = tar({"../a": b"content"})


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        *((pack(TAR), True) for pack in (bytes, gzip.compress, bz2.compress, lzma.compress, zstd)),
        (ODD_NAME, True),
        # The first header is enough.
        (TAR[:512], True),
        (gzip.compress(TAR)[:-20], True),
        (b"", False),
        (bytes(10240), False),
        (b"text", False),
        (b"text" * 1000, False),
        (gzip.compress(b"text" * 1000), False),
        (gzip.compress(b""), False),
        (b"\x1f\x8b\x08 nothing more", False),
        (lzma.compress(TAR, format=lzma.FORMAT_ALONE), False),
        (b"PK\3\4" + bytes(600), False),
    ],
)
def test_a_tar_is_known_by_its_first_header(content: bytes, holds: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Whatever its name; one without members is none."""
    (tmp_path / "file").write_bytes(content)
    assert engine.holds_tar(tmp_path / "file") == holds


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A missing file and a directory are no answer."""
    with pytest.raises(FileNotFoundError):
        engine.holds_tar(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        engine.holds_tar(tmp_path)


def test_a_sink_that_cannot_be_had_is_told() -> None:
    """A number is a descriptor, and no memory to write into."""
    layer = fl.Layer.from_files({"a": b"a"})
    with closing(engine.LayerQueue([])) as queue:
        layer._add_to(queue)
        with pytest.raises(OSError, match="Bad file descriptor"):
            queue.make(987_654, sink_name="x")
