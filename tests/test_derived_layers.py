"""Images whose layers are made of layers: flattened, compressed anew, rewritten, exported."""

import io
import json
import tarfile
from pathlib import Path

import pytest

import fastlayer as fl
from archives import LAYERS, Link, Sample, SampleLayer, combined, digest, tar, write_archive
from fastlayer.cli.run import run
from fastlayer.media_type import Compression, compression_of
from fastlayer.stored.image import StoredLayer

# A file with two names, of which the layer above replaces one and the next one removes another.
STACK = (
    SampleLayer(tar({"a": b"one", "b": Link("a", hard=True), "d/": b"", "d/x": b"x"})),
    SampleLayer(tar({"a": b"two", "d/.wh..wh..opq": b"", "d/y": b"y"}), "none"),
    SampleLayer(tar({".wh.a": b"", "c": Link("d/y")}), "zstd"),
)
MERGED = {"b": b"one", "c": "d/y", "d": None, "d/y": b"y"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An archive of an image with that stack."""
    return write_archive(tmp_path / "source.tar", combined(Sample(STACK)))


def content(archive: tarfile.TarFile) -> dict[str, bytes | str | None]:
    """What is in a tar: bytes of files, targets of links."""
    found: dict[str, bytes | str | None] = {}
    for member in archive:
        file = archive.extractfile(member) if member.isreg() else None
        found[member.name] = file.read() if file else member.linkname or None
    return found


def layer_of(path: Path, number: int) -> tarfile.TarFile:
    """A layer of the image in an archive, opened."""
    layer = fl.Image.load(path).layers[number]
    assert isinstance(layer, StoredLayer)
    return tarfile.open(fileobj=io.BytesIO(b"".join(layer.blob.chunks())))


def test_flatten_makes_one_layer_of_what_all_make(source: Path, tmp_path: Path) -> None:
    """The case that others get wrong: the remaining name of a file whose first name is gone."""
    built = fl.Image.load(source).flatten().save(tmp_path / "flat.tar", tags=["flat"])
    assert len(built.layers) == 1
    with layer_of(tmp_path / "flat.tar", 0) as layer:
        found = content(layer)
    assert {name: found[name] for name in MERGED} == MERGED
    assert set(found) - set(MERGED) <= {"."}
    assert fl.validate(tmp_path / "flat.tar").ok
    assert fl.diff(source, tmp_path / "flat.tar") == []
    config = fl.Image.load(tmp_path / "flat.tar").config
    assert [step.created_by for step in config.history] == ["fastlayer flatten"]
    assert config.config.entrypoint == ("/app",)


def test_export_is_the_same_tree_as_a_tar(source: Path, tmp_path: Path) -> None:
    """To a file and to a stream."""
    image = fl.Image.load(source)
    image.export(tmp_path / "fs.tar")
    stream = io.BytesIO()
    image.export(stream)
    assert stream.getvalue() == (tmp_path / "fs.tar").read_bytes()
    with tarfile.open(tmp_path / "fs.tar") as archive:
        assert content(archive).items() >= MERGED.items()


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_recompress_keeps_what_is_in_a_layer(
    compression: Compression, source: Path, tmp_path: Path
) -> None:
    """Every diff_id stays; a layer that is so already stays a blob."""
    image = fl.Image.load(source).recompress(compression=compression)
    built = image.save(tmp_path / "x.tar", tags=["x"])
    assert [layer.diff_id for layer in built.layers] == [digest(layer.tar) for layer in STACK]
    for layer, before in zip(built.layers, STACK, strict=True):
        assert compression_of(layer.media_type) == compression
        assert (layer.digest == digest(before.blob)) == (before.compression == compression)
    assert fl.validate(tmp_path / "x.tar").ok


def test_a_level_is_a_reason_to_compress_again(source: Path, tmp_path: Path) -> None:
    """What is gzip already is made anew if somebody wants another level."""
    built = fl.Image.load(source).recompress(level=9).save(tmp_path / "x.tar", tags=["x"])
    assert built.layers[0].digest != digest(STACK[0].blob)


def test_rewrite_changes_entries_and_keeps_whiteouts(source: Path, tmp_path: Path) -> None:
    """Times and owners are new, whiteouts and compression stay, and the tree is the same."""
    image = fl.Image.load(source).rewrite(mtime=7, owner=(1, 2))
    built = image.save(tmp_path / "x.tar", tags=["x"])
    kinds = [compression_of(layer.media_type) for layer in built.layers]
    assert kinds == ["gzip", "none", "zstd"]
    with layer_of(tmp_path / "x.tar", 1) as layer:
        members = {member.name: member for member in layer}
    assert set(members) == {"a", "d/.wh..wh..opq", "d/y"}
    assert (members["a"].mtime, members["a"].uid, members["a"].gid) == (7, 1, 2)
    changed = {fact.name for one in fl.diff(source, tmp_path / "x.tar") for fact in one.facts}
    assert changed <= {"mtime", "owner"}


def test_a_layer_with_another_diff_id_is_refused(tmp_path: Path) -> None:
    """What a config says wrongly is not compressed anew and told on."""
    sample = Sample(changes={"rootfs": {"type": "layers", "diff_ids": [digest(b"")] * 2}})
    image = fl.Image.load(write_archive(tmp_path / "source.tar", combined(sample)))
    with pytest.raises(fl.InvalidImageError, match="has the diff_id `sha256:"):
        image.recompress(compression="zstd").save(tmp_path / "x.tar", tags=["x"])
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize("change", ["flatten", "recompress", "rewrite"])
def test_a_blob_with_another_digest_is_refused(change: str, source: Path, tmp_path: Path) -> None:
    """What is read to be changed is verified before."""
    image = fl.Image.load(source)
    damaged = bytearray(source.read_bytes())
    damaged[damaged.index(STACK[0].blob) + 12] ^= 1
    source.write_bytes(damaged)
    options = {"recompress": {"compression": "none"}}.get(change, {})
    changed = getattr(image, change)(**options)
    with pytest.raises(fl.InvalidImageError, match="does not have the digest"):
        changed.save(tmp_path / "x.tar", tags=["x"])
    assert not (tmp_path / "x.tar").exists()


def test_only_stored_layers_can_be_changed(tmp_path: Path) -> None:
    """A layer that is only described has no entries yet; options are checked all the same."""
    image = fl.Image.scratch().append(fl.Layer.from_files({"a": b"a"}))
    for change in (image.flatten, image.rewrite):
        with pytest.raises(fl.InvalidArgumentError, match="only stored layers can be"):
            change()
    assert image.recompress(compression="zstd").layers == image.layers
    with pytest.raises(fl.InvalidArgumentError, match="level 99 is not in the range"):
        image.recompress(level=99)
    with pytest.raises(TypeError, match="unknown option `mtime`"):
        image.flatten(mtime=1)  # type: ignore[call-arg]
    with pytest.raises(fl.InvalidArgumentError, match="without layers"):
        fl.Image.scratch().flatten()


def test_the_clock_of_a_build_does_not_change_layers(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SOURCE_DATE_EPOCH` is for what is made, not for what is only packed anew."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    image = fl.Image.load(source)
    packed = image.recompress(compression="zstd").save(tmp_path / "x.tar", tags=["x"])
    assert [layer.diff_id for layer in packed.layers] == [digest(layer.tar) for layer in STACK]


def test_the_verbs(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each does what its method does, with the options of layers."""
    name = str(source)
    out = str(tmp_path / "out.tar")
    assert run(["flatten", name, "--compression", "zstd:1", "-t", "x", "-o", out]) == 0
    assert "zstd" in capsys.readouterr().out
    assert run(["recompress", name, "--compression", "none", "-t", "x", "-o", out]) == 0
    assert "none, copied" in capsys.readouterr().out
    assert run(["rewrite", name, "--mtime", "0", "--user", "5", "-t", "x", "-o", out]) == 0
    assert fl.Image.load(out).config.config.user == "5"
    with layer_of(tmp_path / "out.tar", 1) as layer:
        assert {member.mtime for member in layer} == {0}
    assert run(["export", name, "-o", out, "--json"]) == 0
    with tarfile.open(out) as archive:
        assert content(archive).items() >= MERGED.items()


def test_layers_that_occur_twice_are_made_once(tmp_path: Path) -> None:
    """The same layer in two places of an image is one blob."""
    sample = Sample((LAYERS[0], LAYERS[0]))
    image = fl.Image.load(write_archive(tmp_path / "source.tar", combined(sample)))
    built = image.recompress(compression="none").save(tmp_path / "x.tar", tags=["x"])
    assert built.layers[0] == built.layers[1]


def test_a_layer_of_an_unknown_type_is_told_by_its_bytes(tmp_path: Path) -> None:
    """Some tools call zstd layers by a name that Docker does not have."""
    plain = json.loads(Sample(STACK).manifest)
    plain["layers"][2]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.zstd"
    sample = Sample(STACK, manifest_changes=plain)
    image = fl.Image.load(write_archive(tmp_path / "x.tar", combined(sample)))
    packed = image.recompress(compression="gzip").save(tmp_path / "y.tar", tags=["y"])
    assert [compression_of(layer.media_type) for layer in packed.layers] == ["gzip"] * 3
    asked = image.save(tmp_path / "z.tar", tags=["z"], format="oci")
    assert compression_of(asked.layers[2].media_type) == "zstd"
    assert fl.validate(tmp_path / "z.tar").ok
