"""The registry of the tests itself: a fault that it does not show would prove nothing."""

import base64
import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from conformance.peers import find
from registries import (
    Alter,
    Answer,
    Authority,
    Basic,
    Bearer,
    Cut,
    CutAnswer,
    Endless,
    Fault,
    LoseUpload,
    Redirect,
    Registry,
    Reply,
    Rules,
    error,
)

CONTENT = b"all that is in this blob"
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
UPLOADS = "/v2/demo/blobs/uploads/"


@dataclass(frozen=True)
class Seen:
    status: int
    headers: Message
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["errors"][0]["code"])


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


OPENER = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def ask(
    registry: Registry,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Seen:
    request = urllib.request.Request(  # noqa: S310 - the URL is this test's
        f"{registry.base}{path}", body, dict(headers or {}), method=method
    )
    try:
        with OPENER.open(request, timeout=10) as answer:
            return Seen(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Seen(refused.code, refused.headers, refused.read())


def begin(registry: Registry, query: str = "") -> Seen:
    return ask(registry, "POST", f"{UPLOADS}{query}", b"")


def chunk(registry: Registry, location: str, start: int, content: bytes) -> Seen:
    headers = {"Content-Range": f"{start}-{start + len(content) - 1}"}
    return ask(registry, "PATCH", location, content, headers)


def close(registry: Registry, location: str, content: bytes = b"") -> Seen:
    return ask(registry, "PUT", f"{location}&digest={DIGEST}", content)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


def test_a_blob_goes_up_whole_and_comes_down(registry: Registry) -> None:
    assert ask(registry, "HEAD", f"/v2/demo/blobs/{DIGEST}").status == 404
    done = close(registry, begin(registry).headers["Location"], CONTENT)
    assert (done.status, done.headers["Docker-Content-Digest"]) == (201, DIGEST)
    assert ask(registry, "GET", f"/v2/demo/blobs/{DIGEST}").body == CONTENT
    put = registry.asked("PUT")[0]
    assert (put.size, put.status, registry.open_uploads) == (len(CONTENT), 201, 0)


def test_a_stream_has_no_length(registry: Registry) -> None:
    """Pieces with `Transfer-Encoding: chunked`, as a client sends what it is still making."""
    connection = http.client.HTTPConnection(registry.domain, timeout=10)
    location = begin(registry).headers["Location"]
    connection.request("PATCH", location, iter([CONTENT[:5], CONTENT[5:]]), encode_chunked=True)
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Range"]) == (202, f"0-{len(CONTENT) - 1}")
    assert close(registry, answer.headers["Location"]).status == 201
    connection.close()


def test_chunks_come_in_order_and_to_the_last_location(registry: Registry) -> None:
    first = begin(registry).headers["Location"]
    second = chunk(registry, first, 0, CONTENT[:10]).headers["Location"]
    assert chunk(registry, first, 10, CONTENT[10:]).code == "BLOB_UPLOAD_INVALID"
    again = chunk(registry, second, 0, CONTENT[:10])
    assert (again.status, again.headers["Range"]) == (416, "0-9")
    assert ask(registry, "GET", first).headers["Location"] == second
    last = chunk(registry, second, 10, CONTENT[10:]).headers["Location"]
    assert close(registry, last).status == 201


def test_only_the_last_chunk_may_be_short() -> None:
    with Registry(rules=Rules(min_chunk=10)) as registry:
        begun = begin(registry)
        assert begun.headers["OCI-Chunk-Min-Length"] == "10"
        short = chunk(registry, begun.headers["Location"], 0, CONTENT[:9]).headers["Location"]
        assert chunk(registry, short, 9, CONTENT[9:]).code == "SIZE_INVALID"


def test_a_wrong_digest_is_refused(registry: Registry) -> None:
    assert close(registry, begin(registry).headers["Location"], b"other").code == "DIGEST_INVALID"
    assert registry.blob("demo", DIGEST) is None


def test_mounts() -> None:
    for mounts, status in ((True, 201), (False, 202)):
        with Registry(rules=Rules(mounts=mounts)) as registry:
            registry.add_blob("base", CONTENT)
            assert begin(registry, f"?mount={DIGEST}&from=base").status == status
            assert (registry.blob("demo", DIGEST) is not None) == mounts


def test_a_manifest_needs_its_blobs(registry: Registry) -> None:
    manifest = json.dumps({"layers": [{"digest": DIGEST}]}).encode()
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    path = "/v2/demo/manifests/one"
    assert ask(registry, "PUT", path, manifest, headers).code == "MANIFEST_BLOB_UNKNOWN"
    registry.add_blob("demo", CONTENT)
    digest = ask(registry, "PUT", path, manifest, headers).headers["Docker-Content-Digest"]
    found = ask(registry, "GET", f"/v2/demo/manifests/{digest}")
    assert (found.body, found.headers["Content-Type"]) == (manifest, headers["Content-Type"])
    assert ask(registry, "DELETE", path).status == 202
    assert ask(registry, "HEAD", path).status == 404


def test_tags_come_in_pages(registry: Registry) -> None:
    for tag in ("c", "a", "b"):
        registry.add_manifest("demo", "", b"{}", tag)
    first = ask(registry, "GET", "/v2/demo/tags/list?n=2")
    assert json.loads(first.body)["tags"] == ["a", "b"]
    assert first.headers["Link"] == '</v2/demo/tags/list?n=2&last=b>; rel="next"'
    second = ask(registry, "GET", "/v2/demo/tags/list?n=2&last=b")
    assert (json.loads(second.body)["tags"], second.headers["Link"]) == (["c"], None)


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=4-", 206, CONTENT[4:]),
        ("bytes=4-7", 206, CONTENT[4:8]),
        (f"bytes={len(CONTENT)}-", 416, b""),
    ],
)
def test_parts_of_blobs(registry: Registry, asked: str, status: int, content: bytes) -> None:
    registry.add_blob("demo", CONTENT)
    found = ask(registry, "GET", f"/v2/demo/blobs/{DIGEST}", headers={"Range": asked})
    assert (found.status, found.body) == (status, content)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_basic() -> None:
    with Registry(auth=Basic({"ann": "right"})) as registry:
        assert ask(registry, "GET", "/v2/").headers["WWW-Authenticate"].startswith("Basic ")
        assert ask(registry, "GET", "/v2/", headers=basic("ann", "wrong")).status == 401
        assert ask(registry, "GET", "/v2/", headers=basic("ann", "right")).status == 200


def test_a_token_is_for_its_scopes_and_ends() -> None:
    auth = Bearer({"ann": "right"}, uses=2)
    with Registry(auth=auth) as registry:
        refused = begin(registry)
        assert refused.headers["WWW-Authenticate"] == (
            f'Bearer realm="{registry.base}/token",service="test",scope="repository:demo:pull,push"'
        )
        path = "/token?service=test&scope=repository:demo:pull,push"
        assert ask(registry, "GET", path, headers=basic("ann", "wrong")).status == 401
        for headers, status in ((basic("ann", "right"), 202), ({}, 401)):
            token = json.loads(ask(registry, "GET", path, headers=headers).body)["token"]
            bearer = {"Authorization": f"Bearer {token}"}
            assert ask(registry, "POST", UPLOADS, b"", bearer).status == status
        token = json.loads(ask(registry, "GET", path, headers=basic("ann", "right")).body)["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        got = [ask(registry, "POST", UPLOADS, b"", bearer).status for _ in range(3)]
        assert got == [202, 202, 401]


def test_a_refresh_token_is_posted() -> None:
    auth = Bearer({"ann": "right"}, refresh_tokens={"lasting": "ann"})
    with Registry(auth=auth) as registry:
        form = b"grant_type=refresh_token&refresh_token=lasting&scope=repository:demo:pull,push"
        token = json.loads(ask(registry, "POST", "/token", form).body)["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert ask(registry, "POST", UPLOADS, b"", bearer).status == 202


def test_a_fault_happens_when_it_is_due(registry: Registry) -> None:
    busy = Reply(error(429, "TOOMANYREQUESTS", headers={"Retry-After": "1"}))
    registry.fail(Fault("GET /v2/$", busy, times=2, skip=1))
    got = [ask(registry, "GET", "/v2/").status for _ in range(4)]
    assert got == [200, 429, 429, 200]
    assert ask(registry, "GET", "/v2/").headers["Retry-After"] is None


def test_a_fault_that_does_not_happen_is_an_error() -> None:
    with pytest.raises(AssertionError, match="did not happen"), Registry() as registry:
        registry.fail(Fault("GET /v2/$", Cut()))


def test_a_cut_upload_keeps_what_came(registry: Registry) -> None:
    registry.fail(
        Fault("PATCH", Cut(after=10)),
        Fault("PATCH", Cut(after=3, kept=False)),
    )
    location = begin(registry).headers["Location"]
    for _ in range(2):
        with pytest.raises((ConnectionError, urllib.error.URLError)):
            ask(registry, "PATCH", location, CONTENT)
        status = ask(registry, "GET", location)
        assert (status.status, status.headers["Range"]) == (204, "0-9")
        location = status.headers["Location"]
    last = chunk(registry, location, 10, CONTENT[10:]).headers["Location"]
    assert close(registry, last).status == 201


def test_a_cut_upload_can_be_over() -> None:
    """docker-registry has no way back to a session that has got more than its Location says."""
    with Registry(rules=Rules(resumes=False)) as registry:
        registry.fail(Fault("PATCH", Cut(after=10)))
        location = begin(registry).headers["Location"]
        with pytest.raises((ConnectionError, urllib.error.URLError)):
            ask(registry, "PATCH", location, CONTENT)
        assert ask(registry, "GET", location).code == "BLOB_UPLOAD_INVALID"
        assert ask(registry, "GET", location).code == "BLOB_UPLOAD_UNKNOWN"


def test_a_cut_answer_is_short(registry: Registry) -> None:
    registry.add_blob("demo", CONTENT)
    registry.fail(Fault("GET", CutAnswer(after=5)), Fault("GET", CutAnswer(reset=True)))
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(registry, "GET", f"/v2/demo/blobs/{DIGEST}")
    assert cut.value.partial == CONTENT[:5]
    with pytest.raises((ConnectionResetError, urllib.error.URLError)):
        ask(registry, "GET", f"/v2/demo/blobs/{DIGEST}")


def test_an_answer_may_come_before_the_body_is_read(registry: Registry) -> None:
    registry.fail(Fault("PATCH", Reply(error(401, "UNAUTHORIZED"), read=3)))
    location = begin(registry).headers["Location"]
    assert ask(registry, "PATCH", location, bytes(1 << 20)).status == 401
    assert registry.asked("PATCH")[0].size == 3


def test_answers_are_altered(registry: Registry) -> None:
    registry.add_blob("demo", CONTENT)
    path = f"/v2/demo/blobs/{DIGEST}"
    wrong = Alter(headers={"Docker-Content-Digest": "wrong"}, body=bytes.upper)
    registry.fail(
        Fault("GET", wrong),
        Fault("GET", Alter(headers={"Content-Length": None})),
        Fault("PATCH", Alter(status=204)),
    )
    assert ask(registry, "GET", path).body == CONTENT.upper()
    without = ask(registry, "GET", path)
    assert (without.headers["Transfer-Encoding"], without.body) == ("chunked", CONTENT)
    assert chunk(registry, begin(registry).headers["Location"], 0, CONTENT).status == 204


def test_a_lost_session_is_unknown(registry: Registry) -> None:
    registry.fail(Fault("PATCH", LoseUpload()))
    lost = chunk(registry, begin(registry).headers["Location"], 0, CONTENT)
    assert (lost.status, lost.code, registry.open_uploads) == (404, "BLOB_UPLOAD_UNKNOWN", 0)


def test_a_redirect_leads_to_another_host(registry: Registry) -> None:
    with Registry() as other:
        registry.fail(Fault("GET", Redirect(other.base)), Fault("GET", Redirect("http://x/y", 302)))
        assert ask(registry, "GET", "/v2/a").headers["Location"] == f"{other.base}/v2/a"
        assert ask(registry, "GET", "/v2/a").headers["Location"] == "http://x/y"


def test_an_endless_answer_ends_with_the_client(registry: Registry) -> None:
    registry.fail(Fault("GET", Endless()))
    connection = http.client.HTTPConnection(registry.domain, timeout=10)
    connection.request("GET", "/v2/")
    with connection.getresponse() as answer:
        assert answer.read(20) == b'{"token":"xxxxxxxxxx'
    connection.close()
    assert registry.asked()[0].sent < Endless().limit


def test_an_answer_of_the_test(registry: Registry) -> None:
    registry.fail(Fault("GET", Reply(Answer(200, {"Content-Type": "text/html"}, b"<html>"))))
    assert ask(registry, "GET", "/v2/").headers["Content-Type"] == "text/html"


def test_tls_of_a_throw_away_authority(tmp_path: Path) -> None:
    authority = Authority.made(find("openssl"), tmp_path / "authority")
    with Registry(tls=authority.server) as registry:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(registry, "GET", "/v2/")
        connection = http.client.HTTPSConnection(
            registry.domain, timeout=10, context=authority.client
        )
        connection.request("GET", "/v2/")
        assert connection.getresponse().read() == b"{}"
        connection.close()
