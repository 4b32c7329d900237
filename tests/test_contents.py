"""Reading archives and layouts: which images are there, and what is refused."""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from archives import (
    IMAGE_NAME,
    LAYERS,
    LAYOUT,
    REF_NAME,
    Link,
    Members,
    Sample,
    SampleLayer,
    blob_name,
    combined,
    digest,
    docker_save,
    dumps,
    index,
    layout,
    tar,
    write_archive,
    write_folder,
)
from fastlayer.archive.blob import Blob
from fastlayer.archive.contents import find_contents, open_contents
from fastlayer.errors import InvalidImageError
from fastlayer.media_type import DOCKER_LAYER, DOCKER_LAYER_GZIP, OCI_INDEX, OCI_LAYER_ZSTD
from fastlayer.stored.blob import read_blob, scan_blob
from fastlayer.stored.image import StoredImage, StoredLayer


def images(path: str | Path) -> list[StoredImage]:
    contents = open_contents(path)
    return contents.images()


def content(layer: StoredLayer) -> bytes:
    return b"".join(layer.blob.chunks())


def refused(path: str | Path, reason: str) -> None:
    with pytest.raises(InvalidImageError, match=re.escape(reason)) as caught:
        images(path)
    assert "\n" not in str(caught.value)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "image.tar"


@pytest.mark.parametrize("make", [layout, combined, docker_save])
def test_every_kind_tells_of_the_same_image(make: Callable[..., Members], archive: Path) -> None:
    """A layout in a tar, the archive that loads everywhere and an old one hold one image."""
    sample = Sample()
    write_archive(archive, make(sample))
    contents = open_contents(archive)
    [image] = contents.images()
    assert image.tags == ("custom/hello:latest",)
    assert image.config_content == sample.config
    assert image.config_descriptor.digest == digest(sample.config)
    assert str(image.platform) == "linux/amd64"
    for stored, layer in zip(image.layers, sample.layers, strict=True):
        assert content(stored) == layer.blob
        assert stored.descriptor.digest == digest(layer.blob)
        assert stored.descriptor.size == len(layer.blob)
        assert stored.diff_id == digest(layer.tar)
        assert scan_blob(stored.blob).diff_id == stored.diff_id


def test_a_layout_directory(tmp_path: Path) -> None:
    """The manifest's own bytes and descriptor are kept; blobs can be read again and again."""
    sample = Sample()
    write_folder(tmp_path, layout(sample))
    contents = open_contents(f"oci:{tmp_path}")
    [image] = contents.images()
    assert image.descriptor is not None
    assert image.descriptor.digest == digest(sample.manifest)
    assert image.manifest_content == sample.manifest
    assert image.manifest is not None
    assert [content(blob) for blob in image.layers] == [x.blob for x in LAYERS]
    assert [content(blob) for blob in image.layers] == [x.blob for x in LAYERS]


def test_files_are_closed(tmp_path: Path) -> None:
    """Neither a success nor a refusal leaves a descriptor open."""
    write_folder(tmp_path / "layout", layout(Sample()))
    write_archive(tmp_path / "image.tar", combined(Sample()))
    (tmp_path / "garbage").write_bytes(b"garbage" * 1000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    images(tmp_path / "layout")
    images(tmp_path / "image.tar")
    refused(tmp_path / "garbage", "neither an image nor a layer")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_docker_archive_has_media_types_by_its_bytes(archive: Path) -> None:
    """There is no manifest, so that types are those of Docker, or OCI's where there is zstd."""
    write_archive(archive, docker_save(Sample()))
    [image] = images(archive)
    assert (image.descriptor, image.manifest, image.manifest_content) == (None, None, None)
    assert [layer.descriptor.media_type for layer in image.layers] == [
        DOCKER_LAYER_GZIP,
        DOCKER_LAYER,
    ]
    write_archive(archive, docker_save(Sample(layers=[SampleLayer(LAYERS[0].tar, "zstd")])))
    [image] = images(archive)
    assert image.layers[0].descriptor.media_type == OCI_LAYER_ZSTD


def test_tags_of_rows_are_short_too(archive: Path) -> None:
    """skopeo writes whole references into `RepoTags`, docker short ones."""
    write_archive(archive, docker_save(Sample(tags=("docker.io/custom/hello:1", "a:b:c"))))
    assert images(archive)[0].tags == ("custom/hello:1", "a:b:c")


def test_an_image_with_two_tags_is_one_image(archive: Path) -> None:
    """Each tag is an entry of index.json; the image is listed once."""
    write_archive(archive, layout(Sample(tags=("custom/hello:1", "custom/hello:2"))))
    [image] = images(archive)
    assert image.tags == ("custom/hello:1", "custom/hello:2")


@pytest.mark.parametrize(
    ("annotations", "tags"),
    [
        ({}, ()),
        ({REF_NAME: "1.0"}, ("1.0",)),
        ({REF_NAME: "a/b:1"}, ("a/b:1",)),
        ({IMAGE_NAME: "docker.io/library/a:1", REF_NAME: "1"}, ("a:1",)),
        ({IMAGE_NAME: "docker.io/library/a:1", REF_NAME: "2"}, ("a:1", "2")),
        ({IMAGE_NAME: "localhost:5000/a:1"}, ("localhost:5000/a:1",)),
        ({IMAGE_NAME: "Not A Name", REF_NAME: "x y"}, ("Not A Name", "x y")),
    ],
)
def test_tags_of_an_index(
    annotations: dict[str, str], tags: tuple[str, ...], archive: Path
) -> None:
    """containerd's whole name and the specification's tag, short where that is the same."""
    sample = Sample(tags=())
    [entry] = sample.descriptors
    members = layout(sample) | {"index.json": index(entry | {"annotations": annotations})}
    write_archive(archive, members)
    assert images(archive)[0].tags == tags


def test_nested_indexes(archive: Path) -> None:
    """An index for two platforms gives both images its tag."""
    samples = [Sample(tags=(), architecture=name) for name in ("amd64", "arm64")]
    inner = index(*(entry for sample in samples for entry in sample.descriptors))
    entry = {
        "mediaType": OCI_INDEX,
        "digest": digest(inner),
        "size": len(inner),
        "annotations": {IMAGE_NAME: "docker.io/library/a:1"},
    }
    members = layout(*samples) | {blob_name(inner): inner, "index.json": index(entry)}
    write_archive(archive, members)
    found = images(archive)
    assert [str(image.platform) for image in found] == ["linux/amd64", "linux/arm64"]
    assert [image.tags for image in found] == [("a:1",), ("a:1",)]


def test_indexes_nested_too_deep(archive: Path) -> None:
    """Depth is limited."""
    members = layout(Sample())
    content = members["index.json"]
    for _ in range(10):
        assert isinstance(content, bytes)
        members[blob_name(content)] = content
        content = index({"mediaType": OCI_INDEX, "digest": digest(content), "size": len(content)})
    write_archive(archive, members | {"index.json": content})
    refused(archive, "nested deeper than 8 indexes")


def test_indexes_cannot_multiply(archive: Path) -> None:
    """A hundred times a hundred times a hundred entries are not followed."""
    members = layout(Sample())
    content = members["index.json"]
    for _ in range(3):
        assert isinstance(content, bytes)
        members[blob_name(content)] = content
        entry = {"mediaType": OCI_INDEX, "digest": digest(content), "size": len(content)}
        content = index(*[entry] * 100)
    write_archive(archive, members | {"index.json": content})
    refused(archive, "more than 100000 manifests")


@pytest.mark.parametrize("kind", [layout, docker_save])
@pytest.mark.parametrize("count", [10, 60])
def test_a_large_config_is_not_read_for_every_image(
    kind: Callable[..., Members], count: int, archive: Path
) -> None:
    """A few megabytes could else take gigabytes. What comes again takes of a limit for all."""
    large = {"author": "x" * (1 << 19)}
    samples = [
        Sample(
            changes=large,
            tags=(f"a:{number}",),
            manifest_changes={"annotations": {"n": str(number)}},
        )
        for number in range(count)
    ]
    write_archive(archive, kind(*samples))
    if count < 40:
        assert len(images(archive)) == count
    else:
        refused(archive, "too many documents lead to it and others like it")


def test_artifacts_and_attestations_are_no_images(archive: Path) -> None:
    """What has another kind of config, or says that it is about an image, is left out."""
    artifact = Sample(
        tags=("a/chart:1",),
        manifest_changes={
            "config": {
                "mediaType": "application/vnd.example.config.v1+json",
                "digest": digest(b"{}"),
                "size": 2,
            }
        },
    )
    attestation = Sample(tags=(), architecture="unknown")
    [entry] = attestation.descriptors
    entry["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    members = layout(Sample(), artifact) | attestation.blobs
    members["index.json"] = index(*Sample().descriptors, *artifact.descriptors, entry)
    write_archive(archive, members)
    assert [image.tags for image in images(archive)] == [("custom/hello:latest",)]


@pytest.mark.parametrize("make", [layout, docker_save])
@pytest.mark.parametrize(
    ("tag", "architectures"),
    [
        ("a/b:1", ["amd64"]),
        ("docker.io/a/b:1", ["amd64"]),
        ("c:2", ["arm64"]),
        ("2", ["arm64"]),
        ("latest", ["s390x"]),
        ("d", ["s390x"]),
    ],
)
def test_a_tag_chooses(
    make: Callable[..., Members], tag: str, architectures: list[str], archive: Path
) -> None:
    """After the path, a tag in any form chooses an image."""
    samples = [
        Sample(tags=("a/b:1",), architecture="amd64"),
        Sample(tags=("library/c:2",), architecture="arm64"),
        Sample(tags=("library/d:latest",), architecture="s390x"),
    ]
    write_archive(archive, make(*samples))
    transport = "docker-archive" if make is docker_save else "oci-archive"
    found = images(f"{transport}:{archive}:{tag}")
    assert [image.platform.architecture for image in found] == architectures


def test_an_unknown_tag(archive: Path) -> None:
    """The message lists the tags that there are."""
    write_archive(archive, layout(Sample(), Sample(tags=("a/b:1",), architecture="arm64")))
    refused(f"oci-archive:{archive}:nope", "no image `nope`, it has `custom/hello:latest`, `a/b:1`")


def test_a_path_with_a_colon(tmp_path: Path) -> None:
    """A name that exists is not split, and a `Path` is never taken for a transport."""
    path = write_archive(tmp_path / "a:1.tar", layout(Sample()))
    assert images(f"oci-archive:{path}")
    assert images(path)
    with pytest.raises(FileNotFoundError) as caught:
        open_contents(Path("oci:nowhere"))
    assert caught.value.filename == "oci:nowhere"


def test_transports_choose_the_list(archive: Path) -> None:
    """Of the archive that loads everywhere, each transport reads its own document."""
    write_archive(archive, combined(Sample()))
    assert images(archive)[0].descriptor is not None
    assert images(f"oci-archive:{archive}")[0].descriptor is not None
    assert images(f"docker-archive:{archive}")[0].descriptor is None


def test_a_transport_that_does_not_fit(archive: Path, tmp_path: Path) -> None:
    """What was announced must be there."""
    write_archive(archive, layout(Sample()))
    refused(f"docker-archive:{archive}", "it has no `manifest.json`")
    refused(f"oci:{archive}", "is a file: `oci:` takes a directory")
    refused(f"oci-archive:{tmp_path}", "is a directory: `oci-archive:` takes a file")
    write_archive(archive, docker_save(Sample()))
    refused(f"oci-archive:{archive}", "it has no `oci-layout`")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"garbage" * 1000, "neither an image nor a layer: malformed archive"),
        (LAYERS[0].blob, "is compressed with gzip"),
        (SampleLayer(LAYERS[0].tar, "zstd").blob, "is compressed with zstd"),
        (b"\x53\x2a\x4d\x18\x00\x00\x00\x00", "is compressed with zstd"),
        (LAYERS[0].tar, "it has neither `oci-layout` nor `manifest.json`"),
        (tar(combined(Sample()))[:5000], "neither an image nor a layer: malformed archive"),
    ],
)
def test_other_files(content: bytes, reason: str, archive: Path) -> None:
    """What is no image archive is told in one line."""
    archive.write_bytes(content)
    refused(archive, reason)


def test_what_may_be_a_layer(archive: Path) -> None:
    """A tar without documents is no image, yet no failure for those who also read layers."""
    archive.write_bytes(LAYERS[0].tar)
    assert find_contents(archive) is None
    with pytest.raises(InvalidImageError):
        find_contents(f"oci-archive:{archive}")


def test_other_kinds_of_files(tmp_path: Path) -> None:
    """A missing file is an OSError; a folder or pipe is refused, without waiting for a writer."""
    with pytest.raises(FileNotFoundError) as caught:
        open_contents(tmp_path / "missing")
    assert caught.value.filename == str(tmp_path / "missing")
    refused(tmp_path, "is no OCI layout: it is a directory without `oci-layout`")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is neither a regular file nor a directory")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"null", "expected `array`, got `null`"),
        (b"[]", "lists no image"),
        (b'{"Config":"a"}', "expected `array`, got `object`"),
        (b"", "not JSON"),
        (b"[{}]", "missing required field `Config`"),
        (b'[{"Config":"a","Config":"b"}]', "the member `Config` is given twice"),
        (b'[{"Config":"a","config":"b"}]', "differs from `Config` in case only"),
        (b'[{"Config":"a","Layers":"b"}]', "expected `array`, got `str`"),
        (b" " * (1 << 20) + b"[]", "more than the limit of 1048576"),
    ],
)
def test_a_wrong_manifest_json(content: bytes, reason: str, archive: Path) -> None:
    """Docker's list of images is read strictly and must have an image."""
    write_archive(archive, docker_save(Sample()) | {"manifest.json": content})
    refused(archive, reason)


def test_a_layout_without_images(archive: Path) -> None:
    """An empty index is an error for who wants an image."""
    write_archive(archive, {"oci-layout": LAYOUT, "index.json": index()})
    refused(archive, "holds no image")


SAMPLE = Sample()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"index.json": None}, "`index.json` is missing"),
        ({"index.json": b"[]"}, "`index.json`: expected `object`, got `array`"),
        ({"index.json": b'{"schemaVersion":2,"manifests":[],"manifests":[]}'}, "given twice"),
        ({"index.json": b" " * (4 << 20) + b"{}"}, "more than the limit of 4194304"),
        ({"oci-layout": b'{"imageLayoutVersion":"2.0.0"}'}, "`oci-layout`: invalid enum value"),
        ({blob_name(SAMPLE.manifest): None}, "is missing"),
        ({blob_name(SAMPLE.manifest): b"{}"}, f"has 2 bytes, expected {len(SAMPLE.manifest)}"),
        (
            {blob_name(SAMPLE.manifest): SAMPLE.manifest.replace(b"2", b"3", 1)},
            "does not have the digest",
        ),
        (
            {blob_name(SAMPLE.config): SAMPLE.config.replace(b"/app", b"/App")},
            "does not have the digest",
        ),
        ({blob_name(LAYERS[0].blob): None}, "is missing"),
        ({blob_name(LAYERS[0].blob): b""}, f"has 0 bytes, expected {len(LAYERS[0].blob)}"),
    ],
)
def test_a_damaged_layout(changes: dict[str, bytes | None], reason: str, tmp_path: Path) -> None:
    """Documents are verified, layers found and measured, in a folder as in an archive."""
    members = layout(SAMPLE) | changes
    whole: Members = {name: content for name, content in members.items() if content is not None}
    refused(write_archive(tmp_path / "image.tar", whole), reason)
    refused(write_folder(tmp_path / "layout", whole), reason)


def test_counts_that_differ(archive: Path) -> None:
    """As many diff_ids as layers, and no more history than that."""
    rootfs = {"type": "layers", "diff_ids": [digest(LAYERS[0].tar)]}
    write_archive(archive, layout(Sample(changes={"rootfs": rootfs})))
    refused(archive, "the config has 1 diff_ids for 2 layers")
    write_archive(archive, docker_save(Sample(changes={"rootfs": rootfs})))
    refused(archive, "the config has 1 diff_ids for 2 layers")
    write_archive(archive, layout(Sample(changes={"history": [{}] * 3})))
    refused(archive, "the config has the history of 3 layers for 2")
    write_archive(archive, layout(Sample(changes={"rootfs": None})))
    refused(archive, "expected `object`, got `null`")


def test_a_config_that_is_not_what_it_is_named_by(archive: Path) -> None:
    """Docker names a config after its digest, which is its only check."""
    members = docker_save(SAMPLE)
    name = f"{digest(SAMPLE.config)[7:]}.json"
    members[name] = SAMPLE.config.replace(b"/app", b"/App")
    write_archive(archive, members)
    refused(archive, "does not have the digest it is named by")


def linked(target: str, *, hard: bool = False) -> Members:
    """An old archive whose second layer is a link."""
    sample = Sample(layers=(LAYERS[1], LAYERS[1]))
    members = docker_save(sample)
    content = members["manifest.json"]
    assert isinstance(content, bytes)
    first, second = json.loads(content)[0]["Layers"]
    members[second] = Link(target.format(first=first, own=second.partition("/")[2]), hard=hard)
    return members


@pytest.mark.parametrize(
    ("target", "hard"),
    [("../{first}", False), ("../x/../{first}", False), ("{first}", True)],
)
def test_a_linked_layer_of_an_archive(target: str, hard: bool, archive: Path) -> None:  # noqa: FBT001
    """Links are followed inside the archive."""
    write_archive(archive, linked(target, hard=hard))
    [image] = images(archive)
    first, second = image.layers
    assert isinstance(first.blob, Blob)
    assert isinstance(second.blob, Blob)
    assert (first.blob.offset, first.blob.size) == (second.blob.offset, second.blob.size)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("../../etc/passwd", "is a link out of the archive"),
        ("/etc/passwd", "is a link out of the archive"),
        ("nowhere", "is missing"),
        ("{own}", "is a link that leads to itself"),
        (".", "is a directory, not a file"),
    ],
)
def test_a_link_that_leads_elsewhere(target: str, reason: str, archive: Path) -> None:
    """Nothing outside the archive is read."""
    write_archive(archive, linked(target))
    refused(archive, reason)


@pytest.mark.parametrize("part", ["blob", "folder", "index.json"])
def test_links_in_a_layout(part: str, tmp_path: Path) -> None:
    """No file of a layout is reached through a link, also not through a linked folder."""
    write_folder(tmp_path / "layout", layout(SAMPLE))
    name = {"blob": blob_name(SAMPLE.config), "folder": "blobs/sha256"}.get(part, part)
    (tmp_path / "layout" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "layout" / name).symlink_to(tmp_path / "elsewhere")
    refused(tmp_path / "layout", "is not a regular file (links are not followed)")


def test_a_pipe_in_a_layout(tmp_path: Path) -> None:
    """A pipe in place of a blob is refused and not waited for."""
    write_folder(tmp_path, layout(SAMPLE))
    path = tmp_path / blob_name(SAMPLE.config)
    path.unlink()
    os.mkfifo(path)
    refused(tmp_path, "is not a regular file")


def test_a_member_that_is_there_twice(archive: Path) -> None:
    """Readers do not agree on which of two members counts."""
    archive.write_bytes(tar([*layout(SAMPLE).items(), ("index.json", index())]))
    refused(archive, "`index.json` is there twice")


def test_a_sparse_member(archive: Path) -> None:
    """A file inside an archive is read where it stands, which holds no zeroes of a sparse one."""
    content = index()
    member = tarfile.TarInfo("index.json")
    member.size = len(content)
    member.pax_headers = {
        "GNU.sparse.size": f"{len(content)}",
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.map": f"0,{len(content)}",
    }
    members = {name: content for name, content in layout(SAMPLE).items() if name != "index.json"}
    archive.write_bytes(tar(members))
    with tarfile.open(archive, "a", format=tarfile.PAX_FORMAT) as file:
        file.addfile(member, io.BytesIO(content))
    refused(archive, "`index.json` is a sparse file")


def test_names_with_a_dot(archive: Path) -> None:
    """`tar -C layout -cf image.tar .` writes names that begin with `./`."""
    write_archive(archive, {f"./{name}": content for name, content in layout(SAMPLE).items()})
    assert images(archive)


def test_what_a_layout_does_not_know_is_ignored(tmp_path: Path) -> None:
    """Other files in a layout are of no concern."""
    write_folder(tmp_path, layout(SAMPLE) | {"manifest.json": b"null", "blobs/x": b""})
    assert images(tmp_path)


def test_a_blob_that_shrinks(tmp_path: Path) -> None:
    """A file that is cut while it is open is no whole document."""
    write_folder(tmp_path, layout(SAMPLE))
    contents = open_contents(tmp_path)
    [image] = contents.images()
    blob = image.layers[0].blob
    assert isinstance(blob, Blob)
    Path(blob.path).write_bytes(b"")
    with pytest.raises(InvalidImageError, match="is cut short"):
        read_blob(blob)


def test_a_blob_of_sha512(tmp_path: Path) -> None:
    """Blobs of the other registered algorithm are found and verified too."""
    sample = Sample(tags=())
    name = f"sha512:{hashlib.sha512(sample.manifest).hexdigest()}"
    [entry] = sample.descriptors
    members = layout(sample) | {
        f"blobs/{name.replace(':', '/')}": sample.manifest,
        "index.json": index(entry | {"digest": name}),
    }
    write_folder(tmp_path, members)
    [image] = images(tmp_path)
    assert image.descriptor is not None
    assert image.descriptor.digest == name


def test_the_index_wins_over_rows(archive: Path) -> None:
    """With both lists, images are those of index.json, whatever manifest.json says."""
    write_archive(archive, combined(SAMPLE) | {"manifest.json": dumps(None)})
    assert images(archive)
