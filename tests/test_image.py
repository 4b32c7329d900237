"""Images: values that describe, and the archive they become."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

import fastlayer as fl
from fastlayer import media_type
from vectors import check_schema

LAYER = fl.Layer.from_files({"app": b"program"}, mode=0o755)


def documents(path: Path) -> dict[str, Any]:
    """The JSON documents of an archive, by member name."""
    found = {}
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            content = file.read()
            if content[:1] in (b"{", b"["):
                found[member.name] = json.loads(content)
    return found


def test_the_readme_example(tmp_path: Path) -> None:
    """File, layer, scratch image, entrypoint, tag: every reader's document tells the same."""
    image = (
        fl.Image.scratch(platform="linux/arm64")
        .append(LAYER)
        .with_config(entrypoint=["/app"], created="2025-04-18T19:07:30Z")
    )
    built = image.save(tmp_path / "image.tar", tags=["custom/hello:latest"])

    found = documents(tmp_path / "image.tar")
    config = found[f"blobs/sha256/{built.config.digest.encoded}"]
    assert config == {
        "created": "2025-04-18T19:07:30Z",
        "architecture": "arm64",
        "os": "linux",
        "config": {"Entrypoint": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [built.layers[0].diff_id]},
        "history": [{"created": "2025-04-18T19:07:30Z", "created_by": "fastlayer"}],
    }
    manifest = found[f"blobs/sha256/{built.digest.encoded}"]
    assert manifest["layers"] == [
        {
            "mediaType": media_type.OCI_LAYER_GZIP,
            "digest": built.layers[0].digest,
            "size": built.layers[0].size,
        }
    ]
    assert found["manifest.json"] == [
        {
            "Config": f"blobs/sha256/{built.config.digest.encoded}",
            "RepoTags": ["custom/hello:latest"],
            "Layers": [f"blobs/sha256/{built.layers[0].digest.encoded}"],
        }
    ]
    (entry,) = found["index.json"]["manifests"]
    assert entry["digest"] == built.digest
    assert entry["annotations"] == {
        "io.containerd.image.name": "docker.io/custom/hello:latest",
        "org.opencontainers.image.ref.name": "latest",
    }
    assert found["oci-layout"] == {"imageLayoutVersion": "1.0.0"}
    check_schema(json.dumps(config).encode(), "config-schema.json")
    check_schema(json.dumps(manifest).encode(), "image-manifest-schema.json")
    check_schema(json.dumps(found["index.json"]).encode(), "image-index-schema.json")


def test_changes_return_new_images() -> None:
    """An image never changes; what was made from it before stays what it was."""
    base = fl.Image.scratch(platform="linux/amd64")
    one = base.append(LAYER)
    two = one.with_config(user="me").with_annotations({"a": "b"})
    assert (base.layers, one.config.config.user, one.annotations) == ((), "", {})
    assert (two.config.config.user, two.annotations) == ("me", {"a": "b"})


def test_an_image_without_layers_or_a_bad_tag_is_refused_before_work(tmp_path: Path) -> None:
    """Nothing is written for an image that cannot be built."""
    empty = fl.Image.scratch(platform="linux/amd64")
    image = empty.append(LAYER)
    faults: list[tuple[Any, str]] = [
        (lambda: empty.save(tmp_path / "x"), "needs at least one layer"),
        (lambda: image.save(tmp_path / "x", tags=["UPPER:1"]), "UPPER"),
        (lambda: image.save(tmp_path / "x", tags="a:1"), "must be a list"),
        (lambda: image.save(tmp_path / "x", tags=["a@sha256:" + "0" * 64]), "has a digest"),
        (lambda: fl.save_archive(tmp_path / "x", [(image, ["a"]), (image, ["a:latest"])]), "two"),
        (lambda: fl.save_archive(tmp_path / "x", []), "at least one image"),
    ]
    for make, message in faults:
        with pytest.raises(fl.InvalidArgumentError, match=message):
            make()
    assert list(tmp_path.iterdir()) == []


def test_docker_format_uses_dockers_types_and_refuses_zstd(tmp_path: Path) -> None:
    """Docker's own media types, where they exist."""
    image = fl.Image.scratch(platform="linux/amd64")
    built = image.append(LAYER).save(tmp_path / "x", tags=["a:1"], format="docker")
    assert built.media_type == media_type.DOCKER_MANIFEST
    assert built.config.media_type == media_type.DOCKER_CONFIG
    assert built.layers[0].media_type == media_type.DOCKER_LAYER_GZIP

    zstd = image.append(fl.Layer.from_files({"a": b""}, compression="zstd"))
    with pytest.raises(fl.InvalidArgumentError, match="no media type for `zstd`"):
        zstd.save(tmp_path / "y", format="docker")
    with pytest.raises(fl.InvalidArgumentError, match="has no annotations"):
        image.append(LAYER).with_annotations({"a": "b"}).save(tmp_path / "y", format="docker")
    assert not (tmp_path / "y").exists()


def test_several_images_and_tags_share_blobs(tmp_path: Path) -> None:
    """A blob is in the archive once, each tag in both indexes; a layer twice is listed twice."""
    base = fl.Image.scratch(platform="linux/amd64").append(LAYER)
    twice = base.append(LAYER).append(fl.Layer.from_files({"app": b"program"}, mode=0o755))
    one, two = fl.save_archive(
        tmp_path / "x", [(base, ["one:1", "one:2"]), (twice, ["docker.io/library/two"])]
    )
    with tarfile.open(tmp_path / "x") as tar:
        names = tar.getnames()
    assert len(names) == len(set(names)) == 1 + 2 * 2 + 3
    found = documents(tmp_path / "x")
    assert [row["RepoTags"] for row in found["manifest.json"]] == [
        ["one:1", "one:2"],
        ["two:latest"],
    ]
    assert len(set(found["manifest.json"][1]["Layers"])) == 1
    assert len(found["manifest.json"][1]["Layers"]) == 3
    assert [entry["digest"] for entry in found["index.json"]["manifests"]] == [
        one.digest,
        one.digest,
        two.digest,
    ]


def test_the_epoch_is_the_time_of_creation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SOURCE_DATE_EPOCH` is what the config and the history show."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    built = fl.Image.scratch(platform="linux/amd64").append(LAYER).save(tmp_path / "x")
    config = documents(tmp_path / "x")[f"blobs/sha256/{built.config.digest.encoded}"]
    assert config["created"] == config["history"][0]["created"] == "2023-11-14T22:13:20Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(fl.InvalidArgumentError, match="SOURCE_DATE_EPOCH is `yesterday`"):
        fl.Image.scratch()


def test_history_may_not_have_more_layers_than_the_image() -> None:
    """Engines refuse a history with more steps than layers."""
    image = fl.Image.scratch(platform="linux/amd64").append(LAYER)
    step = fl.History(created_by="x")
    image.with_history(step, fl.History(created_by="env", empty_layer=True))
    with pytest.raises(fl.InvalidArgumentError, match="more layers than the image"):
        image.with_history(step, step)
    with pytest.raises(fl.InvalidArgumentError, match="empty_layer"):
        image.append(LAYER, history=fl.History(empty_layer=True))


def test_a_stream_gets_the_bytes_of_the_file(tmp_path: Path) -> None:
    """A pipe cannot be patched afterwards, and gets the same archive all the same."""
    image = fl.Image.scratch(platform="linux/amd64").append(LAYER)
    image.save(tmp_path / "x", tags=["a:1"])
    stream = io.BytesIO()
    built = image.save(stream, tags=["a:1"])
    assert stream.getvalue() == (tmp_path / "x").read_bytes()
    assert built.output == "the output stream"

    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        image.save(tmp_path / "pipe", tags=["a:1"])
        assert reader.communicate()[0] == stream.getvalue()


def test_a_stream_may_take_less_than_it_is_given() -> None:
    """As those without a buffer do: what they left is given again."""

    class Raw(io.RawIOBase):
        taken = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: Any, /) -> int:
            self.taken += piece[:1000]
            return min(1000, len(piece))

    image = fl.Image.scratch(platform="linux/amd64").append(LAYER)
    whole, raw = io.BytesIO(), Raw()
    image.save(whole)
    image.save(cast("BinaryIO", raw))
    assert raw.taken == whole.getvalue()


def test_an_old_archive_stays_when_the_build_fails(tmp_path: Path) -> None:
    """The file at the output's name is replaced by a whole one or not at all."""
    (tmp_path / "x").write_text("old")
    image = fl.Image.scratch(platform="linux/amd64")
    with pytest.raises(FileNotFoundError):
        image.append(LAYER, fl.Layer.from_directory("/no/such")).save(tmp_path / "x")
    assert (tmp_path / "x").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_link_as_output_is_written_through(tmp_path: Path) -> None:
    """The file that the link points at is replaced; the link stays."""
    (tmp_path / "link").symlink_to("target")
    fl.Image.scratch(platform="linux/amd64").append(LAYER).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert tarfile.is_tarfile(tmp_path / "target")


def test_a_folder_as_output_is_refused(tmp_path: Path) -> None:
    """A folder is an OCI layout, which has a call of its own."""
    with pytest.raises(IsADirectoryError) as caught:
        fl.Image.scratch(platform="linux/amd64").append(LAYER).save(tmp_path)
    assert caught.value.filename == str(tmp_path)


def test_the_output_inside_the_input_is_refused(tmp_path: Path) -> None:
    """A build that reads what it writes would never be right; excluded, it is fine."""
    (tmp_path / "file").touch()
    image = fl.Image.scratch(platform="linux/amd64")
    with pytest.raises(fl.UnsupportedEntryError, match="inside the tree that it is made of"):
        image.append(fl.Layer.from_directory(tmp_path)).save(tmp_path / "out.tar")
    with pytest.raises(fl.UnsupportedEntryError, match="inside the tree that it is made of"):
        image.append(fl.Layer.from_directory(tmp_path)).write_layout(tmp_path / "layout")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

    (tmp_path / "build").mkdir()
    layer = fl.Layer.from_directory(tmp_path, exclude=["build"])
    image.append(layer).save(tmp_path / "build" / "out.tar")


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    """What `--json` prints has the keys that the design names."""
    built = fl.Image.scratch(platform="linux/amd64").append(LAYER).save(tmp_path / "x")
    record = json.loads(json.dumps(built.record()))
    assert record["layers"][0].keys() == {
        "mediaType",
        "digest",
        "size",
        "diffID",
        "uncompressedSize",
        "entries",
    }
    assert record["config"] == {"digest": built.config.digest, "size": built.config.size}


def test_importing_is_quick_and_quiet() -> None:
    """No thread, no network, no rich, no click is loaded by `import fastlayer`."""
    code = (
        "import sys, fastlayer; print(*sorted({'click', 'rich', 'urllib3'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert (result.stdout.strip(), result.stderr) == ("", "")
