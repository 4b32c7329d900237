"""What becomes of a layer when calls on one file fail: which message, or which way round."""

import os
from pathlib import Path

import pytest

from commands import Outcome
from commands import tree as paths
from conformance.peers import call, find

from .injection import Fault, Injector, Traced

ALWAYS = 1_000_000


@pytest.fixture(scope="module")
def injector(tmp_path_factory: pytest.TempPathFactory) -> Injector:
    """What makes system calls fail."""
    return Injector(tmp_path_factory.mktemp("injector"))


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a small tree."""
    (tmp_path / "tree" / "d").mkdir(parents=True)
    (tmp_path / "tree" / "d" / "f").write_text("content")
    (tmp_path / "tree" / "d" / "l").symlink_to("f")
    return tmp_path


class Layers:
    """Makes the layer `x.tar` while system calls fail."""

    def __init__(self, injector: Injector, folder: Path) -> None:
        self._injector, self._folder = injector, folder

    def traced(self, source: str, *faults: Fault) -> Traced:
        return self._injector.run(["layer", source, "-o", "x.tar"], self._folder, *faults)

    def outcome(self, source: str, *faults: Fault) -> Outcome:
        return self.traced(source, *faults).outcome


@pytest.fixture
def layers(injector: Injector, workplace: Path) -> Layers:
    """What makes a layer in the folder."""
    return Layers(injector, workplace)


def always(name: str, files: str, action: str = "EIO") -> Fault:
    """Every such call."""
    return Fault(name, files, 1, ALWAYS, action)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("openat", "tree/d"),
        ("getdents64", "tree/d"),
        ("flistxattr", "tree/d"),
        ("openat", "tree/d/f"),
        ("readlinkat", "tree/d/l"),
        ("pread64", "tree/d/f"),
        ("flistxattr", "tree/d/f"),
    ],
)
def test_what_cannot_be_read_is_named(
    name: str, files: str, layers: Layers, workplace: Path
) -> None:
    """Neither data nor metadata is taken for empty, and no output appears."""
    before = paths(workplace)
    outcome = layers.outcome("tree", always(name, files))
    assert (outcome.status, outcome.error) == (1, f"`{files}`: Input/output error")
    assert paths(workplace) == before


@pytest.mark.parametrize(
    ("faults", "asked"),
    [
        (["preadv2 EAGAIN"], 1),
        (["preadv2 EAGAIN", "fadvise64 EINVAL"], 1),
        (["preadv2 EOPNOTSUPP"], 0),
        (["preadv2 EIO"], 0),
    ],
)
def test_files_that_are_not_in_memory_are_asked_for(
    faults: list[str], asked: int, layers: Layers, workplace: Path
) -> None:
    """Whatever comes of that, the layer is the same."""
    assert layers.outcome("tree").status == 0
    expected = (workplace / "x.tar").read_bytes()
    failing = [always(name, "tree/d/f", action) for name, action in map(str.split, faults)]
    traced = layers.traced("tree", *failing)
    assert traced.outcome.status == 0, traced.outcome.stderr
    assert (workplace / "x.tar").read_bytes() == expected
    assert [call.name for call in traced.calls].count("fadvise64") == asked


def test_a_file_that_was_asked_for_and_cannot_be_read_is_named(layers: Layers) -> None:
    """Asking ahead hides no error of reading."""
    faults = [always("preadv2", "tree/d/f", "EAGAIN"), always("pread64", "tree/d/f")]
    outcome = layers.outcome("tree", *faults)
    assert (outcome.status, outcome.error) == (1, "`tree/d/f`: Input/output error")


def test_handles_that_are_short_are_given_back(layers: Layers, workplace: Path) -> None:
    """A directory that was kept open only for speed makes room for one that is needed."""
    (workplace / "tree" / "d" / "e" / "g").mkdir(parents=True)
    (workplace / "tree" / "d" / "e" / "g" / "f").write_text("content")
    once = Fault("openat", "tree/d/e/g", 1, 1, "EMFILE")
    outcome = layers.outcome("tree", once)
    assert outcome.status == 0, outcome.stderr
    outcome = layers.outcome("tree", always("openat", "tree/d/e/g", "EMFILE"))
    assert (outcome.status, outcome.error) == (1, "`tree/d/e/g`: Too many open files")


def test_an_attribute_that_cannot_be_read_is_an_error(layers: Layers, workplace: Path) -> None:
    """It may be a capability, without which the program in the layer would not run."""
    try:
        os.setxattr(workplace / "tree" / "d" / "f", "user.a", b"value")
    except OSError as error:
        pytest.skip(f"no attributes user.* here: {error}")
    outcome = layers.outcome("tree", always("fgetxattr", "tree/d/f"))
    assert (outcome.status, outcome.error) == (1, "`tree/d/f`: Input/output error")


def test_a_file_system_without_attributes_has_none(layers: Layers, workplace: Path) -> None:
    """That it knows no such call is no failure."""
    outcome = layers.outcome("tree", always("flistxattr", "tree/d/f", "EOPNOTSUPP"))
    assert outcome.status == 0, outcome.stderr
    assert (workplace / "x.tar").exists()


def test_an_archive_that_cannot_be_read_is_named(layers: Layers, workplace: Path) -> None:
    """It is no shorter archive."""
    call([find("tar"), "-cf", workplace / "in.tar", "-C", workplace, "tree"])
    before = paths(workplace)
    outcome = layers.outcome("in.tar", Fault("read", "in.tar", 2, ALWAYS, "EIO"))
    assert (outcome.status, outcome.error) == (1, "`in.tar`: Input/output error")
    assert paths(workplace) == before


def test_threads_that_cannot_be_had_are_told(layers: Layers) -> None:
    """It is no defect, and no panic."""
    outcome = layers.outcome("tree", always("clone3", "-", "EAGAIN"))
    expected = "`x.tar`: cannot start a thread: Resource temporarily unavailable"
    assert (outcome.status, outcome.error) == (1, expected)
