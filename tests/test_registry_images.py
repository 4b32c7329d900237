"""Images from and to a registry: what is asked for, what is sent, what is left of a failure."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from archives import LAYERS, Sample, SampleLayer, combined, digest, tar, write_archive
from fastlayer.cli.run import run
from fastlayer.registry.feed import CHUNK_IN_THE_MAKING as CHUNK
from registries import Cut, Fault, Hang, Registry, Rules

NOISE = bytes(range(256)) * (3 * CHUNK // 256)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, a place for files, and no long pauses."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastlayer.registry.retry.Retrying.pause", lambda *_: 0.0)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "base.tar", combined(Sample()))


def name(registry: Registry, path: str = "team/app:1") -> str:
    return f"docker://{registry.domain}/{path}"


def methods(registry: Registry, match: str) -> list[str]:
    """The methods and paths of requests that match, without their queries."""
    return [f"{one.method} {one.target.partition('?')[0]}" for one in registry.asked(match)]


def test_an_image_comes_back_as_it_went(registry: Registry, base: Path, tmp_path: Path) -> None:
    """Pushed and pulled again, every byte is the same; what is there is not sent again."""
    image = fl.Image.load(base)
    pushed = image.push(name(registry), tags=[f"{registry.domain}/team/app:2"])
    assert pushed.digest == digest(Sample().manifest)
    assert pushed.tags == tuple(f"{registry.domain}/team/app:{n}" for n in (1, 2))
    pulled = fl.Image.load(name(registry, "team/app:2"))
    assert pulled.save(tmp_path / "x.tar", tags=["x"]).digest == pushed.digest
    assert fl.validate(name(registry)).ok
    assert fl.diff(base, name(registry)) == []
    sent = len(registry.asked("(POST|PATCH)"))
    image.push(name(registry))
    assert len(registry.asked("(POST|PATCH)")) == sent


def test_a_base_of_the_same_registry_is_mounted(registry: Registry, base: Path) -> None:
    """One small layer, config and manifest are sent; of the base's layers not a byte moves."""
    fl.Image.load(base).push(name(registry, "base:1"))
    before = len(registry.asked())
    image = fl.Image.load(name(registry, "base:1"))
    image.append(fl.Layer.from_files({"new": b"new"})).push(name(registry))
    asked = registry.asked()[before:]
    layers = [digest(layer.blob) for layer in LAYERS]
    assert not [
        one for one in asked if one.method == "GET" and any(d in one.target for d in layers)
    ]
    mounts = [one for one in asked if "mount=" in one.target]
    assert len(mounts) == len(layers)
    puts = [one for one in asked if one.method == "PUT"]
    assert len(puts) == 3  # layer, config, manifest
    assert fl.validate(name(registry)).ok


def test_one_layer_on_many_bases(registry: Registry, tmp_path: Path) -> None:
    """A prebuilt layer on each of many bases: no layer is fetched, and it is sent once."""
    for number in range(20):
        sample = Sample(changes={"author": str(number)})
        path = write_archive(tmp_path / "x.tar", combined(sample))
        fl.Image.load(path).push(name(registry, f"base:{number}"))
    (tmp_path / "layer.tar.gz").write_bytes(SampleLayer(tar({"more": b"more"})).blob)
    layer = fl.StoredLayer.load(tmp_path / "layer.tar.gz")
    before = len(registry.asked())
    with fl.Registries() as registries:
        for number in range(20):
            image = fl.Image.load(name(registry, f"base:{number}"), registries=registries)
            image.append(layer).push(name(registry, f"app:{number}"), registries=registries)
    asked = registry.asked()[before:]
    layers = [digest(one.blob) for one in LAYERS]
    assert not [
        one for one in asked if one.method == "GET" and any(d in one.target for d in layers)
    ]
    puts = [one.target for one in asked if one.method == "PUT"]
    assert sum(layer.descriptor.digest in target for target in puts) == 1


def test_an_index_is_chosen_from_without_reading_the_rest(registry: Registry) -> None:
    """Of two platforms one manifest and config are read; all of them with `Index.load`."""
    images = [
        fl.Image.scratch(platform=f"linux/{arch}").append(
            fl.Layer.from_files({"arch": arch.encode()})
        )
        for arch in ("amd64", "arm64")
    ]
    built = fl.Index().append(*images).push(name(registry))
    before = len(registry.asked())
    image = fl.Image.load(name(registry), platform="linux/arm64")
    assert image.config.architecture == "arm64"
    asked = [one.target for one in registry.asked()[before:]]
    assert not any(built.images[0].digest in target for target in asked)
    assert [one.config.architecture for one in fl.Index.load(name(registry))] == ["amd64", "arm64"]
    assert fl.validate(name(registry)).ok
    by_digest = fl.Image.load(f"docker://{registry.domain}/team/app@{built.images[0].digest}")
    assert by_digest.config.architecture == "amd64"


def test_a_layer_is_made_again_when_an_upload_is_lost(tmp_path: Path) -> None:
    """A registry that forgets what it had: what can be read again is made again."""
    (tmp_path / "noise").write_bytes(NOISE)
    layer = fl.Layer.from_files({"noise": tmp_path / "noise"}, compression="none")
    with Registry(rules=Rules(resumes=False)) as registry:
        for number in (2, 5):
            registry.fail(Fault("PATCH", Cut(after=1000), skip=number))
        fl.Image.scratch().append(layer).push(name(registry))
        assert fl.validate(name(registry)).ok


def test_tags_of_another_repository_are_refused(registry: Registry, base: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(fl.InvalidReferenceError, match="is not of the repository"):
        fl.Image.load(base).push(name(registry), tags=["other/app:1"])
    assert not registry.asked()


def test_a_failed_push_leaves_no_tag(registry: Registry, base: Path) -> None:
    """A layer that is not what it was ends the push before the manifest."""
    image = fl.Image.load(base)
    damaged = bytearray(base.read_bytes())
    damaged[damaged.index(LAYERS[0].blob) + 12] ^= 1
    base.write_bytes(damaged)
    with pytest.raises(fl.InvalidImageError, match="does not have the digest"):
        image.push(name(registry))
    assert not registry.asked("PUT .*manifests")


def test_a_name_with_a_digest_is_copied_by_its_tag(
    registry: Registry, base: Path, tmp_path: Path
) -> None:
    """The digest says which, the tag what it is called."""
    digest = fl.Image.load(base).push(name(registry)).digest
    assert run(["copy", f"{name(registry)}@{digest}", str(tmp_path / "x.tar")]) == 0
    image = fl.Image.load(tmp_path / "x.tar").origin
    assert image is not None
    assert image.tags == (f"{registry.domain}/team/app:1",)


def test_the_verbs(registry: Registry, base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """push, pull, tags, inspect, validate, and `-o docker://` of every verb that makes an image."""
    reference = f"{registry.domain}/team/app"
    assert run(["push", "base.tar", f"{reference}:1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["tags"], record["output"]) == ([f"{reference}:1"], f"docker://{reference}:1")
    arguments = [
        "mutate",
        f"docker://{reference}:1",
        "--user",
        "7",
        "-o",
        f"docker://{reference}:2",
    ]
    assert run(arguments) == 0
    assert f"output    docker://{reference}:2" in capsys.readouterr().out
    assert run(["tags", reference]) == 0
    assert capsys.readouterr().out == "1\n2\n"
    assert run(["pull", f"{reference}:2", "out.tar"]) == 0
    assert fl.Image.load("out.tar").config.config.user == "7"
    capsys.readouterr()
    assert run(["inspect", "--json", f"docker://{reference}:2"]) == 0
    told: Any = json.loads(capsys.readouterr().out)
    assert told["images"][0]["config"]["user"] == "7"
    assert run(["validate", f"docker://{reference}:2"]) == 0
    assert "no problems" in capsys.readouterr().out
    assert run(["pull", f"{reference}:3", "no.tar"]) == 1
    assert "404 `MANIFEST_UNKNOWN`" in capsys.readouterr().err
    assert not Path("no.tar").exists()


def test_a_user_name_is_for_one_registry(registry: Registry, base: Path) -> None:
    """What was typed for one registry is never sent to another."""
    registries = fl.Registries(username="ann", password="secret")  # noqa: S106
    fl.Image.load(base).push(name(registry), registries=registries)
    with pytest.raises(fl.InvalidArgumentError, match="the user name is for one registry"):
        fl.Image.load("docker://localhost:1/x", registries=registries)
    assert "secret" not in repr(registries)


def test_an_archive_that_is_read_twice(registry: Registry, tmp_path: Path) -> None:
    """What was sent cannot be taken back, so such a layer is made in a file first."""
    archive = tmp_path / "twice.tar"
    archive.write_bytes(tar([("a", b"one"), ("b", b"b"), ("a", b"two")]))
    image = fl.Image.scratch().append(fl.Layer.from_archive(archive))
    image.push(name(registry))
    assert fl.diff(name(registry), tmp_path / "twice.tar") == []
    with archive.open("rb") as stream, pytest.raises(fl.OutOfOrderError, match="give files"):
        fl.Image.scratch().append(fl.Layer.from_stream(stream)).push(name(registry, "x:1"))
    assert not registry.asked("PUT /v2/x/manifests")


def test_an_interrupt_does_not_wait_for_the_registry(tmp_path: Path) -> None:
    """Ctrl-C ends a push at once, also where the core waits for who sends what it made."""
    (tmp_path / "noise").write_bytes(NOISE * 3)
    code = (
        "import sys, signal, fastlayer as fl\n"
        "layer = fl.Layer.from_files({'noise': 'noise'}, compression='none')\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    fl.Image.scratch().append(layer).push(sys.argv[1])\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    with Registry() as registry:
        registry.fail(Fault("PATCH", Hang(), skip=1))
        process = subprocess.Popen(
            [sys.executable, "-c", code, name(registry)], stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 30
        while len(registry.asked("PATCH")) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "interrupted\n"
