"""Image manifests: what they need, what is refused, and how they look in JSON."""

from typing import Any

import pytest

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import decode, encode
from fastlayer.errors import InvalidArgumentError, InvalidImageError
from fastlayer.manifest import Manifest
from fastlayer.media_type import (
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from vectors import check_document, check_schema, documents

DIGEST = Digest.of(b"")
CONFIG = Descriptor(OCI_CONFIG, DIGEST, 0)
LAYER = Descriptor(OCI_LAYER_GZIP, DIGEST, 0)


@pytest.mark.parametrize("row", documents("manifest"))
def test_conformance(row: dict[str, Any]) -> None:
    """Manifests of image-spec's tests and pages, and Docker's, are read or refused rightly."""
    check_document(row, Manifest, "image-manifest-schema.json")


def test_members_come_in_the_order_of_go() -> None:
    """All members at once, as Go's image-spec writes them, satisfy the schema."""
    manifest = Manifest(
        config=CONFIG,
        layers=(LAYER, LAYER),
        artifact_type="a/b",
        subject=Descriptor(OCI_MANIFEST, DIGEST, 0),
        annotations={"b": "1", "a": "2"},
    )
    target = f'"digest":"{DIGEST}","size":0}}'
    layer = f'{{"mediaType":"{OCI_LAYER_GZIP}",{target}'
    content = (
        f'{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","artifactType":"a/b",'
        f'"config":{{"mediaType":"{OCI_CONFIG}",{target},"layers":[{layer},{layer}],'
        f'"subject":{{"mediaType":"{OCI_MANIFEST}",{target},"annotations":{{"a":"2","b":"1"}}}}'
    ).encode()
    assert encode(manifest) == content
    assert decode(content, Manifest, what="test") == manifest
    check_schema(content, "image-manifest-schema.json")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema_version": 1}, "unsupported `schemaVersion` `1`"),
        ({"media_type": OCI_INDEX}, "is not that of a manifest"),
        ({"media_type": ""}, "`` is not that of a manifest"),
        ({"artifact_type": "a"}, "invalid artifact type `a`"),
        ({"layers": ()}, "at least one layer"),
        ({"unknown": {"manifests": []}}, "must not have `manifests`"),
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, Any], reason: str) -> None:
    """What breaks the specification, or could be taken for an index, cannot be made."""
    values: dict[str, Any] = {"config": CONFIG, "layers": (LAYER,)} | changes
    with pytest.raises(InvalidArgumentError, match=reason):
        Manifest(**values)


@pytest.mark.parametrize("name", ["schemaVersion", "config", "layers"])
def test_required_members(name: str) -> None:
    """A document without one of them is refused, though the version has a default for writers."""
    content = encode(Manifest(config=CONFIG, layers=(LAYER,)))
    cut = content.replace(f'"{name}"'.encode(), b'"x"')
    with pytest.raises(InvalidImageError, match=f"missing required field `{name}`"):
        decode(cut, Manifest, what="test")


def test_a_document_that_is_also_an_index_is_refused() -> None:
    """What two readers could take for two different images is read as neither."""
    content = encode(Manifest(config=CONFIG, layers=(LAYER,)))
    for cut in (
        content[:-1] + b',"manifests":[]}',
        content.replace(OCI_MANIFEST.encode(), OCI_INDEX.encode()),
    ):
        with pytest.raises(InvalidImageError):
            decode(cut, Manifest, what="test")


def test_media_types() -> None:
    """Docker's type stays; a document that states none is taken for OCI's."""
    content = encode(Manifest(media_type=DOCKER_MANIFEST, config=CONFIG, layers=(LAYER,)))
    assert decode(content, Manifest, what="test").media_type == DOCKER_MANIFEST
    content = content.replace(b'"mediaType":"' + DOCKER_MANIFEST.encode() + b'",', b"")
    assert decode(content, Manifest, what="test").media_type == OCI_MANIFEST
