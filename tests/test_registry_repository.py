"""A repository: manifests, tags, and what is answered to questions about them."""

import hashlib
import json
import time
from typing import Any

import pytest

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import MAX_DOCUMENT_SIZE
from fastlayer.errors import (
    InvalidDigestError,
    InvalidImageError,
    InvalidReferenceError,
    RegistryError,
    RegistryWarning,
)
from fastlayer.media_type import DOCKER_MANIFEST, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from fastlayer.registry.repository import Repository
from registry_twin import BASE, Asked, Reply, Twin, digest_of, refusal, session

MANIFEST = json.dumps({"mediaType": OCI_MANIFEST}).encode()
DIGEST = Digest(digest_of(MANIFEST))
ZERO = Digest(f"sha256:{'0' * 64}")


def repository(twin: Twin) -> Repository:
    return session(twin).repository("team/app")


def reply(content: bytes = MANIFEST, media_type: str = OCI_MANIFEST, **headers: str) -> Reply:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(200, {"Content-Type": media_type, **more}, content)


def test_a_manifest_is_read_by_tag_or_digest() -> None:
    """It is asked for in every form that is understood."""
    twin = Twin([reply(), reply(docker_content_digest=DIGEST), reply()])
    for reference in ("latest", DIGEST, str(DIGEST)):
        descriptor, content = repository(twin).manifest(reference)
        assert descriptor == Descriptor(OCI_MANIFEST, DIGEST, len(MANIFEST))
        assert content == MANIFEST
    assert twin.lines[:2] == [
        "GET /v2/team/app/manifests/latest",
        f"GET /v2/team/app/manifests/{DIGEST}",
    ]
    assert OCI_INDEX in twin.asked[0].headers["Accept"]
    assert DOCKER_MANIFEST in twin.asked[0].headers["Accept"]


def test_a_manifest_may_have_another_kind_of_digest() -> None:
    """What it is asked for by is what it is checked by."""
    digest = f"sha512:{hashlib.sha512(MANIFEST).hexdigest()}"
    descriptor, _ = repository(Twin([reply()])).manifest(digest)
    assert descriptor.digest == digest
    with pytest.raises(InvalidImageError, match="does not have the digest `sha512:0"):
        repository(Twin([reply()])).manifest(f"sha512:{'0' * 128}")


@pytest.mark.parametrize("reference", ["", "a b", "a/b", "..", "a?b", "x" * 129])
def test_a_tag_is_checked_before_it_is_sent(reference: str) -> None:
    """It becomes part of a URL."""
    asking = repository(Twin([]))
    for ask in (asking.manifest, asking.head_manifest, asking.delete_manifest):
        with pytest.raises(InvalidReferenceError):
            ask(reference)
    if reference:
        with pytest.raises(InvalidReferenceError):
            asking.put_manifest(MANIFEST, OCI_MANIFEST, reference)
    with pytest.raises(InvalidDigestError):
        asking.manifest("sha256:../../x")


@pytest.mark.parametrize("path", ["", "A", "a//b", "../a", "a?b", "a b", "/a"])
def test_a_path_is_checked_before_it_is_sent(path: str) -> None:
    """That of the repository, and that of one to mount from."""
    with pytest.raises(InvalidReferenceError):
        session([]).repository(path)
    with pytest.raises(InvalidReferenceError):
        repository(Twin([])).mount(ZERO, path)


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (reply(MANIFEST + b" "), InvalidImageError, f"not have the digest `{DIGEST}`"),
        (reply(docker_content_digest=ZERO), InvalidImageError, f"not have the digest `{ZERO}`"),
        (reply(docker_content_digest="md5:00"), InvalidImageError, "cannot be checked: unsup"),
        (reply(b"<html>", "text/html"), RegistryError, "answered with `text/html`, which is no"),
        (reply(media_type=OCI_INDEX), InvalidImageError, "says `application.*but is sent as"),
        (reply(media_type=OCI_LAYER), RegistryError, "which is no manifest"),
        (Reply(200, body=b"{}"), InvalidImageError, "does not say that it is a manifest"),
        (reply(b"[]"), InvalidImageError, "is not a JSON object"),
        (reply(b"{"), InvalidImageError, "is not a JSON object"),
        (reply(b"\xff"), InvalidImageError, "is not a JSON object"),
        (reply(b'{"a":' * 99_999), InvalidImageError, "is not a JSON object"),
        (refusal(404, "MANIFEST_UNKNOWN", "no"), RegistryError, "404 `MANIFEST_UNKNOWN`: `no`"),
    ],
)
def test_a_wrong_manifest_is_refused(answer: Reply, error: type[Exception], reason: str) -> None:
    """With what is wrong with it."""
    reference = DIGEST
    body = answer.body
    assert isinstance(body, bytes)
    if answer.status == 200 and body not in (MANIFEST, MANIFEST + b" "):
        reference = Digest(digest_of(body))
    with pytest.raises(error, match=reason):
        repository(Twin([answer])).manifest(reference)


@pytest.mark.parametrize(
    ("content_type", "member"),
    [
        (OCI_MANIFEST, None),
        (f"{OCI_MANIFEST}; charset=utf-8", OCI_MANIFEST),
        (OCI_MANIFEST.upper(), OCI_MANIFEST),
        ("application/json", OCI_MANIFEST),
        ("", OCI_MANIFEST),
        ("text/plain; charset=utf-8", OCI_MANIFEST),
    ],
)
def test_the_media_type_is_that_of_the_header_or_of_the_document(
    content_type: str, member: str | None
) -> None:
    """One of them may say nothing of it."""
    content = json.dumps({} if member is None else {"mediaType": member}).encode()
    descriptor, _ = repository(Twin([reply(content, content_type)])).manifest("latest")
    assert descriptor.media_type == OCI_MANIFEST


@pytest.mark.parametrize(
    ("size", "fits"), [(MAX_DOCUMENT_SIZE, True), (MAX_DOCUMENT_SIZE + 1, False)]
)
def test_a_manifest_has_a_limit(size: int, fits: bool) -> None:  # noqa: FBT001
    """That of every document."""
    content = MANIFEST + b" " * (size - len(MANIFEST))
    asking = repository(Twin([reply(content)]))
    if fits:
        assert asking.manifest("latest")[0].size == size
    else:
        with pytest.raises(RegistryError, match="more than the limit of 4194304 bytes"):
            asking.manifest("latest")


def test_a_manifest_is_looked_up() -> None:
    """Without reading it, if the headers say all; `None` if there is none."""
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": DIGEST, "Content-Length": "9"}
    twin = Twin([Reply(200, headers), Reply(404)])
    assert repository(twin).head_manifest("latest") == Descriptor(OCI_MANIFEST, DIGEST, 9)
    assert repository(twin).head_manifest("latest") is None
    assert twin.lines == ["HEAD /v2/team/app/manifests/latest"] * 2
    with pytest.raises(InvalidImageError, match=f"has `{DIGEST}` at `{ZERO}`"):
        repository(Twin([Reply(200, headers)])).head_manifest(ZERO)


@pytest.mark.parametrize(
    "less",
    [
        {"Docker-Content-Digest": ""},
        {"Docker-Content-Digest": "sha256:short"},
        {"Content-Length": "9" * 99},
        {"Content-Length": "-1"},
        {"Content-Type": "application/json"},
    ],
)
def test_what_the_headers_do_not_say_is_read(less: dict[str, str]) -> None:
    """They need not say it."""
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": DIGEST, "Content-Length": "9"}
    twin = Twin([Reply(200, headers | less), reply()])
    found = repository(twin).head_manifest("latest")
    assert found == Descriptor(OCI_MANIFEST, DIGEST, len(MANIFEST))


def test_a_manifest_is_stored_by_tag_or_digest() -> None:
    """The bytes are those that were given, and the registry has to have understood that."""
    twin = Twin([Reply(201, {"Docker-Content-Digest": DIGEST}), Reply(201)])
    assert repository(twin).put_manifest(MANIFEST, OCI_MANIFEST, "latest") == DIGEST
    assert repository(twin).put_manifest(MANIFEST, OCI_MANIFEST) == DIGEST
    assert twin.lines == [
        "PUT /v2/team/app/manifests/latest",
        f"PUT /v2/team/app/manifests/{DIGEST}",
    ]
    assert twin.asked[0].body == MANIFEST
    assert twin.asked[0].headers["Content-Type"] == OCI_MANIFEST
    wrong = Reply(201, {"Docker-Content-Digest": ZERO})
    with pytest.raises(InvalidImageError, match=f"keeps the manifest as `{ZERO}`"):
        repository(Twin([wrong])).put_manifest(MANIFEST, OCI_MANIFEST)


def test_a_manifest_that_not_every_registry_takes_is_warned_of() -> None:
    """It is sent all the same."""
    content = b" " * (MAX_DOCUMENT_SIZE + 1)
    with pytest.warns(RegistryWarning, match="has 4194305 bytes: a registry need not"):
        repository(Twin([Reply(201)])).put_manifest(content, OCI_MANIFEST, "x")
    repository(Twin([Reply(201)])).put_manifest(content[1:], OCI_MANIFEST, "x")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_manifest_is_deleted(status: int) -> None:
    """However the registry says that it was."""
    twin = Twin([Reply(status)])
    repository(twin).delete_manifest("latest")
    assert twin.lines == ["DELETE /v2/team/app/manifests/latest"]
    with pytest.raises(RegistryError, match="405 `UNSUPPORTED`"):
        repository(Twin([refusal(405, "UNSUPPORTED")])).delete_manifest(DIGEST)


def page(tags: Any, link: str = "") -> Reply:
    return Reply(200, {"Link": link} if link else {}, json.dumps({"tags": tags}).encode())


def test_tags_come_in_pages() -> None:
    """Each names the next, in one of several links, with or without quotes."""
    twin = Twin(
        [
            page(["a", "b"], '</v2/team/app/tags/list?last=b>; rel="next"'),
            page(None, f'<{BASE}/x>; rel="prev", <{BASE}/v2/team/app/tags/list?last=c>;rel=next'),
            page(["d"], '</x>; rel="prev"'),
        ]
    )
    assert list(repository(twin).tags()) == ["a", "b", "d"]
    assert twin.lines == [
        "GET /v2/team/app/tags/list",
        "GET /v2/team/app/tags/list?last=b",
        "GET /v2/team/app/tags/list?last=c",
    ]


def test_tags_have_a_limit_together() -> None:
    """However many pages they come in: whoever lists them holds them."""
    body = b'{"tags":["%s"]}' % (b"x" * ((4 << 20) - 13))
    pages = [Reply(200, {"Link": f'<{BASE}/{page}>; rel="next"'}, body) for page in range(17)]
    tags = repository(Twin(pages)).tags()
    for _ in range(16):
        next(tags)
    with pytest.raises(RegistryError, match="has tags of more than 67108864 bytes"):
        next(tags)


def test_a_long_link_takes_no_long_time() -> None:
    """Whatever could be the beginning of one, over and over."""
    start = time.process_time()
    for link in ("<" * 65536, "<>; rel" * 9362, f"<>{' ' * 65534}", f"<>;{' rel ' * 13106}"):
        assert list(repository(Twin([page(["a"], link * 9)])).tags()) == ["a"]
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (page("a"), "not answered with tags"),
        (page([1]), "not answered with tags"),
        (Reply(200, body=b"<html>"), "not answered with tags"),
        (
            page([], '<http://registry.example/>; rel="next"'),
            "next page nowhere: it leads from TLS",
        ),
        (page([], '<https://a:secret@b/>; rel="next"'), "next page nowhere: it has a user"),
        (page([], f'<{BASE}/v2/team/app/tags/list>; rel="next"'), "do not end"),
        (refusal(404, "NAME_UNKNOWN"), "404 `NAME_UNKNOWN`"),
    ],
)
def test_a_wrong_list_of_tags_is_refused(answer: Reply, reason: str) -> None:
    """And one that never ends."""
    with pytest.raises(RegistryError, match=reason) as caught:
        list(repository(Twin([answer] * 3)).tags())
    assert "secret" not in str(caught.value)


def test_a_blob_is_looked_up() -> None:
    """By a question of which the answer has no body."""
    twin = Twin([Reply(200), Reply(404)])
    assert repository(twin).has_blob(ZERO)
    assert not repository(twin).has_blob(ZERO)
    assert twin.lines == [f"HEAD /v2/team/app/blobs/{ZERO}"] * 2


def mounting(answer: Reply) -> Twin:
    def answers(asked: Asked) -> Reply:
        if "mount=" in asked.url:
            return answer
        return Reply({"POST": 202, "DELETE": 204}[asked.method], {"Location": "/u/2"})

    return Twin(answers)


@pytest.mark.parametrize(
    ("answer", "done", "lines"),
    [
        (Reply(201), True, []),
        (Reply(202, {"Location": "/u/1"}), False, ["DELETE /u/1"]),
        (refusal(404, "BLOB_UNKNOWN"), False, ["POST /v2/team/app/blobs/uploads/", "DELETE /u/2"]),
        (refusal(403, "DENIED"), False, ["POST /v2/team/app/blobs/uploads/", "DELETE /u/2"]),
    ],
)
def test_a_blob_is_mounted(answer: Reply, done: bool, lines: list[str]) -> None:  # noqa: FBT001
    """Or not, and then nothing is left of the try."""
    twin = mounting(answer)
    assert repository(twin).mount(ZERO, "base/image") == done
    first = f"POST /v2/team/app/blobs/uploads/?mount={ZERO}&from=base/image"
    assert twin.lines == [first, *lines]
