"""Image indexes and layout headers: what is refused, and how they look in JSON."""

from typing import Any

import pytest

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import decode, encode
from fastlayer.errors import InvalidArgumentError, InvalidImageError
from fastlayer.index import ImageIndex, ImageLayout
from fastlayer.media_type import DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST
from fastlayer.platform import Platform
from vectors import check_document, check_schema, documents

DIGEST = Digest.of(b"")
MANIFEST = Descriptor(OCI_MANIFEST, DIGEST, 0, platform=Platform("linux", "arm", "v7"))


@pytest.mark.parametrize("row", documents("index"))
def test_conformance(row: dict[str, Any]) -> None:
    """Indexes of image-spec's tests and pages, and Docker's, are read or refused rightly."""
    check_document(row, ImageIndex, "image-index-schema.json")


@pytest.mark.parametrize("row", documents("layout"))
def test_conformance_of_layouts(row: dict[str, Any]) -> None:
    """Layout headers of image-spec's tests and pages are read or refused as they should be."""
    check_document(row, ImageLayout, "image-layout-schema.json")


def test_members_come_in_the_order_of_go() -> None:
    """All members at once, as Go's image-spec writes them, satisfy the schema."""
    index = ImageIndex(
        manifests=(MANIFEST,),
        artifact_type="a/b",
        subject=Descriptor(OCI_MANIFEST, DIGEST, 0),
        annotations={"b": "1", "a": "2"},
    )
    target = f'{{"mediaType":"{OCI_MANIFEST}","digest":"{DIGEST}","size":0'
    content = (
        f'{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","artifactType":"a/b","manifests":[{target},'
        '"platform":{"architecture":"arm","os":"linux","variant":"v7"}}],'
        f'"subject":{target}}},"annotations":{{"a":"2","b":"1"}}}}'
    ).encode()
    assert encode(index) == content
    assert decode(content, ImageIndex, what="test") == index
    check_schema(content, "image-index-schema.json")


def test_an_empty_index_has_an_empty_list() -> None:
    """The list of a new layout is `[]`, never null or absent."""
    content = encode(ImageIndex(manifests=()))
    assert content == f'{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}'.encode()
    check_schema(content, "image-index-schema.json")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema_version": 1}, "unsupported `schemaVersion` `1`"),
        ({"media_type": OCI_MANIFEST}, "is not that of an index"),
        ({"artifact_type": "a"}, "invalid artifact type `a`"),
        ({"unknown": {"config": {}}}, "must not have `config`"),
        ({"unknown": {"layers": []}}, "must not have `layers`"),
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, Any], reason: str) -> None:
    """What breaks the specification, or could be taken for a manifest, cannot be made."""
    values: dict[str, Any] = {"manifests": ()} | changes
    with pytest.raises(InvalidArgumentError, match=reason):
        ImageIndex(**values)


@pytest.mark.parametrize("member", ['"config":{}', '"layers":[]', '"layers":null'])
def test_a_document_that_is_also_a_manifest_is_refused(member: str) -> None:
    """What two readers could take for two different images is read as neither."""
    content = f'{{"schemaVersion":2,"manifests":[],{member}}}'.encode()
    with pytest.raises(InvalidImageError, match="test: an index must not have"):
        decode(content, ImageIndex, what="test")


def test_docker_calls_it_a_manifest_list() -> None:
    """Docker's media type stays."""
    content = encode(ImageIndex(media_type=DOCKER_MANIFEST_LIST, manifests=(MANIFEST,)))
    assert decode(content, ImageIndex, what="test").media_type == DOCKER_MANIFEST_LIST


def test_the_layout_header() -> None:
    """The file `oci-layout` has exactly the text that every tool writes."""
    assert encode(ImageLayout()) == b'{"imageLayoutVersion":"1.0.0"}'
    with pytest.raises(InvalidImageError, match="missing required field `imageLayoutVersion`"):
        decode(b"{}", ImageLayout, what="test")
    with pytest.raises(InvalidImageError, match=r"invalid enum value '2.0.0'"):
        decode(b'{"imageLayoutVersion":"2.0.0"}', ImageLayout, what="test")
