"""Digests: their grammar, what makes them, and what they verify."""

import copy
import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.digest import Digest
from fastlayer.errors import InvalidDigestError
from vectors import cases

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UNKNOWN = "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"


@pytest.mark.parametrize("row", cases("reference.json", "oracle_digests"))
def test_the_reference_implementation_agrees(row: dict[str, str]) -> None:
    """A digest is accepted or refused as go-digest does with sha256 and sha512."""
    if row["valid"]:
        assert Digest(row["input"]) == row["input"]
    else:
        with pytest.raises(InvalidDigestError):
            Digest(row["input"])


@pytest.mark.parametrize("row", cases("reference.json", "digest_parse", "Input"))
def test_algorithm_and_encoded_part(row: dict[str, str]) -> None:
    """A digest that a document may state splits as go-digest splits it."""
    if "Err" in row and row["Err"] != "digest.ErrDigestUnsupported":
        with pytest.raises(InvalidDigestError):
            Digest.from_document(row["Input"])
    elif "Algorithm" in row:
        digest = Digest.from_document(row["Input"])
        assert (digest.algorithm, digest.encoded) == (row["Algorithm"], row["Encoded"])


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("change", [-1, 0, 1])
def test_the_length_is_exact(algorithm: str, change: int) -> None:
    """One digit more or less is refused, by `from_document` too."""
    text = f"{algorithm}:{'0' * (hashlib.new(algorithm).digest_size * 2 + change)}"
    if change:
        for read in (Digest, Digest.from_document):
            with pytest.raises(InvalidDigestError, match="lower-case hexadecimal digits"):
                read(text)
    else:
        assert Digest(text) == text


@pytest.mark.parametrize(
    "text", [f"{EMPTY}\n", f" {EMPTY}", "sha256:../../etc", "sha256:" + "٣" * 64]
)
def test_nothing_that_is_no_digest_gets_near_a_path(text: str) -> None:
    """Line ends, spaces, slashes and foreign digits are refused."""
    for read in (Digest, Digest.from_document):
        with pytest.raises(InvalidDigestError):
            read(text)


def test_only_text_is_a_digest() -> None:
    """Other types are an `InvalidDigestError` as well, not a failure deep inside."""
    with pytest.raises(InvalidDigestError):
        Digest(b"sha256:")  # type: ignore[arg-type]


def test_a_digest_is_text() -> None:
    """It compares, sorts, formats and keys dictionaries as the text it is."""
    digest = Digest(EMPTY)
    assert digest == EMPTY
    assert f"{digest}" == EMPTY
    assert {EMPTY: 1}[digest] == 1
    assert (digest.algorithm, digest.encoded) == ("sha256", EMPTY[7:])


@given(st.binary())
def test_of_makes_what_verifies(content: bytes) -> None:
    """The digest of some content verifies that content and no other."""
    digest = Digest.of(content)
    assert digest.verifies(content)
    assert not digest.verifies(content + b"\0")
    assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_sha512_is_verified_too() -> None:
    """The second registered algorithm is computed, not only parsed."""
    digest = Digest(f"sha512:{hashlib.sha512(b'a').hexdigest()}")
    assert digest.verifies(b"a")
    assert not digest.verifies(b"b")


def test_an_unknown_algorithm_passes_in_documents_only() -> None:
    """A document may state it, as the specification asks; it verifies nothing."""
    with pytest.raises(InvalidDigestError, match="unsupported digest algorithm `multihash"):
        Digest(UNKNOWN)
    digest = Digest.from_document(UNKNOWN)
    assert not digest.supported
    assert not digest.verifies(b"")
    assert Digest.from_document(EMPTY).supported


@pytest.mark.parametrize("text", [EMPTY, UNKNOWN])
def test_a_digest_survives_pickling_and_copying(text: str) -> None:
    """Also one whose algorithm is unknown, which `Digest` itself would refuse."""
    digest = Digest.from_document(text)
    for twin in (pickle.loads(pickle.dumps(digest)), copy.deepcopy(digest)):  # noqa: S301
        assert type(twin) is Digest
        assert twin == digest
