"""mtree files between bsdtar and fastlayer, in both directions."""

import filecmp
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from .cli import fastlayer
from .peers import call, call_bytes, find
from .tree import Record, assert_trees_equal, snapshot

# What bsdtar can say of a file and a layer can hold. Attributes it cannot say.
_KEYWORDS = "mtree:!all,type,mode,uid,gid,size,time,link,device,nlink,sha256"

# Every form that bsdtar writes: full paths, with inodes, with `/set`, with long lines broken, and
# the classic one of folders that are entered and left.
FORMS = {
    "full": ("--format=mtree", f"--options={_KEYWORDS}"),
    "all": ("--format=mtree", "--options=mtree:all,!flags"),
    "set": ("--format=mtree", f"--options={_KEYWORDS},mtree:use-set,mtree:indent"),
    "classic": ("--format=mtree-classic", f"--options={_KEYWORDS}"),
}


@pytest.fixture(scope="module")
def plain(hard_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the layer of the hard tree without attributes, which bsdtar cannot describe."""
    path = tmp_path_factory.mktemp("plain") / "layer.tar"
    fastlayer("layer", hard_tree, "-o", path, "--xattrs", "none")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_description_of_bsdtar_makes_the_layer_of_the_tree(
    form: str, hard_tree: Path, plain: Path, tmp_path: Path
) -> None:
    """Whatever form bsdtar describes a tree in, the layer is that of the tree, byte for byte."""
    # With access lists it would state the mode without the mask that the kernel shows in it.
    argv: list[str | Path] = [
        find("bsdtar"),
        "--no-acls",
        "-C",
        hard_tree,
        *FORMS[form],
        "-cf",
        "-",
        ".",
    ]
    text = call_bytes(argv)
    (tmp_path / "tree.mtree").write_bytes(text)
    output = tmp_path / "layer.tar"
    fastlayer("layer", tmp_path / "tree.mtree", "--base", hard_tree, "-o", output)
    assert filecmp.cmp(output, plain, shallow=False)


def test_bsdtar_reads_a_description_as_the_layer(
    hard_tree: Path, plain: Path, tmp_path: Path
) -> None:
    """From our description bsdtar makes a tar with the entries of our layer, in their order."""
    _describe_and_archive(hard_tree, tmp_path)
    assert _entries(tmp_path / "theirs.tar") == _entries(plain)


def test_bsdtar_unpacks_a_description_into_the_tree(hard_tree: Path, tmp_path: Path) -> None:
    """A tree made by bsdtar of our description is the tree, but for attributes."""
    _describe_and_archive(hard_tree, tmp_path)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    call([find("tar"), "-xpf", tmp_path / "theirs.tar", "-C", folder, "--numeric-owner"])
    assert_trees_equal(_without_attributes(snapshot(folder)), _kept(snapshot(hard_tree)))


def _describe_and_archive(tree: Path, folder: Path) -> None:
    """Write `tree.mtree` with fastlayer, and `theirs.tar` of it with bsdtar."""
    (folder / "tree.mtree").write_text(fastlayer("mtree", tree, "--xattrs", "none"))
    # The format without limits for numbers and times.
    options = ("--format=pax", "-C", tree, "-cf", folder / "theirs.tar")
    call([find("bsdtar"), *options, f"@{folder / 'tree.mtree'}"])


def _entries(path: Path) -> list[tuple[object, ...]]:
    """List all that a description says of each entry, and the content."""
    with tarfile.open(path, "r:") as tar:
        return [
            (
                member.name.removeprefix("./") or ".",
                member.type,
                member.mode,
                (member.uid, member.gid),
                int(member.mtime),
                member.size,
                member.linkname if member.issym() else member.linkname.removeprefix("./"),
                (member.devmajor, member.devminor) if member.isdev() else None,
                _content(tar, member),
            )
            for member in tar
        ]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() else None
    return b"" if file is None else file.read()


def _without_attributes(tree: Mapping[str, Record]) -> Mapping[str, Record]:
    return {path: replace(record, xattrs=()) for path, record in tree.items()}


def _kept(tree: Mapping[str, Record]) -> Mapping[str, Record]:
    kept = {path: record for path, record in tree.items() if record.kind != "socket"}
    return _without_attributes(kept)
