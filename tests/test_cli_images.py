"""The verbs that make images of images: append, mutate, rebase, copy, index, and `build --from`."""

import json
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from archives import (
    LAYERS,
    Sample,
    SampleLayer,
    combined,
    digest,
    layout,
    tar,
    write_archive,
    write_folder,
)
from commands import config_of, layer_members, tags_of
from fastlayer.archive.contents import open_contents
from fastlayer.cli.run import run

EXTRA = SampleLayer(tar({"extra": b"more\n"}))


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a base image and a layer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    write_archive(tmp_path / "base.tar", combined(Sample()))
    (tmp_path / "extra.tar.gz").write_bytes(EXTRA.blob)
    (tmp_path / "app").write_bytes(b"#!/bin/sh\n")
    return tmp_path


def record(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run a verb that succeeds, and return what it says of its result."""
    assert run([*arguments, "--json"]) == 0, capsys.readouterr().err
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a verb that fails, and return its status and its one line."""
    status = run(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    return status, line.removeprefix("fastlayer: error: ")


def test_a_build_on_a_base(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Layers of the base are copied, new ones and files that are layers come above, in order."""
    arguments = ["build", "--from", "base.tar", "--layer", "extra.tar.gz", "--add", "app:/app"]
    told = record(capsys, *arguments, "--env", "B=2", "-t", "new:1", "-o", "new.tar")
    digests = [layer["digest"] for layer in told["layers"]]
    assert digests[:3] == [digest(layer.blob) for layer in (*LAYERS, EXTRA)]
    assert [layer["entries"] for layer in told["layers"]] == [None, None, None, 1]
    config = config_of(workplace / "new.tar")
    assert config["config"]["Env"] == ["A=b c", "B=2"]
    assert config["config"]["Entrypoint"] == ["/app"]
    assert config["created"] == "2025-04-18T19:07:30Z"
    assert layer_members(workplace / "new.tar", 3)["app"].isreg()


def test_a_build_on_a_base_is_of_its_time(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SOURCE_DATE_EPOCH` is when the new image was made, whatever its base says."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    record(capsys, "build", "--from", "base.tar", "--add", "app:/app", "-o", "new.tar")
    assert config_of(workplace / "new.tar")["created"] == "1970-01-01T00:00:00Z"


def test_append_copies_layers(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both the base's layers and the new ones are bytes that were there."""
    told = record(capsys, "append", "base.tar", "extra.tar.gz", "-t", "x:1", "-o", "oci:out")
    assert [layer["digest"] for layer in told["layers"]] == [
        digest(layer.blob) for layer in (*LAYERS, EXTRA)
    ]
    assert fl.validate(workplace / "out").ok


def test_mutate_adds_removes_and_clears(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is cleared or removed is gone before what is given is added."""
    record(
        capsys,
        *("mutate", "base.tar", "-o", "new.tar", "-t", "new:1"),
        *("--clear", "entrypoint", "--cmd", "run it", "--remove-env", "A", "--env", "C=3"),
        *("--remove-label", "k", "--label", "l=w", "--port", "80", "--user", "7"),
        *("--annotation", "a=b", "--set-platform", "linux/arm/v7"),
    )
    config = config_of(workplace / "new.tar")
    assert config["config"] == {
        "User": "7",
        "ExposedPorts": {"80/tcp": {}},
        "Env": ["C=3"],
        "Cmd": ["run", "it"],
        "Labels": {"l": "w"},
    }
    assert (config["architecture"], config["variant"]) == ("arm", "v7")
    assert fl.Image.load("new.tar").annotations == {"a": "b"}


def test_rebase(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lowest layers are those of the new base."""
    write_archive(workplace / "old.tar", combined(Sample(LAYERS[:1])))
    write_archive(workplace / "new.tar", combined(Sample((EXTRA,))))
    bases = ("--old-base", "old.tar", "--new-base", "new.tar")
    told = record(capsys, "rebase", "base.tar", *bases, "-t", "x:1", "-o", "x.tar")
    assert [layer["diffID"] for layer in told["layers"]] == [
        digest(layer.tar) for layer in (EXTRA, LAYERS[1])
    ]
    bases = ("--old-base", "new.tar", "--new-base", "old.tar")
    assert failure(capsys, "rebase", "base.tar", *bases, "-o", "y.tar") == (
        2,
        "the image is not based on the old base: its layers are others",
    )


def test_a_copy_keeps_digest_and_names(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a new name an image keeps its own; with one, only that."""
    told = record(capsys, "copy", "base.tar", "copy.tar")
    assert (told["digest"], told["tags"]) == (digest(Sample().manifest), ["custom/hello:latest"])
    assert tags_of(workplace / "copy.tar") == ["custom/hello:latest"]
    told = record(capsys, "copy", "base.tar", "oci:out", "-t", "other:1")
    assert told["tags"] == ["other:1"]
    assert fl.Image.load("oci:out:1").config.os == "linux"


def test_a_copy_of_everything(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--all` takes each image with its tags; one name for all of them is refused."""
    samples = [Sample(tags=(f"a/b:{n}",), changes={"author": str(n)}) for n in (1, 2)]
    write_folder(workplace / "two", layout(*samples))
    assert run(["copy", "--all", "oci:two", "out.tar"]) == 0
    assert "a/b:1\n" in capsys.readouterr().out
    for n in "12":
        assert fl.Image.load(f"oci-archive:out.tar:{n}").config.author == n
    status, line = failure(capsys, "copy", "--all", "oci:two", "oci:out:x")
    assert (status, line) == (2, "`oci:two` holds 2 images, which cannot all get the same name")
    status, line = failure(capsys, "copy", "--all", "two", "x.tar", "--platform", "arm64")
    assert (status, line) == (2, "`--all` and `--platform` exclude each other: give one")


def test_index_makes_and_changes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Images come under one name, and one can be taken out and another put in."""
    for name in ("amd64", "arm64"):
        write_archive(workplace / f"{name}.tar", combined(Sample(architecture=name)))
    told = record(capsys, "index", "amd64.tar", "arm64.tar", "-t", "x:1", "-o", "oci:out")
    assert [image["platform"] for image in told["images"]] == ["linux/amd64", "linux/arm64"]
    told = record(
        capsys,
        *("index", "--from", "oci:out:1", "--remove", "arm64", "--annotation", "a=b"),
        *("-t", "x:2", "-o", "x.tar"),
    )
    assert [image["platform"] for image in told["images"]] == ["linux/amd64"]
    assert fl.Index.load("x.tar").annotations == {"a": "b"}
    assert run(["index", "--from", "x.tar", "-o", "y.tar"]) == 0
    assert "image 1   linux/amd64" in capsys.readouterr().out
    assert failure(capsys, "index", "-o", "x.tar")[0] == 2


def test_what_cannot_be_begun_with(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no image is an error of one line, before anything is written."""
    assert failure(capsys, "mutate", "extra.tar.gz", "-o", "x.tar")[0] == 1
    assert failure(capsys, "copy", "nowhere", "x.tar") == (
        1,
        "`nowhere`: No such file or directory",
    )
    status, line = failure(capsys, "build", "--from", "base.tar", "--layer", "app", "-o", "x.tar")
    assert status == 1
    assert "`app`" in line
    assert not (workplace / "x.tar").exists()


def test_a_copy_keeps_what_a_layout_calls_an_image(workplace: Path) -> None:
    """A bare word is a name in layouts, and none elsewhere; two of them stay two."""
    for name in ("one", "V2"):
        assert run(["mutate", "base.tar", "--user", name.lower(), "-o", f"oci:from:{name}"]) == 0
    assert run(["copy", "--all", "oci:from", "oci:all"]) == 0
    assert run(["copy", "oci:from:V2", "oci:single"]) == 0
    assert run(["copy", "oci:from:V2", "single.tar"]) == 0
    assert fl.Image.load("oci:all:one").config.config.user == "one"
    assert fl.Image.load("oci:all:V2").config.config.user == "v2"
    assert fl.Image.load("oci:single:V2").config.config.user == "v2"
    assert tags_of(workplace / "single.tar") == []


def test_an_image_of_an_index_keeps_its_own_name(workplace: Path) -> None:
    """What is in an index can be asked for by its tag, but does not have it."""
    for name in ("amd64", "arm64"):
        write_archive(workplace / f"{name}.tar", combined(Sample(architecture=name)))
        assert run(["copy", f"{name}.tar", f"oci:m:{name}"]) == 0
    assert run(["index", "oci:m:amd64", "oci:m:arm64", "-t", "foo:multi", "-o", "oci:m"]) == 0
    assert run(["copy", "oci:m:amd64", "oci:one"]) == 0
    names = {
        entry.annotations["org.opencontainers.image.ref.name"]
        for entry in open_contents("one").index().manifests
    }
    assert names == {"amd64"}
    assert run(["copy", "--all", "oci:m", "m.tar"]) == 0
    assert run(["copy", "--all", "oci:m:multi", "oci:multi:1"]) == 0
    assert len(list(fl.Index.load("oci:multi:1"))) == 2
