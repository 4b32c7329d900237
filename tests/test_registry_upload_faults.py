"""What can go wrong while a blob is sent: the rows of the table of faults about uploads.

The blobs are some chunks long, in a stream that can be read only once.
"""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, RegistryAuthError, RegistryError
from fastlayer.layer import Layer
from fastlayer.media_type import OCI_LAYER
from fastlayer.registry import connect
from fastlayer.registry import push as registry_push
from fastlayer.registry.feed import CHUNK
from fastlayer.registry.push import RegistryStore
from fastlayer.registry.repository import Repository
from registries import (
    Alter,
    Answer,
    Bearer,
    Cut,
    CutAnswer,
    CuttingProxy,
    Fault,
    Hang,
    LoseUpload,
    Redirect,
    Registry,
    Reply,
    Rules,
    error,
)
from registries.client import PATH, Pauses, demo, fill, sent_to

MIB = 1 << 20
CONTENT = random.Random(20).randbytes(3 * CHUNK + 4321)
DIGEST = Digest.of(CONTENT)
LAYER = Descriptor(OCI_LAYER, DIGEST, len(CONTENT))
OTHER = "team/base"
USER: Any = {"username": "ann", "password": "secret-password"}

# Which PATCH of the three whole chunks and the rest it is.
SECOND, THIRD = 1, 2


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests, and no place for temporary files."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A place for temporary files after all."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """All threads of the client and the server end."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry without anything, in which no upload is left open."""
    with Registry() as registry:
        yield registry
        assert registry.open_uploads == 0


@pytest.fixture(autouse=True)
def chunks_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a blob is made meanwhile, or there already."""
    monkeypatch.setattr(registry_push, "CHUNK_IN_THE_MAKING", CHUNK)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def repository(registry: Registry, pauses: Pauses) -> Iterator[Repository]:
    with demo(registry, pauses) as repository:
        yield repository


def push(repository: Repository, content: bytes = CONTENT, *, spool: bool = False) -> None:
    """Send a blob as layers are: written into a file whose digest is known at the end."""
    with RegistryStore(repository, spool=spool) as store:
        with store.blob() as sink:
            for start in range(0, len(content), MIB):
                fill(sink.target, content[start : start + MIB])
            sink.commit(Digest.of(content), len(content))
        store.finish()


class Held:
    """A stored blob in memory, which counts how often it was read."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.name = "held"
        self.size = len(content)
        self.readings = 0
        self._content = content

    def chunks(self) -> Iterator[bytes]:
        self.readings += 1
        for start in range(0, len(self._content), MIB):
            yield self._content[start : start + MIB]

    def stretch(self) -> None:
        raise NotImplementedError


def copy(repository: Repository, blob: object) -> None:
    with RegistryStore(repository) as store:
        store.copy(LAYER, blob)  # type: ignore[arg-type]
        store.finish()


def sizes(registry: Registry, method: str = "PATCH") -> list[int]:
    return [request.size for request in registry.asked(method)]


# What is well.


@pytest.mark.parametrize("size", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_a_blob_of_any_size(registry: Registry, repository: Repository, size: int) -> None:
    push(repository, CONTENT[:size])
    assert registry.blob(PATH, Digest.of(CONTENT[:size])) == CONTENT[:size]


def test_chunks_follow_each_other(registry: Registry, repository: Repository) -> None:
    """Each begins where the last ended; nothing is written to a disk, and nothing sent twice."""
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    ranges = [request.headers["Content-Range"] for request in registry.asked("PATCH")]
    ends = [0, CHUNK, 2 * CHUNK, 3 * CHUNK, len(CONTENT)]
    assert ranges == [f"{a}-{b - 1}" for a, b in pairwise(ends)]


def test_progress_counts_each_byte_once(registry: Registry) -> None:
    counts: list[int] = []
    registry.fail(Fault("PATCH", Cut(after=MIB), times=2, skip=1))
    with demo(registry, progress=counts.append) as repository:
        push(repository)
    assert sum(counts) == len(CONTENT)


# 39: cut uploads.


def test_three_cuts_in_the_middle(
    registry: Registry, repository: Repository, pauses: Pauses
) -> None:
    """What the registry has kept of a cut chunk is not sent again; no disk is needed."""
    registry.fail(
        Fault("PATCH", Cut(after=MIB)),
        Fault("PATCH", Cut(after=3 * MIB), skip=1),
        Fault("PATCH", Cut(after=1), skip=1),
    )
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert sum(sizes(registry)) == len(CONTENT)
    assert len(pauses) == 3
    assert len(registry.asked("POST")) == 1


def test_cuts_that_lose_the_chunk(registry: Registry, repository: Repository) -> None:
    registry.fail(*[Fault("PATCH", Cut(after=MIB, kept=False), skip=skip) for skip in (0, 1, 2)])
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert sum(sizes(registry)) == len(CONTENT) + 3 * MIB


@pytest.mark.parametrize("reset", [False, True])
def test_lost_answers(registry: Registry, repository: Repository, *, reset: bool) -> None:
    """The chunk is there, only the answer was lost: it is not sent again."""
    registry.fail(Fault("PATCH", CutAnswer(reset=reset), times=3, skip=1))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert sizes(registry) == [CHUNK, CHUNK, CHUNK, 4321]


def test_a_line_that_breaks(pauses: Pauses) -> None:
    """Connections are reset wherever they are; of a session that began so nobody knows here."""
    cuts = [100, CHUNK // 2, CHUNK, CHUNK]
    with (
        Registry() as registry,
        CuttingProxy(registry.domain, cuts) as proxy,
        connect(proxy.domain, plain_http=True, retrying=pauses.retrying()) as session,
    ):
        push(session.repository(PATH))
        assert proxy.cuts_left == 0
        assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504, 522])
def test_busy_while_chunks_come(
    registry: Registry, repository: Repository, pauses: Pauses, status: int
) -> None:
    busy = Reply(error(status, "TOOMANYREQUESTS", headers={"Retry-After": "7"}))
    registry.fail(*[Fault(method, busy, skip=method == "PATCH") for method in ("POST", "PATCH")])
    registry.fail(Fault("PUT", busy))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert [round(pause) for pause in pauses] == [7, 7, 7]


def test_a_registry_that_is_down_is_given_up(registry: Registry, repository: Repository) -> None:
    """The message says what failed and how often, and not that nobody takes bytes."""
    registry.fail(Fault("PATCH", Reply(error(503, "UNAVAILABLE")), times=None, skip=1))
    with pytest.raises(RegistryError, match=r"PATCH.*503 `UNAVAILABLE`.*\(\d tries\)") as failed:
        push(repository)
    assert failed.value.status == 503
    assert len(registry.asked("PATCH")) < 12


def test_a_small_blob_is_given_up(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("PUT", Reply(error(503, "UNAVAILABLE")), times=None))
    with pytest.raises(RegistryError, match=r"PUT.*503 `UNAVAILABLE`.*\(\d tries\)"):
        push(repository, b"small")
    assert len(registry.asked("PUT")) < 12


def test_chunks_that_never_arrive_are_given_up(registry: Registry, repository: Repository) -> None:
    """Each try gets a few bytes further, which is not worth it."""
    registry.fail(Fault("PATCH", Cut(after=10), times=None, skip=1))
    with pytest.raises(RegistryError, match=r"cut.*\(\d tries\)"):
        push(repository)
    assert len(registry.asked("PATCH")) < 12


# 40: tokens that end, and refusals.


def test_tokens_end_while_chunks_are_sent() -> None:
    auth = Bearer({"ann": "secret-password"}, uses=1)
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        push(repository)
        assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize("read_bytes", [0, MIB])
def test_401_in_the_middle_of_a_chunk(read_bytes: int) -> None:
    auth = Bearer({"ann": "secret-password"})
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        challenge = f'Bearer realm="{registry.base}/token",service="test"'
        refused = error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": challenge})
        registry.fail(Fault("PATCH", Reply(refused, read=read_bytes), skip=SECOND))
        push(repository)
        assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_denied(registry: Registry, repository: Repository, method: str) -> None:
    """The reason is told, at once and once, also to those who still write."""
    registry.fail(Fault(method, Reply(error(403, "DENIED", "not yours")), times=None))
    with pytest.raises(RegistryAuthError, match="403 `DENIED`: `not yours`"):
        push(repository)
    assert len(registry.asked(method)) == 1


# 41: sessions that are lost, wrong ranges, refused mounts.


@pytest.mark.parametrize("skip", [0, SECOND])
def test_a_session_that_is_lost_early(
    registry: Registry, repository: Repository, skip: int
) -> None:
    registry.fail(Fault("PATCH", LoseUpload(), skip=skip))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert len(registry.asked("POST")) == 2


def test_a_session_that_is_lost_late(registry: Registry, repository: Repository) -> None:
    """What was let go cannot be sent again: the message says what helps."""
    registry.fail(Fault("PATCH", LoseUpload(), skip=THIRD))
    with pytest.raises(RegistryError, match=r"404 `BLOB_UPLOAD_UNKNOWN`.*`--spool`") as failed:
        push(repository)
    assert (failed.value.status, failed.value.code) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("match", ["PATCH", "PUT"])
def test_a_copy_outlives_a_lost_session(
    registry: Registry, repository: Repository, tmp_path: Path, match: str
) -> None:
    registry.fail(Fault(match, LoseUpload(), skip=THIRD if match == "PATCH" else 0))
    push(repository, spool=True)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert list(tmp_path.iterdir()) == []


def test_a_stored_blob_outlives_a_lost_session(registry: Registry, repository: Repository) -> None:
    blob = Held()
    registry.fail(Fault("PATCH", LoseUpload(), skip=THIRD))
    copy(repository, blob)
    assert (registry.blob(PATH, DIGEST), blob.readings) == (CONTENT, 2)


@pytest.mark.parametrize("skip", [0, SECOND])
def test_cuts_without_resumption(skip: int, pauses: Pauses) -> None:
    """docker-registry cannot go on after a cut; the first chunks are kept for that."""
    with (
        Registry(rules=Rules(resumes=False)) as registry,
        demo(registry, pauses) as repository,
    ):
        registry.fail(Fault("PATCH", Cut(after=MIB), skip=skip))
        push(repository)
        assert registry.blob(PATH, DIGEST) == CONTENT
        assert registry.open_uploads == 0


@pytest.mark.usefixtures("disk")
def test_three_cuts_without_resumption() -> None:
    with Registry(rules=Rules(resumes=False)) as registry, demo(registry) as repository:
        registry.fail(*[Fault("PATCH", Cut(after=MIB), skip=skip) for skip in (3, 2, 1)])
        push(repository, spool=True)
        assert registry.blob(PATH, DIGEST) == CONTENT
        assert registry.open_uploads == 0


def test_a_late_cut_without_resumption() -> None:
    with Registry(rules=Rules(resumes=False)) as registry, demo(registry) as repository:
        registry.fail(Fault("PATCH", Cut(after=MIB), skip=THIRD))
        with pytest.raises(RegistryError, match="`--spool`"):
            push(repository)
        assert registry.open_uploads == 0


def test_416_for_a_chunk_that_is_there(registry: Registry, repository: Repository) -> None:
    """The session is asked how far it is, and goes on from there."""
    taken = Alter(status=416)
    registry.fail(Fault("PATCH", taken, skip=SECOND))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert sum(sizes(registry)) == len(CONTENT)


@pytest.mark.parametrize("status", [400, 405, 416, 501])
def test_a_registry_that_takes_no_second_chunk(
    registry: Registry, repository: Repository, status: int
) -> None:
    """It gets all of it in one request, without a length."""
    registry.fail(Fault("PATCH", Reply(error(status, "UNSUPPORTED")), skip=SECOND))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    last = registry.asked("PATCH")[-1]
    assert (last.size, last.headers["Content-Range"]) == (len(CONTENT), None)
    assert last.headers["Transfer-Encoding"] == "chunked"


@pytest.mark.parametrize("status", [200, 201, 204])
def test_other_statuses_of_chunks(registry: Registry, repository: Repository, status: int) -> None:
    registry.fail(Fault("PATCH", Alter(status=status), times=None))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize("header", ["Range", "Location", "Docker-Upload-UUID"])
def test_answers_that_say_less(header: str) -> None:
    """Without a `Location` the last one stays; this registry does not mind."""
    with Registry(rules=Rules(strict=False)) as registry, demo(registry) as repository:
        registry.fail(Fault("PATCH", Alter(headers={header: None}), times=None))
        push(repository)
        assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize("said", ["", "nonsense", "0-99999999999", "5-7", "0-"])
def test_answers_that_say_nonsense(registry: Registry, repository: Repository, said: str) -> None:
    """An upload of which the registry says that it is elsewhere never ends well by chance."""
    registry.fail(Fault("PATCH", Alter(headers={"Range": said}), times=None))
    try:
        push(repository)
    except RegistryError:
        assert registry.blob(PATH, DIGEST) is None
    else:
        assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize("minimum", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1])
def test_a_minimum_for_chunks(minimum: int) -> None:
    with Registry(rules=Rules(min_chunk=minimum)) as registry, demo(registry) as repository:
        push(repository)
        assert registry.blob(PATH, DIGEST) == CONTENT
        assert min(sizes(registry)[:-1]) >= minimum


def test_a_minimum_that_takes_too_much_memory() -> None:
    with (
        Registry(rules=Rules(min_chunk=10**12)) as registry,
        demo(registry) as repository,
        pytest.raises(RegistryError, match="chunks of 1000000000000 bytes"),
    ):
        push(repository)
    assert registry.open_uploads == 0


def test_the_last_answer_is_lost(registry: Registry, repository: Repository) -> None:
    """The blob is there, the session is not: that is no failure."""
    registry.fail(Fault("PUT", CutAnswer()))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert len(registry.asked("POST")) == 1


def test_the_only_answer_is_lost(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("PUT", CutAnswer()))
    push(repository, b"small")
    assert registry.blob(PATH, Digest.of(b"small")) == b"small"
    assert len(registry.asked("POST")) == 1


def test_wrong_bytes_are_told(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("PUT", Reply(error(400, "DIGEST_INVALID"))))
    with pytest.raises(InvalidImageError, match=f"{PATH}.*DIGEST_INVALID"):
        push(repository)


def test_a_blob_kept_as_another_is_told(registry: Registry, repository: Repository) -> None:
    wrong = {"Docker-Content-Digest": f"sha256:{'0' * 64}"}
    registry.fail(Fault("PUT", Alter(headers=wrong)))
    with pytest.raises(InvalidImageError, match="keeps a blob as"):
        push(repository)


def test_a_redirected_chunk(registry: Registry, repository: Repository) -> None:
    """307 keeps method and body."""
    registry.fail(Fault("PATCH", Redirect(registry.base), times=2, skip=1))
    push(repository)
    assert registry.blob(PATH, DIGEST) == CONTENT


# Mounts, and what is there already.


def test_what_is_there_is_not_sent(registry: Registry, repository: Repository) -> None:
    registry.add_blob(PATH, CONTENT)
    blob = Held()
    copy(repository, blob)
    assert blob.readings == 0
    assert [request.method for request in sent_to(registry)] == ["HEAD"]


def test_what_another_repository_has_is_mounted(registry: Registry, repository: Repository) -> None:
    registry.add_blob(OTHER, CONTENT)
    copy(repository, repository.session.repository(OTHER).blob(LAYER))
    assert registry.blob(PATH, DIGEST) == CONTENT
    assert [request.method for request in sent_to(registry)] == ["HEAD", "POST"]


def test_a_refused_mount_is_an_upload() -> None:
    """202 is a session, which is used (go-containerregistry#1681)."""
    with Registry(rules=Rules(mounts=False)) as registry, demo(registry) as repository:
        registry.add_blob(OTHER, CONTENT)
        copy(repository, repository.session.repository(OTHER).blob(LAYER))
        assert registry.blob(PATH, DIGEST) == CONTENT
        assert len(registry.asked("POST")) == 1
        assert registry.open_uploads == 0


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_mount_that_is_not_allowed_is_an_upload(
    registry: Registry, repository: Repository, status: int
) -> None:
    registry.add_blob(OTHER, CONTENT)
    registry.fail(Fault("POST", Reply(error(status, "DENIED"))))
    copy(repository, repository.session.repository(OTHER).blob(LAYER))
    assert registry.blob(PATH, DIGEST) == CONTENT


def test_a_mount_from_what_we_may_not_read() -> None:
    """A token server that grants less than was asked for."""
    auth = Bearer({"ann": "secret-password"}, hidden=frozenset({OTHER}))
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        registry.add_blob(OTHER, CONTENT)
        with pytest.raises(RegistryAuthError, match=f"{OTHER}.*401"):
            copy(repository, repository.session.repository(OTHER).blob(LAYER))
        push(repository)
        assert registry.blob(PATH, DIGEST) == CONTENT


@pytest.mark.parametrize(
    "content", [CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x", b""], ids=len
)
def test_a_stored_blob_that_is_not_itself(
    registry: Registry, repository: Repository, content: bytes
) -> None:
    """Shorter, longer, or with other bytes: it is not kept under its digest."""
    with pytest.raises(InvalidImageError, match="held"):
        copy(repository, Held(content))
    assert registry.blob(PATH, DIGEST) is None


# Ends.


def test_a_blob_that_is_given_up(registry: Registry, repository: Repository) -> None:
    """Leaving without a commit leaves nothing, and is no error."""
    with RegistryStore(repository) as store:
        with store.blob() as sink:
            fill(sink.target, CONTENT[:MIB])
        store.finish()
    assert registry.asked("PUT") == []


@pytest.mark.parametrize("written", [0, MIB, 2 * CHUNK])
def test_whoever_writes_fails(registry: Registry, repository: Repository, written: int) -> None:
    def write() -> None:
        with RegistryStore(repository) as store, store.blob() as sink:
            for start in range(0, written, MIB):
                fill(sink.target, CONTENT[start : start + MIB])
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        write()
    assert registry.asked("PUT") == []


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_end_does_not_wait_for_the_registry(method: str) -> None:
    """Ctrl-C while nobody answers: all ends at once."""
    with Registry() as registry, demo(registry) as repository:
        registry.fail(Fault(method, Hang()))
        interrupted = []

        def write() -> None:
            with RegistryStore(repository) as store, store.blob() as sink:
                for start in range(0, CHUNK, MIB):
                    fill(sink.target, CONTENT[start : start + MIB])
                while not registry.asked(method):
                    time.sleep(0.001)
                interrupted.append(time.monotonic())
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write()
        assert time.monotonic() - interrupted[0] < 2


@pytest.mark.parametrize(("method", "skip"), [("POST", 0), ("PATCH", 0), ("PATCH", SECOND)])
def test_a_layer_in_the_making_ends_with_its_upload(
    registry: Registry, repository: Repository, method: str, skip: int
) -> None:
    """The core writes into memory that nobody takes any more: what is told is why."""
    layer = Layer.from_files({"noise": CONTENT}, compression="none")
    registry.fail(Fault(method, Reply(error(403, "DENIED", "not yours")), skip=skip, times=None))

    def build() -> None:
        with RegistryStore(repository) as store:
            layer.build(store)
            store.finish()

    with pytest.raises(RegistryAuthError, match="not yours"):
        build()


def test_one_failure_ends_the_others(registry: Registry, repository: Repository) -> None:
    """Of several blobs on their way; the first failure is the one that is told."""
    registry.fail(
        Fault("PATCH", Hang()), Fault(r"PUT .*/uploads/", Reply(error(403, "DENIED", "not yours")))
    )

    def send() -> None:
        with RegistryStore(repository) as store:
            store.copy(LAYER, Held())  # type: ignore[arg-type]
            while not registry.asked("PATCH"):
                time.sleep(0.001)
            store.put(b"a document")
            store.finish()

    with pytest.raises(RegistryAuthError, match="not yours"):
        send()


def test_a_full_disk_is_told(
    registry: Registry, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With `--spool` and no place for it, the error names the folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        push(repository, spool=True)
    assert registry.asked("PUT") == []


def test_answers_that_are_no_uploads(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("POST", Reply(Answer(202)), times=None))
    with pytest.raises(RegistryError, match=PATH):
        push(repository)
