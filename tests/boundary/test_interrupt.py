"""Promise 7: Ctrl-C stops a library call, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SAVE = """if True:
    import signal, sys, time, fastlayer as fl
    from pathlib import Path

    # Whoever ran the tests in the background had it ignored, which a program inherits.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = False

    def progress(done, total):
        global started
        if done and not started:
            started = True
            print("started", flush=True)

    source, output, compression, level = sys.argv[1:]
    layer = fl.Layer.from_directory(
        source, compression=compression, level=int(level), threads=2, progress=progress
    )
    try:
        layer.save(output)
    except KeyboardInterrupt:
        caught = time.monotonic()
        print(caught, len(list(Path("/proc/self/task").iterdir())), flush=True)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to be busy for some seconds at any level."""
    root = tmp_path_factory.mktemp("interrupt") / "tree"
    root.mkdir()
    for number in range(8):
        text = b"".join(b"%d times %d\n" % (number, n) for n in range(4_000_000))
        (root / f"text-{number}").write_bytes(text)
    return root


def interrupted(*arguments: str) -> tuple[float, int]:
    """Interrupt a build once it is under way: seconds until it raised, and threads left then."""
    command = [sys.executable, "-c", SAVE, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        caught, threads = process.stdout.readline().split()
    assert process.returncode == 0
    return float(caught) - sent, int(threads)


@pytest.mark.parametrize(
    ("compression", "level"), [("gzip", 1), ("gzip", 9), ("zstd", 3), ("zstd", 9)]
)
def test_ctrl_c_raises_at_once(tree: Path, tmp_path: Path, compression: str, level: int) -> None:
    """`KeyboardInterrupt` comes out within 0.2 s, with no thread and no file left."""
    runs = [
        interrupted(os.fspath(tree), os.fspath(tmp_path / "out"), compression, str(level))
        for _ in range(3)
    ]
    assert {threads for _, threads in runs} == {1}
    assert list(tmp_path.iterdir()) == []
    # The machine may be busy with something else in one run, but hardly in all.
    assert min(seconds for seconds, _ in runs) < 0.2
