"""The tools on containers/image: skopeo, podman and buildah."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cli import NAME, Built, fastlayer
from .engines import Engine
from .peers import call, call_bytes, find

# Podman asks for limits of its own by default, which a sandbox may not grant; these are low.
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("docker-archive:{}", "dir:{}"),
        ("docker-archive:{}", "oci:{}:copy"),
        ("oci-archive:{}:12", "oci:{}:copy"),
        ("oci-archive:{}", "dir:{}"),
    ],
)
def test_skopeo_copies_the_archive(
    archive: Built, source: str, target: str, tmp_path: Path
) -> None:
    """skopeo reads the one archive as either kind, checks every digest and keeps the config."""
    skopeo = find("skopeo")
    copy = target.format(tmp_path / "copy")
    if archive.is_docker and source.endswith(":12"):
        # skopeo looks for a tag among OCI manifests only, as the documentation says.
        with pytest.raises(AssertionError, match="no descriptor found"):
            call([skopeo, "copy", "--quiet", source.format(archive.path), copy])
        return
    call([skopeo, "copy", "--quiet", source.format(archive.path), copy])
    assert _config_digest(copy) == archive.config_digest


def test_skopeo_copies_the_layout(layout: Built, tmp_path: Path) -> None:
    """A layout directory copied to another keeps its manifest byte for byte."""
    skopeo = find("skopeo")
    copy = f"oci:{tmp_path}/copy:12"
    # Without the option skopeo compresses a plain layer on the way.
    call([skopeo, "copy", "--quiet", "--preserve-digests", f"oci:{layout.path}", copy])
    manifest = call_bytes([skopeo, "inspect", "--raw", copy])
    assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == layout.manifest_digest


@pytest.fixture(scope="module")
def loaded(podman: Engine, archive: Built) -> Iterator[str]:
    """Load the archive, give what `podman load` said, and remove the image again."""
    yield podman("load", "--quiet", "--input", archive.path)
    podman("rmi", "--force", NAME)


def test_podman_loads_the_archive(podman: Engine, archive: Built, loaded: str) -> None:
    """podman shows the name, and the config's digest as the image's."""
    assert loaded.strip().endswith(f"docker.io/{NAME}")
    (image,) = json.loads(podman("image", "inspect", NAME))
    assert f"sha256:{image['Id']}" == archive.config_digest
    assert image["RootFS"]["Layers"] == archive.diff_ids


@pytest.mark.usefixtures("loaded")
def test_podman_runs_the_image(podman: Engine) -> None:
    """A container of the loaded image reads the Debian that went in."""
    command = ("run", "--rm", "--network=none", *LIMITS, NAME, "cat", "/etc/os-release")
    assert "bookworm" in podman(*command)


def test_buildah_starts_from_the_layout(buildah: Engine, layout: Built) -> None:
    """buildah makes a working container of the layout and sees the same config."""
    container = buildah("from", "--quiet", f"oci:{layout.path}").strip()
    try:
        seen = json.loads(buildah("inspect", container))
        assert seen["FromImageDigest"] == layout.manifest_digest
        assert f"sha256:{seen['FromImageID']}" == layout.config_digest
    finally:
        buildah("rm", container)
        buildah("rmi", "--force", "--all")


def test_fastlayer_validates_its_own(archive: Built) -> None:
    """`fastlayer validate` accepts what every other tool here accepts."""
    fastlayer("validate", archive.path)


def _config_digest(image: str) -> str:
    config = call_bytes([find("skopeo"), "inspect", "--config", "--raw", image])
    return f"sha256:{hashlib.sha256(config).hexdigest()}"
