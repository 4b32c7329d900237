"""Random trees through a layer and out again by readers that are not fastlayer's.

`cases.py` says how to make more of them, and some of them again. A difference begins with the
number of its tree.
"""

import random
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

import pytest

import fastlayer as fl

from .cases import batches
from .members import read_members
from .peers import call, find, need_root
from .random_trees import grow, set_facts, set_time
from .tree import Record, assert_trees_equal, snapshot

TREES = 200
# Trees side by side in one root: starting a reader costs more than reading a tree.
AT_ONCE = 20


@dataclass(frozen=True)
class Grown:
    """Several trees in one root, and what a layer of it must hold."""

    root: Path
    expected: Mapping[str, Record]
    sockets: int

    def layer(self, **options: object) -> fl.Layer:
        return fl.Layer.from_directory(self.root, **options)  # type: ignore[arg-type]


@pytest.fixture(
    scope="module", params=batches(TREES, AT_ONCE), ids=lambda batch: f"{batch[0]}-{batch[-1]}"
)
def grown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Grown]:
    """Give a root with the trees of a batch, each in a directory with its number for a name."""
    need_root("a tree with owners and devices")
    folder = tmp_path_factory.mktemp("grown")
    root = folder / "root"
    root.mkdir()
    for number in request.param:
        grow(root / str(number), random.Random(number))
    set_facts(root, random.Random(request.param[0]))
    set_time(root, random.Random(request.param[0]))
    tree = snapshot(root)
    expected = {path: record for path, record in tree.items() if record.kind != "socket"}
    yield Grown(root, expected, len(tree) - len(expected))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def layer(grown: Grown) -> Path:
    """Give the layer of the trees as a plain tar; each socket is warned of."""
    path = grown.root.with_name("layer.tar")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        grown.layer(compression="none").save(path)
    assert len(caught) == grown.sockets
    assert all(issubclass(warning.category, fl.SourceWarning) for warning in caught)
    return path


def test_tar_unpacks_the_trees(layer: Path, grown: Grown, tmp_path: Path) -> None:
    """GNU tar loses nothing."""
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
    call([find("tar"), "-xpf", layer, "-C", tmp_path, *options])
    assert_trees_equal(snapshot(tmp_path), grown.expected)


def test_bsdtar_unpacks_the_trees(layer: Path, grown: Grown, tmp_path: Path) -> None:
    """bsdtar loses nothing but access control lists: it has its own records for those.

    It also makes one character of a letter and its accent.
    """
    argv = (find("bsdtar"), "-xpf", layer, "-C", tmp_path, "--numeric-owner")
    # It unpacks a name that isn't UTF-8 as it should, but complains and fails at the end.
    call(argv, statuses=(0, 1))
    found = snapshot(tmp_path)
    # Nor does it set the time of the folder that it was told to unpack into.
    found["."] = replace(found["."], mtime=grown.expected["."].mtime)
    expected = _with_attributes(grown.expected, lambda name, _: "posix_acl" not in name)
    assert_trees_equal(_composed(found), _composed(expected))


def _with_attributes(
    tree: Mapping[str, Record], keeps: Callable[[str, bytes], bool]
) -> Mapping[str, Record]:
    return {
        path: replace(record, xattrs=tuple(pair for pair in record.xattrs if keeps(*pair)))
        for path, record in tree.items()
    }


def _composed(tree: Mapping[str, Record]) -> Mapping[str, Record]:
    """Let names stand with their accents as bsdtar, which composes them, writes them."""
    return {
        normalize("NFC", path): replace(
            record, names=tuple(sorted(normalize("NFC", name) for name in record.names))
        )
        for path, record in tree.items()
    }


def test_tarfile_reads_the_trees(layer: Path, grown: Grown) -> None:
    """Python's tarfile finds all of it."""
    assert_trees_equal(read_members(layer), grown.expected)


@pytest.mark.filterwarnings("ignore::fastlayer.SourceWarning")
def test_umoci_unpacks_the_trees(grown: Grown, tmp_path: Path) -> None:
    """umoci 0.4, which reads gzip but not zstd, loses nothing but empty attributes.

    It is written in Go, whose tar reader takes an empty value for none.
    """
    image = fl.Image.scratch(platform="linux/amd64").append(grown.layer())
    image.write_layout(tmp_path / "layout", tags=["x:1"])
    call([find("umoci"), "unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "bundle"])
    expected = _with_attributes(grown.expected, lambda _, value: value != b"")
    assert_trees_equal(snapshot(tmp_path / "bundle" / "rootfs"), expected)
