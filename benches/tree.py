"""A tree of files to pack, the same bytes on every machine, for tests and benches.

Three kinds of content behave like what images hold: text (gzip packs it to a third), machine code
(to a bit more than half) and media or archives (not at all). The bytes come from SHAKE-256, which
is specified to the bit, rather than from `random`.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

SLOTS = 1 << 16  # of a table that two random bytes point into
WORDS = 4000
INSTRUCTIONS = 6000
SMALL_FILES_PER_FOLDER = 50
SMALL_FILE_BYTES = 4096  # at most
LARGE_FILES = 16  # of each kind
MTIME = 1_700_000_000  # 2023-11-14T22:13:20Z, for every entry
MIB = 1 << 20


@dataclass(frozen=True)
class Tree:
    """A tree that was made: where it is, its entries with the root, and its bytes of content."""

    root: Path
    entries: int
    content_bytes: int


def make_tree(root: Path, *, large_bytes: int = 64 * MIB, small_files: int = 5000) -> Tree:
    """Make the tree in the new folder `root`.

    `large_bytes` are spread over large files of all three kinds, as far as they divide; the small
    files are text and code, some executable, with a hard link and a symlink in every folder.
    """
    root.mkdir()
    for name, content in (("text", text), ("code", code), ("media", media)):
        make_large_files(root / name, content, large_bytes // (3 * LARGE_FILES))
    make_small_files(root / "small", small_files)
    paths = [root, *root.rglob("*")]
    for path in paths:
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (MTIME, MTIME), follow_symlinks=False)
    files = {(path.lstat().st_ino, path.lstat().st_size) for path in paths if is_regular(path)}
    return Tree(root, len(paths), sum(size for _, size in files))


def is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def make_large_files(folder: Path, content: Callable[[str, int], bytes], size: int) -> None:
    """Make files of one kind and the same size."""
    folder.mkdir()
    for number in range(LARGE_FILES):
        path = folder / f"{number:02}"
        path.write_bytes(content(f"{folder.name} {number}", size))
        path.chmod(0o644)


def make_small_files(folder: Path, count: int) -> None:
    """Make small files of many sizes, in folders of a few dozen."""
    folder.mkdir()
    pool = text("small", MIB) + code("small", MIB)
    places = random_bytes("places", 4 * count)
    for number in range(count):
        place = int.from_bytes(places[4 * number : 4 * number + 4], "little")
        size, offset = place % (SMALL_FILE_BYTES + 1), place % (len(pool) - SMALL_FILE_BYTES)
        parent = folder / f"{number // SMALL_FILES_PER_FOLDER:03}"
        path = parent / f"{number:05}.txt"
        first = number % SMALL_FILES_PER_FOLDER == 0
        if first:
            parent.mkdir()
        path.write_bytes(pool[offset : offset + size])
        path.chmod(0o755 if number % 10 == 0 else 0o644)
        if first:
            (parent / "hard").hardlink_to(path)
            (parent / "soft").symlink_to(path.name)


def random_bytes(seed: str, size: int) -> bytes:
    """Return bytes that look random and are the same for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(size)


media = random_bytes


def text(seed: str, size: int) -> bytes:
    """Return words of a small language, the common ones far more often than the rare."""
    letters = random_bytes("words", WORDS * 12)
    words = [
        bytes(97 + letter % 26 for letter in letters[12 * word : 12 * word + 2 + letters[word] % 9])
        for word in range(WORDS)
    ]
    spaced = [word + (b"\n" if number % 12 == 0 else b" ") for number, word in enumerate(words)]
    return drawn(seed, size, spaced)


def code(seed: str, size: int) -> bytes:
    """Return what looks like machine code: instructions of 2 to 7 bytes, with numbers between."""
    raw = random_bytes("instructions", INSTRUCTIONS * 8)
    instructions = [
        raw[8 * number : 8 * number + 2 + raw[8 * number + 7] % 6] for number in range(INSTRUCTIONS)
    ]
    return drawn(seed, size, instructions)


def drawn(seed: str, size: int, pieces: list[bytes]) -> bytes:
    """Return pieces drawn as words are in a language: the n-th 1/n as often as the first."""
    weights = list(accumulate(1 / (number + 1) for number in range(len(pieces))))
    table: list[bytes] = []
    for piece, weight in zip(pieces, weights, strict=True):
        upto = round(SLOTS * weight / weights[-1])
        table += [piece] * (upto - len(table))
    shortest = min(map(len, pieces))
    places = random_bytes(seed, 2 * (size // shortest + 1))
    found = (table[low | high << 8] for low, high in zip(places[::2], places[1::2], strict=True))
    return b"".join(found)[:size]
