"""What a tree holds, and how it comes into the page cache."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from .tables import MB

PIECE = 1 << 20  # bytes of one read when the cache is warmed


@dataclass(frozen=True)
class TreeFacts:
    """How much there is to pack: names, and bytes of content with hard links counted once."""

    entries: int
    content_bytes: int

    @property
    def line(self) -> str:
        """Return the size as a title says it."""
        megabytes = self.content_bytes / MB
        size = f"{megabytes / 1000:.2f} GB" if megabytes >= 1000 else f"{megabytes:.1f} MB"
        return f"{size} in {self.entries:,} entries"


def warm(tree: Path) -> TreeFacts:
    """Read the whole tree once, so that runs find it in the page cache; return what it holds."""
    entries = content = 0
    seen: set[tuple[int, int]] = set()
    buffer = bytearray(PIECE)
    for entry in walk(tree):
        entries += 1
        status = entry.lstat()
        inode = status.st_dev, status.st_ino
        if not S_ISREG(status.st_mode) or inode in seen:
            continue
        seen.add(inode)
        content += status.st_size
        with entry.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return TreeFacts(entries, content)


def walk(tree: Path) -> Iterator[Path]:
    """Yield the tree itself and everything below it."""
    yield tree
    for folder, names, files in os.walk(tree, onerror=raise_error):
        for name in (*names, *files):
            yield Path(folder, name)


def raise_error(error: OSError) -> None:
    """Let an unreadable folder be an error, where `os.walk` would skip it."""
    raise error
