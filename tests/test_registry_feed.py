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
from fastlayer.registry.chunks import Buffers
from fastlayer.registry.feed import BlobFeed, Feed, WrittenFeed
from fastlayer.store import Stretch
from registries.client import fill
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


class Writer:
    """A thread that writes `content` into a feed, in pieces."""

    def __init__(self, feed: WrittenFeed, content: bytes, step: int = 70) -> None:
        self._feed = feed
        self._pieces = in_chunks(content, step)
        self.error: OSError | None = None
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _write(self) -> None:
        try:
            for piece in self._pieces:
                fill(self._feed, piece)
        except OSError as error:
            self.error = error
        finally:
            self._feed.end()


@pytest.mark.parametrize("size", [1, 333, 1000, 1001])
def test_what_is_written_comes_in_chunks(size: int) -> None:
    """However it was written; without a copy only once."""
    with closing(WrittenFeed(Buffers(size), Cancel())) as feed:
        writer = Writer(feed, CONTENT)
        assert drained(feed) == in_chunks(CONTENT, size)
        assert feed.count == len(CONTENT)
        assert not feed.rewind()
    writer.thread.join()


@pytest.mark.parametrize("size", [1, 333, 1000])
@pytest.mark.parametrize("taken", [0, 1, 2, 99])
def test_what_has_a_copy_comes_again(size: int, taken: int) -> None:
    """From its start, wherever it was, and then on from there."""
    with closing(WrittenFeed(Buffers(size), Cancel(), spool=True)) as feed:
        writer = Writer(feed, CONTENT)
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
    writer.thread.join()


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


def test_who_writes_is_told_that_nobody_wants_more() -> None:
    """By `EPIPE`, also while there is no room."""
    with closing(WrittenFeed(Buffers(1000), Cancel())) as feed:
        writer = Writer(feed, bytes(4 << 20), 1 << 20)
        feed.take()
    writer.thread.join(5)
    assert isinstance(writer.error, BrokenPipeError)


def test_who_writes_does_not_wait_for_long() -> None:
    """Without room he is told so, and may ask again."""
    with closing(WrittenFeed(Buffers(10), Cancel())) as feed:
        fill(feed, bytes(30))
        assert feed.room(1) is None
        chunk = feed.take()
        assert chunk is not None
        feed.give_back(chunk)
        room = feed.room(99)
        assert room is not None
        assert len(room) == 10
        feed.end()


def test_blobs_share_their_buffers() -> None:
    """One has all three; the next one gets them when the first lets go, whatever became of it."""
    buffers, cancel = Buffers(10), Cancel()
    first, second = WrittenFeed(buffers, cancel), WrittenFeed(buffers, cancel)
    fill(first, bytes(25))
    first.end()
    assert second.room(1) is None
    taken = first.take()
    assert taken is not None
    first.give_back(taken)
    fill(second, bytes(10))
    assert second.room(1) is None
    first.close()
    fill(second, bytes(20))
    second.end()
    second.close()


def test_who_takes_is_told_of_the_end() -> None:
    """Also while it waits for what nobody writes."""
    cancel = Cancel()
    with closing(WrittenFeed(Buffers(1000), cancel)) as feed:
        threading.Timer(0.02, cancel.set).start()
        for _ in range(2):
            with pytest.raises(CancelledError):
                feed.take()


def test_nothing_is_filled_that_was_not_given() -> None:
    """That would be a defect of who writes."""
    with (
        closing(WrittenFeed(Buffers(10), Cancel())) as feed,
        pytest.raises(ValueError, match="nothing was giv"),
    ):
        feed.filled(1)


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
    feed = WrittenFeed(Buffers(100), Cancel(), spool=True)
    with pytest.raises(OSError, match="No space left on device") as caught:
        fill(feed, CONTENT)
    assert caught.value.filename == tempfile.gettempdir()
    feed.end()
    feed.close()
