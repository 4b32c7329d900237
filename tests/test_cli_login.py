"""`fastlayer login` and `logout`: credentials checked, kept, used and forgotten."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastlayer.cli.run import run
from registries import Basic, Registry


@pytest.fixture(autouse=True)
def auth_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of credentials that nobody else has."""
    path = tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").write_bytes(b"app")
    return path


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(auth=Basic({"ann": "secret"})) as registry:
        yield registry


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_credentials_are_kept_used_and_forgotten(
    registry: Registry,
    auth_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After `login` a push is let in, after `logout` it is not."""
    push = ["build", "--add", "app:/app", "-o", f"docker://{registry.domain}/team/app:1"]
    assert run(push) == 1
    assert "401" in capsys.readouterr().err
    login = ["login", registry.domain, "--username", "ann", "--password-stdin"]
    typed(monkeypatch, "wrong\n")
    assert run(login) == 1
    assert not auth_file.exists()
    typed(monkeypatch, "secret\n")
    assert run(login) == 0
    assert auth_file.stat().st_mode & 0o077 == 0
    assert list(json.loads(auth_file.read_text())["auths"]) == [registry.domain]
    assert run(push) == 0
    assert run(["logout", registry.domain]) == 0
    assert run(push) == 1
    output = capsys.readouterr()
    assert "secret" not in output.out + output.err
    assert f"credentials removed from `{auth_file}`" in output.out


def test_a_name_and_password_for_one_call(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, auth_file: Path
) -> None:
    """Given with a command, they are used and not kept."""
    typed(monkeypatch, "secret")
    output = f"docker://{registry.domain}/team/app:1"
    once = ["--username", "ann", "--password-stdin"]
    assert run(["build", "--add", "app:/app", "-o", output, *once]) == 0
    assert not auth_file.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["login", "x.example"], "there is no terminal to ask on: give `--password-stdin`"),
        (["login", "x.example", "--password-stdin"], "`--password-stdin` needs `--username`"),
        (
            ["login", "x.example", "--username", "a", "--password-stdin"],
            "stdin has no password in it",
        ),
        (["tags", "x.example/y", "--username", "a"], "`--username` needs `--password-stdin`"),
        (["tags", "x.example/Y"], "invalid reference `x.example/Y`: "),
    ],
)
def test_bad_usage(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line and status 2, before anything is asked."""
    typed(monkeypatch, "")
    assert run(arguments) == 2
    assert capsys.readouterr().err.startswith(f"fastlayer: error: {message}")
