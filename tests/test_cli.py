"""The command `fastlayer`: verbs, help, exit statuses, errors in one line."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from commands import fastlayer, interrupted, tree
from fastlayer.cli.build import build_command
from fastlayer.cli.failure import explain
from fastlayer.cli.layer import layer_command
from fastlayer.cli.run import run
from fastlayer.cli.text import byte_count, plural
from fastlayer.errors import printable

VERBS = [
    *("build", "layer", "append", "mutate", "rebase", "flatten", "export", "unpack", "recompress"),
    *(
        "rewrite",
        "index",
        "copy",
        "push",
        "pull",
        "tags",
        "login",
        "logout",
        "diff",
        "inspect",
        "validate",
        "mtree",
        "recipe",
    ),
]


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "rootfs"
    (path / "etc").mkdir(parents=True)
    (path / "etc" / "motd").write_text("hello\n")
    return path


def big_file(path: Path) -> None:
    """Write what keeps a compressor at its highest level busy for long."""
    path.write_bytes(os.urandom(24 << 20).hex().encode())


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_verbs_after_examples(option: str, tmp_path: Path) -> None:
    """Help is on stdout, and a success."""
    outcome = fastlayer(option, cwd=tmp_path)
    assert (outcome.status, outcome.stderr) == (0, "")
    text = outcome.stdout.decode()
    assert "Examples:\n  fastlayer build --rootfs rootfs" in text
    assert re.findall(r"^  (\w+) {2,}\w", text.partition("Commands:")[2], re.MULTILINE) == VERBS


def test_no_verb_is_bad_usage_and_shows_the_help(tmp_path: Path) -> None:
    """Who types `fastlayer` alone wants to know what there is; a script made a mistake."""
    outcome = fastlayer(cwd=tmp_path)
    assert (outcome.status, outcome.stdout) == (2, b"")
    assert "Commands:" in outcome.stderr


def test_version_is_one_line(tmp_path: Path) -> None:
    """It starts with the name of the program."""
    outcome = fastlayer("--version", cwd=tmp_path)
    assert outcome.status == 0
    assert re.fullmatch(rb"fastlayer[ ,].+\n", outcome.stdout)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(verb: str, tmp_path: Path) -> None:
    """`fastlayer VERB --help` shows how the verb is used before it lists options."""
    text = fastlayer(verb, "--help", cwd=tmp_path).stdout.decode()
    assert text.startswith(f"Usage: fastlayer {verb} ")
    assert 0 < text.index("Examples:") < text.index("--help")


@pytest.mark.parametrize("command", [build_command, layer_command])
def test_examples_of_the_help_are_command_lines_that_parse(command: click.Command) -> None:
    """Nobody is taught a line that does not work."""
    examples = getattr(command, "examples").replace("\\\n", " ")  # noqa: B009 (typed as its base)
    parsed = 0
    for line in examples.splitlines():
        for part in re.split(r"[|>]", line):
            words = shlex.split(part, comments=True)
            if words[:2] == ["fastlayer", command.name]:
                command.make_context(command.name, words[2:])
                parsed += 1
    assert parsed >= 4


def test_the_start_imports_no_verb_and_no_terminal_library(tmp_path: Path) -> None:
    """`fastlayer --help` and a build without a bar do not wait for what they do not use."""
    code = (
        "import sys, fastlayer.cli; from fastlayer.cli.run import run; run(['--help'])\n"
        "assert not any(name.startswith('rich') for name in sys.modules)\n"
        "assert 'fastlayer.cli.build' not in sys.modules\n"
        "run(['build', '--help'])\n"
        "assert not any(name.startswith('rich') for name in sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, stdout=subprocess.DEVNULL
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["buidl"], "no such command `buidl`: did you mean `build`?"),
        (["zzz"], "no such command `zzz` (see `fastlayer --help`)"),
        (
            ["layer", "x", "--compresion", "gzip"],
            "no such option `--compresion`: did you mean `--compression`? "
            "(see `fastlayer layer --help`)",
        ),
        (["layer", "-o", "x"], "missing argument `SOURCE` (see `fastlayer layer --help`)"),
        (["layer", "x"], "missing option `--output` (see `fastlayer layer --help`)"),
        (["build", "-o"], "option `-o` requires an argument"),
        (["layer", "x", "-o", "y", "--threads", "x"], "`--threads`: `x` is not a valid integer"),
        (
            ["layer", "x", "-o", "y", "--progress", "all"],
            "`--progress`: `all` is not one of `auto`, `bar`, `plain`, `none`",
        ),
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the argument, and the help where the message alone does not help."""
    assert run(arguments) == 2
    assert capsys.readouterr() == ("", f"fastlayer: error: {message}\n")


def test_an_operating_system_error_names_its_path() -> None:
    """Path, then reason; a number of a descriptor is no path."""
    assert explain(FileNotFoundError(2, "No such file or directory", "x/y")) == (
        1,
        "`x/y`: No such file or directory",
    )
    assert explain(PermissionError(13, "Permission denied", Path("x"))) == (
        1,
        "`x`: Permission denied",
    )
    assert explain(OSError(5, "Input/output error", 7)) == (1, "Input/output error")
    assert explain(OSError("text alone")) == (1, "text alone")


def test_a_defect_is_one_line_too() -> None:
    """It says how to see more."""
    status, message = explain(KeyError("x"))
    assert status == 1
    assert message == "internal error: KeyError: 'x' (FASTLAYER_TRACEBACK=1 shows where)"


def test_a_traceback_is_shown_when_asked_for(tmp_path: Path) -> None:
    """The one line is the last even then."""
    arguments = ["layer", "missing", "-o", "x.tar"]
    outcome = fastlayer(*arguments, cwd=tmp_path, env={"FASTLAYER_TRACEBACK": "1"})
    assert outcome.stderr.startswith("Traceback ")
    assert outcome.stderr.endswith("\nfastlayer: error: `missing`: No such file or directory\n")
    assert "Traceback" not in fastlayer(*arguments, cwd=tmp_path).stderr


def test_names_cannot_break_a_line_or_the_terminal(tmp_path: Path) -> None:
    """Control characters and undecodable bytes are shown escaped, as input, output or missing."""
    name = b"a\n\x1b[31m\xff.tar"
    shown = r"a\n\x1b[31m\udcff.tar"
    outcome = fastlayer("layer", name, "-o", "x.tar", cwd=tmp_path)
    assert outcome.error == f"`{shown}`: No such file or directory"
    (tmp_path / "root").mkdir()
    outcome = fastlayer("layer", "root", "-o", name, cwd=tmp_path)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.decode().splitlines()[0] == shown
    outcome = fastlayer("layer", "root", "-o", name, "--json", cwd=tmp_path)
    assert os.fsencode(outcome.record["output"]) == name


def test_a_warning_is_one_line(rootfs: Path, tmp_path: Path) -> None:
    """What is left out is named, and the build succeeds."""
    import socket  # noqa: PLC0415

    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(rootfs)  # the path of a socket is short
        try:
            server.bind("s\n")
        finally:
            os.chdir(before)
    outcome = fastlayer("layer", "rootfs", "-o", "x.tar", cwd=tmp_path)
    assert outcome.status == 0
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(r"fastlayer: warning: `rootfs/s\n` is a socket")


@pytest.mark.parametrize("verb", [["build", "--rootfs"], ["layer"]])
@pytest.mark.parametrize("options", [["-o", "-"], ["-o", "x.tar", "--json"], ["--help"]])
def test_a_closed_pipe_is_quiet(
    verb: list[str], options: list[str], rootfs: Path, tmp_path: Path
) -> None:
    """Whoever reads stdout may stop, as `head` does: status 141, as if SIGPIPE had ended it."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        outcome = fastlayer(*verb, rootfs.name, *options, cwd=tmp_path, stdout=writer)
    finally:
        os.close(writer)
    assert (outcome.status, outcome.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("verb", [["build", "--rootfs"], ["layer"]])
@pytest.mark.parametrize("options", [["-o", "-"], ["-o", "x.tar", "--json"], ["-o", "x.tar"]])
def test_a_full_stdout_is_an_error(
    verb: list[str], options: list[str], rootfs: Path, tmp_path: Path
) -> None:
    """A blob, an archive or a record that nobody gets is not a success."""
    with Path("/dev/full").open("wb") as full:
        outcome = fastlayer(*verb, rootfs.name, *options, cwd=tmp_path, stdout=full)
    assert outcome.status == 1
    assert outcome.error == "`<stdout>`: No space left on device"


@pytest.mark.parametrize(
    ("verb", "output"),
    [
        (["build", "--rootfs"], "x.tar"),
        (["build", "--rootfs"], "oci:x"),
        (["layer"], "x.tar.zst"),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_build_at_once_and_leaves_nothing(
    verb: list[str], output: str, number: signal.Signals, tmp_path: Path
) -> None:
    """Also while the compressor works on a job of seconds; status as shells give it."""
    (tmp_path / "big").mkdir()
    big_file(tmp_path / "big" / "file")
    out = tmp_path / "out"
    out.mkdir()
    place = output.replace("x", "out/x")
    outcome, seconds = interrupted(
        *(*verb, "big", "-o", place, "--compression", "zstd:19"),
        cwd=tmp_path,
        number=number,
        ready=lambda: any(name.endswith(".tmp") for name in tree(out)),
    )
    assert outcome.status == 128 + number
    assert (outcome.stdout, outcome.stderr) == (b"", "fastlayer: interrupted\n")
    assert seconds < 0.5
    assert tree(out) == set()


def test_an_ignored_signal_stays_ignored(rootfs: Path, tmp_path: Path) -> None:
    """`nohup fastlayer …` goes on when its terminal closes."""
    code = (
        "import signal\n"
        "for number in (signal.SIGHUP, signal.SIGINT):\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "fastlayer.cli.run.interrupt.install()\n"
        "os.kill(os.getpid(), signal.SIGHUP)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    outcome = fastlayer("layer", rootfs.name, "-o", "x.tar", cwd=tmp_path, prelude=code)
    assert (outcome.status, outcome.stderr) == (0, "")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**21, "5000.0 EB"),
    ],
)
def test_sizes_are_decimal(size: int, text: str) -> None:
    """As disks, networks and other tools for images count."""
    assert byte_count(size) == text


def test_words_for_numbers_and_names() -> None:
    """One is singular; text that is printable stays as it is, in any script."""
    assert (plural(0, "layer"), plural(1, "layer")) == ("0 layers", "1 layer")
    assert printable("名前 ü") == "名前 ü"
    assert printable("\t\u202e\udc80") == r"\t\u202e\udc80"
