"""A Debian through a real registry: sent while it is made, pulled and run by others, built upon."""

import json
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from fastlayer.registry.retry import Retrying
from registries import CuttingProxy

from . import cli
from .engines import Engine
from .peers import call, find
from .registry import PASSWORD, USER, RealRegistry
from .test_containers import LIMITS

MIB = 1 << 20


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests."""
    path = tmp_path / "auth.json"
    path.write_text("{}")  # podman wants a file
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))


def digest_of(image: fl.Image) -> str:
    """The digest of the manifest that an image was read from."""
    assert image.origin is not None
    assert image.origin.descriptor is not None
    return image.origin.descriptor.digest


@pytest.fixture(scope="module")
def debian(open_registry: RealRegistry, rootfs: Path) -> dict[str, Any]:
    """The Debian in the registry, compressed with zstd; what the command says of it."""
    output = f"docker://{open_registry.domain}/demo/debian:12"
    options = ("--compression", "zstd", "--cmd", "cat /etc/os-release", "--json")
    told: dict[str, Any] = json.loads(
        cli.fastlayer("build", "--rootfs", rootfs, *options, "-o", output)
    )
    return told


def test_others_pull_and_run_it(
    debian: dict[str, Any], open_registry: RealRegistry, podman: Engine
) -> None:
    """skopeo sees the digest that was told, podman runs a container of it."""
    name = f"{open_registry.domain}/demo/debian:12"
    found = call([find("skopeo"), "inspect", "--tls-verify=false", f"docker://{name}"])
    assert json.loads(found)["Digest"] == debian["digest"]
    podman("pull", "--quiet", "--tls-verify=false", name)
    try:
        output = podman("run", "--rm", "--network", "none", *LIMITS, name)
    finally:
        podman("rmi", "--force", name)
    assert "Debian" in output


def test_an_image_on_it_is_what_is_new(
    debian: dict[str, Any], open_registry: RealRegistry, tmp_path: Path
) -> None:
    """One small layer, the config and the manifest are sent; the base is mounted, not fetched."""
    before = len(open_registry.asked())
    (tmp_path / "motd").write_text("hello\n")
    base, output = (f"docker://{open_registry.domain}/demo/{it}" for it in ("debian:12", "app:1"))
    addition = f"{tmp_path}/motd:/etc/motd"
    cli.fastlayer("build", "--from", base, "--add", addition, "-o", output)
    asked = open_registry.asked()[before:]
    (layer,) = debian["layers"]
    assert not [line for line in asked if line.startswith("GET") and layer["digest"] in line]
    assert [line.split()[0] for line in asked if "mount=" in line] == ["POST"]
    assert [line.split()[0] for line in asked].count("PUT") == 3
    assert [line.split()[0] for line in asked].count("PATCH") == 0
    assert "no problems" in cli.fastlayer("validate", output)


def test_two_platforms_under_one_name(open_registry: RealRegistry, tmp_path: Path) -> None:
    """An index is made, pushed, listed and pulled from by platform, by us and by skopeo."""
    name = f"docker://{open_registry.domain}/demo/multi:1"
    images = [
        fl.Image.scratch(platform=f"linux/{arch}").append(
            fl.Layer.from_files({"arch": arch.encode()})
        )
        for arch in ("amd64", "arm64")
    ]
    built = fl.Index().append(*images).push(name)
    assert cli.fastlayer("tags", f"{open_registry.domain}/demo/multi") == "1\n"
    raw = call([find("skopeo"), "inspect", "--tls-verify=false", "--raw", name])
    assert [one["digest"] for one in json.loads(raw)["manifests"]] == [
        image.digest for image in built.images
    ]
    for number, arch in enumerate(("amd64", "arm64")):
        path = tmp_path / f"{arch}.tar"
        told = cli.fastlayer("pull", name, path, "--platform", f"linux/{arch}", "--json")
        assert json.loads(told)["digest"] == built.images[number].digest
        copied = tmp_path / arch
        copy = (f"--override-arch={arch}", "copy", "--quiet", "--src-tls-verify=false")
        call([find("skopeo"), *copy, name, f"dir:{copied}"])
        manifest = json.loads((copied / "manifest.json").read_bytes())
        assert manifest["config"]["digest"] == built.images[number].config.digest
    cli.fastlayer("copy", "--all", name, f"oci:{tmp_path}/all:1")
    copied_index = fl.Index.load(f"oci:{tmp_path}/all:1")
    assert copied_index.origin is not None
    assert copied_index.origin.descriptor.digest == built.digest


def test_tls_and_a_password(
    locked_registry: RealRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials that `login` kept let in, with the certificate of a private authority."""
    assert locked_registry.authority is not None
    ca_file = str(locked_registry.authority.ca_file)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "own.json"))
    name = f"docker://{locked_registry.domain}/demo/locked:1"
    image = fl.Image.scratch().append(fl.Layer.from_files({"a": b"a"}))
    with pytest.raises(fl.RegistryError, match="certificate"):
        image.push(name)
    with pytest.raises(fl.RegistryAuthError):
        image.push(name, registries=fl.Registries(ca_file=ca_file))
    from fastlayer.registry.login import login  # noqa: PLC0415 (its client is large)

    login(locked_registry.domain, USER, PASSWORD, ca_file=ca_file)
    with fl.Registries(ca_file=ca_file) as registries:
        pushed = image.push(name, registries=registries)
        assert fl.Image.load(name, registries=registries).origin is not None
    assert (tmp_path / "own.json").stat().st_mode & 0o077 == 0
    assert pushed.tags == (f"{locked_registry.domain}/demo/locked:1",)


def test_three_cuts_in_the_middle(
    open_registry: RealRegistry, rootfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is reset three times costs time, and nothing else.

    This server cannot go on after a cut, so that the layer is made and sent again.
    """
    monkeypatch.setattr(Retrying, "pause", lambda *_: 0.0)
    layer = fl.Layer.from_directory(rootfs, compression="gzip", level=1)
    with CuttingProxy(open_registry.domain, [20 * MIB, 40 * MIB, 30 * MIB]) as proxy:
        built = fl.Image.scratch().append(layer).push(f"docker://{proxy.domain}/cut/thrice:1")
        assert proxy.cuts_left == 0
    name = f"docker://{open_registry.domain}/cut/thrice:1"
    assert fl.validate(name).ok
    assert digest_of(fl.Image.load(name)) == built.digest
