"""Images that were read: values whose unchanged parts keep their bytes."""

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from archives import (
    LAYERS,
    Sample,
    SampleLayer,
    blob_name,
    combined,
    docker_save,
    dumps,
    layout,
    tar,
    write_archive,
    write_folder,
)
from archives import digest as digest_of
from fastlayer.archive.contents import open_contents
from fastlayer.cli.run import run
from fastlayer.media_type import (
    DOCKER_CONFIG,
    DOCKER_FOREIGN_LAYER_GZIP,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    OCI_LAYER_GZIP,
)
from fastlayer.stored.image import StoredImage, StoredLayer

EXTRA = SampleLayer(tar({"extra": b"more\n"}))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The archive that loads everywhere, with one image."""
    return write_archive(tmp_path / "base.tar", combined(Sample()))


def stored(path: Path) -> StoredImage:
    """The one image of an archive or layout."""
    (image,) = open_contents(path).images()
    return image


def config_of(path: Path) -> dict[str, Any]:
    """The config of that image, as plain JSON."""
    config: dict[str, Any] = json.loads(stored(path).config_content)
    return config


@pytest.mark.parametrize("members", [combined, layout, docker_save])
def test_a_copy_keeps_what_it_can(members: Any, tmp_path: Path) -> None:
    """Layers and config are the same bytes; the manifest too, where there is one."""
    sample = Sample(manifest_changes={"x-unknown": {"b": 1, "a": 2}})
    source = write_archive(tmp_path / "source.tar", members(sample))
    image = fl.Image.load(source)
    copies = [tmp_path / "copy.tar", tmp_path / "copy"]
    image.save(copies[0], tags=["copy:1"])
    image.write_layout(copies[1], tags=["copy:1"])
    for copy in copies:
        found = stored(copy)
        assert found.config_content == sample.config
        assert [layer.blob.size for layer in found.layers] == [len(x.blob) for x in LAYERS]
        assert [layer.descriptor.digest for layer in found.layers] == [
            digest_of(layer.blob) for layer in LAYERS
        ]
        if members is not docker_save:
            assert found.manifest_content == sample.manifest
        assert fl.validate(copy).ok


def test_a_docker_manifest_stays_one_unless_oci_is_asked_for(tmp_path: Path, base: Path) -> None:
    """The family of documents is that of the image; another one renames the layers' types."""
    docker = fl.Image.load(base).save(tmp_path / "docker.tar", tags=["x"], format="docker")
    again = fl.Image.load(tmp_path / "docker.tar").save(tmp_path / "again.tar", tags=["x"])
    assert again.descriptor == docker.descriptor
    assert "docker" in again.media_type
    back = fl.Image.load(tmp_path / "docker.tar").save(tmp_path / "o.tar", tags=["x"], format="oci")
    assert back.digest == digest_of(Sample().manifest) or "oci" in back.media_type
    assert all("oci" in layer.media_type for layer in back.layers)


def test_a_layer_on_top_leaves_the_rest(base: Path, tmp_path: Path) -> None:
    """Appending adds a layer, a diff_id and a step; unknown members stay."""
    sample = Sample(changes={"x-unknown": 1.50})
    write_archive(base, combined(sample))
    layer = fl.Layer.from_files({"new": b"new"})
    built = fl.Image.load(base).append(layer).save(tmp_path / "new.tar", tags=["new"])
    config = config_of(tmp_path / "new.tar")
    before = json.loads(sample.config)
    assert config["x-unknown"] == 1.50
    assert config["rootfs"]["diff_ids"] == [
        *before["rootfs"]["diff_ids"],
        built.layers[-1].diff_id,
    ]
    # The base tells of one of its two layers; the other gets a step that tells nothing.
    created = before["created"]
    assert config["history"] == [
        *before["history"],
        {"created": created},
        {"created": created, "created_by": "fastlayer"},
    ]
    assert [layer.uncompressed_size is None for layer in built.layers] == [True, True, False]
    assert fl.validate(tmp_path / "new.tar").ok


def test_a_layer_that_is_a_file_is_copied(base: Path, tmp_path: Path) -> None:
    """A prebuilt layer keeps its bytes on every image that gets it."""
    path = tmp_path / "layer.tar.gz"
    path.write_bytes(EXTRA.blob)
    layer = StoredLayer.load(path)
    built = fl.Image.load(base).append(layer).save(tmp_path / "new.tar", tags=["new"])
    assert built.layers[-1].digest == digest_of(EXTRA.blob)
    assert built.layers[-1].diff_id == digest_of(EXTRA.tar)
    with pytest.raises(fl.InvalidImageError, match="is an image, not a single layer"):
        StoredLayer.load(base)


def test_settings_are_added_removed_and_replaced(base: Path) -> None:
    """Variables and labels keep their places; what is not there is not missed."""
    image = fl.Image.load(base)
    more = image.with_added(
        env={"B": "2", "A": "1"}, labels={"l": "w"}, exposed_ports=[80], volumes=["/data"]
    )
    assert more.config.config.env == ("A=1", "B=2")
    assert more.config.config.labels == {"k": "v", "l": "w"}
    less = more.with_removed(
        env=["A", "X"], labels=["k"], exposed_ports=["80"], volumes=["/data", "/x"]
    )
    assert less.config.config.env == ("B=2",)
    assert less.config.config.labels == {"l": "w"}
    assert not less.config.config.exposed_ports
    assert not less.config.config.volumes
    assert less.config.config.entrypoint == ("/app",)
    with pytest.raises(fl.InvalidConfigError, match="unknown setting `user`"):
        image.with_added(user="x")  # type: ignore[call-arg]
    with pytest.raises(fl.InvalidConfigError, match="is not a port"):
        image.with_removed(exposed_ports=["x"])


def test_annotations_can_go(base: Path) -> None:
    """`None` removes an annotation, and only that one."""
    image = fl.Image.load(base).with_annotations({"a": "1", "b": "2"})
    assert image.with_annotations({"a": None, "c": "3"}).annotations == {"b": "2", "c": "3"}


def test_rebase_changes_the_lowest_layers_and_the_platform(tmp_path: Path) -> None:
    """Layers, history and platform below come from the new base, settings from the image."""
    old, new = LAYERS[:1], (SampleLayer(tar({"etc/": b"", "etc/motd": b"new\n"})), LAYERS[0])
    steps = [{"created_by": "base"}, {"created_by": "ENV", "empty_layer": True}]
    bases = [
        Sample(old, changes={"history": steps}),
        Sample(new, architecture="arm64", changes={"history": [{"created_by": "new base"}]}),
    ]
    own = Sample(
        (*old, EXTRA),
        changes={
            "history": [*steps, {"created_by": "CMD", "empty_layer": True}, {"created_by": "own"}],
            "config": {"Cmd": ["own"]},
        },
    )
    image, old_base, new_base = (
        fl.Image.load(write_archive(tmp_path / f"{number}.tar", combined(sample)))
        for number, sample in enumerate((own, *bases))
    )
    rebased = image.rebase(old_base, new_base)
    assert [layer.diff_id for layer in rebased.layers if isinstance(layer, StoredLayer)] == [
        digest_of(layer.tar) for layer in (*new, EXTRA)
    ]
    assert [step.created_by for step in rebased.config.history] == ["new base", "", "CMD", "own"]
    assert rebased.config.config.cmd == ("own",)
    assert str(rebased.platform) == "linux/arm64"
    with pytest.raises(fl.InvalidArgumentError, match="is not based on the old base"):
        image.rebase(new_base, old_base)


def test_a_layer_that_changed_since_is_refused(base: Path, tmp_path: Path) -> None:
    """A blob is verified when it is copied: of what is not what it was, nothing is written."""
    image = fl.Image.load(base)
    content = bytearray(base.read_bytes())
    place = content.index(LAYERS[0].blob) + 20
    content[place] ^= 1
    base.write_bytes(content)
    output = tmp_path / "out.tar"
    with pytest.raises(fl.InvalidImageError, match="does not have the digest `sha256:"):
        image.save(output, tags=["x"])
    assert not output.exists()
    content[place] ^= 1
    base.write_bytes(content[:place])
    with pytest.raises(fl.InvalidImageError, match="is cut short"):
        image.write_layout(tmp_path / "layout")
    assert not (tmp_path / "layout").exists()


def test_one_of_several_is_chosen_by_platform(tmp_path: Path) -> None:
    """Of an index, the platform asked for, or one that it can run; never another."""
    samples = [Sample(tags=(), architecture=name) for name in ("amd64", "arm64", "386")]
    path = write_folder(tmp_path / "layout", layout(*samples))
    for wanted, got in (("linux/arm64", "arm64"), ("linux/amd64", "amd64"), ("linux/386", "386")):
        assert fl.Image.load(path, platform=wanted).config.architecture == got
    with pytest.raises(fl.InvalidImageError, match="no image for `linux/s390x`, it has `linux/amd"):
        fl.Image.load(path, platform="linux/s390x")
    one = write_archive(tmp_path / "one.tar", combined(samples[2]))
    assert fl.Image.load(one, platform="linux/amd64").config.architecture == "386"
    with pytest.raises(fl.InvalidImageError, match="no image for `linux/386`"):
        fl.Image.load(write_archive(one, combined(samples[0])), platform="linux/386")


def test_several_of_one_platform_need_a_tag(tmp_path: Path) -> None:
    """Images that only their tags tell apart are not guessed from."""
    samples = [Sample(tags=(f"a:{n}",), changes={"author": str(n)}) for n in (1, 2)]
    path = write_folder(tmp_path / "layout", layout(*samples))
    with pytest.raises(fl.InvalidImageError, match="choose one by its tag, of `docker"):
        fl.Image.load(path, platform="linux/amd64")
    assert fl.Image.load(f"oci:{path}:2").config.author == "2"


def test_a_config_with_other_numbers_of_layers_is_refused(tmp_path: Path) -> None:
    """Counts are compared when the image is read."""
    sample = Sample(changes={"rootfs": {"type": "layers", "diff_ids": []}})
    path = write_archive(tmp_path / "x.tar", combined(sample))
    with pytest.raises(fl.InvalidImageError, match="has 0 diff_ids for 2 layers"):
        fl.Image.load(path)


def test_documents_are_written_as_they_were(tmp_path: Path) -> None:
    """Even their white space stays: only what is changed is written anew."""
    spaced = json.dumps(json.loads(Sample().config), indent=3).encode()

    class Spaced(Sample):
        @property
        def config(self) -> bytes:
            return spaced

    image = fl.Image.load(write_archive(tmp_path / "x.tar", combined(Spaced())))
    assert image.save(tmp_path / "y.tar", tags=["y"]).config.digest == digest_of(spaced)
    changed = image.with_config(user="1").save(tmp_path / "z.tar", tags=["z"])
    assert changed.config.digest != digest_of(spaced)
    assert config_of(tmp_path / "z.tar")["config"]["User"] == "1"
    assert dumps(config_of(tmp_path / "y.tar")) == Sample().config


def test_a_mixed_manifest_is_copied_as_it_is(tmp_path: Path) -> None:
    """Some tools put Docker's layers into an OCI manifest; only who asks for a format gets one."""
    plain = json.loads(Sample().manifest)
    for layer in plain["layers"]:
        layer["mediaType"] = DOCKER_LAYER_GZIP if "gzip" in layer["mediaType"] else DOCKER_LAYER
    plain["config"]["mediaType"] = DOCKER_CONFIG
    sample = Sample(manifest_changes=plain)
    image = fl.Image.load(write_archive(tmp_path / "x.tar", combined(sample)))
    assert image.save(tmp_path / "y.tar", tags=["y"]).digest == digest_of(sample.manifest)
    asked = image.save(tmp_path / "z.tar", tags=["z"], format="oci")
    assert asked.digest == digest_of(Sample().manifest) or "oci" in asked.config.media_type
    more = image.append(fl.Layer.from_files({"a": b"a"})).save(tmp_path / "m.tar", tags=["m"])
    assert [layer.media_type for layer in more.layers] == [
        *(layer["mediaType"] for layer in plain["layers"]),
        OCI_LAYER_GZIP,
    ]


def test_rebase_on_a_base_that_tells_of_less(tmp_path: Path) -> None:
    """Steps go with layers by number, whoever told of how many."""
    image = fl.Image.load(
        write_archive(tmp_path / "i.tar", combined(Sample(changes={"history": []})))
    )
    base = fl.Image.load(
        write_archive(tmp_path / "b.tar", combined(Sample(LAYERS[:1], changes={"history": []})))
    )
    told = image.append(fl.Layer.from_files({"a": b"a"}))
    rebased = told.rebase(base, base)
    built = rebased.save(tmp_path / "x.tar", tags=["x"])
    assert len(built.layers) == 3
    assert len(fl.Image.load(tmp_path / "x.tar").config.history) == 3


def test_steps_of_others_keep_their_times(tmp_path: Path) -> None:
    """A step without a time stays without one, and a new one is dated even if it looks the same."""
    sample = Sample(changes={"history": [{"created_by": "fastlayer"}, {"created_by": "x"}]})
    image = fl.Image.load(write_archive(tmp_path / "i.tar", combined(sample)))
    image.append(fl.Layer.from_files({"a": b"a"})).save(tmp_path / "x.tar", tags=["x"])
    history = config_of(tmp_path / "x.tar")["history"]
    assert [step.get("created") for step in history] == [None, None, "2025-04-18T19:07:30Z"]


def test_what_is_no_layer_is_refused_at_once(base: Path) -> None:
    """A path is not a layer yet."""
    with pytest.raises(fl.InvalidArgumentError, match="`str` is no layer"):
        fl.Image.load(base).append("layer.tar")  # type: ignore[arg-type]


def test_a_damaged_document_in_a_layout_is_written_again(base: Path, tmp_path: Path) -> None:
    """What is there with other bytes than it has is not what is there."""
    image = fl.Image.load(base)
    layout = tmp_path / "layout"
    built = image.write_layout(layout, name="x")
    config = layout / "blobs" / "sha256" / built.config.digest.encoded
    config.write_bytes(b"{")
    image.write_layout(layout, name="y")
    assert fl.validate(layout).ok


def test_a_compressed_archive_is_no_layer(base: Path, tmp_path: Path) -> None:
    """An image that somebody compressed is not taken for a layer of its files."""
    path = tmp_path / "image.tar.gz"
    path.write_bytes(gzip.compress(base.read_bytes()))
    with pytest.raises(fl.InvalidImageError, match="is an image archive compressed with gzip"):
        StoredLayer.load(path)


def test_a_layer_that_is_elsewhere_is_passed_on(tmp_path: Path) -> None:
    """Who has a right to it fetches it by its URL; what is here is described, not fetched."""
    plain = json.loads(Sample().manifest)
    foreign = plain["layers"][0]
    foreign["mediaType"] = DOCKER_FOREIGN_LAYER_GZIP
    foreign["urls"] = ["https://vendor.example/layer"]
    sample = Sample(manifest_changes=plain)
    members = layout(sample)
    del members[blob_name(LAYERS[0].blob)]
    image = fl.Image.load(write_folder(tmp_path / "source", members))
    built = image.with_config(user="1").write_layout(tmp_path / "copy", name="x")
    assert built.layers[0].descriptor.urls == ("https://vendor.example/layer",)
    assert not (tmp_path / "copy" / blob_name(LAYERS[0].blob)).exists()
    with pytest.raises(fl.InvalidImageError, match="but from `https"):
        image.export(tmp_path / "fs.tar")
    del plain["layers"][0]["urls"]
    members = layout(Sample(manifest_changes=plain))
    del members[blob_name(LAYERS[0].blob)]
    with pytest.raises(fl.InvalidImageError, match="is missing"):
        fl.Image.load(write_folder(tmp_path / "none", members))


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A layout with one image for the host, of whose layers one is elsewhere."""
    manifest = json.loads(Sample().manifest)
    manifest["layers"][0] |= {
        "mediaType": DOCKER_FOREIGN_LAYER_GZIP,
        "urls": ["https://vendor.example/layer"],
    }
    platform = fl.Platform.host()
    sample = Sample(architecture=platform.architecture, manifest_changes=manifest)
    members = layout(sample)
    del members[blob_name(LAYERS[0].blob)]
    return write_folder(tmp_path / "foreign", members)


@pytest.mark.parametrize(
    "command",
    [
        ["copy", "{}"],
        ["copy", "{}", "--all"],
        ["build", "--from", "{}", "--entrypoint", "/x", "-t", "x"],
    ],
)
@pytest.mark.parametrize("form", ["{}", "docker-archive:{}", "oci-archive:{}"])
def test_no_archive_lacks_a_layer_that_docker_would_look_for(
    command: list[str],
    form: str,
    foreign: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its `manifest.json` would name what is not there. A layout may do so, and is advised."""
    output = tmp_path / "out.tar"
    arguments = [part.format(foreign) for part in command]
    where = [form.format(output)] if command[0] == "copy" else ["-o", form.format(output)]
    assert run([*arguments, *where]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not distributed with its image, but from `https://vendor.example/layer`: " in line
    assert line.endswith("write a layout (`oci:DIR`)")
    assert not output.exists()
    where[-1] = f"oci:{tmp_path / 'out'}"
    assert run([*arguments, *where]) == 0
    report = fl.validate(tmp_path / "out")
    assert report.ok, report.problems
    (note,) = report.notes
    assert "is not distributed with its image, but from `https://vendor.example/layer`" in str(note)


def test_an_index_in_an_archive_may_lack_layers_of_others(foreign: Path, tmp_path: Path) -> None:
    """Docker is told of one image only, which has to be whole."""
    whole = fl.Image.scratch(platform="linux/s390x").append(fl.Layer.from_files({"a": b"1"}))
    lacking = fl.Image.load(foreign)
    with pytest.raises(fl.InvalidImageError, match="docker loads no archive without all layers"):
        fl.Index().append(whole, lacking).save(tmp_path / "host.tar", tags=["x"])
    assert not (tmp_path / "host.tar").exists()
    others = fl.Index().append(whole, lacking.with_platform("linux/ppc64le"))
    built = others.save(tmp_path / "others.tar", tags=["x"])
    with tarfile.open(tmp_path / "others.tar") as archive:
        member = archive.extractfile("manifest.json")
        assert member is not None
        (row,) = json.load(member)
    assert row["Layers"] == [f"blobs/sha256/{built.images[0].layers[0].digest.encoded}"]
