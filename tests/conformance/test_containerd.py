"""containerd: `ctr images import`."""

from collections.abc import Iterator

import pytest

from .cli import NAME, Built
from .engines import Engine

FULL_NAME = f"docker.io/{NAME}"


@pytest.fixture(scope="module")
def imported(containerd: Engine, archive: Built) -> Iterator[str]:
    """Import the archive, give what `ctr` said, and remove the image again."""
    yield containerd("images", "import", archive.path)
    containerd("images", "remove", "--sync", FULL_NAME)


@pytest.mark.usefixtures("imported")
def test_the_import_has_its_full_name(containerd: Engine) -> None:
    """containerd lists the image under the name that a pull would have given it, and no other."""
    assert containerd("images", "list", "--quiet").split() == [FULL_NAME]


@pytest.mark.usefixtures("imported")
def test_every_blob_is_there_and_unpacked(containerd: Engine, archive: Built) -> None:
    """The manifest, config and layers are complete, and the layers became a snapshot."""
    name, _type, digest, status, *_rest, unpacked = (
        containerd("images", "check", f"name=={FULL_NAME}").splitlines()[1].split()
    )
    assert (name, digest) == (FULL_NAME, archive.manifest_digest)
    assert (status, unpacked) == ("complete", "true")


@pytest.mark.usefixtures("imported")
def test_the_imported_image_runs(containerd: Engine) -> None:
    """A container of the imported image reads the Debian that went in."""
    assert "bookworm" in containerd(
        "run", "--rm", FULL_NAME, "conformance", "cat", "/etc/os-release"
    )
