"""The example in `examples/`, as a reader would follow it."""

import hashlib
import sys
from pathlib import Path

import pytest

from .engines import Engine
from .peers import call, find

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAME = "custom/hello:latest"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the static program of the example."""
    path = tmp_path_factory.mktemp("hello") / "hello"
    source = EXAMPLES / "hello" / "hello.c"
    call([find("cc"), "-static", "-Os", "-o", path, source])
    return path


def test_the_example_runs_in_docker(docker: Engine, program: Path, tmp_path: Path) -> None:
    """`examples/hello.py` packs a program into an image that Docker runs."""
    image = tmp_path / "hello.tar"
    call([sys.executable, EXAMPLES / "hello.py", program, image])
    docker("load", "--input", image)
    try:
        said = docker("run", "--rm", "--network=none", NAME)
    finally:
        docker("rmi", "--force", NAME)
    assert said.startswith("Hello from fastlayer")


def test_the_example_is_reproducible(program: Path, tmp_path: Path) -> None:
    """Two runs of the example write the same bytes."""
    digests = set()
    for name in ("once.tar", "twice.tar"):
        call([sys.executable, EXAMPLES / "hello.py", program, tmp_path / name])
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
