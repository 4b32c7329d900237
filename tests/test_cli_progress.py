"""Progress: a bar on a terminal, lines in a log, silence in a pipe."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from commands import command, environment, fastlayer
from fastlayer.cli.progress import Bar, Lines, Silence, meter

SHOW_CURSOR = "\x1b[?25h"
HIDE_CURSOR = "\x1b[?25l"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "rootfs"
    path.mkdir()
    (path / "file").write_bytes(os.urandom(4 << 20).hex().encode())
    return path


class Terminal:
    """A command whose stderr is a terminal."""

    def __init__(self, *arguments: str, cwd: Path, term: str = "xterm") -> None:
        self._reader, writer = os.openpty()
        self.process = subprocess.Popen(
            command(*arguments, prelude="import signal\n"),
            cwd=cwd,
            env=environment({"TERM": term, "COLUMNS": "100"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=writer,
        )
        os.close(writer)

    def read_until(self, text: str) -> str:
        """Read on until `text` is on the screen, or the command has ended."""
        seen = b""
        while text.encode() not in seen:
            try:
                piece = os.read(self._reader, 1 << 16)
            except OSError:  # how a terminal without writers ends
                break
            seen += piece
        return seen.decode()

    def finish(self) -> str:
        """Read all that is left, and wait for the end."""
        text = self.read_until("never said")
        self.process.wait(timeout=30)
        os.close(self._reader)
        return text


def test_a_terminal_gets_a_bar_that_goes_away(rootfs: Path, tmp_path: Path) -> None:
    """It has the source's name, bytes and speed; then its line is erased and the cursor back."""
    terminal = Terminal("layer", rootfs.name, "-o", "x.tar.zst", cwd=tmp_path)
    text = terminal.finish()
    assert terminal.process.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "rootfs ━" in plain
    assert "8.4/8.4 MB" in plain
    assert text.index(HIDE_CURSOR) < text.index(SHOW_CURSOR)
    assert text.endswith("\x1b[2K")


def test_two_layers_have_one_bar(rootfs: Path, tmp_path: Path) -> None:
    """Each layer's bar takes the place of the last one's, on a single line."""
    text = Terminal(
        *("build", "--rootfs", rootfs.name, "--add", "rootfs/file:/f", "-o", "x.tar"), cwd=tmp_path
    ).finish()
    assert "rootfs/file" in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("options", [["--progress", "none"], ["--progress", "plain"]])
def test_a_terminal_stays_quiet_when_asked(
    options: list[str], rootfs: Path, tmp_path: Path
) -> None:
    """A build shorter than a few seconds has no line either."""
    assert Terminal("layer", rootfs.name, "-o", "x.tar", *options, cwd=tmp_path).finish() == ""


def test_a_dumb_terminal_gets_no_bar(rootfs: Path, tmp_path: Path) -> None:
    """It could not erase a line."""
    assert Terminal("layer", rootfs.name, "-o", "x", cwd=tmp_path, term="dumb").finish() == ""


def test_a_pipe_gets_no_bar(rootfs: Path, tmp_path: Path) -> None:
    """Logs stay free of it."""
    assert fastlayer("layer", rootfs.name, "-o", "x.tar", cwd=tmp_path).stderr == ""


def test_a_warning_goes_above_the_bar(rootfs: Path, tmp_path: Path) -> None:
    """It stays on the screen when the bar goes."""
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(rootfs)  # the path of a socket is short
        try:
            server.bind("s")
        finally:
            os.chdir(before)
    text = Terminal("layer", rootfs.name, "-o", "x.tar", cwd=tmp_path).finish()
    assert re.search(r"\x1b\[2Kfastlayer: warning: `rootfs/s` is a socket[^\x1b]*\n", text)


def test_an_error_comes_after_the_bar(rootfs: Path, tmp_path: Path) -> None:
    """On a line of its own, with the cursor back."""
    (rootfs / "z").write_bytes(b"x")
    (rootfs / ".wh.z").write_bytes(b"")
    text = Terminal("layer", rootfs.name, "-o", "x.tar", cwd=tmp_path).finish()
    assert re.search(r"(^|\x1b\[2K|\n)fastlayer: error: [^\x1b]*\r\n$", text)
    assert text.rfind(SHOW_CURSOR) >= text.rfind(HIDE_CURSOR)


def test_a_signal_restores_the_terminal(rootfs: Path, tmp_path: Path) -> None:
    """The bar is erased and the cursor back before the last word."""
    (rootfs / "file").write_bytes(os.urandom(24 << 20).hex().encode())
    terminal = Terminal(
        "layer", rootfs.name, "-o", "x.tar.zst", "--compression", "zstd:19", cwd=tmp_path
    )
    shown = terminal.read_until("rootfs ")
    assert HIDE_CURSOR in shown
    time.sleep(0.2)
    terminal.process.send_signal(signal.SIGTERM)
    text = terminal.finish()
    assert terminal.process.returncode == 143
    assert text.endswith(f"\r\x1b[2K{SHOW_CURSOR}fastlayer: interrupted\r\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rootfs"]


def test_lines_come_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Part, bytes and speed; the part only where the whole is known."""
    now = 100.0
    lines = Lines(clock=lambda: now)
    with lines:
        first, second = lines.follow("rootfs"), lines.follow("a\nb")
        first(0, 400_000_000)
        now = 104.9
        first(98_000_000, 400_000_000)
        now = 105.0
        first(100_000_000, 400_000_000)
        now = 109.9
        first(300_000_000, 400_000_000)
        second(0, None)
        now = 114.9
        second(5_000_000, None)
    assert capsys.readouterr().err.splitlines() == [
        "fastlayer: rootfs: 25 %, 100.0 MB of 400.0 MB, 20.0 MB/s",
        r"fastlayer: a\nb: 5.0 MB, 1.0 MB/s",
    ]


def test_modes_have_their_meters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar can be forced; `auto` is silent where stderr is no terminal."""
    assert isinstance(meter("bar"), Bar)
    assert isinstance(meter("plain"), Lines)
    assert isinstance(meter("none"), Silence)
    assert isinstance(meter("auto"), Silence)
    monkeypatch.setattr("sys.stderr", None)
    assert isinstance(meter("auto"), Silence)


def test_silence_costs_nothing() -> None:
    """The core is not asked for reports."""
    with meter("none") as silence:
        assert silence.follow("x") is None


def test_a_long_name_is_cut_at_its_start(capfd: pytest.CaptureFixture[str]) -> None:
    """The end of a path says more; brackets are no markup, escapes no commands."""
    with meter("bar") as bar:
        report = bar.follow("/a/very/long/path/to/some/[bold]\x1b[31mrootfs")
        assert report is not None
        report(1, 2)
    assert r"…g/path/to/some/[bold]\x1b[31mrootfs"[-29:] in capfd.readouterr().err


def test_lines_add_up_what_is_moved(capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes to and from registries come from several threads; a line says how many and how fast."""
    clock = iter([0.0, 0.0, 1.0, 6.0])
    with Lines(clock=lambda: next(clock)) as shown:
        report = shown.transfer()
        report(1_000_000)
        report(5_000_000)
    assert capsys.readouterr().err == "fastlayer: registry: 6.0 MB, 1.0 MB/s\n"


def test_silence_asks_for_nothing() -> None:
    """Nobody counts what nobody is told."""
    assert meter("none").transfer() is None
