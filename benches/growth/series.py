"""What is measured: series of builds that each have ten times as much of one thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benches.common.process import Cost, Typical

from .trees import make_tree

Name = Literal["content", "files", "layers"]

COMPRESSIONS = ("gzip", "zstd", "none")
STEP = 10  # times as much, from one amount to the next
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Sizes:
    """The largest amounts: files, bytes in each, and layers; the series lead up to them."""

    content_files: int = 1000
    content_bytes: int = MEGABYTE  # in each file
    small_files: int = 100_000
    small_bytes: int = 1024  # in each file
    layers: int = 100  # among which the files of content are divided


@dataclass(frozen=True)
class Series:
    """Builds of some amounts of one thing: the arguments of each, by its amount."""

    name: Name
    title: str
    unit: str  # one of what there is more and more of
    per: str  # in which a unit's cost is told
    factor: float  # of those in a second
    builds: dict[float, list[str]]


@dataclass(frozen=True)
class Point:
    """What builds of one amount with one compression cost."""

    series: Series
    compression: str
    amount: float
    costs: list[Cost]
    output_bytes: int

    def over(self, idle: Typical) -> Typical:
        """Return what is more than a start without work costs."""
        return Typical.of(self.costs).over(idle)


def make_series(folder: Path, sizes: Sizes, progress: Callable[[str], object]) -> list[Series]:
    """Make every tree in the folder; return what to build of them.

    The layers are the folders of the tree with most content.
    """
    per_layer = sizes.content_files // sizes.layers
    content = {}
    for amount in amounts(sizes.content_bytes):
        progress(f"making {sizes.content_files:,} files of {amount:,} bytes")
        root = folder / f"content-{amount}"
        make_tree(root, files=sizes.content_files, file_bytes=amount, per_folder=per_layer)
        content[sizes.content_files * amount / MEGABYTE] = ["layer", str(root)]
    small = {}
    for amount in amounts(sizes.small_files):
        progress(f"making {amount:,} files of {sizes.small_bytes:,} bytes")
        root = folder / f"files-{amount}"
        make_tree(root, files=amount, file_bytes=sizes.small_bytes, per_folder=100)
        small[float(amount)] = ["layer", str(root)]
    parts = sorted((folder / f"content-{sizes.content_bytes}").iterdir())
    layers = {float(amount): image_of(parts[:amount]) for amount in amounts(sizes.layers)}
    part = f"{per_layer * sizes.content_bytes / MEGABYTE:g} MB"
    return [
        Series("content", f"MB in {sizes.content_files:,} files", "MB", "ms", 1e3, content),
        Series("files", f"files of {sizes.small_bytes:,} bytes", "file", "µs", 1e6, small),
        Series("layers", f"layers of {part} in an image", "layer", "ms", 1e3, layers),
    ]


def amounts(largest: int) -> tuple[int, int, int]:
    """Return three amounts, the last of them the largest."""
    return largest // STEP**2, largest // STEP, largest


def image_of(trees: Sequence[Path]) -> list[str]:
    """Return the arguments of an image with a layer of each tree."""
    return ["build", "-t", "x:1", *(word for tree in trees for word in ("--rootfs", str(tree)))]
