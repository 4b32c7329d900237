"""The examples of README and the guides do what they say."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import debs
from fastlayer.cli.group import fastlayer
from registries import Registry

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with the files that the examples name."""
    for directory in ("rootfs/etc", "examples", "build"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "rootfs/etc/os-release").write_text("PRETTY_NAME=test\n")
    (tmp_path / "build/hello").write_bytes(b"\x7fELF")
    (tmp_path / "image.toml").write_text("".join(blocks("toml")))
    (tmp_path / "Dockerfile").write_text("".join(blocks("dockerfile")))
    with tarfile.open(tmp_path / "rootfs.tar.xz", "w:xz") as tar:
        tar.add(tmp_path / "rootfs", ".")
    debs.folder_of(tmp_path / "debs", debs.deb("perl-base", {"usr/bin/perl": b"\x7fELF"}))
    shutil.copytree(tmp_path / "rootfs", tmp_path / "rootfs.new")
    (tmp_path / "rootfs.new/etc/motd").write_text("changed\n")
    return tmp_path


def blocks(language: str) -> list[str]:
    """The examples of README in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def fastlayer_commands() -> Iterator[list[str]]:
    """The indented command lines of README that call fastlayer, with continuation lines joined."""
    text = README.read_text().replace("\\\n", " ")
    for line in re.findall(r"^    (.*)$", text, re.MULTILINE):
        words = shlex.split(line, comments=True)
        if "fastlayer" in words and "|" not in words and words[0] != "import":
            yield words


def test_the_python_examples_run(workplace: Path) -> None:
    """They make the archive that the text goes on to load, and the layer of a difference."""
    subprocess.run([sys.executable, "-c", "".join(blocks("python"))], cwd=workplace, check=True)
    assert tarfile.is_tarfile(workplace / "build/custom-image.tar")
    with tarfile.open(workplace / "upgrade.tar.gz") as layer:
        assert layer.getnames() == [".", "etc", "etc/motd"]


def test_the_commands_run_in_their_order(workplace: Path) -> None:
    """Each one succeeds, with what the ones before it left, and with a registry."""
    with Registry() as registry:
        run_in_order(workplace, registry.domain)
    assert tarfile.is_tarfile(workplace / "debian.tar")
    assert (workplace / "out" / "index.json").exists()
    assert (workplace / "app3" / "index.json").exists()


def run_in_order(workplace: Path, domain: str) -> None:
    commands = [
        [word.replace("localhost:5000", domain) for word in words] for words in fastlayer_commands()
    ]
    assert len(commands) >= 6
    for words in commands:
        settings = dict(word.split("=", 1) for word in words[: words.index("fastlayer")])
        arguments = words[words.index("fastlayer") + 1 :]
        done = subprocess.run(
            [sys.executable, "-m", "fastlayer", *arguments],
            cwd=workplace,
            env={**os.environ, **settings},
            check=False,
            capture_output=True,
        )
        # As of diff(1), 1 says that something is different.
        assert done.returncode == (arguments[0] == "diff"), done.stderr


def documented() -> list[list[str]]:
    """The calls of fastlayer in code between back ticks in the guides, with all their arguments."""
    found = []
    for path in sorted(README.parent.glob("docs/*.md")):
        for code in re.findall(r"`fastlayer ([^`]+)`", path.read_text()):
            words = shlex.split(code.replace("\\|", "|").partition("|")[0])
            if words[0] in fastlayer.list_commands(click.Context(fastlayer)) and "…" not in words:
                found.append(words)
    return found


@pytest.mark.parametrize("words", documented(), ids=" ".join)
def test_the_guides_name_what_there_is(words: list[str]) -> None:
    """Every verb and option in a guide exists; those of the tables are complete calls."""
    command = fastlayer.get_command(click.Context(fastlayer), words[0])
    assert command is not None, words
    context = click.Context(command)
    command.make_parser(context).parse_args(words[1:])


def test_nobody_is_told_to_install_another_project() -> None:
    """The name is taken on the package index: no text sends people there."""
    root = README.parent
    texts = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("python/**/*.py")]
    wrong = "pip install " + "fastlayer"
    assert not [path for path in texts if wrong in path.read_text()]
