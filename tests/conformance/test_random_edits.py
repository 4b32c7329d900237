"""Random edits of random trees, and of archives of them, against a model that is simple.

`cases.py` says how to make more of them, and some of them again.
"""

import os
import random
import shutil
import warnings
from pathlib import Path

import pytest

import fastlayer as fl
from fastlayer.errors import quoted

from .cases import batches
from .members import read_members
from .packing import pack
from .peers import need_root
from .random_edits import CONTENT, FILE_TIME, Case, draw_case, few_names, plain_attribute
from .random_trees import grow
from .tree import Tree, assert_trees_equal, snapshot

CASES = 400


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of the host that edits put."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    path.chmod(0o751)
    os.utime(path, (0, FILE_TIME))
    return path


def some_order(tree: Tree, chance: random.Random) -> list[str]:
    """Directories before what they hold; once in four, any order."""
    paths = list(tree)
    if chance.random() < 1 / 4:
        chance.shuffle(paths)
    return paths


def build(layer: fl.Layer, output: Path) -> list[str]:
    """Write the layer; give what it tells of edits."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer.save(output)
    told = [str(warning.message) for warning in caught]
    return [message for message in told if message.startswith("nothing matched")]


def check(layer: fl.Layer, output: Path, case: Case) -> None:
    """Make the layer, and compare it with what the model says."""
    try:
        told = build(layer, output)
    except fl.UnsupportedEntryError:
        if case.expected is not None:
            raise
        assert not output.exists()
        return
    assert case.expected is not None, "the last edit was not refused"
    assert_trees_equal(read_members(output), case.expected)
    assert told == [f"nothing matched the edit {quoted(one)}" for one in case.unmatched]


def check_all(root: Path, archive: Path, case: Case) -> None:
    """Make the layer of the tree, of the archive, and, where that can be done, of a stream."""
    options = {**case.options, "edits": case.edits, "compression": "none"}
    check(fl.Layer.from_directory(root, **options), root.with_name("directory.layer"), case)
    check(fl.Layer.from_archive(archive, **options), root.with_name("archive.layer"), case)
    with archive.open("rb") as stream:
        try:
            check(fl.Layer.from_stream(stream, **options), root.with_name("stream.layer"), case)
        except fl.UnsupportedEntryError as error:
            if "second look" not in str(error):
                raise


@pytest.mark.parametrize("batch", batches(CASES, 100), ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_edits_do_to_a_layer_what_they_do_to_a_tree(
    batch: range, file: Path, tmp_path: Path
) -> None:
    """A directory, an archive of it and a stream of that become what the model says."""
    need_root("a tree with owners and devices")
    for number in batch:
        root = tmp_path / str(number) / "root"
        root.parent.mkdir()
        chance = random.Random(number)
        grow(root, chance, name=few_names, attribute=plain_attribute, deep=3)
        tree = {path: fact for path, fact in snapshot(root).items() if fact.kind != "socket"}
        case = draw_case(chance, tree, file)
        archive = root.with_suffix(".tar")
        try:
            pack(root, tree, some_order(tree, chance), archive)
            check_all(root, archive, case)
        except Exception as error:
            edits = "".join(f"\n    {one!s}" for one in case.edits)
            raise AssertionError(f"case {number}: {case.options}{edits}\n{error}") from error
        shutil.rmtree(root.parent)
