"""The layers of one image, which are made side by side: the same bytes, order and errors."""

import io
import random
import socket
import tarfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fastlayer as fl

if TYPE_CHECKING:
    from fastlayer.media_type import Compression

SCRATCH = fl.Image.scratch(platform="linux/amd64")


def text(size: int, seed: int) -> bytes:
    """Text that gets smaller, of `size` bytes."""
    words = random.Random(seed)
    lines = b"".join(b"%d plus %d\n" % (seed, words.randrange(1 << 30)) for _ in range(size // 12))
    return lines.ljust(size, b".")


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Trees of any size: most are small, one has some blocks, one more entries than go ahead."""
    root = tmp_path_factory.mktemp("trees")
    made = []
    for number in range(24):
        tree = root / f"{number:02}"
        tree.mkdir()
        size = 7_000_000 if number == 5 else 40_000 * (number % 7)
        (tree / "text").write_bytes(text(size, number))
        for other in range(5000 if number == 11 else number):
            (tree / f"{other}").touch()
        made.append(tree)
    return made


def layers(trees: list[Path], *, threads: int | None) -> list[fl.Layer]:
    """A layer of each tree, with all compressions, and some layers of other kinds between them."""
    compressions: list[Compression] = ["gzip", "gzip", "zstd", "none"]
    made = [
        fl.Layer.from_directory(tree, compression=compressions[number % 4], threads=threads)
        for number, tree in enumerate(trees)
    ]
    made.insert(3, fl.Layer.from_files({"app": text(100_000, 1)}, threads=threads))
    made.insert(7, fl.Layer.from_diff(trees[0], trees[3], threads=threads))
    made.insert(9, fl.Layer.from_stream(tar_of({"stream": text(50_000, 2)}), threads=threads))
    return [*made, made[0], fl.Layer.from_directory(trees[1], threads=threads)]


def tar_of(files: dict[str, bytes]) -> io.BytesIO:
    """A tar with these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    stream.seek(0)
    return stream


def test_the_archive_does_not_depend_on_the_threads(trees: list[Path], tmp_path: Path) -> None:
    """Members stand in the order of the layers, byte for byte, whoever was ready first."""
    archives = set()
    for threads in (1, 2, 8, None):
        image = SCRATCH.append(*layers(trees, threads=threads))
        built = image.save(tmp_path / "image.tar", tags=["a:1"])
        archives.add((tmp_path / "image.tar").read_bytes())
    assert len(archives) == 1

    alone = [layer.save(tmp_path / "layer") for layer in layers(trees, threads=1)]
    assert list(built.layers) == alone
    with tarfile.open(tmp_path / "image.tar") as tar:
        names = [name.rpartition("/")[2] for name in tar.getnames()]
    blobs = list(dict.fromkeys(layer.digest.encoded for layer in alone))
    assert names[: len(blobs)] == blobs


def test_a_layout_gets_the_same_blobs(trees: list[Path], tmp_path: Path) -> None:
    """And nothing else: what is written on the way is gone."""
    built = SCRATCH.append(*layers(trees, threads=4)).write_layout(tmp_path / "layout")
    blobs = {path.name for path in (tmp_path / "layout" / "blobs" / "sha256").iterdir()}
    digests = [built.digest, built.config.digest, *(layer.digest for layer in built.layers)]
    assert blobs == {digest.encoded for digest in digests}


@pytest.mark.parametrize("threads", [1, 4])
def test_the_first_layer_that_fails_is_told_of(
    trees: list[Path], tmp_path: Path, threads: int
) -> None:
    """Not the one that fails first; and nothing is left."""
    made = layers(trees, threads=threads)
    for place, name in ((20, "two"), (10, "one")):
        made.insert(place, fl.Layer.from_directory(f"/no/such/{name}", threads=threads))
    for _ in range(5):
        with pytest.raises(FileNotFoundError) as caught:
            SCRATCH.append(*made[:9], *made[10:]).save(tmp_path / "image.tar")
        assert caught.value.filename == "/no/such/one"
        assert list(tmp_path.iterdir()) == []


def test_warnings_come_in_the_order_of_the_layers(tmp_path: Path) -> None:
    """Those of a layer that was ready early wait for those of the layers before it."""
    made = []
    for number in range(12):
        tree = tmp_path / f"{number:02}"
        tree.mkdir()
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(f"{tree}/socket")
        (tree / "text").write_bytes(text(3_000_000 if number % 5 == 0 else 10, number))
        edits = [fl.edit.remove(f"/missing/{number:02}")]
        made.append(fl.Layer.from_directory(tree, edits=edits, threads=4))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SCRATCH.append(*made).save(tmp_path / "image.tar")
    assert all(warning.category is fl.SourceWarning for warning in caught)
    told = [str(warning.message) for warning in caught]
    assert len(told) == 24
    for number in range(12):
        assert f"{number:02}/socket" in told[2 * number]
        assert f"/missing/{number:02}" in told[2 * number + 1]


class Noting(io.BytesIO):
    """A stream that notes who was read."""

    def __init__(self, content: bytes, number: int, notes: list[int]) -> None:
        super().__init__(content)
        self._number, self._notes = number, notes

    def read(self, size: int | None = -1, /) -> bytes:
        if self._notes[-1:] != [self._number]:
            self._notes.append(self._number)
        return super().read(size)


def test_streams_are_read_one_after_the_other(tmp_path: Path) -> None:
    """What one stream gives may depend on what was read from another."""
    notes: list[int] = []
    made = [
        fl.Layer.from_stream(Noting(tar_of({f"{n}": text(9000, n)}).read(), n, notes), threads=4)
        for n in range(8)
    ]
    SCRATCH.append(*made).save(tmp_path / "image.tar")
    assert notes == list(range(8))


def test_each_layer_reports_its_own_progress(trees: list[Path], tmp_path: Path) -> None:
    """In the order of the layers, and at last all of its tar."""
    reports: list[tuple[int, int, int | None]] = []

    def layer(number: int) -> fl.Layer:
        return fl.Layer.from_directory(
            trees[number],
            threads=4,
            progress=lambda done, total: reports.append((number, done, total)),
        )

    built = SCRATCH.append(*map(layer, range(20))).save(tmp_path / "image.tar")
    assert [number for number, _, _ in reports] == sorted(number for number, _, _ in reports)
    for number, made in enumerate(built.layers):
        last = [(done, total) for of, done, total in reports if of == number][-1]
        assert last == (made.uncompressed_size, made.uncompressed_size)


def running() -> set[str]:
    """The threads of this process, by kernel number."""
    return {task.name for task in Path("/proc/self/task").iterdir()}


def test_an_exception_between_layers_ends_the_others(trees: list[Path], tmp_path: Path) -> None:
    """A callback's, here: the layers that are under way are given up."""

    def stop(done: int, total: int | None) -> None:
        raise RuntimeError("stopped by the test")

    made = [fl.Layer.from_directory(tree, threads=4) for tree in trees]
    made.insert(2, fl.Layer.from_directory(trees[5], threads=4, progress=stop))
    before = running()
    with pytest.raises(RuntimeError, match="stopped by the test"):
        SCRATCH.append(*made).save(tmp_path / "image.tar")
    # The kernel lists a thread a little longer than it runs.
    deadline = time.monotonic() + 1
    while running() - before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not running() - before
    assert list(tmp_path.iterdir()) == []


def test_no_layer_reads_the_output_however_early_it_is_read(tmp_path: Path) -> None:
    """Also one that is read before its own blob is begun."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "text").write_bytes(text(3_000_000, 1))
    made = [
        fl.Layer.from_directory(tmp_path / "first", threads=4),
        fl.Layer.from_directory(tmp_path, threads=4),
    ]
    image = SCRATCH.append(*made)
    for _ in range(3):
        with pytest.raises(fl.UnsupportedEntryError, match="inside the tree that it is made of"):
            image.save(tmp_path / "image.tar")
        with pytest.raises(fl.UnsupportedEntryError, match="inside the tree that it is made of"):
            image.write_layout(tmp_path / "layout")
        assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_a_layer_that_asks_for_one_thread_has_one(trees: list[Path], tmp_path: Path) -> None:
    """Beside others that ask for more; the bytes are the same."""
    made = [fl.Layer.from_directory(tree, threads=1 + n % 4) for n, tree in enumerate(trees)]
    one = SCRATCH.append(*made).save(tmp_path / "image.tar")
    two = SCRATCH.append(*(fl.Layer.from_directory(tree, threads=1) for tree in trees))
    assert two.save(tmp_path / "image.tar").digest == one.digest
