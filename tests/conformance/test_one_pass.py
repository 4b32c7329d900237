"""Promise 1 on a real root file system: one read of the input, one write of the output."""

from pathlib import Path

import pytest

from boundary.measure import MIB, SAVE, cost

from .tree import snapshot


@pytest.mark.parametrize(
    ("compression", "level"), [("gzip", 6), ("gzip", 1), ("zstd", 3), ("none", None)]
)
def test_debian_is_read_once_and_written_once(
    rootfs: Path, tmp_path: Path, compression: str, level: int | None
) -> None:
    """`/proc/self/io` counts the input and the output, and 2 percent; memory stays below 96 MiB."""
    content = sum(
        record.size or 0
        # Further names of a file are no further content.
        for path, record in snapshot(rootfs).items()
        if record.kind == "file" and path in (*record.names[:1], path)[:1]
    )
    used = cost(SAVE, rootfs, tmp_path / "image.tar", compression, level)
    # A little less than the content is read: the holes of sparse files are not.
    assert 0.99 * content <= used.read <= 1.02 * content + 8 * MIB
    written = (tmp_path / "image.tar").stat().st_size
    assert written <= used.written <= 1.02 * written + 8 * MIB
    assert used.peak <= 96 * MIB
