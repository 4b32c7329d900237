"""Docker: `docker load` and `docker run`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cli import NAME, Built, build
from .engines import Engine

# The first release that unpacks zstd layers; older ones take the layer for a broken tar.
ZSTD_SINCE = 23


@pytest.fixture(scope="module")
def loaded(docker: Engine, archive: Built) -> Iterator[str]:
    """Load the archive, give what `docker load` said, and remove the image again."""
    version = docker("version", "--format={{.Server.Version}}").strip()
    if archive.is_zstd and int(version.partition(".")[0]) < ZSTD_SINCE:
        with pytest.raises(AssertionError, match=r"invalid tar header|unexpected EOF"):
            docker("load", "--input", archive.path)
        pytest.skip(f"Docker {version} cannot unpack zstd, as the documentation says")
    yield docker("load", "--input", archive.path)
    docker("rmi", "--force", NAME)


def test_the_loaded_image_runs(docker: Engine, loaded: str) -> None:
    """A container of the loaded image reads the Debian that went in."""
    assert loaded.strip() == f"Loaded image: {NAME}"
    assert "bookworm" in docker("run", "--rm", "--network=none", NAME, "cat", "/etc/os-release")


@pytest.mark.usefixtures("loaded")
def test_the_image_id_is_the_config_digest(docker: Engine, archive: Built) -> None:
    """Docker finds the same config and the same layers that fastlayer reported."""
    (image,) = json.loads(docker("image", "inspect", NAME))
    assert image["Id"] == archive.config_digest
    assert image["RootFS"]["Layers"] == archive.diff_ids
    assert image["RepoTags"] == [NAME]


def test_two_tags_name_one_image(docker: Engine, tmp_path: Path) -> None:
    """Every tag of the archive is there after the load and names the same image."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_bytes(b"content\n")
    tags = ("demo/two:1", "localhost:5000/demo/two:latest")
    image = build(tmp_path / "two.tar", "--rootfs", root, "-t", tags[0], "-t", tags[1])
    docker("load", "--input", image.path)
    try:
        shown = [docker("image", "inspect", "--format={{.Id}}", tag).strip() for tag in tags]
        assert shown == [image.config_digest] * 2
    finally:
        docker("rmi", "--force", *tags)
