"""Trees of many files and bytes, made fast, the same on every machine.

Every file is a stretch of one pool with its bytes renamed by some permutation: what a compressor
finds within the file stays as it is, and hardly anything is the same in two files.
"""

from functools import cache
from pathlib import Path

from benches.tree import MIB, code, random_bytes, text

POOL_PIECE = MIB // 16  # bytes of one kind in a row
POOL_ROUNDS = 48
# Pieces of each kind in a round: the whole shrinks to about a third, as root file systems do.
TEXTS, CODES, TABLES = 3, 1, 2
RECORD = 16  # bytes of a row in what looks like a table
PERMUTATIONS = 251  # a prime, so that neighbours and round numbers have different ones


@cache
def pool() -> bytes:
    """Return text, machine code and tables in turn."""
    parts = [
        (make("growth", share * POOL_ROUNDS * POOL_PIECE), share * POOL_PIECE)
        for make, share in ((text, TEXTS), (code, CODES), (tables, TABLES))
    ]
    return b"".join(
        kind[turn * size : (turn + 1) * size] for turn in range(POOL_ROUNDS) for kind, size in parts
    )


def tables(seed: str, size: int) -> bytes:
    """Return records of a number that counts, a byte at random, and zeros."""
    noise = random_bytes(seed, size // RECORD)
    return b"".join(
        (row * 24).to_bytes(6, "little") + noise[row : row + 1] + bytes(RECORD - 7)
        for row in range(size // RECORD)
    )


@cache
def permutations() -> list[bytes]:
    """Return tables for `bytes.translate`, each with every byte once."""
    return [
        bytes(byte for _, byte in sorted(zip(places, range(256), strict=True)))
        for places in (random_bytes(f"order {number}", 256) for number in range(PERMUTATIONS))
    ]


def make_tree(root: Path, *, files: int, file_bytes: int, per_folder: int) -> Path:
    """Make so many files of one size in the new folder `root`, in folders of so many."""
    root.mkdir()
    content, renamed = pool(), permutations()
    places = random_bytes(f"{files} files of {file_bytes}", 4 * files)
    for number in range(files):
        folder = root / f"{number // per_folder:05}"
        if number % per_folder == 0:
            folder.mkdir()
        place = int.from_bytes(places[4 * number : 4 * number + 4], "little")
        start = place % (len(content) - file_bytes)
        stretch = content[start : start + file_bytes].translate(renamed[number % PERMUTATIONS])
        (folder / f"{number:06}").write_bytes(stretch)
    return root
