"""The command line in a process of its own, as a shell would start it."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Argument = str | bytes | Path

# Whoever ran the tests in the background had SIGINT ignored, which a program inherits.
_INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def record(self) -> dict[str, Any]:
        """The one record that `--json` printed."""
        (line,) = self.stdout.splitlines()
        record: dict[str, Any] = json.loads(line)
        return record

    @property
    def error(self) -> str:
        """The one line on stderr, without its beginning, of a command that failed."""
        (line,) = self.stderr.splitlines()
        assert line.startswith("fastlayer: error: "), line
        return line.removeprefix("fastlayer: error: ")


def command(*arguments: Argument, prelude: str = "") -> list[Argument]:
    """The command line; with a prelude, code that changes the process before it starts."""
    if not prelude:
        return [sys.executable, "-m", "fastlayer", *arguments]
    # All modules are there before the process may lose the right to read them.
    code = "import fastlayer.cli.build, fastlayer.cli.layer, locale, os, resource\n" + prelude
    return [sys.executable, "-c", f"{code}\nfastlayer.cli.main()", *arguments]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: what changes its outcome is given or absent."""
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SOURCE_DATE_EPOCH", "FASTLAYER_TRACEBACK")
    }
    return {**own, **changes}


def fastlayer(
    *arguments: Argument,
    cwd: Path,
    prelude: str = "",
    env: Mapping[str, str] | None = None,
    **streams: Any,
) -> Outcome:
    """Run a command to its end."""
    streams = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL, **streams}
    if "input" in streams:
        del streams["stdin"]
    done = subprocess.run(
        command(*arguments, prelude=prelude),
        cwd=cwd,
        env=environment(env or {}),
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
        **streams,
    )
    return Outcome(done.returncode, done.stdout or b"", done.stderr.decode())


def interrupted(
    *arguments: Argument, cwd: Path, number: signal.Signals, ready: Callable[[], bool]
) -> tuple[Outcome, float]:
    """Send a signal once a command is `ready`; return its outcome and the seconds it took."""
    with subprocess.Popen(
        command(*arguments, prelude=_INTERRUPTIBLE),
        cwd=cwd,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        deadline = time.monotonic() + 30
        while not ready() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        assert process.poll() is None, "it ended before the signal"
        start = time.monotonic()
        process.send_signal(number)
        process.wait(timeout=30)
        seconds = time.monotonic() - start
        stdout, stderr = process.communicate()
    return Outcome(process.returncode, stdout, stderr.decode()), seconds


def tree(folder: Path) -> set[str]:
    """Every path below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    """The entries of a layer by their names."""
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar}


def layer_members(image: Path, number: int = 0) -> dict[str, tarfile.TarInfo]:
    """The entries of one layer of an archive, by their names."""
    with tarfile.open(image) as tar:
        (row,) = json.loads(_read(tar, "manifest.json"))
        blob = tar.extractfile(row["Layers"][number])
        with tarfile.open(fileobj=blob) as layer:
            return {member.name: member for member in layer}


def config_of(image: Path) -> dict[str, Any]:
    """The config of the one image of an archive."""
    with tarfile.open(image) as tar:
        (row,) = json.loads(_read(tar, "manifest.json"))
        config: dict[str, Any] = json.loads(_read(tar, row["Config"]))
        return config


def tags_of(image: Path) -> list[str]:
    """The names that docker gives the one image of an archive."""
    with tarfile.open(image) as tar:
        (row,) = json.loads(_read(tar, "manifest.json"))
        tags: list[str] = row["RepoTags"]
        return tags


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()
