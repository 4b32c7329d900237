"""Promise 7: Ctrl-C stops a library call, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROLOGUE = """
import os, signal, sys, time, fastlayer as fl
from pathlib import Path

# Whoever ran the tests in the background had it ignored, which a program inherits.
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
# What is saved, and how it is seen that the work has begun.
DIRECTORY = """
source, output, compression, level = sys.argv[1:]
options = {"compression": compression, "level": int(level)}

def layer(**others):
    return fl.Layer.from_directory(source, **options, **others)

def begun(done):
    return done
"""
IMAGE = """
source, output = sys.argv[1:]

class layer:
    # All layers but the first one are under way before their turn.
    def __init__(self, **others):
        files = sorted(Path(source).iterdir())
        layers = [fl.Layer.from_files({"file": path}, level=9, **others) for path in files * 2]
        self.image = fl.Image.scratch(platform="linux/amd64").append(*layers)

    def save(self, output):
        self.image.save(output)

def begun(done):
    return done
"""
DIFF = """
lower, upper, output = sys.argv[1:]

def layer(**others):
    return fl.Layer.from_diff(lower, upper, **others)

def begun(done):
    # Only the comparison has files of both trees open.
    files = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    return {lower + "/file", upper + "/file"} <= set(files)
"""
SAVE = """
started = False

def progress(done, total):
    global started
    if not started and begun(done):
        started = True
        print("started", flush=True)

try:
    layer(threads=2, progress=progress).save(output)
except KeyboardInterrupt:
    caught = time.monotonic()
    # The kernel lists a thread a little longer than it runs.
    while (threads := len(os.listdir("/proc/self/task"))) > 1 and time.monotonic() < caught + 1:
        time.sleep(0.001)
    print(caught, threads, flush=True)
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


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two trees to compare for some seconds: their files have holes and nothing else."""
    root = tmp_path_factory.mktemp("interrupt")
    trees = (root / "lower", root / "upper")
    for tree in trees:
        tree.mkdir()
        (tree / "file").touch()
        os.truncate(tree / "file", 256 << 30)
        os.utime(tree / "file", (0, 0))
    return trees


def interrupted(source: str, *arguments: str | Path) -> tuple[float, int]:
    """Interrupt a build once it is under way: seconds until it raised, and threads left then."""
    command = [sys.executable, "-c", PROLOGUE + source + SAVE, *map(str, arguments)]
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
    arguments = (tree, tmp_path / "out", compression, str(level))
    check(tmp_path, [interrupted(DIRECTORY, *arguments) for _ in range(3)])


def test_ctrl_c_ends_all_layers_of_an_image(tree: Path, tmp_path: Path) -> None:
    """The same for those that are made ahead of their turn."""
    check(tmp_path, [interrupted(IMAGE, tree, tmp_path / "out") for _ in range(3)])


def test_ctrl_c_ends_a_comparison_at_once(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """The same before there is a plan, while files of two trees are compared."""
    check(tmp_path, [interrupted(DIFF, *pair, tmp_path / "out") for _ in range(3)])


def check(folder: Path, runs: list[tuple[float, int]]) -> None:
    assert {threads for _, threads in runs} == {1}
    assert list(folder.iterdir()) == []
    # The machine may be busy with something else in one run, but hardly in all.
    assert min(seconds for seconds, _ in runs) < 0.2
