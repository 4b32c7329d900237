"""The archive of a whole Debian makes one layer, whoever compressed it and wherever it is read."""

import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

import fastlayer as fl

from .peers import call, call_bytes, find

# At the fastest level: 180 MB go through each.
WHOLE = {
    "gzip": "gzip -1",
    "pigz": "pigz -1 --processes 2",
    "bzip2": "bzip2 -1",
    "xz": "xz -0 --threads=2",
    "zstd": "zstd -1 --quiet",
}
IN_PARTS = {"gzip members": "gzip -1", "zstd frames": "zstd -1 --quiet"}
# Bytes of the tar in each part, cut where nothing else begins. The last one has the rest.
PARTS = (1, 510, 1025, 0, 10_000_019, 70_000_001)
# RFC 8878, section 3.1.2: one of 16 magic numbers, the size, and what is not for the reader.
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"aside"
BETWEEN = {"gzip members": b"", "zstd frames": SKIPPABLE}

KEEP = ("--numeric-owner", "--xattrs", "--xattrs-include=*")


@pytest.fixture(scope="module")
def plain(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Debian as GNU tar finds it: the names of a directory in no order."""
    path = tmp_path_factory.mktemp("archives") / "plain"
    call([find("tar"), *KEEP, "-cf", path, "-C", rootfs, "."])
    return path


@pytest.fixture(scope="module")
def expected(plain: Path) -> str:
    """Give the `diff_id` of the plain tar."""
    return from_file(plain)


@pytest.fixture(scope="module")
def archives(plain: Path) -> Mapping[str, Path]:
    """Give the tar in every form. All are made at once: some are slow and use one core."""
    paths = {form: plain.parent / form for form in (*WHOLE, *IN_PARTS)}
    parts = cut(plain)
    with ThreadPoolExecutor() as pool:
        whole = {form: pool.submit(pack, command, plain) for form, command in WHOLE.items()}
        for form, command in IN_PARTS.items():
            packed = [pack(command, part) for part in parts]
            paths[form].write_bytes(BETWEEN[form].join(packed))
        for form, future in whole.items():
            paths[form].write_bytes(future.result())
    return {"plain": plain, **paths}


def cut(path: Path) -> list[Path]:
    """Write the parts of a file into files beside it."""
    parts = []
    with path.open("rb") as file:
        for number, size in enumerate((*PARTS, -1)):
            part = path.with_name(f"part-{number}")
            part.write_bytes(file.read(size))
            parts.append(part)
    return parts


def pack(command: str, path: Path) -> bytes:
    program, *options = command.split()
    return call_bytes([find(program), *options, "--stdout", path])


def diff_id(layer: fl.Layer) -> str:
    # A device takes the bytes as they come.
    return str(layer.save("/dev/null").diff_id)


def from_pipe(path: Path) -> str:
    """The `diff_id` of what a shell gives as `<(cat path)`."""
    with subprocess.Popen([find("cat"), path], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        layer = fl.Layer.from_archive(f"/dev/fd/{cat.stdout.fileno()}", compression="none")
        return diff_id(layer)


class Odd:
    """A stream that gives less than it is asked for, and an odd number of bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, 65_521))


def from_stream(path: Path) -> str:
    with path.open("rb") as file:
        return diff_id(fl.Layer.from_stream(Odd(file), compression="none"))


def from_file(path: Path) -> str:
    return diff_id(fl.Layer.from_archive(path, compression="none"))


@pytest.mark.parametrize("form", ["plain", *WHOLE, *IN_PARTS])
def test_every_archive_makes_the_same_layer(
    form: str, archives: Mapping[str, Path], expected: str
) -> None:
    """In every form, from a file, from a pipe and from a stream, it is that of the plain tar."""
    with ThreadPoolExecutor() as pool:
        found = [pool.submit(read, archives[form]) for read in (from_file, from_pipe, from_stream)]
    assert [future.result() for future in found] == [expected] * 3


def test_a_sorted_archive_makes_the_layer_of_the_directory(rootfs: Path, tmp_path: Path) -> None:
    """GNU tar sorts as fastlayer does, and what both found is the same, bit by bit."""
    path = tmp_path / "sorted.tar"
    call([find("tar"), *KEEP, "--sort=name", "-cf", path, "-C", rootfs, "."])
    archive = fl.Layer.from_archive(path, compression="none")
    directory = fl.Layer.from_directory(rootfs, compression="none")
    assert diff_id(archive) == diff_id(directory)
