"""Indexes as values: made, changed, chosen from, copied."""

import json
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from archives import LAYOUT, Members, Sample, blob_name, digest, dumps, index, write_folder
from fastlayer.media_type import OCI_INDEX, OCI_MANIFEST

EMPTY = b"{}"
ATTESTATION = dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": digest(EMPTY),
            "size": len(EMPTY),
        },
        "layers": [
            {"mediaType": "application/vnd.in-toto+json", "digest": digest(EMPTY), "size": 2}
        ],
    }
)


def image(architecture: str) -> fl.Image:
    return fl.Image.scratch(platform=f"linux/{architecture}").append(
        fl.Layer.from_files({"arch": architecture.encode()})
    )


def indexed(*samples: Sample) -> tuple[Members, bytes]:
    """A layout with one index, tagged `multi`, of samples and what is known of the first one."""
    about = {
        "mediaType": OCI_MANIFEST,
        "digest": digest(ATTESTATION),
        "size": len(ATTESTATION),
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": digest(samples[0].manifest),
        },
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    inner = index(*(entry for sample in samples for entry in sample.descriptors), about)
    blobs: Members = {blob_name(content): content for content in (EMPTY, ATTESTATION, inner)}
    for sample in samples:
        blobs |= sample.blobs
    outer = {
        "mediaType": OCI_INDEX,
        "digest": digest(inner),
        "size": len(inner),
        "annotations": {"org.opencontainers.image.ref.name": "multi"},
    }
    return {**blobs, "oci-layout": LAYOUT, "index.json": index(outer)}, inner


def documents(layout: Path, descriptor: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((layout / "blobs/sha256" / descriptor[7:]).read_bytes())
    return content


def test_an_index_of_two_platforms(tmp_path: Path) -> None:
    """Both images are there under one tag, each chosen by its platform."""
    built = fl.Index().append(image("amd64"), image("arm64")).write_layout(tmp_path, tags=["a:1"])
    listed = documents(tmp_path, built.digest)["manifests"]
    assert [one["platform"]["architecture"] for one in listed] == ["amd64", "arm64"]
    assert [one["digest"] for one in listed] == [one.digest for one in built.images]
    for name in ("amd64", "arm64"):
        found = fl.Image.load(f"oci:{tmp_path}:1", platform=f"linux/{name}")
        assert found.config.architecture == name
    assert fl.validate(tmp_path).ok


def test_an_archive_of_an_index_has_one_image_for_docker(tmp_path: Path) -> None:
    """`manifest.json` has the host's image, or the first; `index.json` all of them."""
    path = tmp_path / "a.tar"
    fl.Index().append(image("s390x"), image("ppc64le")).save(path, tags=["a:1"])
    assert fl.Image.load(f"docker-archive:{path}").config.architecture == "s390x"
    assert [one.config.architecture for one in fl.Index.load(path)] == ["s390x", "ppc64le"]


def test_what_is_not_changed_keeps_its_bytes(tmp_path: Path) -> None:
    """An index is copied with attestations; without one of its images, also without theirs."""
    members, inner = indexed(Sample(tags=()), Sample(tags=(), architecture="arm64"))
    source = write_folder(tmp_path / "source", members)
    loaded = fl.Index.load(source)
    copied = loaded.write_layout(tmp_path / "copy", name="multi")
    assert copied.digest == digest(inner)
    assert (tmp_path / "copy" / blob_name(ATTESTATION)).read_bytes() == ATTESTATION
    assert fl.validate(tmp_path / "copy").ok

    less = loaded.remove("linux/amd64")
    assert [entry.platform and entry.platform.architecture for entry in less.entries] == ["arm64"]
    assert str(loaded.image("linux/amd64").platform) == "linux/amd64"
    with pytest.raises(fl.InvalidImageError, match="no image for `linux/amd64`"):
        less.image("linux/amd64")
    with pytest.raises(fl.InvalidArgumentError, match="has no image for `linux/amd64`"):
        less.remove("linux/amd64")


def test_a_platform_comes_once() -> None:
    """Which one would be run could not be told."""
    with pytest.raises(fl.InvalidArgumentError, match="has an image for `linux/arm64/v8`"):
        fl.Index().append(image("arm64"), image("arm64/v8"))
    with pytest.raises(fl.InvalidArgumentError, match="needs at least one image"):
        fl.Index().check()


def test_annotations_are_of_the_index_or_of_an_entry(tmp_path: Path) -> None:
    """Both are written where they belong; Docker's list has none."""
    made = fl.Index().append(image("arm64"), annotations={"e": "1"}).with_annotations({"i": "2"})
    document = documents(tmp_path, made.write_layout(tmp_path, tags=["a:1"]).digest)
    assert document["annotations"] == {"i": "2"}
    assert document["manifests"][0]["annotations"] == {"e": "1"}
    with pytest.raises(fl.InvalidArgumentError, match="has no annotations"):
        made.check("docker")


def test_a_layout_without_an_index_of_platforms(tmp_path: Path) -> None:
    """A single image is no index, and several indexes need a tag."""
    image("arm64").write_layout(tmp_path / "one", tags=["a:1"])
    with pytest.raises(fl.InvalidImageError, match="holds no index of several platforms"):
        fl.Index.load(tmp_path / "one")
    for tag in "12":
        made = fl.Index().append(image("arm64")).with_annotations({"tag": tag})
        made.write_layout(tmp_path / "two", tags=[f"a:{tag}"])
    with pytest.raises(fl.InvalidImageError, match="holds 2 indexes: choose one of"):
        fl.Index.load(tmp_path / "two")
    assert fl.Index.load(f"oci:{tmp_path / 'two'}:2").annotations == {"tag": "2"}


def test_what_is_about_an_image_follows_it(tmp_path: Path) -> None:
    """An attestation names its image by a digest, which another format changes."""
    members, _ = indexed(Sample(tags=()), Sample(tags=(), architecture="arm64"))
    loaded = fl.Index.load(write_folder(tmp_path / "source", members))
    built = loaded.write_layout(tmp_path / "docker", name="x", format="docker")
    again = fl.Index.load(f"oci:{tmp_path / 'docker'}:x")
    assert len(again.entries) == 3
    assert again.entries[2].annotations["vnd.docker.reference.digest"] == built.images[0].digest
    assert len(again.remove("linux/amd64").entries) == 1


def test_an_index_in_an_index(tmp_path: Path) -> None:
    """Images at any depth are images of the whole, for Docker too."""
    members, inner = indexed(Sample(tags=()))
    descriptor = {"mediaType": OCI_INDEX, "digest": digest(inner), "size": len(inner)}
    middle = index(descriptor)
    outer = {"mediaType": OCI_INDEX, "digest": digest(middle), "size": len(middle)}
    source = write_folder(
        tmp_path / "source", {**members, blob_name(middle): middle, "index.json": index(outer)}
    )
    path = tmp_path / "x.tar"
    built = fl.Index.load(source).save(path, tags=["x"])
    assert built.digest == digest(middle)
    assert [image.platform.architecture for image in built.images] == ["amd64"]
    assert fl.Image.load(f"docker-archive:{path}").config.architecture == "amd64"


def test_an_empty_index_has_no_image() -> None:
    """Nothing to choose from."""
    with pytest.raises(fl.InvalidImageError, match="the index holds no image"):
        fl.Index().image("linux/arm64")


def test_what_is_not_known_is_passed_on(tmp_path: Path) -> None:
    """An index may list what came after us; it is copied, and no reason to fail."""
    sample = Sample(tags=())
    later = b"something new"
    unknown = {"mediaType": "application/x.later", "digest": digest(later), "size": len(later)}
    inner = index(*sample.descriptors, unknown)
    outer = {"mediaType": OCI_INDEX, "digest": digest(inner), "size": len(inner)}
    files: Members = {
        **sample.blobs,
        **{blob_name(content): content for content in (later, inner)},
        "oci-layout": LAYOUT,
        "index.json": index(outer),
    }
    loaded = fl.Index.load(write_folder(tmp_path / "source", files))
    built = loaded.write_layout(tmp_path / "copy", name="x")
    assert built.digest == digest(inner)
    assert (tmp_path / "copy" / blob_name(later)).read_bytes() == later
    assert fl.validate(tmp_path / "copy").ok
