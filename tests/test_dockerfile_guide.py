"""The examples of docs/dockerfiles.md do what they say."""

import os
import re
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import fastlayer as fl

GUIDE = Path(__file__).parents[1] / "docs" / "dockerfiles.md"


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A context with the guide's Dockerfile and what it names."""
    (dockerfile,) = blocks("dockerfile")
    (tmp_path / "Dockerfile").write_text(dockerfile)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "app.conf").write_text("x\n")
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "root" / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (tmp_path / "root" / "etc" / "group").write_text("root:x:0:\n")
    with tarfile.open(tmp_path / "rootfs.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "root", ".")
    return tmp_path


def blocks(language: str) -> list[str]:
    """The code of the guide in a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_the_commands_of_the_guide_run(workplace: Path) -> None:
    """But for that which needs a runtime and its rights."""
    lines = re.findall(r"^    (fastlayer .*)$", GUIDE.read_text(), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        words = [sys.executable, "-m", *shlex.split(line)]
        subprocess.run(words, cwd=workplace, check=True, env={**os.environ})
    image = fl.Image.load(workplace / "app.tar")
    config = image.config.config
    assert (config.labels, config.user, config.working_dir) == ({"version": "2"}, "1000", "/srv")
    assert len(image.layers) == 4
    assert len(fl.Image.load(f"oci:{workplace / 'images'}").layers) == 1


def test_the_python_of_the_guide_runs(workplace: Path) -> None:
    """It makes the same image with an author."""
    (code,) = blocks("python")
    subprocess.run([sys.executable, "-c", code], cwd=workplace, check=True)
    assert fl.Image.load(workplace / "app.tar").config.author == "me"
