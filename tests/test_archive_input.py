"""Archives as input: every compression from every kind of source, and what is wrong with some."""

import bz2
import errno
import gzip
import io
import lzma
import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import fastlayer as fl
from archives import zstd
from boundary.measure import MIB

Compress = Callable[[bytes], bytes]

# Each has the suffix that its tools give it; what is read is told by the content.
FORMATS: dict[str, Compress] = {
    "gz": lambda content: gzip.compress(content, 1),
    "bz2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
    "zst": zstd,
}
every_format = pytest.mark.parametrize("suffix", FORMATS)


@pytest.fixture(scope="module")
def tar() -> bytes:
    """A tar of some MiB that no compressor makes much smaller."""
    return tar_of(*(os.urandom(300_000) for _ in range(7)))


@pytest.fixture(scope="module")
def blobs(tar: bytes) -> dict[str, bytes]:
    """The tar in every format."""
    return {suffix: compress(tar) for suffix, compress in FORMATS.items()}


def tar_of(*contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, content in enumerate(contents):
            info = tarfile.TarInfo(f"file-{number}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_all(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as end:
        end.write(content)


def diff_id(layer: fl.Layer, output: Path) -> str:
    return str(layer.save(output).diff_id)


@every_format
def test_a_compressed_archive_gives_the_layer_of_the_plain_one(
    suffix: str, blobs: dict[str, bytes], tar: bytes, tmp_path: Path
) -> None:
    """From a file, a named pipe, a pipe and a stream that gives little at a time."""

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 1000))

    (tmp_path / "plain").write_bytes(tar)
    expected = diff_id(fl.Layer.from_archive(tmp_path / "plain"), tmp_path / "out")
    # A name that says nothing, or something else.
    (tmp_path / "archive.txt").write_bytes(blobs[suffix])
    file = fl.Layer.from_archive(tmp_path / "archive.txt")
    assert diff_id(file, tmp_path / "out") == expected
    stream = fl.Layer.from_stream(Trickle(blobs[suffix]))
    assert diff_id(stream, tmp_path / "out") == expected

    os.mkfifo(tmp_path / "fifo")
    fifo = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=[blobs[suffix]])
    fifo.start()
    assert diff_id(fl.Layer.from_archive(tmp_path / "fifo"), tmp_path / "out") == expected
    fifo.join()

    read, write = os.pipe()
    pipe = threading.Thread(target=write_all, args=[write, blobs[suffix]])
    pipe.start()
    with os.fdopen(read, "rb") as end:
        assert diff_id(fl.Layer.from_stream(end), tmp_path / "out") == expected
    pipe.join()


@every_format
def test_all_parts_are_read(suffix: str, tar: bytes, tmp_path: Path) -> None:
    """Members, streams and frames one after another, as parallel compressors write them."""
    pieces = [tar[at : at + 999_999] for at in range(0, len(tar), 999_999)]
    (tmp_path / "parts").write_bytes(b"".join(map(FORMATS[suffix], [b"", *pieces, b""])))
    (tmp_path / "plain").write_bytes(tar)
    layers = [fl.Layer.from_archive(tmp_path / name) for name in ("parts", "plain")]
    assert len({diff_id(layer, tmp_path / "out") for layer in layers}) == 1


@pytest.mark.parametrize("check", ["NONE", "CRC32", "CRC64", "SHA256"])
def test_every_check_of_xz_is_known(check: str, tmp_path: Path) -> None:
    """The content is verified with whichever its writer chose."""
    blob = lzma.compress(tar_of(b"content"), check=getattr(lzma, f"CHECK_{check}"))
    (tmp_path / "archive").write_bytes(blob)
    fl.Layer.from_archive(tmp_path / "archive").save(tmp_path / "out")
    # Behind the check are an index, whose size the footer of 12 bytes tells, and that footer.
    damaged = bytearray(blob)
    damaged[-13 - (int.from_bytes(blob[-8:-4], "little") + 1) * 4] ^= 1
    (tmp_path / "archive").write_bytes(damaged)
    if check != "NONE":
        with pytest.raises(fl.MalformedArchiveError, match="xz: the compressed data is damaged"):
            fl.Layer.from_archive(tmp_path / "archive").save(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("cut", lambda blob: blob[: len(blob) * 2 // 3]),
        ("cut by a byte", lambda blob: blob[:-1]),
        ("cut after its magic", lambda blob: blob[:14]),
        ("damaged", lambda blob: blob[:5000] + b"\xff" * 70_000 + blob[75_000:]),
        ("with garbage", lambda blob: blob + b"garbage behind the end"),
        ("with zeroes and garbage", lambda blob: blob + bytes(512) + b"garbage"),
    ],
)
@every_format
def test_what_is_wrong_with_an_archive_is_told(
    suffix: str, name: str, damage: Compress, blobs: dict[str, bytes], tmp_path: Path
) -> None:
    """One line names the archive and the compression, and no output appears."""
    path = tmp_path / f"{name}.{suffix}"
    path.write_bytes(damage(blobs[suffix]))
    with pytest.raises(fl.MalformedArchiveError) as caught:
        fl.Layer.from_archive(path, threads=4).save(tmp_path / "out")
    message = str(caught.value)
    assert message.startswith(f"malformed archive `{path}`"), message
    assert "\n" not in message
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.{suffix}"]


@pytest.mark.parametrize(
    ("suffix", "zeroes", "fine"),
    [
        ("gz", 511, True),
        ("bz2", 511, True),
        ("xz", 512, True),
        ("xz", 511, False),
        ("zst", 512, False),
    ],
)
def test_zeroes_behind_the_end_are_what_the_tool_takes_them_for(
    suffix: str,
    zeroes: int,
    fine: bool,  # noqa: FBT001 (a parameter of the table)
    blobs: dict[str, bytes],
    tmp_path: Path,
) -> None:
    """gzip(1) and bzip2(1) read on, xz(1) wants a multiple of four, zstd(1) takes none."""
    (tmp_path / "archive").write_bytes(blobs[suffix] + bytes(zeroes))
    layer = fl.Layer.from_archive(tmp_path / "archive")
    if fine:
        layer.save(tmp_path / "out")
    else:
        with pytest.raises(fl.MalformedArchiveError):
            layer.save(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("lz4", b"\x04\x22\x4d\x18\x64\x40\xa7"),
        ("lzip", b"LZIP\x01\x0c"),
        ("lzop", b"\x89LZO\0\r\n\x1a\n"),
        ("lzma", lzma.compress(b"content", format=lzma.FORMAT_ALONE)),
        ("compress", b"\x1f\x9d\x90"),
        ("zip", b"PK\x03\x04"),
        ("7z", b"7z\xbc\xaf\x27\x1c"),
    ],
)
def test_an_unsupported_compression_is_named(name: str, start: bytes, tmp_path: Path) -> None:
    """What is known and not read is told from what is no archive at all."""
    path = tmp_path / "archive"
    path.write_bytes(start.ljust(600, b"\x55"))
    with pytest.raises(fl.MalformedArchiveError) as caught:
        fl.Layer.from_archive(path).save(tmp_path / "out")
    assert str(caught.value) == (
        f"malformed archive `{path}`: unsupported compression `{name}`: "
        "expected a tar, plain or compressed with gzip, bzip2, xz or zstd"
    )


@every_format
def test_the_exception_of_a_stream_comes_out_unchanged(
    suffix: str, blobs: dict[str, bytes], tmp_path: Path
) -> None:
    """Also when it is raised in the middle of what another thread decodes."""
    raised = ConnectionResetError(104, "reset by the test")

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not (piece := super().read(size)):
                raise raised
            return piece

    half = blobs[suffix][: len(blobs[suffix]) // 2]
    with pytest.raises(ConnectionResetError) as caught:
        fl.Layer.from_stream(Broken(half)).save(tmp_path / "out")
    assert caught.value is raised
    assert list(tmp_path.iterdir()) == []


class Endless(io.RawIOBase):
    """Gives `start`, then `piece` over and over, and counts the bytes."""

    def __init__(self, start: bytes, piece: bytes) -> None:
        self.count = 0
        self._pieces = self._all(start, piece)
        self._rest = b""

    @staticmethod
    def _all(start: bytes, piece: bytes) -> Iterator[bytes]:
        yield start
        while True:
            yield piece

    def read(self, size: int = -1, /) -> bytes:
        self._rest = self._rest or next(self._pieces)
        piece, self._rest = self._rest[:size], self._rest[size:]
        self.count += len(piece)
        return piece


def threads() -> set[str]:
    """The threads of this process, by kernel number."""
    return {task.name for task in Path("/proc/self/task").iterdir()}


@contextmanager
def leaving_no_thread() -> Iterator[None]:
    """What is done inside ends every thread that it starts."""
    before = threads()
    yield
    # The kernel lists a thread a little longer than it runs.
    deadline = time.monotonic() + 1
    while not threads() <= before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threads() <= before


@every_format
def test_a_build_that_fails_reads_no_further(suffix: str, tmp_path: Path) -> None:
    """What was decoded ahead is little, and no thread goes on with it."""
    compress = FORMATS[suffix]
    stream = Endless(compress(b"no tar at all" * 1000), compress(os.urandom(100_000)))
    message = pytest.raises(fl.MalformedArchiveError, match="no tar header")
    with leaving_no_thread(), message:
        fl.Layer.from_stream(stream).save(tmp_path / "out")
    assert stream.count < 4 * MIB


@every_format
def test_a_bomb_ends_when_the_disk_is_full(suffix: str) -> None:
    """Terabytes in a few bytes are read no further than there is room for."""
    info = tarfile.TarInfo("bomb")
    info.size = 1 << 40
    compress = FORMATS[suffix]
    stream = Endless(compress(info.tobuf()), compress(bytes(MIB)))
    with leaving_no_thread(), pytest.raises(OSError, match="No space left") as caught:
        fl.Layer.from_stream(stream, compression="none").save("/dev/full")
    assert caught.value.errno == errno.ENOSPC
    assert stream.count < 16 * MIB


@every_format
def test_a_build_that_is_stopped_ends(suffix: str, blobs: dict[str, bytes], tmp_path: Path) -> None:
    """Also when what it reads has no end: here, of what follows the tar's."""

    def stop(done: int, total: int | None) -> None:
        if done:
            raise RuntimeError("stopped by the test")

    stream = Endless(blobs[suffix], FORMATS[suffix](bytes(1000)))
    with leaving_no_thread(), pytest.raises(RuntimeError, match="stopped by the test"):
        fl.Layer.from_stream(stream, progress=stop, threads=4).save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
