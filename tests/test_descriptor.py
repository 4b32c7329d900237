"""Descriptors: what they accept, what they verify, and how they look in JSON."""

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import decode, encode
from fastlayer.errors import InvalidArgumentError, InvalidImageError
from fastlayer.media_type import OCI_EMPTY, OCI_LAYER_GZIP, OCI_MANIFEST
from fastlayer.platform import Platform
from vectors import check_document, documents

DIGEST = Digest.of(b"")


def test_the_first_three_are_positional() -> None:
    """Type, digest and size are given in that order, everything else by name."""
    descriptor = Descriptor(OCI_LAYER_GZIP, DIGEST, 20, annotations={"a": "b"})
    assert (descriptor.media_type, descriptor.digest, descriptor.size) == (
        OCI_LAYER_GZIP,
        DIGEST,
        20,
    )
    with pytest.raises(TypeError):
        Descriptor(OCI_LAYER_GZIP, DIGEST, 20, ("https://localhost/",))  # type: ignore[call-arg]


def test_a_descriptor_is_a_frozen_value() -> None:
    """It cannot be changed, equals its twin and keys a dictionary."""
    descriptor = Descriptor(OCI_LAYER_GZIP, DIGEST, 20, annotations={"a": "b"})
    with pytest.raises(AttributeError):
        descriptor.size = 1  # type: ignore[misc]
    assert {descriptor: 1}[Descriptor(OCI_LAYER_GZIP, DIGEST, 20, annotations={"a": "b"})] == 1
    assert descriptor != Descriptor(OCI_LAYER_GZIP, DIGEST, 20)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"media_type": "gzip"}, "invalid media type `gzip`"),
        ({"media_type": ""}, "invalid media type ``"),
        ({"artifact_type": "a/.b"}, "invalid artifact type `a/.b`"),
        ({"digest": str(DIGEST)}, "is not a `Digest`"),
        ({"size": -1}, "invalid size `-1`"),
        ({"size": 2**63}, "invalid size `9223372036854775808`"),
        ({"urls": ("value",)}, "invalid URL `value`"),
        ({"urls": ("https://localhost/a b",)}, "invalid URL"),
        ({"data": b"a", "size": 2}, "`data` has 1 bytes, expected 2"),
        ({"data": b"a", "size": 1}, "`data` does not have the digest"),
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, Any], reason: str) -> None:
    """What breaks the specification cannot be made."""
    values: dict[str, Any] = {"media_type": OCI_MANIFEST, "digest": DIGEST, "size": 0} | changes
    with pytest.raises(InvalidArgumentError, match=re.escape(reason)):
        Descriptor(**values)


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_sizes_at_the_edges(size: int) -> None:
    """A size is an int64 from 0."""
    assert Descriptor(OCI_MANIFEST, DIGEST, size).size == size


def test_verify() -> None:
    """Content of another size or digest is refused, and so is a digest nobody can compute."""
    descriptor = Descriptor(OCI_MANIFEST, Digest.of(b"{}"), 2)
    descriptor.verify(b"{}", what="the manifest")
    with pytest.raises(InvalidImageError, match="the manifest: has 3 bytes, expected 2"):
        descriptor.verify(b"{ }", what="the manifest")
    with pytest.raises(InvalidImageError, match="the manifest: does not have the digest"):
        descriptor.verify(b"[]", what="the manifest")
    foreign = Descriptor(OCI_MANIFEST, Digest.from_document("sha256+b64:e30"), 2)
    with pytest.raises(InvalidImageError, match=r"unsupported digest algorithm `sha256\+b64`"):
        foreign.verify(b"{}", what="the manifest")


def test_members_come_in_the_order_of_go() -> None:
    """All members at once, as Go's image-spec writes them, the keys of maps sorted."""
    descriptor = Descriptor(
        OCI_EMPTY,
        Digest.of(b"{}"),
        2,
        urls=("https://localhost/",),
        annotations={"b": "1", "a": "2"},
        data=b"{}",
        platform=Platform("windows", "arm", "v7", os_version="10.0", os_features=("win32k",)),
        artifact_type="a/b",
        unknown={"x": None},
    )
    content = (
        f'{{"mediaType":"{OCI_EMPTY}","digest":"{Digest.of(b"{}")}","size":2,'
        '"urls":["https://localhost/"],"annotations":{"a":"2","b":"1"},"data":"e30=",'
        '"platform":{"architecture":"arm","os":"windows","os.version":"10.0",'
        '"os.features":["win32k"],"variant":"v7"},"artifactType":"a/b","x":null}'
    ).encode()
    assert encode(descriptor) == content
    assert decode(content, Descriptor, what="test") == descriptor


@pytest.mark.parametrize("row", documents("descriptor"))
def test_conformance(row: dict[str, Any]) -> None:
    """Descriptors of image-spec's own tests and pages are read or refused as they should be."""
    check_document(row, Descriptor, "content-descriptor.json")


@given(
    content=st.binary(),
    embedded=st.booleans(),
    annotations=st.dictionaries(st.text(), st.text(), max_size=3),
    algorithm=st.sampled_from(["sha256", "sha512"]),
)
def test_any_descriptor_reads_back(
    content: bytes,
    embedded: bool,  # noqa: FBT001
    annotations: dict[str, str],
    algorithm: str,
) -> None:
    """What is written is read again as the same value, its data verified on the way."""
    digest = Digest(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")
    descriptor = Descriptor(
        OCI_EMPTY,
        digest,
        len(content),
        annotations=annotations,
        data=content if embedded else b"",
    )
    assert decode(encode(descriptor), Descriptor, what="test") == descriptor
