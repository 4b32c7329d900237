"""Nothing lost, nothing invented: what other tools unpack is what went in."""

import os
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import fastlayer as fl

from .cli import build, fastlayer
from .engines import Engine
from .hard import LARGEST_ID, PAST_OCTAL
from .peers import call, find
from .tree import Record, assert_trees_equal, snapshot


@pytest.fixture(scope="module")
def expected(hard_tree: Path) -> Mapping[str, Record]:
    """Give what a layer keeps: all but the sockets, which no tar can hold."""
    tree = snapshot(hard_tree)
    assert any(record.kind == "socket" for record in tree.values())
    return {path: record for path, record in tree.items() if record.kind != "socket"}


@pytest.fixture(scope="module")
def layer(hard_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the hard tree as a plain tar."""
    path = tmp_path_factory.mktemp("layer") / "layer.tar"
    fastlayer("layer", hard_tree, "-o", path, "--compression", "none")
    return path


# umoci 0.4, which Debian 12 has, cannot read zstd.
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_umoci_unpacks_the_source(
    hard_tree: Path, expected: Mapping[str, Record], compression: str, tmp_path: Path
) -> None:
    """An OCI layout unpacked by umoci is the source: types, owners, times, links and content."""
    output = Path(f"{tmp_path}/layout:12")
    options = ("--rootfs", hard_tree, "--compression", compression)
    build(output, *options, transport="oci:")
    call([find("umoci"), "unpack", "--image", output, tmp_path / "bundle"])
    assert_trees_equal(snapshot(tmp_path / "bundle" / "rootfs"), expected)


def test_tar_unpacks_the_source(
    layer: Path, expected: Mapping[str, Record], tmp_path: Path
) -> None:
    """GNU tar unpacks a layer into the source."""
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
    call([find("tar"), "-xpf", layer, "-C", tmp_path, *options])
    assert_trees_equal(snapshot(tmp_path), expected)


def test_bsdtar_unpacks_the_source(
    layer: Path, expected: Mapping[str, Record], tmp_path: Path
) -> None:
    """bsdtar unpacks a layer into the source, except ACLs: it has its own records for those."""
    argv = (find("bsdtar"), "-xpf", layer, "-C", tmp_path, "--numeric-owner")
    # It unpacks a name that isn't UTF-8 as it should, but complains and fails at the end.
    call(argv, statuses=(0, 1))
    found = snapshot(tmp_path)
    # Nor does it set the time of the folder that it was told to unpack into.
    found["."] = replace(found["."], mtime=expected["."].mtime)
    assert_trees_equal(found, _without_access_lists(expected))


def test_tar_and_bsdtar_list_the_same(rootfs: Path, tmp_path: Path) -> None:
    """Two readers see the same names in the same order, parents first and none twice."""
    path = tmp_path / "layer.tar"
    fastlayer("layer", rootfs, "-o", path, "--compression", "none")
    listings = [call([find(program), "-tf", path]).splitlines() for program in ("tar", "bsdtar")]
    assert listings[0] == listings[1]
    names = [name.rstrip("/") for name in listings[0]]
    places = {name: place for place, name in enumerate(names)}
    assert len(places) == len(names)
    parents = ((name, name.rpartition("/")[0]) for name in names if "/" in name)
    assert all(places[parent] < places[name] for name, parent in parents)
    assert places.keys() == snapshot(rootfs).keys()


def test_tarfile_reads_the_layer(layer: Path, expected: Mapping[str, Record]) -> None:
    """Python's tarfile finds every entry with its time, owner and device."""
    with tarfile.open(layer, "r:") as tar:
        members = {member.name: member for member in tar}
    assert members.keys() == expected.keys()
    for path, record in expected.items():
        member = members[path]
        assert (member.mode, member.uid, member.gid) == (record.mode, record.uid, record.gid), path
        assert member.mtime == record.mtime, path
        if record.device is not None:
            assert (member.devmajor, member.devminor) == record.device, path


def test_a_file_of_8_gib_is_read_by_others(tmp_path: Path) -> None:
    """Eleven octal digits no longer hold its size, and what follows it is found all the same."""
    find("zstd")  # GNU tar calls it
    size = 8 << 30
    root = tmp_path / "root"
    root.mkdir()
    with (root / "large").open("wb") as file:
        file.truncate(size)
    (root / "next").touch()
    path = tmp_path / "layer.tar.zst"
    fastlayer("layer", root, "-o", path, "--compression", "zstd:1")
    for program in ("tar", "bsdtar"):
        _, large, after = call([find(program), "-tvf", path]).splitlines()
        assert str(size) in large.split(), program
        assert after.endswith("next"), program


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Give each engine that loads an archive and exports what it made of it."""
    engine: Engine = request.getfixturevalue(request.param)
    return engine


def test_an_engine_gives_back_what_needs_a_record(engine: Engine, tmp_path: Path) -> None:
    """Owners above 2,097,151 and times after 2242 come through; engines know none before 1970."""
    root = tmp_path / "root"
    root.mkdir()
    expected = {}
    for number, (owner, time) in enumerate([(2**21, 0), (LARGEST_ID, 1), (0, PAST_OCTAL)]):
        path = root / f"{number}-{'n' * 250}"
        path.touch()
        os.chown(path, owner, owner)
        os.utime(path, (time, time))
        expected[path.name] = (owner, owner, time)
    tag = "demo/records:1"
    image = build(tmp_path / "image.tar", "--rootfs", root, "-t", tag)
    engine("load", "--input", image.path)
    container = engine("create", "--network=none", tag, "/none").strip()
    try:
        engine("export", "--output", tmp_path / "out.tar", container)
    finally:
        engine("rm", "--force", container)
        engine("rmi", "--force", tag)
    with tarfile.open(tmp_path / "out.tar") as tar:
        found = {member.name: (member.uid, member.gid, int(member.mtime)) for member in tar}
    assert {path: found[path] for path in expected} == expected


def test_an_empty_attribute_is_kept(tmp_path: Path) -> None:
    """An extended attribute without a value is in the layer, though some readers drop it."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").touch()
    call([find("setfattr"), "--name=user.empty", root / "file"])
    path = tmp_path / "layer.tar"
    fastlayer("layer", root, "-o", path, "--compression", "none")
    with tarfile.open(path, "r:") as tar:
        assert tar.getmember("file").pax_headers["SCHILY.xattr.user.empty"] == ""


def _without_access_lists(tree: Mapping[str, Record]) -> Mapping[str, Record]:
    return {
        path: replace(
            record,
            xattrs=tuple(pair for pair in record.xattrs if not pair[0].startswith("system.posix")),
        )
        for path, record in tree.items()
    }


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_fastlayer_unpacks_the_source(
    hard_tree: Path, expected: Mapping[str, Record], compression: str, tmp_path: Path
) -> None:
    """What `fastlayer unpack` makes is the source too: nothing lost in either direction."""
    image = build(
        tmp_path / "image.tar", "--rootfs", hard_tree, "--compression", compression, "-t", "a:1"
    )
    fastlayer("unpack", image.path, tmp_path / "rootfs")
    assert_trees_equal(snapshot(tmp_path / "rootfs"), expected)


def test_layers_are_unpacked_as_umoci_does(rootfs: Path, upgraded: Path, tmp_path: Path) -> None:
    """Two layers, the second with whiteouts, make what another tool makes of them."""
    layers = [tmp_path / "1.tar.gz", tmp_path / "2.tar.gz"]
    fl.Layer.from_directory(rootfs).save(layers[0])
    fl.Layer.from_diff(rootfs, upgraded).save(layers[1])
    image = fl.Image.scratch(platform="linux/amd64").append(
        *(fl.StoredLayer.load(layer) for layer in layers)
    )
    image.write_layout(tmp_path / "layout", tags=["a:1"])
    call([find("umoci"), "unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "bundle"])
    image.unpack(tmp_path / "rootfs")
    ours, theirs = snapshot(tmp_path / "rootfs"), snapshot(tmp_path / "bundle" / "rootfs")
    assert_trees_equal(ours, snapshot(upgraded))
    assert_trees_equal(ours, theirs)
