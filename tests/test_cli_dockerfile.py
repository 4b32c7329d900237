"""`fastlayer build CONTEXT`: images of Dockerfiles, by the options that docker's users know."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from commands import config_of, fastlayer, layer_members
from fastlayer.cli.run import run


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a context in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    context = tmp_path / "app"
    context.mkdir()
    (context / "f").write_text("f")
    (context / "Dockerfile").write_text(
        'FROM scratch AS one\nARG V=1\nCOPY f /f\nLABEL v=$V a=b\nFROM one\nLABEL a=c\nCMD ["x"]\n'
    )
    return tmp_path


def built(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Build to `x.tar` and return the config."""
    assert run(["build", *arguments, "-o", "x.tar", "--json"]) == 0, capsys.readouterr().err
    json.loads(capsys.readouterr().out)
    return config_of(Path("x.tar"))


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The status and the message of a build that fails and leaves nothing."""
    status = run(["build", "-o", "x.tar", *arguments])
    assert not Path("x.tar").exists()
    return status, capsys.readouterr().err.removeprefix("fastlayer: error: ").rstrip("\n")


def test_a_context_has_its_dockerfile(capsys: pytest.CaptureFixture[str]) -> None:
    """What the options set comes after what it says."""
    config = built(capsys, "app", "-t", "app:1", "--label", "a=d", "--env", "E=1")
    assert config["config"]["Labels"] == {"v": "1", "a": "d"}
    assert (config["config"]["Cmd"], config["config"]["Env"][-1]) == (["x"], "E=1")
    assert set(layer_members(Path("x.tar"))) == {"f"}
    assert [step["created_by"] for step in config["history"]][:2] == [
        *("ARG V=1", "COPY f /f # buildkit"),
    ]


def test_the_file_the_target_and_arguments_can_be_chosen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument without a value has that of the environment, if there is one."""
    Path("app/Dockerfile").rename("other")
    given = ("app", "-f", "other", "--target", "ONE", "--compression", "zstd:1")
    config = built(capsys, *given, "--build-arg", "V=2", "--platform", "linux/arm64")
    assert config["config"]["Labels"] == {"v": "2", "a": "b"}
    assert config["architecture"] == "arm64"
    monkeypatch.setenv("V", "3")
    assert built(capsys, *given, "--build-arg", "V")["config"]["Labels"]["v"] == "3"
    monkeypatch.delenv("V")
    assert built(capsys, *given, "--build-arg", "V")["config"]["Labels"]["v"] == "1"


def test_a_dockerfile_may_come_from_stdin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then no context is needed; a base may be given by name."""
    built(capsys, "app", "-t", "base:1")
    Path("x.tar").rename("base.tar")
    text = io.TextIOWrapper(io.BytesIO(b"FROM base\nCOPY --from=c f /g\n"))
    monkeypatch.setattr("sys.stdin", text)
    contexts = ("--build-context", "base=oci-archive:base.tar", "--build-context", "c=app")
    config = built(capsys, "-f", "-", *contexts)
    assert config["config"]["Labels"] == {"v": "1", "a": "c"}
    assert set(layer_members(Path("x.tar"), 1)) == {"g"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM scratch\n\nRUN x\n", "`app/Dockerfile`:3: RUN needs a running container"),
        ("FROM scratch\nCOPY g /\n", "`app/Dockerfile`:2: `g` is not in the context `app`"),
        ("FORM scratch\n", "`app/Dockerfile`:1: unknown instruction `FORM`: did you mean FROM?"),
        ("FROM docker-archive:nope.tar\n", "`nope.tar`: No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_line(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which names the file as it was found, and the line."""
    Path("app/Dockerfile").write_text(text)
    status, told = failed(capsys, "app")
    assert status == 1
    assert told.startswith(message)
    assert "\n" not in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["app", "--rootfs", "app"], "`--rootfs` does not go together with a Dockerfile"),
        (["app", "--add", "f:/f"], "`--add` does not go together with a Dockerfile"),
        (["app", "--from", "x"], "`--from` does not go together with a Dockerfile"),
        (["app", "--owner", "1:2"], "`--owner` does not go together with a Dockerfile"),
        (["app", "--mtime", "0"], "`--mtime` does not go together with a Dockerfile"),
        (["app", "--remove", "/x"], "edits change what `--rootfs` gives, not a Dockerfile"),
        (["app", "--network", "host"], "`--network` is for RUN, and needs `--run-engine`"),
        (["app/f"], "the context `app/f` is not a directory"),
        (["nowhere"], "the context `nowhere` is not a directory"),
        (["-"], "the context is `-`: a Dockerfile on stdin is `-f -`; unpack an archive first"),
        (["-f", "app/f", "--port", "abc"], "`--port`: "),
        (["-f", "app/f", "--created", "garbage"], "`--created`: "),
        (["-f", "app/f", "--label", "=x"], "`--label`: "),
        (["-f", "app/f", "--health-retries", "1"], "the options of a health check need"),
        (
            ["-f", "app/f", "--compression", "zstd", "--format", "docker"],
            "Docker's image format has no",
        ),
        (
            ["-f", "app/f", "--annotation", "a=b", "--format", "docker"],
            "Docker's image format has no ann",
        ),
        (["-f", "app/f", "-o", "no/x.tar"], "the output is `no/x.tar`: `no` is not a directory"),
        (["-f", "app/f", "-o", "oci:no/x"], "the output is `no/x`: `no` is not a directory"),
        (["https://x/y.git"], "the context is `https://x/y.git`: unpack or fetch it first"),
        (["app", "--build-arg", "=x"], "`--build-arg`: `=x` has no name"),
        (["app", "--build-context", "x"], "`--build-context`: `x` is not of the form `NAME=VALUE`"),
        (["app", "--build-context", "x=y"], "the build context `x` is `y`: expected a directory"),
        (["--target", "x", "--rootfs", "app"], "`--target` is for a Dockerfile: give CONTEXT or"),
        (["--run-engine", "x", "--rootfs", "app"], "`--run-engine` is for a Dockerfile"),
    ],
)
def test_wrong_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read."""
    status, told = failed(capsys, *arguments)
    assert (status, told[: len(message)]) == (2, message)


def test_a_context_without_a_dockerfile_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """By the name that was looked for."""
    Path("app/Dockerfile").unlink()
    assert failed(capsys, "app") == (1, "`app/Dockerfile`: No such file or directory")


def test_warnings_are_lines_on_stderr(workplace: Path) -> None:
    """As those of layers are."""
    outcome = fastlayer("build", "app", "--build-arg", "no=1", "-o", "x.tar", cwd=workplace)
    assert outcome.status == 0
    assert "nothing in `app/Dockerfile` uses the build argument `no`" in outcome.stderr


def test_the_help_shows_how(capsys: pytest.CaptureFixture[str]) -> None:
    """By example, with the options of Dockerfiles in a section of their own."""
    assert run(["build", "--help"]) == 0
    text = capsys.readouterr().out
    assert "fastlayer build . -t app:1 -o app.tar" in text
    options = text[text.index("\nDockerfile:") : text.index("\nEdits:")]
    assert [name for name in ("-f, --file", "--build-arg", "--run-engine") if name in options]
    assert options.index("--target") < options.index("--build-context") < options.index("--network")


def test_the_package_has_a_door() -> None:
    """Which is opened when it is used."""
    assert {"RunEngine", "evaluate"} == set(fl.dockerfile.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fl.dockerfile.nothing  # type: ignore[attr-defined]


class Begun(BaseException):
    """Another program took the place of this one."""


def test_stdin_is_left_to_the_program_in_the_namespace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which reads the Dockerfile, and shows how far it is."""
    stream = io.BytesIO(b"FROM scratch\nCOPY f /\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(stream)))

    def begin() -> None:
        raise Begun

    monkeypatch.setattr("fastlayer.dockerfile.run.enter_user_namespace", begin)
    with pytest.raises(Begun):
        run(["build", "app", "-f", "-", "--run-engine", "crun", "-o", "x.tar"])
    assert (stream.tell(), capsys.readouterr().err) == (0, "")


def test_stdin_is_not_read_without_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too long to be a Dockerfile may have no end at all."""
    limit = 4 << 20
    stream = io.BytesIO(bytes(2 * limit))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    assert failed(capsys, "-f", "-") == (1, f"`Dockerfile`: it has more than {limit} bytes")
    assert stream.tell() == limit + 1
