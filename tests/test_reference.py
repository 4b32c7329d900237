"""References: Docker's normal form, row by row, and why a text is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.digest import Digest
from fastlayer.errors import InvalidReferenceError
from fastlayer.reference import Reference
from fastlayer.tags import repo_tag
from vectors import cases

DIGEST = Digest.of(b"")


@pytest.mark.parametrize("row", cases("reference.json", "oracle_normalized"))
def test_the_reference_implementation_agrees(row: dict[str, str]) -> None:
    """All parts and forms are those that distribution/reference gives, or it refuses as well."""
    if not row["ok"]:
        with pytest.raises(InvalidReferenceError):
            Reference.parse(row["input"])
        return
    reference = Reference.parse(row["input"])
    assert str(reference) == row["full"]
    assert reference.familiar == row["familiar"]
    assert reference.domain == row["domain"]
    assert reference.path == row["path"]
    assert reference.tag == row.get("tag")
    assert reference.digest == row.get("digest")
    assert str(reference.with_default_tag()) == row["full_with_default_tag"]
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize("text", cases("reference.json", "normalized_valid"))
def test_valid_names(text: str) -> None:
    """Names that Docker takes are taken."""
    Reference.parse(text)


@pytest.mark.parametrize("text", cases("reference.json", "normalized_invalid"))
def test_invalid_names(text: str) -> None:
    """Names that Docker refuses are refused."""
    with pytest.raises(InvalidReferenceError):
        Reference.parse(text)


@pytest.mark.parametrize(
    "text", cases("reference.json", "remote_name_valid_after_prefix_docker.io")
)
def test_valid_paths(text: str) -> None:
    """Repositories that Docker Hub may hold are taken."""
    assert Reference.parse(f"docker.io/{text}").domain == "docker.io"


@pytest.mark.parametrize("text", cases("reference.json", "remote_name_invalid"))
def test_invalid_paths(text: str) -> None:
    """Repositories that Docker Hub may not hold are refused."""
    with pytest.raises(InvalidReferenceError):
        Reference.parse(text)


@pytest.mark.parametrize("row", cases("reference.json", "repository_info", "FullName"))
def test_repositories(row: dict[str, str]) -> None:
    """The full, the familiar and the ambiguous name of a repository are one repository."""
    names = {row["FullName"], row["FamiliarName"], row["AmbiguousName"] or row["FullName"]}
    references = {Reference.parse(name) for name in names}
    assert len(references) == 1
    reference = references.pop()
    assert reference.repository == row["FullName"]
    assert reference.familiar == row["FamiliarName"]
    assert (reference.domain, reference.path) == (row["Domain"], row["RemoteName"])


@pytest.mark.parametrize("row", cases("reference.json", "normalized_split_hostname"))
def test_domain_and_path(row: dict[str, str]) -> None:
    """Registry and path are split where Docker splits them."""
    reference = Reference.parse(row["input"])
    assert (reference.domain, reference.path) == (row["domain"], row["path"])


@pytest.mark.parametrize("row", cases("reference.json", "parse_any_reference", "Reference"))
def test_equivalent_references(row: dict[str, str]) -> None:
    """Short forms are equal to their full form."""
    if "Expected" in row:
        pytest.skip("an image ID, which is no reference to a repository")
    assert str(Reference.parse(row["Reference"])) == row["Equivalent"]


@pytest.mark.parametrize("row", cases("reference.json", "parse_docker_ref"))
def test_default_tag(row: dict[str, str]) -> None:
    """`latest` is added where neither tag nor digest is given."""
    if row["name"] == "both tag and digest":
        pytest.skip("that function drops the tag; here both stay, as `docker pull` shows them")
    assert str(Reference.parse(row["input"]).with_default_tag()) == row["expected"]


@pytest.mark.parametrize("row", cases("reference.json", "with_tag", "name"))
def test_with_tag(row: dict[str, str]) -> None:
    """A tag is put between name and digest, its case unchanged."""
    reference = Reference.parse(f"{row['name']}:old")
    if "digest" in row:
        reference = reference.with_digest(DIGEST)
    expected = row["combined"].replace(row.get("digest", "@"), DIGEST)
    tagged = reference.with_tag(row["tag"])
    assert tagged.familiar == expected
    assert reference.tag == "old"


@pytest.mark.parametrize("row", cases("reference.json", "domain_regexp"))
def test_domains(row: dict[str, str]) -> None:
    """A registry is a host name or a bracketed IPv6 address, with a port or without."""
    if row["match"]:
        assert Reference(row["input"], "a/b").domain == row["input"]
    else:
        with pytest.raises(InvalidReferenceError):
            Reference(row["input"], "a/b")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("Ubuntu", "`library/Ubuntu` must be lower-case"),
        ("localhost/Team/app", "`Team/app` must be lower-case"),
        ("https://localhost/app", "no scheme"),
        ("app:", "invalid tag ``"),
        ("app:a b", "invalid tag `a b`"),
        ("app:-1", "invalid tag `-1`"),
        (f"app:{'t' * 129}", "at most 128"),
        ("app@sha256:12", "takes 64 lower-case hexadecimal digits"),
        ("app@", "invalid digest"),
        ("app@md5:12", "unsupported digest algorithm `md5`"),
        ("a_b.example:80/app", "invalid registry `a_b.example:80`"),
        ("a//b", "must be of letters"),
        ("app\n", "must be of letters"),
        ("a/" * 128 + "ab", "longer than 255"),
        ("0" * 64, "are an image ID"),
    ],
)
def test_a_refusal_says_why(text: str, reason: str) -> None:
    """The message shows the reference and what is wrong with it."""
    with pytest.raises(InvalidReferenceError, match="invalid reference `") as caught:
        Reference.parse(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("length", "fits"), [(127, True), (128, True), (129, False)])
def test_the_length_of_a_tag(length: int, fits: bool) -> None:  # noqa: FBT001
    """A tag has 128 characters at most."""
    if fits:
        assert Reference.parse("app").with_tag("t" * length).tag == "t" * length
    else:
        with pytest.raises(InvalidReferenceError):
            Reference.parse("app").with_tag("t" * length)


@pytest.mark.parametrize(("length", "fits"), [(254, True), (255, True), (256, False)])
def test_the_length_of_a_path(length: int, fits: bool) -> None:  # noqa: FBT001
    """A path has 255 characters at most, whatever the registry's name adds."""
    text = f"localhost:5000/{'p' * length}"
    if fits:
        assert Reference.parse(text).repository == text
    else:
        with pytest.raises(InvalidReferenceError):
            Reference.parse(text)


# Without dots: before a slash they make a registry of it.
component = st.from_regex(r"[a-z0-9]+((_|__|-+)[a-z0-9]+)?", fullmatch=True)


@given(
    domain=st.sampled_from(["docker.io", "localhost", "localhost:5000", "example.com", "[::1]:80"]),
    path=st.lists(component, min_size=2, max_size=3).map("/".join),
    tag=st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    digest=st.none() | st.binary(max_size=2).map(Digest.of),
)
def test_both_forms_read_back(
    domain: str, path: str, tag: str | None, digest: Digest | None
) -> None:
    """The full and the familiar form of any reference mean that reference."""
    reference = Reference(domain, path, tag, digest)
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in another way."""
    with contextlib.suppress(InvalidReferenceError):
        Reference.parse(text)


def test_a_tag_whose_short_form_is_none_stays_whole() -> None:
    """On Docker Hub the first part may have what no registry's name has."""
    reference = Reference.parse("index.docker.io/a.b_c.io/app:1")
    assert repo_tag(reference) == "docker.io/a.b_c.io/app:1"
