"""Fixtures that several conformance tests share."""

from pathlib import Path

import pytest

from . import cli, hard
from .debs import debs
from .dockers import newer_docker, older_docker
from .engines import buildah, containerd, docker, podman
from .peers import call, find
from .registry import locked_registry, open_registry
from .rootfs import rootfs, upgraded

__all__ = [
    "archive",
    "buildah",
    "containerd",
    "debs",
    "docker",
    "hard_tree",
    "layout",
    "locked_registry",
    "newer_docker",
    "older_docker",
    "open_registry",
    "podman",
    "rootfs",
    "upgraded",
]


@pytest.fixture(scope="session", params=cli.VARIANTS)
def archive(
    request: pytest.FixtureRequest, rootfs: Path, tmp_path_factory: pytest.TempPathFactory
) -> cli.Built:
    """Give a Debian as one archive file, once for each compression and format."""
    path = tmp_path_factory.mktemp(f"archive-{request.param}") / "image.tar"
    return cli.build(path, "--rootfs", rootfs, "-t", cli.NAME, *cli.VARIANTS[request.param])


@pytest.fixture(scope="session", params=["gzip", "zstd", "none"])
def layout(
    request: pytest.FixtureRequest, rootfs: Path, tmp_path_factory: pytest.TempPathFactory
) -> cli.Built:
    """Give a Debian as an OCI layout directory with the tag `12`, once for each compression."""
    path = tmp_path_factory.mktemp(f"layout-{request.param}") / "layout"
    options = ("--rootfs", rootfs, "--compression", request.param)
    output = Path(f"{path}:12")
    return cli.build(output, *options, transport="oci:")


@pytest.fixture(scope="session")
def hard_tree(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the Debian with everything in it that is hard to keep."""
    root = tmp_path_factory.mktemp("hard") / "rootfs"
    call([find("cp"), "--archive", "--reflink=auto", rootfs, root])
    hard.decorate(root)
    return root
