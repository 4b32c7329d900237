"""What is sent, in chunks: read ahead, checked, and again if that is possible."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError
from fastlayer.media_type import OCI_LAYER
from fastlayer.registry.cancel import Cancel, CancelledError
from fastlayer.registry.feed import BlobFeed, Feed, PipeFeed
from fastlayer.store import Stretch
from registry_twin import digest_of

CONTENT = bytes(range(250)) * 4


class Stored:
    """A blob in memory, in pieces of a size; it counts how often it is read."""

    def __init__(self, content: bytes, step: int = 70) -> None:
        self.name = "some blob"
        self.place = "memory"
        self.size = len(content)
        self.reads = 0
        self._content = content
        self._step = step

    def chunks(self) -> Iterator[bytes]:
        self.reads += 1
        for start in range(0, self.size, self._step):
            yield self._content[start : start + self._step]

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        raise NotImplementedError
        yield


def described(content: bytes) -> Descriptor:
    return Descriptor(OCI_LAYER, Digest(digest_of(content)), len(content))


def drained(feed: Feed) -> list[bytes]:
    """Take all chunks, each given back before the next."""
    chunks = []
    while (chunk := feed.take()) is not None:
        chunks.append(bytes(chunk))
        feed.give_back(chunk)
    return chunks


def in_chunks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("size", [1, 333, 999, 1000, 1001])
@pytest.mark.parametrize("step", [1, 333, 1000])
def test_a_blob_comes_in_chunks(size: int, step: int) -> None:
    """All have the size that was asked for, but the last; and again from the start."""
    stored = Stored(CONTENT, step)
    with closing(BlobFeed(stored, described(CONTENT), Cancel(), size=size)) as feed:
        assert drained(feed) == in_chunks(CONTENT, size)
        assert feed.take() is None
        assert feed.rewind()
        assert drained(feed) == in_chunks(CONTENT, size)
    assert stored.reads == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (CONTENT[:-1], "has less than 1000 bytes"),
        (CONTENT + b"x", "has more than 1000 bytes"),
        (CONTENT[:-1] + b"x", "does not have the digest `sha256:"),
        (b"", "has less than 1000 bytes"),
    ],
)
@pytest.mark.parametrize("size", [100, 1000, 2000])
def test_a_wrong_blob_has_no_end(content: bytes, reason: str, size: int) -> None:
    """So that nobody can take it for whole."""
    feed = BlobFeed(Stored(content), described(CONTENT), Cancel(), size=size)
    with closing(feed), pytest.raises(InvalidImageError, match=f"`some blob` {reason}"):
        drained(feed)


def test_an_empty_blob_has_no_chunk() -> None:
    """Its digest is checked as well."""
    with closing(BlobFeed(Stored(b""), described(b""), Cancel())) as feed:
        assert drained(feed) == []


class Pipe:
    """A pipe that a thread writes `content` into, in pieces."""

    def __init__(self, content: bytes, step: int = 70) -> None:
        self.reading, self._writing = os.pipe()
        self._pieces = in_chunks(content, step)
        self.error: OSError | None = None
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _write(self) -> None:
        try:
            for piece in self._pieces:
                os.write(self._writing, piece)
        except OSError as error:
            self.error = error
        finally:
            os.close(self._writing)


@pytest.mark.parametrize("size", [1, 333, 1000, 1001])
def test_a_pipe_comes_in_chunks(size: int) -> None:
    """However it was written; without a copy only once."""
    pipe = Pipe(CONTENT)
    with closing(PipeFeed(pipe.reading, Cancel(), size=size)) as feed:
        assert drained(feed) == in_chunks(CONTENT, size)
        assert feed.count == len(CONTENT)
        assert not feed.rewind()
    pipe.thread.join()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(pipe.reading)


@pytest.mark.parametrize("size", [1, 333, 1000])
@pytest.mark.parametrize("taken", [0, 1, 2, 99])
def test_a_pipe_with_a_copy_comes_again(size: int, taken: int) -> None:
    """From its start, wherever it was, and then on from there."""
    pipe = Pipe(CONTENT)
    with closing(PipeFeed(pipe.reading, Cancel(), spool=True, size=size)) as feed:
        for _ in range(taken):
            if (chunk := feed.take()) is not None:
                feed.give_back(chunk)
        for _ in range(2):
            assert feed.rewind()
            first = feed.take()
            assert first is not None
            assert bytes(first) == CONTENT[:size]
            feed.give_back(first)
        assert feed.rewind()
        assert drained(feed) == in_chunks(CONTENT, size)
        assert feed.count == len(CONTENT)
    pipe.thread.join()


def test_reading_ahead_ends_somewhere() -> None:
    """Three chunks are in memory, whether anybody takes them or not."""
    stored = Stored(CONTENT, 100)
    read = []

    def chunks() -> Iterator[bytes]:
        for piece in Stored.chunks(stored):
            read.append(piece)
            yield piece

    stored.chunks = chunks  # type: ignore[method-assign]
    with closing(BlobFeed(stored, described(CONTENT), Cancel(), size=100)) as feed:
        chunk = feed.take()
        assert chunk is not None
        # Time enough for more, if that was read.
        threading.Event().wait(0.05)
        assert len(read) == 3


def test_who_writes_is_told_that_nobody_reads() -> None:
    """By `EPIPE`, and then all threads have ended."""
    pipe = Pipe(bytes(4 << 20), 1 << 20)
    before = threading.active_count()
    with closing(PipeFeed(pipe.reading, Cancel(), size=1000)) as feed:
        feed.take()
        assert threading.active_count() == before + 1
    pipe.thread.join(5)
    assert isinstance(pipe.error, BrokenPipeError)
    assert threading.active_count() == before - 1


def test_who_takes_is_told_of_the_end() -> None:
    """Also while it waits for what nobody writes."""
    reading, writing = os.pipe()
    cancel = Cancel()
    feed = PipeFeed(reading, cancel, size=1000)
    threading.Timer(0.02, cancel.set).start()
    with pytest.raises(CancelledError):
        feed.take()
    with pytest.raises(CancelledError):
        feed.take()
    os.close(writing)
    feed.close()


def test_what_reading_raises_is_raised() -> None:
    """Every time, as there is nothing else to give."""

    class Broken(Stored):
        def chunks(self) -> Iterator[bytes]:
            yield CONTENT[:10]
            raise FileNotFoundError(2, "gone", "/x")

    with closing(BlobFeed(Broken(CONTENT), described(CONTENT), Cancel(), size=10)) as feed:
        assert feed.take() is not None
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                feed.take()


def test_a_full_disk_is_told_with_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy has no name of its own."""
    full = os.open("/dev/full", os.O_RDWR)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: os.fdopen(full, "r+b", buffering=0))
    pipe = Pipe(CONTENT)
    with closing(PipeFeed(pipe.reading, Cancel(), spool=True, size=100)) as feed:
        with pytest.raises(OSError, match="No space left on device") as caught:
            drained(feed)
        assert caught.value.filename == tempfile.gettempdir()
    pipe.thread.join()
