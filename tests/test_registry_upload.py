"""Blobs that are sent: upload sessions, what they survive, and when they begin again."""

from collections.abc import Callable

import pytest

from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, RegistryAuthError, RegistryError
from fastlayer.registry.cancel import Cancel
from fastlayer.registry.credentials import Credentials
from fastlayer.registry.delivery import deliver, upload_content
from fastlayer.registry.repository import Repository
from fastlayer.registry.transport import TransportError
from fastlayer.registry.upload import Upload
from registry_twin import (
    CUT,
    Asked,
    Blobs,
    Pauses,
    Reply,
    Twin,
    digest_of,
    refusal,
    session,
)

CONTENT = bytes(range(250)) * 4
DIGEST = Digest(digest_of(CONTENT))
Fault = Callable[[Asked], Reply | Exception | None]


class Chunks:
    """A feed of chunks in memory, which can be rewound if it may be."""

    def __init__(self, content: bytes, size: int, *, rewinds: bool = False) -> None:
        self.size = size
        self._content = content
        self._position = 0
        self._rewinds = rewinds
        self.out = 0

    def take(self) -> memoryview | None:
        chunk = memoryview(self._content)[self._position : self._position + self.size]
        self._position += len(chunk)
        self.out += bool(chunk)
        # No feed has more memory than that.
        assert self.out <= 3
        return chunk or None

    def give_back(self, chunk: memoryview) -> None:
        assert chunk
        self.out -= 1

    def rewind(self) -> bool:
        assert self.out == 0
        self._position = 0
        return self._rewinds

    def close(self) -> None:
        pass


def once(match: str, answer: Reply | Exception, skip: int = 0, times: int = 1) -> Fault:
    """A fault of requests whose line begins so: after `skip` of them, so many times."""
    seen = 0

    def fault(asked: Asked) -> Reply | Exception | None:
        nonlocal seen
        if not str(asked).startswith(match):
            return None
        seen += 1
        return answer if skip < seen <= skip + times else None

    return fault


def any_of(*faults: Fault) -> Fault:
    """The first of several faults that is due."""

    def fault(asked: Asked) -> Reply | Exception | None:
        return next((answer for each in faults if (answer := each(asked)) is not None), None)

    return fault


def repository(twin: Twin, pauses: Pauses | None = None) -> Repository:
    return session(twin, pauses=pauses).repository("a")


def send(blobs: Blobs, size: int = 300, *, rewinds: bool = False) -> Twin:
    """Send the content in chunks, and return what was asked; all of it has to have arrived."""
    twin = Twin(blobs)
    feed = Chunks(CONTENT, size, rewinds=rewinds)
    deliver(repository(twin), feed, lambda: DIGEST, Cancel())
    assert blobs.blobs["a", DIGEST] == CONTENT
    assert blobs.uploads == {}
    return twin


def patches(twin: Twin) -> list[str]:
    return [
        asked.headers.get("Content-Range", "all") for asked in twin.asked if asked.method == "PATCH"
    ]


def test_a_blob_goes_out_in_chunks() -> None:
    """Each says where it belongs, and the end is without content."""
    twin = send(Blobs())
    assert patches(twin) == ["0-299", "300-599", "600-899", "900-999"]
    assert [asked.method for asked in twin.asked] == ["POST", *["PATCH"] * 4, "PUT"]
    assert twin.lines[0] == "POST /v2/a/blobs/uploads/"
    assert twin.lines[2] == "PATCH /v2/a/blobs/uploads/u1?at=300"
    assert twin.lines[-1] == f"PUT /v2/a/blobs/uploads/u1?at=1000&digest={DIGEST}"
    assert twin.asked[1].headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("size", [1, 333, 500, 999, 1000])
def test_chunks_of_any_size_make_it_whole(size: int) -> None:
    """Also where the last is as long as the others."""
    send(Blobs(), size)


def test_a_small_blob_goes_out_at_once() -> None:
    """If it is not there: then nothing of it is sent."""
    twin = send(Blobs(), 1001)
    assert [asked.method for asked in twin.asked] == ["HEAD", "POST", "PUT"]
    assert twin.asked[2].body == CONTENT
    blobs = Blobs()
    blobs.blobs["a", DIGEST] = CONTENT
    assert [asked.method for asked in send(blobs, 1001).asked] == ["HEAD"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_chunk_is_taken_by_any_of_these(status: int) -> None:
    """Registries do not agree; nor need they say how far they are."""

    class Other(Blobs):
        def __call__(self, asked: Asked) -> Reply | Exception:
            answer = super().__call__(asked)
            if asked.method == "PATCH" and isinstance(answer, Reply):
                headers = {"Location": answer.headers["Location"]}
                return Reply(status, headers if status != 204 else answer.headers)
            return answer

    send(Other())


def test_chunks_are_as_long_as_the_registry_wants() -> None:
    """Longer than ours, if it says so; only the last may be shorter."""
    blobs = Blobs()
    blobs.headers = {"OCI-Chunk-Min-Length": "400"}
    assert patches(send(blobs)) == ["0-599", "600-999"]
    blobs.headers = {"OCI-Chunk-Min-Length": "300"}
    assert patches(send(blobs))[0] == "0-299"
    blobs.headers = {"OCI-Chunk-Min-Length": "x"}
    assert patches(send(blobs))[0] == "0-299"
    blobs.headers = {"OCI-Chunk-Min-Length": "99999999999"}
    with pytest.raises(RegistryError, match="wants chunks of 99999999999 bytes"):
        send(blobs)
    assert blobs.uploads == {}


@pytest.mark.parametrize(
    "answer", [CUT, Reply(500), Reply(503, {"Retry-After": "1"}), Reply(429), Reply(408)]
)
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_after_a_failure_it_goes_on(answer: Reply | Exception, skip: int) -> None:
    """The session is asked how far it is; nothing that was taken is sent again."""
    twin = send(Blobs(once("PATCH", answer, skip)))
    ranges = patches(twin)
    assert ranges[skip] == ranges[skip + 1]
    assert len(ranges) == 5
    assert sum(line.startswith("GET /v2/a/blobs/uploads/u1") for line in twin.lines) == 1


@pytest.mark.parametrize("kept", [0, 1, 299, 300])
def test_what_arrived_before_a_cut_is_not_sent_again(kept: int) -> None:
    """Any part of a chunk, or all of it."""
    cut = once("PATCH", CUT, 1)

    def fault(asked: Asked) -> Reply | Exception | None:
        answer = cut(asked)
        if answer is CUT:
            blobs.take("u1", asked.body[:kept])
        return answer

    blobs = Blobs(fault)
    ranges = patches(send(blobs))
    expected = [f"{300 + kept}-599"] if kept < 300 else []
    assert ranges == ["0-299", "300-599", *expected, "600-899", "900-999"]


def test_a_registry_may_take_less_than_all() -> None:
    """The rest is sent again, and goes on from there."""

    class Less(Blobs):
        def _answer(self, asked: Asked) -> Reply:
            if asked.method == "PATCH" and len(asked.body) == 300:
                asked.body = asked.body[:200]
            return super()._answer(asked)

    assert patches(send(Less()))[:3] == ["0-299", "200-299", "300-599"]


def test_a_registry_that_takes_nothing_is_given_up() -> None:
    """However friendly it says so."""
    taken = Reply(202, {"Location": "/v2/a/blobs/uploads/u1", "Range": "0-299"})
    blobs = Blobs(once("PATCH", taken, 1, times=99))
    with pytest.raises(RegistryError, match=r"answered, but nothing was taken \(5 tries\)"):
        send(blobs)


def test_what_a_registry_lost_is_noticed() -> None:
    """Bytes that it said it had, and bytes that nobody sent."""
    for at in ("0-149", "0-1200"):
        state = Reply(204, {"Range": at})
        blobs = Blobs(any_of(once("PATCH", CUT, 2), once("GET", state)))
        with pytest.raises(RegistryError, match=r"bytes of an upload, expected 600 to 900"):
            send(blobs)


def test_who_always_fails_is_given_up() -> None:
    """After five tries of one chunk, and nothing is left there."""
    blobs = Blobs(once("PATCH", CUT, 1, times=99))
    twin = Twin(blobs)
    pauses = Pauses()
    with pytest.raises(RegistryError, match=r"^`PATCH` of .* the connection was cut \(5 tries\)$"):
        deliver(repository(twin, pauses), Chunks(CONTENT, 300), lambda: DIGEST, Cancel())
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    assert blobs.uploads == {}


def test_a_registry_that_is_gone_is_not_waited_for() -> None:
    """If that will last."""
    gone = TransportError("connection refused", lasting=True)
    with pytest.raises(RegistryError, match=r"connection refused$"):
        send(Blobs(once("PATCH", gone, 1, times=99)))


LOST = [
    [once("PATCH", refusal(404, "BLOB_UPLOAD_UNKNOWN"), 1)],
    [once("PATCH", refusal(400, "BLOB_UPLOAD_INVALID"), 1)],
    [once("PATCH", CUT, 1), once("GET", Reply(404))],
    [once("PUT", refusal(404, "BLOB_UPLOAD_UNKNOWN"))],
]


@pytest.mark.parametrize("number", range(len(LOST)))
def test_a_small_session_that_is_lost_begins_again(number: int) -> None:
    """As long as all of it is in memory, nobody needs a copy."""
    twin = send(Blobs(any_of(*LOST[number])), 600)
    assert twin.lines.count("POST /v2/a/blobs/uploads/") == 2


def test_a_large_session_that_is_lost_takes_the_blob_with_it() -> None:
    """Unless it can be read again; the message says what would have helped."""
    lost = refusal(404, "BLOB_UPLOAD_UNKNOWN")
    with pytest.raises(RegistryError, match=r"404.*; without `--spool` there is nothing") as caught:
        send(Blobs(once("PATCH", lost, 2)))
    assert caught.value.code == "BLOB_UPLOAD_UNKNOWN"
    twin = send(Blobs(once("PATCH", lost, 2)), rewinds=True)
    assert patches(twin) == [
        "0-299",
        "300-599",
        "600-899",
        "0-299",
        "300-599",
        "600-899",
        "900-999",
    ]
    send(Blobs(once("PATCH", lost, 6, times=2)), 99, rewinds=True)
    with pytest.raises(RegistryError, match="404"):
        send(Blobs(once("PATCH", lost, 2, times=99)), rewinds=True)


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize(
    "answer", [Reply(416), refusal(400, "UNSUPPORTED"), Reply(501), Reply(405)]
)
def test_a_registry_without_chunks_gets_all_in_one_request(answer: Reply, skip: int) -> None:
    """It shows with the first or second, which are in memory still."""

    def fault(asked: Asked) -> Reply | None:
        nonlocal skip
        if asked.method == "PATCH" and "Content-Range" in asked.headers:
            skip -= 1
            return answer if skip < 0 else None
        return None

    twin = send(Blobs(fault))
    assert patches(twin)[-1] == "all"
    whole = twin.asked[-2]
    assert (whole.body, whole.length) == (CONTENT, None)


@pytest.mark.parametrize("answer", [refusal(413, "SIZE_INVALID"), refusal(400, "NAME_INVALID")])
def test_a_registry_that_takes_nothing_at_all_is_told_of(answer: Reply) -> None:
    """With what it said, and nothing is left there."""
    blobs = Blobs(once("PATCH", answer, times=99))
    with pytest.raises(RegistryError, match=f"{answer.status}"):
        send(blobs)
    assert blobs.uploads == {}


@pytest.mark.parametrize("match", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_is_told_at_once(match: str, status: int) -> None:
    """Nothing is sent again."""
    blobs = Blobs(once(match, refusal(status, "DENIED"), times=99))
    twin = Twin(blobs)
    with pytest.raises(RegistryAuthError, match=f"{status} `DENIED`"):
        deliver(repository(twin), Chunks(CONTENT, 300), lambda: DIGEST, Cancel())
    assert sum(line.startswith(match) for line in twin.lines) == 1
    assert blobs.uploads == {}


@pytest.mark.parametrize("size", [300, 1001])
def test_an_end_whose_answer_is_lost_is_looked_up(size: int) -> None:
    """The blob is there, and is not sent again."""

    class Silent(Blobs):
        def __call__(self, asked: Asked) -> Reply | Exception:
            answer = super().__call__(asked)
            return CUT if asked.method == "PUT" else answer

    twin = send(Silent(), size)
    assert sum(asked.method == "PUT" for asked in twin.asked) == 1


@pytest.mark.parametrize("answer", [CUT, Reply(504)])
def test_an_end_that_fails_is_tried_again(answer: Reply | Exception) -> None:
    """In the same session."""
    twin = send(Blobs(once("PUT", answer, times=2)))
    assert twin.lines.count("POST /v2/a/blobs/uploads/") == 1
    with pytest.raises(RegistryError, match=r"\(5 tries\)"):
        send(Blobs(once("PUT", answer, times=99)))


@pytest.mark.parametrize("size", [300, 1001])
def test_other_bytes_are_noticed(size: int) -> None:
    """By the registry, or by what it calls them."""
    with pytest.raises(InvalidImageError, match=r"`registry.example/a` got other bytes"):
        deliver(repository(Twin(Blobs())), Chunks(CONTENT[1:], size), lambda: DIGEST, Cancel())
    other = Reply(201, {"Docker-Content-Digest": f"sha256:{'0' * 64}"})
    with pytest.raises(InvalidImageError, match="keeps a blob as `sha256:000"):
        send(Blobs(once("PUT", other)), size)


def test_a_blob_in_memory_begins_again() -> None:
    """In a new session, as often as anything is tried."""
    lost = refusal(404, "BLOB_UPLOAD_UNKNOWN")
    for answer, count in ((lost, 3), (CUT, 3), (Reply(502), 3)):
        blobs = Blobs(once("PUT", answer, times=2))
        twin = Twin(blobs)
        upload_content(repository(twin), DIGEST, CONTENT, Cancel())
        assert twin.lines.count("POST /v2/a/blobs/uploads/") == count
        assert blobs.blobs["a", DIGEST] == CONTENT
        assert blobs.uploads == {}
    twin = Twin(Blobs(once("PUT", refusal(413, "SIZE_INVALID"), times=99)))
    with pytest.raises(RegistryError, match="413"):
        upload_content(repository(twin), DIGEST, CONTENT, Cancel())
    assert twin.lines.count("POST /v2/a/blobs/uploads/") == 1


def test_a_session_may_be_at_another_host() -> None:
    """It is followed there without what the registry was told."""
    other = "https://other.example/u?signature=secret"
    replies = [
        Reply(401, {"WWW-Authenticate": "Basic"}),
        Reply(202, {"Location": other}),
        Reply(202, {"Range": "0-999"}),
        Reply(201),
    ]
    twin = Twin(replies)
    asking = session(twin, credentials=Credentials("ann", "x")).repository("a")
    upload = Upload.begin(asking, Cancel())
    upload.send(memoryview(CONTENT))
    upload.close(DIGEST)
    assert [asked.url.partition("?")[0] for asked in twin.asked[2:]] == [
        "https://other.example/u"
    ] * 2
    sent = ["Authorization" in asked.headers for asked in twin.asked]
    assert sent == [False, True, False, False]


@pytest.mark.parametrize("location", ["http://registry.example/u", "ftp://x/", "https://[secret"])
def test_a_session_that_is_nowhere_is_refused(location: str) -> None:
    """As with a redirect."""
    with pytest.raises(RegistryError, match="goes on nowhere: it") as caught:
        Upload.begin(repository(Twin([Reply(202, {"Location": location})])), Cancel())
    assert "secret" not in str(caught.value)


def test_giving_up_is_no_news() -> None:
    """The registry need not even be there."""
    for answer in (Reply(204), Reply(404), Reply(500), CUT):
        twin = Twin([Reply(202, {"Location": "/u"}), answer])
        Upload.begin(repository(twin), Cancel()).abandon()
        assert twin.lines[1:] == ["DELETE /u"]


def test_progress_is_told() -> None:
    """In all it is the size, also after cuts."""
    for size in (300, 1001):
        seen: list[int] = []
        blobs = Blobs(once("PATCH", CUT, 1))
        asking = session(blobs, progress=seen.append).repository("a")
        deliver(asking, Chunks(CONTENT, size), lambda: DIGEST, Cancel())
        assert sum(seen) == len(CONTENT)


def test_a_blob_may_have_been_begun() -> None:
    """By a mount that was refused: the session that there is then is used."""
    blobs = Blobs()
    twin = Twin(blobs)
    asking = repository(twin)
    begun = Upload.mount(asking, DIGEST, "b", Cancel())
    deliver(asking, Chunks(CONTENT, 300), lambda: DIGEST, Cancel(), begun, is_new=True)
    assert sum(asked.method == "POST" for asked in twin.asked) == 1
    assert blobs.blobs["a", DIGEST] == CONTENT
