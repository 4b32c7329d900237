"""The examples of the guide to recipes do what they say."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import debs
import fastlayer as fl
from archives import Link, tar
from commands import config_of, layer_members
from fastlayer.recipes import RECIPES, tweaks

GUIDE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text()


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with what the examples name."""
    members: dict[str, bytes | Link] = {
        "sbin": Link("usr/sbin"),
        "usr/share/man/man1/a.1": b"",
        "etc/apt/sources.list": b"deb http://deb.debian.org/debian bookworm main\n",
    }
    (tmp_path / "rootfs.tar.xz").write_bytes(debs.COMPRESSIONS[".xz"](tar(members)))
    debs.folder_of(tmp_path / "debs", debs.deb("perl-base", {"usr/bin/perl": b""}))
    return tmp_path


def blocks(language: str) -> list[str]:
    """The examples in a language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found


def commands() -> list[list[str]]:
    """The indented lines that call fastlayer, with continuation lines joined."""
    lines = re.findall(r"^    (fastlayer .*)$", GUIDE.replace("\\\n", " "), re.MULTILINE)
    return [shlex.split(line)[1:] for line in lines]


def test_the_commands_run(workplace: Path) -> None:
    """And leave the images that they name."""
    assert len(commands()) == 2
    for words in commands():
        subprocess.run([sys.executable, "-m", "fastlayer", *words], cwd=workplace, check=True)
    assert "usr/share/man/man1/a.1" not in layer_members(workplace / "slim.tar")
    assert config_of(workplace / "perl.tar")["config"]["Cmd"] == ["perl", "-v"]


def test_the_python_examples_run(workplace: Path) -> None:
    """One after the other; a recipe of one's own changes what it says."""
    env = {**os.environ, "PYTHONWARNINGS": "error"}
    program = [sys.executable, "-c", "\n".join(blocks("python"))]
    subprocess.run(program, cwd=workplace, env=env, check=True, stdout=subprocess.DEVNULL)
    exported = io.BytesIO()
    fl.Image.load(workplace / "mine.tar").export(exported)
    assert b"deb http://mirror.example/debian bookworm main\n" in exported.getvalue()
    assert config_of(workplace / "debian.tar")["config"]["Cmd"] == ["bash"]
    assert fl.Image.load(workplace / "mine.tar").config.config.cmd == ("bash",)


def test_what_is_printed_is_what_the_guide_shows() -> None:
    """To the letter."""
    (example,) = (block for block in blocks("python") if "print(" in block)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})  # noqa: S102 - an example of our own
    assert [f"{block}\n" for block in blocks("toml")] == [printed.getvalue()]


def test_the_tables_name_all_there_is() -> None:
    """Every recipe with every detail, and every tweak."""
    for recipe in RECIPES.values():
        (row,) = re.findall(rf"^\| .*`{recipe.name}`.*$", GUIDE, re.MULTILINE)
        assert all(f"`{detail}`" in row for detail in recipe.details), row
    rows = "\n".join(re.findall(r"^\| `.*$", GUIDE, re.MULTILINE))
    assert not [name for name in tweaks.__all__ if not re.search(rf"`{name}[`(]", rows)]
