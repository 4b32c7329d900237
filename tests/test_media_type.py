"""Media types: which layer, config, manifest and index have which."""

from typing import get_args

import pytest

from fastlayer import media_type
from fastlayer.errors import InvalidArgumentError
from fastlayer.media_type import Compression, Format

CONSTANTS = {
    name: value for name, value in vars(media_type).items() if name.startswith(("OCI_", "DOCKER_"))
}


def test_all_is_complete() -> None:
    """Every constant is public, well-formed and unlike every other."""
    assert set(CONSTANTS) <= set(media_type.__all__)
    assert all(map(media_type.is_well_formed, CONSTANTS.values()))
    assert len(set(CONSTANTS.values())) == len(CONSTANTS)


@pytest.mark.parametrize("format_", get_args(Format))
@pytest.mark.parametrize("compression", get_args(Compression))
def test_a_layer_type_tells_its_compression(compression: Compression, format_: Format) -> None:
    """What `for_layer` gives, `compression_of` reads back; Docker has no zstd."""
    if (compression, format_) == ("zstd", "docker"):
        with pytest.raises(InvalidArgumentError, match="no media type for `zstd`"):
            media_type.for_layer(compression, format_)
    else:
        layer = media_type.for_layer(compression, format_)
        assert media_type.compression_of(layer) == compression
        assert media_type.is_layer(layer)


@pytest.mark.parametrize(
    ("compression", "format_", "expected"),
    [
        ("gzip", "oci", "application/vnd.oci.image.layer.v1.tar+gzip"),
        ("zstd", "oci", "application/vnd.oci.image.layer.v1.tar+zstd"),
        ("none", "oci", "application/vnd.oci.image.layer.v1.tar"),
        ("gzip", "docker", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        ("none", "docker", "application/vnd.docker.image.rootfs.diff.tar"),
    ],
)
def test_layer_types(compression: Compression, format_: Format, expected: str) -> None:
    """The types of layers are those of image-spec and of Docker's schema 2, letter by letter."""
    assert media_type.for_layer(compression, format_) == expected


def test_document_types() -> None:
    """Each family has its config, manifest and index, and the predicates know both families."""
    assert media_type.for_config("oci") == "application/vnd.oci.image.config.v1+json"
    assert media_type.for_config("docker") == "application/vnd.docker.container.image.v1+json"
    assert media_type.for_manifest("oci") == "application/vnd.oci.image.manifest.v1+json"
    assert media_type.for_index("oci") == "application/vnd.oci.image.index.v1+json"
    for format_ in get_args(Format):
        manifest, index = media_type.for_manifest(format_), media_type.for_index(format_)
        assert media_type.is_manifest(manifest)
        assert media_type.is_index(index)
        assert not media_type.is_manifest(index)
        assert not media_type.is_index(manifest)
        assert not media_type.is_layer(media_type.for_config(format_))


def test_layers_that_are_not_distributed_are_layers() -> None:
    """Old base images have foreign layers; their compression is known too."""
    assert media_type.compression_of(media_type.OCI_NONDISTRIBUTABLE_LAYER_ZSTD) == "zstd"
    assert media_type.compression_of(media_type.DOCKER_FOREIGN_LAYER_GZIP) == "gzip"
    assert media_type.compression_of(media_type.OCI_EMPTY) is None


def test_unknown_names_are_refused() -> None:
    """A compression or format of another name is a bad argument, not a `KeyError`."""
    with pytest.raises(InvalidArgumentError, match="unknown compression `xz`"):
        media_type.for_layer("xz", "oci")  # type: ignore[arg-type]
    for function in (media_type.for_config, media_type.for_manifest, media_type.for_index):
        with pytest.raises(InvalidArgumentError, match="unknown format `OCI`"):
            function("OCI")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", True),
        ("application/vnd.example+type", True),
        (f"{'a' * 127}/{'b' * 127}", True),
        (f"{'a' * 128}/b", False),
        (f"a/{'b' * 128}", False),
        ("", False),
        ("application", False),
        (".a/b", False),
        ("a/.b", False),
        ("a/b; charset=utf-8", False),
        ("a/b\n", False),
        ("a/b/c", False),
    ],
)
def test_well_formed(text: str, expected: bool) -> None:  # noqa: FBT001 (a column of the table)
    """A media type has the form of RFC 6838, without parameters."""
    assert media_type.is_well_formed(text) is expected
