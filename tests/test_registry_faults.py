"""What a registry can do wrong: the rows of the table of faults, each against one that does it."""

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import (
    InvalidArgumentError,
    InvalidImageError,
    RegistryAuthError,
    RegistryError,
    RegistryWarning,
)
from fastlayer.media_type import OCI_LAYER, OCI_MANIFEST
from fastlayer.registry.repository import Repository
from registries import (
    Alter,
    Answer,
    Bearer,
    Cut,
    CutAnswer,
    Endless,
    Fault,
    Redirect,
    Registry,
    Reply,
    Rules,
    error,
)
from registries.client import PATH, Pauses, demo, sent_to

CONTENT = bytes(range(256)) * 8
DIGEST = Digest(f"sha256:{hashlib.sha256(CONTENT).hexdigest()}")
BLOB = Descriptor(OCI_LAYER, DIGEST, len(CONTENT))
HEAD_BLOB = f"HEAD /v2/{PATH}/blobs/"
GET_BLOB = f"GET /v2/{PATH}/blobs/sha256"
UPLOAD = f"/v2/{PATH}/blobs/uploads/"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).encode()
USER: Any = {"username": "ann", "password": "secret-password"}

MANY = 1 << 30

PASSING = (408, 429, 499, 500, 502, 503, 504, 522)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def repository(registry: Registry, pauses: Pauses) -> Iterator[Repository]:
    with demo(registry, pauses) as repository:
        yield repository


def read(repository: Repository) -> bytes:
    return b"".join(repository.blob(BLOB).chunks())


# 39: 429 with Retry-After, 5xx, resets, cut uploads and downloads.


@pytest.mark.parametrize("status", PASSING)
def test_a_failure_that_passes_is_waited_for(
    registry: Registry, repository: Repository, pauses: Pauses, status: int
) -> None:
    registry.fail(Fault(HEAD_BLOB, Reply(Answer(status)), times=2))
    registry.add_blob(PATH, CONTENT)
    assert repository.has_blob(DIGEST)
    assert len(pauses) == 2
    assert 0 < pauses[0] < pauses[1]


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        (lambda: "7", (7, 8)),
        (lambda: "0", (0, 0.1)),
        (lambda: formatdate(time.time() + 30, usegmt=True), (25, 34)),
        (lambda: formatdate(time.time() - 30, usegmt=True), (0, 0.1)),
        (lambda: "86400", (1, 120)),
        (lambda: "1" * 5000, (1, 120)),
        (lambda: formatdate(time.time() + 86400, usegmt=True), (1, 120)),
        (lambda: "soon", (0.01, 5)),
        (lambda: "-5", (0.01, 5)),
        (lambda: "Mon, 99 Foo 99999 99:99:99 GMT", (0.01, 5)),
    ],
)
def test_the_registry_says_how_long(
    registry: Registry,
    repository: Repository,
    pauses: Pauses,
    said: Callable[[], str],
    limits: tuple[float, float],
) -> None:
    """Seconds or a date, up to a limit; what is neither is as if it wasn't there."""
    busy = error(429, "TOOMANYREQUESTS", headers={"Retry-After": said()})
    registry.fail(Fault(HEAD_BLOB, Reply(busy)))
    repository.has_blob(DIGEST)
    (pause,) = pauses
    assert limits[0] <= pause <= limits[1]


@pytest.mark.parametrize("action", [Cut(), CutAnswer(), CutAnswer(reset=True), CutAnswer(after=5)])
def test_a_cut_answer_is_asked_for_again(
    registry: Registry, repository: Repository, pauses: Pauses, action: Cut | CutAnswer
) -> None:
    registry.add_manifest(PATH, OCI_MANIFEST, MANIFEST, "tag")
    registry.fail(Fault("GET .*/manifests/", action, times=2))
    assert repository.manifest("tag")[1] == MANIFEST
    assert len(pauses) in (1, 2)  # a connection that was kept is not waited for


def test_who_is_always_busy_is_given_up(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault(HEAD_BLOB, Reply(Answer(503)), times=None))
    with pytest.raises(RegistryError, match=r"503.*\(\d tries\)") as failed:
        repository.has_blob(DIGEST)
    assert failed.value.status == 503
    assert f"({len(sent_to(registry))} tries)" in str(failed.value)


def test_who_always_cuts_is_given_up(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault(HEAD_BLOB, Cut(), times=None))
    with pytest.raises(RegistryError, match=r"cut.*\(\d tries\)") as failed:
        repository.has_blob(DIGEST)
    assert failed.value.status is None
    assert len(sent_to(registry)) < 12


def test_a_server_that_closes_each_connection(
    registry: Registry, repository: Repository, pauses: Pauses
) -> None:
    """It doesn't say so, and is not waited for: another connection is there at once."""
    registry.fail(Fault(".*", CutAnswer(after=MANY), times=None))
    for number in range(100):
        repository.upload(str(number).encode())
    assert len(pauses) == 0


@pytest.mark.parametrize("status", [400, 403, 405, 413, 501])
def test_a_lasting_refusal_is_not_asked_again(
    registry: Registry, repository: Repository, status: int
) -> None:
    registry.fail(Fault("GET .*/manifests/", Reply(error(status, "UNSUPPORTED", "why not"))))
    with pytest.raises(RegistryError, match=f"{status}.*`UNSUPPORTED`.*`why not`") as failed:
        repository.manifest("tag")
    assert (failed.value.status, failed.value.code) == (status, "UNSUPPORTED")
    assert len(sent_to(registry)) == 1


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("length", ["known", "unknown"])
def test_a_cut_download_goes_on_where_it_was(
    registry: Registry, repository: Repository, length: str, *, reset: bool
) -> None:
    """Three cuts, and every byte but those lost on the way is sent once."""
    registry.add_blob(PATH, CONTENT)
    if length == "unknown":
        registry.fail(Fault(GET_BLOB, Alter(headers={"Content-Length": None}), skip=3))
    registry.fail(Fault(GET_BLOB, CutAnswer(after=500, reset=reset), times=3))
    assert read(repository) == CONTENT
    asked = sent_to(registry, GET_BLOB)
    assert asked[0].headers["Range"] is None
    if not reset:  # which can take back what was sent
        assert [request.headers["Range"] for request in asked[1:]] == [
            "bytes=500-",
            "bytes=1000-",
            "bytes=1500-",
        ]


def test_a_server_without_ranges_sends_all_again() -> None:
    with Registry(rules=Rules(ranges=False)) as registry, demo(registry) as repository:
        registry.add_blob(PATH, CONTENT)
        registry.fail(Fault(GET_BLOB, CutAnswer(after=500), times=2))
        assert read(repository) == CONTENT


def test_another_part_than_asked_for_is_refused(registry: Registry, repository: Repository) -> None:
    registry.add_blob(PATH, CONTENT)
    other = Alter(headers={"Content-Range": f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}"})
    registry.fail(Fault(GET_BLOB, CutAnswer(after=500)), Fault(GET_BLOB, other))
    with pytest.raises(RegistryError, match="byte 500"):
        read(repository)


@pytest.mark.parametrize("change", [lambda blob: blob[:-1], lambda blob: blob + b"x"])
@pytest.mark.parametrize("length", ["known", "unknown"])
def test_a_blob_of_another_size_is_refused(
    registry: Registry, repository: Repository, change: Callable[[bytes], bytes], length: str
) -> None:
    registry.add_blob(PATH, CONTENT)
    headers = {"Content-Length": None} if length == "unknown" else {}
    registry.fail(Fault(GET_BLOB, Alter(headers=headers, body=change), times=None))
    with pytest.raises(InvalidImageError, match=rf"{PATH}@sha256.*{len(CONTENT)}"):
        read(repository)


# 40: a token that is over in the middle, and one that is never good.


def test_a_token_that_is_over_is_replaced() -> None:
    """Each token is good for one request only, and all that has a body is sent whole again."""
    auth = Bearer({"ann": "secret-password"}, uses=1)
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        repository.upload(CONTENT)
        repository.put_manifest(MANIFEST, OCI_MANIFEST, "tag")
        assert registry.blob(PATH, DIGEST) == CONTENT
        assert registry.manifest(PATH, "tag") == MANIFEST
        assert read(repository) == CONTENT
        assert len(registry.asked("GET /token")) > 4


@pytest.mark.parametrize("read_bytes", [None, 0, 100])
def test_a_body_is_sent_again_after_401(read_bytes: int | None) -> None:
    """Also where the refusal comes before the body has been read."""
    auth = Bearer({"ann": "secret-password"})
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        challenge = f'Bearer realm="{registry.base}/token",service="test",scope="repository:x:pull"'
        refused = error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": challenge})
        registry.fail(Fault("PUT .*/uploads/", Reply(refused, read=read_bytes)))
        repository.upload(CONTENT)
        assert registry.blob(PATH, DIGEST) == CONTENT
        assert len(registry.asked("PUT")) == 2


def test_who_takes_no_token_is_given_up() -> None:
    auth = Bearer({"ann": "secret-password"}, uses=0)
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        with pytest.raises(RegistryAuthError, match=r"401.*`UNAUTHORIZED`") as failed:
            repository.manifest("tag")
        assert (failed.value.status, len(registry.requests) < 12) == (401, True)


def test_a_wrong_password_is_not_tried_again(pauses: Pauses) -> None:
    auth = Bearer({"ann": "another"})
    with Registry(auth=auth) as registry, demo(registry, pauses, **USER) as repository:
        with pytest.raises(RegistryAuthError, match="401"):
            repository.upload(CONTENT)
        assert pauses == []


def test_a_busy_token_server_is_waited_for(pauses: Pauses) -> None:
    auth = Bearer({"ann": "secret-password"})
    with Registry(auth=auth) as registry, demo(registry, pauses, **USER) as repository:
        busy = error(429, "TOOMANYREQUESTS", headers={"Retry-After": "9"})
        registry.fail(Fault("GET /token", Reply(busy)), Fault("GET /token", Cut()))
        repository.upload(CONTENT)
        assert pauses[0] == pytest.approx(9, abs=1)
        assert len(pauses) in (1, 2)


# 42: redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_blob_elsewhere_is_read_without_authorization(status: int) -> None:
    auth = Bearer({"ann": "secret-password"})
    with Registry(auth=auth) as registry, Registry() as other, demo(registry, **USER) as repository:
        other.add_blob(PATH, CONTENT)
        registry.fail(Fault(GET_BLOB, Redirect(other.base, status), skip=1))
        assert read(repository) == CONTENT
        (there,) = other.requests
        assert there.headers["Authorization"] is None


def test_a_download_is_redirected_for_each_part(registry: Registry, repository: Repository) -> None:
    """A signed URL is good for a while only: what goes on asks the registry for another."""
    with Registry() as other:
        other.add_blob(PATH, CONTENT)
        other.fail(Fault(GET_BLOB, CutAnswer(after=500)), Fault(GET_BLOB, CutAnswer(after=500)))
        registry.fail(Fault(GET_BLOB, Redirect(other.base), times=3))
        assert read(repository) == CONTENT
        asked = [request.headers["Range"] for request in other.requests]
        assert asked == [None, "bytes=500-", "bytes=1000-"]


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirected_upload_keeps_method_and_body(
    registry: Registry, repository: Repository, status: int
) -> None:
    with Registry() as other:
        other.fail(Fault("PUT", Reply(Answer(201)), times=2))
        registry.fail(
            Fault("PUT .*/uploads/", Redirect(other.base, status)),
            Fault("PUT .*/manifests/", Redirect(other.base, status)),
        )
        repository.upload(CONTENT)
        repository.put_manifest(MANIFEST, OCI_MANIFEST, "tag")
        assert [request.size for request in other.requests] == [len(CONTENT), len(MANIFEST)]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_loses_the_body_is_refused(
    registry: Registry, repository: Repository, status: int
) -> None:
    with Registry() as other:
        registry.fail(Fault("PUT .*/manifests/", Redirect(other.base, status)))
        with pytest.raises(RegistryError, match=f"redirected with {status}"):
            repository.put_manifest(MANIFEST, OCI_MANIFEST, "tag")
        assert other.requests == []


def test_redirects_end(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault(GET_BLOB, Redirect(registry.base), times=None))
    with pytest.raises(RegistryError, match="more than 10 times"):
        read(repository)
    assert len(sent_to(registry)) == 11


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/x", "http://ann:pw@127.0.0.1/x", "http://[/x"])
def test_a_bad_redirect_is_refused(registry: Registry, repository: Repository, to: str) -> None:
    registry.fail(Fault(GET_BLOB, Redirect(to)))
    with pytest.raises(RegistryError, match="redirected badly"):
        read(repository)


# 43: what is no answer of a registry.

LARGE = {"Content-Type": OCI_MANIFEST, "Content-Length": "10000000000"}
HTML = Answer(200, {"Content-Type": "text/html"}, b"<html>welcome</html>")


@pytest.mark.parametrize(
    "call",
    [
        lambda repository: repository.manifest("tag"),
        lambda repository: list(repository.tags()),
    ],
)
@pytest.mark.parametrize("headers", [{"Content-Type": OCI_MANIFEST}, LARGE])
def test_endless_json_ends(
    registry: Registry,
    repository: Repository,
    call: Callable[[Repository], object],
    headers: dict[str, str],
) -> None:
    endless = Endless(headers=headers)
    registry.fail(Fault(f"GET /v2/{PATH}/", endless))
    with pytest.raises(RegistryError, match=rf"{PATH}.* limit of \d+ bytes"):
        call(repository)
    assert sent_to(registry)[0].sent < endless.limit


def test_an_endless_token_ends() -> None:
    with Registry(auth=Bearer()) as registry, demo(registry) as repository:
        registry.fail(Fault("GET /token", Endless()))
        with pytest.raises(RegistryError, match=r"token.* limit of \d+ bytes"):
            repository.has_blob(DIGEST)
        assert registry.asked("GET /token")[0].sent < Endless().limit


def test_an_endless_refusal_ends(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("GET .*/manifests/", Endless(status=404)))
    with pytest.raises(RegistryError, match="404"):
        repository.manifest("tag")
    assert sent_to(registry)[0].sent < Endless().limit


def test_an_endless_blob_ends(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault(GET_BLOB, Endless()))
    with pytest.raises(InvalidImageError, match=f"expected {len(CONTENT)}"):
        read(repository)
    assert sent_to(registry)[0].sent < Endless().limit


def test_html_is_no_manifest(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault(f"GET /v2/{PATH}/", Reply(HTML), times=2))
    with pytest.raises(RegistryError, match=f"{PATH}.*text/html"):
        repository.manifest("tag")
    with pytest.raises(RegistryError, match=f"{PATH}.*tags"):
        list(repository.tags())


def test_html_is_no_token() -> None:
    with Registry(auth=Bearer()) as registry, demo(registry) as repository:
        registry.fail(Fault("GET /token", Reply(HTML)))
        with pytest.raises(RegistryAuthError, match=r"/token` answered without a token"):
            repository.has_blob(DIGEST)


def test_a_refusal_in_html_has_its_status(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("GET .*/manifests/", Reply(Answer(404, HTML.headers, HTML.body))))
    with pytest.raises(RegistryError, match="404") as failed:
        repository.manifest("tag")
    assert (failed.value.status, failed.value.code) == (404, None)
    assert "html" not in str(failed.value)


@pytest.mark.parametrize("what", ["manifests", "tags"])
def test_encoded_json_is_refused(registry: Registry, repository: Repository, what: str) -> None:
    """It was not asked for, and a small one may become a large one."""
    registry.add_manifest(PATH, OCI_MANIFEST, MANIFEST, "tag")
    encoded = Alter(headers={"Content-Encoding": "gzip"}, body=gzip.compress)
    registry.fail(Fault(f"GET .*/{what}/", encoded))
    with pytest.raises(RegistryError, match="encoding `gzip`"):
        _ = repository.manifest("tag") if what == "manifests" else list(repository.tags())


def test_deep_json_is_refused(registry: Registry, repository: Repository) -> None:
    deep = Answer(200, {"Content-Type": OCI_MANIFEST}, b'{"a":' * 200_000)
    registry.fail(Fault("GET .*/manifests/", Reply(deep)))
    with pytest.raises(InvalidImageError, match="not a JSON object"):
        repository.manifest("tag")


def test_a_wrong_manifest_is_refused(registry: Registry, repository: Repository) -> None:
    digest = registry.add_manifest(PATH, OCI_MANIFEST, MANIFEST, "tag")
    registry.fail(Fault("GET .*/manifests/", Alter(body=lambda body: body + b" "), times=2))
    for reference in (digest, "tag"):  # by tag, it is the header that says what it was
        with pytest.raises(InvalidImageError, match="digest"):
            repository.manifest(reference)


def test_a_manifest_kept_as_another_is_refused(registry: Registry, repository: Repository) -> None:
    wrong = Alter(headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"})
    registry.fail(Fault("PUT .*/manifests/", wrong))
    with pytest.raises(InvalidImageError, match="keeps the manifest as"):
        repository.put_manifest(MANIFEST, OCI_MANIFEST, "tag")


def test_pages_of_tags_end(registry: Registry, repository: Repository) -> None:
    """A list whose next page is always the same one."""
    registry.add_manifest(PATH, OCI_MANIFEST, MANIFEST, "tag")
    again = Alter(headers={"Link": f'</v2/{PATH}/tags/list?n=1>; rel="next"'})
    registry.fail(Fault("GET .*/tags/", again, times=None))
    with pytest.raises(RegistryError, match="page"):
        list(repository.tags())


# 44 and 45: what is asked for wrongly.


@pytest.mark.parametrize("extra", [0, 1])
def test_a_manifest_that_registries_need_not_take(
    registry: Registry, repository: Repository, extra: int
) -> None:
    size = (4 << 20) + extra
    content = MANIFEST + b" " * (size - len(MANIFEST))
    if extra == 0:
        repository.put_manifest(content, OCI_MANIFEST, "tag")
        return
    with (
        pytest.warns(RegistryWarning, match=f"{size} bytes"),
        pytest.raises(RegistryError, match="413"),
    ):
        repository.put_manifest(content, OCI_MANIFEST, "tag")


@pytest.mark.parametrize(
    "call",
    [
        lambda repository: repository.manifest("no tag"),
        lambda repository: repository.manifest("../../../_catalog"),
        lambda repository: repository.manifest(""),
        lambda repository: repository.manifest("a" * 129),
        lambda repository: repository.manifest("sha256:short"),
        lambda repository: repository.manifest(f"sha256:{'A' * 64}"),
        lambda repository: repository.head_manifest("a/b"),
        lambda repository: repository.put_manifest(MANIFEST, OCI_MANIFEST, "a?b"),
        lambda repository: repository.delete_manifest("a#b"),
        lambda repository: repository.mount(DIGEST, "../other"),
        lambda repository: repository.session.repository("Upper/case"),
        lambda repository: repository.session.repository("a/../b"),
        lambda repository: repository.session.repository("a?b"),
    ],
)
def test_what_is_wrong_is_not_sent(
    registry: Registry, repository: Repository, call: Callable[[Repository], object]
) -> None:
    with pytest.raises(InvalidArgumentError):
        call(repository)
    assert registry.requests == []


@pytest.mark.parametrize(
    "domain", ["", "no domain", "a/b", "http://a", "a@b", "a:port", "a:99999", "a?b", "a#b"]
)
def test_a_wrong_domain_is_not_asked(domain: str) -> None:
    with pytest.raises(InvalidArgumentError):
        fl.registry.connect(domain)
