"""A repository as a store: blobs in the making, copies, documents, and how it ends."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

import fastlayer as fl
from fastlayer.digest import Digest
from fastlayer.errors import InternalError, InvalidImageError, RegistryError
from fastlayer.layer import build_layers
from fastlayer.registry import push
from fastlayer.registry.push import FedBlob, RegistryStore
from fastlayer.registry.repository import Repository
from fastlayer.registry.tasks import Tasks
from registries.client import fill
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
from test_registry_feed import CONTENT, Stored, described
from test_registry_upload import once

DIGEST = Digest(digest_of(CONTENT))


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever happens, the threads of a store end with it."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 300 bytes, so that a blob has several."""
    monkeypatch.setattr(push, "CHUNK_IN_THE_MAKING", 300)


def repository(blobs: Blobs | Twin, path: str = "a") -> Repository:
    twin = blobs if isinstance(blobs, Twin) else Twin(blobs)
    return session(twin, pauses=Pauses()).repository(path)


def write(blob: FedBlob, content: bytes = CONTENT) -> None:
    for start in range(0, len(content), 70):
        fill(blob.target, content[start : start + 70])


def commit(blob: FedBlob, content: bytes = CONTENT) -> None:
    write(blob, content)
    blob.commit(Digest(digest_of(content)), len(content))


@pytest.mark.usefixtures("small_chunks")
def test_a_blob_is_sent_while_it_is_written() -> None:
    """Chunks are there before the last byte is written."""
    blobs = Blobs()
    with RegistryStore(repository(blobs)) as store:
        with store.blob() as blob:
            assert blob.name == "registry.example/a"
            write(blob, CONTENT[:950])
            deadline = time.monotonic() + 5
            while sum(map(len, blobs.uploads.values())) < 900 and time.monotonic() < deadline:
                time.sleep(0.001)
            assert [bytes(upload) for upload in blobs.uploads.values()] == [CONTENT[:900]]
            write(blob, CONTENT[950:])
            blob.commit(DIGEST, 1000)
        store.finish()
    assert blobs.blobs == {("a", DIGEST): CONTENT}
    assert blobs.uploads == {}
    assert list(store.outputs) == []


def test_layers_are_pushed_by_the_core() -> None:
    """Several, of all kinds of compression, and what is there is what they say."""
    blobs = Blobs()
    layers = [
        fl.Layer.from_files({"a": os.urandom(3 << 20)}, compression="none"),
        fl.Layer.from_files({"a": os.urandom(3 << 20)}, compression="gzip"),
        fl.Layer.from_files({"a": os.urandom(9 << 20)}, compression="zstd"),
        fl.Layer.from_files({"a": b"small"}),
    ]
    with RegistryStore(repository(blobs)) as store:
        built = build_layers(layers, store)
        store.finish()
    assert {("a", layer.digest) for layer in built} == set(blobs.blobs)
    assert all(len(blobs.blobs["a", layer.digest]) == layer.size for layer in built)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("size", [10, 950])
def test_a_blob_without_a_commit_leaves_no_trace(size: int) -> None:
    """The store goes on."""
    blobs = Blobs()
    with RegistryStore(repository(blobs)) as store:
        with store.blob() as blob:
            write(blob, CONTENT[:size])
        assert blobs.uploads == {}
        with pytest.raises(ZeroDivisionError), store.blob() as blob:
            write(blob, CONTENT[: size // 0])
        assert blobs.uploads == {}
        with store.blob() as blob:
            commit(blob)
        store.finish()
    assert blobs.blobs == {("a", DIGEST): CONTENT}


@pytest.mark.usefixtures("small_chunks")
def test_a_failure_is_told_to_who_writes() -> None:
    """As what it is, not as one that nobody wants."""
    blobs = Blobs(once("PATCH", refusal(403, "DENIED", "no more room"), 2))
    store = RegistryStore(repository(blobs))
    denied = pytest.raises(RegistryError, match="`DENIED`: `no more room`")
    with store, denied, store.blob() as blob:
        # More than any buffer on the way holds.
        for _ in range(1000):
            write(blob, CONTENT * 1000)
    with pytest.raises(RegistryError, match="DENIED"):
        store.finish()
    assert blobs.uploads == {}


@pytest.mark.usefixtures("small_chunks")
def test_a_failure_after_the_commit_is_told_next() -> None:
    """By whatever is called, at the latest by `finish`."""
    calls: list[Callable[[RegistryStore], object]] = [
        RegistryStore.finish,
        lambda store: store.put(b"x"),
        lambda store: store.copy(described(b"x"), Stored(b"x")),
        lambda store: store.blob().__enter__(),
    ]
    for call in calls:
        failing = once("PUT", refusal(403, "DENIED"))
        with RegistryStore(repository(Blobs(failing))) as store:
            with store.blob() as blob:
                commit(blob)
            # Once it has failed: before that there is nothing to tell.
            store._tasks.cancel._event.wait(5)
            with pytest.raises(RegistryError, match="DENIED"):
                call(store)


def test_what_comes_out_has_to_be_what_went_in() -> None:
    """A chunk that is lost would be a defect."""
    with RegistryStore(repository(Blobs())) as store:
        with store.blob() as blob:
            write(blob)
            blob.commit(DIGEST, 999)
        with pytest.raises(InternalError, match="1000 bytes of a blob were sent, and 999"):
            store.finish()


@pytest.mark.usefixtures("small_chunks")
def test_with_a_copy_a_lost_session_is_no_loss() -> None:
    """Three times, in the middle."""
    blobs = Blobs(once("PATCH", refusal(404, "BLOB_UPLOAD_UNKNOWN"), 2, times=3))
    with RegistryStore(repository(blobs), spool=True) as store:
        with store.blob() as blob:
            commit(blob)
        store.finish()
    assert blobs.blobs == {("a", DIGEST): CONTENT}


@pytest.mark.usefixtures("small_chunks")
def test_without_a_copy_it_is_said_what_would_have_helped() -> None:
    """Nothing is left then."""
    blobs = Blobs(once("PATCH", refusal(404, "BLOB_UPLOAD_UNKNOWN"), 2))
    lost = pytest.raises(RegistryError, match=r"404.*; without `--spool` there is nothing to send")
    with lost, RegistryStore(repository(blobs)) as store:
        with store.blob() as blob:
            commit(blob)
        store.finish()
    assert (blobs.blobs, blobs.uploads) == ({}, {})


@pytest.mark.usefixtures("small_chunks")
def test_cuts_are_no_loss_either_way() -> None:
    """Three times, in the middle, without a copy."""
    blobs = Blobs(once("PATCH", CUT, 1, times=3))
    with RegistryStore(repository(blobs)) as store:
        with store.blob() as blob:
            commit(blob)
        store.finish()
    assert blobs.blobs == {("a", DIGEST): CONTENT}


def test_documents_are_sent_once() -> None:
    """And not if they are there."""
    blobs = Blobs()
    blobs.blobs["a", digest_of(b"old")] = b"old"
    twin = Twin(blobs)
    with RegistryStore(repository(twin)) as store:
        for content in (b"new", b"old", b"new"):
            store.put(content)
        store.finish()
    assert blobs.blobs["a", digest_of(b"new")] == b"new"
    assert sorted(asked.method for asked in twin.asked) == ["HEAD", "HEAD", "POST", "PUT"]


def test_a_stored_blob_is_sent_once() -> None:
    """And not read if it is there."""
    blobs = Blobs()
    twin = Twin(blobs)
    stored = Stored(CONTENT)
    for _ in range(2):
        with RegistryStore(repository(twin)) as store:
            store.copy(described(CONTENT), stored)
            store.copy(described(CONTENT), stored)
            store.finish()
    assert stored.reads == 1
    assert blobs.blobs == {("a", DIGEST): CONTENT}


def test_a_wrong_blob_is_not_kept() -> None:
    """Nor is one whose digest nobody can compute."""
    blobs = Blobs()
    for stored in (Stored(CONTENT[1:]), Stored(CONTENT + b"x"), Stored(CONTENT[1:] + b"x")):
        with RegistryStore(repository(blobs)) as store:
            store.copy(described(CONTENT), stored)
            with pytest.raises(InvalidImageError, match="some blob"):
                store.finish()
    strange = fl.Descriptor("a/b", Digest.from_document("md5:00"), 1)
    with RegistryStore(repository(blobs)) as store, pytest.raises(InvalidImageError, match="md5"):
        store.copy(strange, Stored(b"x"))
    assert (blobs.blobs, blobs.uploads) == ({}, {})


def test_a_blob_of_the_same_registry_is_mounted() -> None:
    """It is not read; where mounting is refused it is read and sent."""
    for refused in (False, True):
        blobs = Blobs(once("POST", refusal(403, "DENIED")) if refused else None)
        blobs.blobs["b", DIGEST] = CONTENT
        twin = Twin(blobs)
        asking = session(twin)
        source = asking.repository("b").blob(described(CONTENT))
        with RegistryStore(asking.repository("a")) as store:
            store.copy(described(CONTENT), source)
            store.finish()
        assert blobs.blobs["a", DIGEST] == CONTENT
        assert any(asked.method == "GET" for asked in twin.asked) == refused


def test_a_mount_that_is_not_done_is_an_upload() -> None:
    """In the session that has begun instead."""

    class NoMounts(Blobs):
        def __call__(self, asked: Asked) -> Reply | Exception:
            asked.url = asked.url.replace("mount=", "m=")
            return super().__call__(asked)

    blobs = NoMounts()
    blobs.blobs["b", DIGEST] = CONTENT
    twin = Twin(blobs)
    asking = session(twin)
    with RegistryStore(asking.repository("a")) as store:
        store.copy(described(CONTENT), asking.repository("b").blob(described(CONTENT)))
        store.finish()
    assert [asked.method for asked in twin.asked] == ["HEAD", "POST", "GET", "PUT"]
    assert (blobs.blobs["a", DIGEST], blobs.uploads) == (CONTENT, {})


def test_a_blob_of_another_registry_is_read_and_sent() -> None:
    """There is nothing to mount it from."""
    there, here = Blobs(), Blobs()
    there.blobs["a", DIGEST] = CONTENT
    source = session(there, domain="other.example").repository("a").blob(described(CONTENT))
    twin = Twin(here)
    with RegistryStore(repository(twin)) as store:
        store.copy(described(CONTENT), source)
        store.finish()
    assert here.blobs == {("a", DIGEST): CONTENT}
    assert "mount" not in " ".join(twin.lines)


def test_several_go_out_at_once() -> None:
    """Four, and no more: each waits for the others here."""
    together = threading.Barrier(4, timeout=5)
    most = 0

    def meet(asked: Asked) -> Reply | Exception:
        nonlocal most
        if asked.method == "HEAD":
            most = max(most, threading.active_count())
            together.wait()
        return blobs(asked)

    blobs = Blobs()
    before = threading.active_count()
    with RegistryStore(repository(Twin(meet))) as store:
        for number in range(8):
            store.put(b"%d" % number)
        store.finish()
    assert len(blobs.blobs) == 8
    assert most == before + 4


def test_leaving_early_ends_what_is_under_way() -> None:
    """Nothing is waited for but its end, and nothing is left in the registry."""
    blobs = Blobs()
    begun = threading.Event()

    def hang(asked: Asked) -> Reply | Exception:
        if asked.method == "PUT":
            begun.set()
            asked.cancel.wait(60)
        return blobs(asked)

    with RegistryStore(repository(Twin(hang))) as store:
        for number in range(4):
            store.put(b"%d" % number)
        begun.wait(5)
    assert blobs.uploads == {}


def test_a_thread_that_cannot_be_had_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the system refuses is an error of the system."""

    def refuse(_: threading.Thread) -> NoReturn:
        raise RuntimeError

    tasks = Tasks(4)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="cannot start a thread"):
            tasks.start(lambda: None)
    tasks.stop()


def test_the_first_failure_ends_the_others() -> None:
    """And is the one that is told."""
    tasks = Tasks(4)

    def fail() -> None:
        raise RegistryError("first")

    tasks.start(lambda: tasks.cancel.wait(60))
    tasks.start(lambda: tasks.cancel.wait(60))
    failed = tasks.start(fail)
    failed.done.wait(5)
    for call in (tasks.check, tasks.finish, lambda: tasks.start(fail)):
        with pytest.raises(RegistryError, match="first"):
            call()
    tasks.stop()
    assert isinstance(failed.error, RegistryError)
