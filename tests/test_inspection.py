"""Inspection: the facts that are told about images and layers."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from archives import (
    LAYERS,
    Members,
    Sample,
    SampleLayer,
    blob_name,
    combined,
    digest,
    docker_save,
    dumps,
    layout,
    tar,
    write_archive,
    write_folder,
)
from fastlayer.errors import InvalidImageError, MalformedArchiveError
from fastlayer.inspection import inspect
from fastlayer.media_type import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST

HEALTHCHECK = {"Test": ["CMD", "/ok"], "Interval": 30_000_000_000}


def test_the_record_of_an_image(tmp_path: Path) -> None:
    """Its keys are those that `fastlayer build --json` prints, and more."""
    run = {
        "Entrypoint": ["/app"],
        "Cmd": ["-v"],
        "Env": ["A=b"],
        "User": "1",
        "WorkingDir": "/w",
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/v": {}},
        "Labels": {"k": "v"},
        "StopSignal": "SIGINT",
        "Shell": ["/sh"],
        "OnBuild": ["RUN x"],
        "Healthcheck": HEALTHCHECK,
    }
    sample = Sample(changes={"config": run, "author": "me"})
    path = write_folder(tmp_path / "layout", layout(sample))
    record = inspect(path).record()
    assert record == json.loads(json.dumps(record))
    assert record == {
        "path": str(path),
        "images": [
            {
                "digest": digest(sample.manifest),
                "mediaType": OCI_MANIFEST,
                "tags": ["custom/hello:latest"],
                "platform": "linux/amd64",
                "created": "2025-04-18T19:07:30Z",
                "author": "me",
                "config": {
                    "digest": digest(sample.config),
                    "size": len(sample.config),
                    "user": "1",
                    "entrypoint": ["/app"],
                    "cmd": ["-v"],
                    "env": ["A=b"],
                    "workingDir": "/w",
                    "exposedPorts": ["80/tcp"],
                    "volumes": ["/v"],
                    "labels": {"k": "v"},
                    "stopSignal": "SIGINT",
                    "shell": ["/sh"],
                    "onBuild": ["RUN x"],
                    "healthcheck": {
                        "test": ["CMD", "/ok"],
                        "interval": 30_000_000_000,
                        "timeout": 0,
                        "startPeriod": 0,
                        "startInterval": 0,
                        "retries": 0,
                    },
                },
                "history": [
                    {
                        "created": "",
                        "createdBy": by,
                        "author": "",
                        "comment": "",
                        "emptyLayer": empty,
                    }
                    for by, empty in (("test", False), ("ENV A", True))
                ],
                "layers": [
                    {
                        "mediaType": media_type,
                        "digest": digest(layer.blob),
                        "size": len(layer.blob),
                        "diffID": digest(layer.tar),
                    }
                    for media_type, layer in zip((OCI_LAYER_GZIP, OCI_LAYER), LAYERS, strict=True)
                ],
            }
        ],
    }


def test_an_archive_without_a_manifest(tmp_path: Path) -> None:
    """There is no digest of a manifest to tell; everything else is there."""
    [image] = inspect(write_archive(tmp_path / "image.tar", docker_save(Sample()))).images
    assert (image.digest, image.media_type) == (None, None)
    assert image.config_digest == digest(Sample().config)
    assert str(image.platform) == "linux/amd64"
    record = image.record()
    assert record["digest"] is None
    assert record["tags"] == ["custom/hello:latest"]


@pytest.mark.parametrize("make", [layout, combined, docker_save])
def test_files(make: Callable[..., Members], tmp_path: Path) -> None:
    """With `files`, each layer is read: its size as a tar and all entries are known."""
    write_archive(tmp_path / "image.tar", make(Sample()))
    first, second = inspect(tmp_path / "image.tar", files=True).images[0].layers
    assert (first.uncompressed_size, first.entries) == (len(LAYERS[0].tar), 2)
    base = {"uid": 0, "gid": 0, "mtime": 0}
    assert first.record()["files"] == [
        {"path": "etc", "type": "directory", "mode": "0755", "size": 0} | base,
        {"path": "etc/motd", "type": "file", "mode": "0644", "size": 6} | base,
    ]
    assert second.record()["files"] == [
        {"path": "app", "type": "file", "mode": "0644", "size": 400} | base,
        {"path": "run", "type": "symlink", "mode": "0644", "size": 0, "link": "app"} | base,
    ]


@pytest.mark.parametrize(
    ("compression", "media_type"),
    [("none", OCI_LAYER), ("gzip", OCI_LAYER_GZIP), ("zstd", OCI_LAYER_ZSTD)],
)
def test_a_bare_layer(compression: str, media_type: str, tmp_path: Path) -> None:
    """A layer file alone, in each compression."""
    layer = SampleLayer(LAYERS[0].tar, compression)
    (tmp_path / "layer").write_bytes(layer.blob)
    record = inspect(tmp_path / "layer").record()
    assert record == {
        "path": str(tmp_path / "layer"),
        "layer": {
            "mediaType": media_type,
            "digest": digest(layer.blob),
            "size": len(layer.blob),
            "diffID": digest(layer.tar),
            "uncompressedSize": len(layer.tar),
            "entries": 2,
        },
    }
    files = inspect(tmp_path / "layer", files=True).record()["layer"]["files"]
    assert [file["path"] for file in files] == ["etc", "etc/motd"]


def test_names_of_any_bytes(tmp_path: Path) -> None:
    """A name that is not UTF-8 survives JSON as Python's surrogates."""
    (tmp_path / "layer").write_bytes(tar({"caf\udce9": b"", "new\nline": b""}))
    record = json.loads(json.dumps(inspect(tmp_path / "layer", files=True).record()))
    assert [file["path"] for file in record["layer"]["files"]] == ["caf\udce9", "new\nline"]


def test_layers_are_verified_when_they_are_read(tmp_path: Path) -> None:
    """Another layer of the same size is noticed with `files`; so is a wrong diff_id."""
    members = layout(Sample())
    name = blob_name(LAYERS[1].blob)
    members[name] = LAYERS[1].blob.replace(b"ELF", b"elf")
    write_archive(tmp_path / "image.tar", members)
    assert inspect(tmp_path / "image.tar").images
    with pytest.raises(InvalidImageError, match=re.escape(f"the layer `{name}` has the digest")):
        inspect(tmp_path / "image.tar", files=True)
    rootfs = {"type": "layers", "diff_ids": [digest(b"a"), digest(b"b")]}
    write_archive(tmp_path / "image.tar", layout(Sample(changes={"rootfs": rootfs})))
    with pytest.raises(InvalidImageError, match=re.escape(f"expected `{digest(b'a')}`")):
        inspect(tmp_path / "image.tar", files=True)


@pytest.mark.parametrize("make", [layout, docker_save])
def test_a_compressed_archive(make: Callable[..., Members], tmp_path: Path) -> None:
    """A compressed image archive is not mistaken for a layer."""
    (tmp_path / "image.tar.gz").write_bytes(gzip.compress(tar(make(Sample()))))
    with pytest.raises(InvalidImageError, match="is an image archive compressed with gzip"):
        inspect(tmp_path / "image.tar.gz")


def test_what_is_neither(tmp_path: Path) -> None:
    """Garbage, also compressed, is refused in one line."""
    (tmp_path / "garbage").write_bytes(b"garbage" * 1000)
    with pytest.raises(InvalidImageError, match="neither an image nor a layer"):
        inspect(tmp_path / "garbage")
    (tmp_path / "garbage.gz").write_bytes(gzip.compress(b"garbage" * 1000))
    with pytest.raises(MalformedArchiveError, match="malformed archive"):
        inspect(tmp_path / "garbage.gz")
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "missing")


def test_manifest_json_must_list_images(tmp_path: Path) -> None:
    """`null`, which Docker refuses too, is no empty list."""
    write_archive(tmp_path / "image.tar", docker_save(Sample()) | {"manifest.json": dumps(None)})
    with pytest.raises(InvalidImageError, match="expected `array`, got `null`"):
        inspect(tmp_path / "image.tar")
