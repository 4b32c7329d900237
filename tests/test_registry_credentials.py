"""Credentials: the files and helpers in which docker, podman and their kin keep them."""

import base64
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from fastlayer.errors import RegistryAuthError
from fastlayer.registry import helper as helpers
from fastlayer.registry.credentials import AuthFile, Credentials, Keyring, auth_files

HUB = "https://index.docker.io/v1/"


def auth(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any credentials."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path: Path, members: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(members if isinstance(members, str) else json.dumps(members))
    return path


def make_helper(
    home: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "test"
) -> Path:
    """A helper of which `script` is the body; it keeps its arguments and input in files."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / f"docker-credential-{name}"
    log = home / "log"
    program.write_text(f'#!/bin/sh\necho "$@" >>{log}\ncat >>{log}; echo >>{log}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log


def test_credentials_show_nothing() -> None:
    """Neither their text nor that of what holds them has a secret, whoever prints it."""
    credentials = Credentials("ann", "secret", "token")
    assert repr(credentials) == str(credentials) == "Credentials()"
    assert "secret" not in repr(Keyring(credentials))
    assert pickle.loads(pickle.dumps(credentials)) == credentials  # noqa: S301 (made right here)


def test_basic_is_encoded_as_utf8() -> None:
    """RFC 7617, with a password that has a colon and more than ASCII."""
    assert Credentials("ann", "a:ä").basic == "Basic YW5uOmE6w6Q="


def test_what_is_given_comes_first(home: Path) -> None:
    """No file is opened then."""
    write(home / ".docker/config.json", "broken")
    given = Credentials("ann", "x")
    assert Keyring(given).find("registry.example") == given


def test_the_files_are_asked_in_the_order_of_podman(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own first, docker's last; the first that knows the registry counts."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "docker"))
    order = [
        home / "run/containers/auth.json",
        home / "xdg/containers/auth.json",
        home / "docker/config.json",
    ]
    assert auth_files() == order
    for path in reversed(order):
        write(path, {"auths": {"registry.example": auth(path.parts[-2], "x")}})
        found = Keyring().find("registry.example")
        assert found == Credentials(path.parts[-2], "x")
    assert Keyring().find("other.example") is None


def test_without_any_of_the_variables_there_is_the_home_folder(home: Path) -> None:
    """As podman and docker look into it."""
    assert auth_files() == [home / ".config/containers/auth.json", home / ".docker/config.json"]


def test_a_file_in_the_environment_is_the_only_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is not there; a file that is given comes before it, and has to be there."""
    write(home / ".docker/config.json", {"auths": {"registry.example": auth("ann", "x")}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "none.json"))
    assert Keyring().find("registry.example") is None
    given = write(home / "given.json", {"auths": {"registry.example": auth("bob", "y")}})
    assert Keyring(auth_file=given).find("registry.example") == Credentials("bob", "y")
    with pytest.raises(FileNotFoundError) as caught:
        Keyring(auth_file=home / "none.json")
    assert caught.value.filename == str(home / "none.json")


@pytest.mark.parametrize(
    ("domain", "repository", "username"),
    [
        ("registry.example", "", "all"),
        ("registry.example", "other/app", "all"),
        ("registry.example", "team/app", "team"),
        ("registry.example", "team/app/part", "team"),
        ("registry.example", "teams", "all"),
        ("registry.example:5000", "team/app", "port"),
        ("old.example", "a", "old"),
        ("docker.io", "library/ubuntu", "hub"),
        ("docker.io", "ann/app", "ann"),
    ],
)
def test_the_most_exact_key_counts(home: Path, domain: str, repository: str, username: str) -> None:
    """Keys are registries as docker writes them, or repositories as podman does."""
    keys = {
        "registry.example": "all",
        "registry.example/team": "team",
        "registry.example:5000": "port",
        "https://old.example/v2/": "old",
        HUB: "hub",
        "docker.io/ann": "ann",
    }
    file = write(
        home / "auth.json", {"auths": {key: auth(name, "x") for key, name in keys.items()}}
    )
    assert AuthFile(file).find(domain, repository) == Credentials(username, "x")


@pytest.mark.parametrize(
    ("entry", "credentials"),
    [
        (auth("ann", "a:b"), Credentials("ann", "a:b")),
        ({"auth": base64.b64encode(b"ann:x\0\0").decode()}, Credentials("ann", "x")),
        ({"username": "ann", "password": "x"}, Credentials("ann", "x")),
        ({**auth("ann", ""), "identitytoken": "t"}, Credentials("", "", "t")),
        ({}, None),
        ({"auth": ""}, None),
        ({"email": "ann@example"}, None),
        (None, None),
    ],
)
def test_the_forms_of_an_entry(home: Path, entry: Any, credentials: Credentials | None) -> None:
    """Name and password in one or apart, an identity token; an empty entry is none."""
    file = AuthFile(write(home / "auth.json", {"auths": {"registry.example": entry}}))
    assert file.find("registry.example") == credentials


@pytest.mark.parametrize(
    "content",
    [
        "broken",
        "[]",
        '{"auths": []}',
        '{"auths": {"registry.example": {"auth": "secret"}}}',
        '{"auths": {"registry.example": {"auth": "c2VjcmV0"}}}',
        '{"auths": {"registry.example": {"auth": "secr\\u00e4t"}}}',
        '{"credHelpers": ["secret"]}',
        '{"a":' * 100_000,
        " " * (4 << 20) + "{}",
    ],
)
def test_a_broken_file_is_named(home: Path, content: str) -> None:
    """It could be the one that has the password; what is in it is not shown."""
    path = write(home / ".docker/config.json", content)
    with pytest.raises(RegistryAuthError) as caught:
        Keyring().find("registry.example")
    assert str(path) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_helper_is_asked_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the registry on its standard input; one of the registry's own comes first."""
    log = make_helper(home, monkeypatch, """echo '{"Username":"ann","Secret":"x","More":1}'""")
    write(
        home / ".docker/config.json",
        {"credsStore": "other", "credHelpers": {"registry.example": "test"}},
    )
    assert Keyring().find("registry.example", "team/app") == Credentials("ann", "x")
    assert log.read_text() == "get\nregistry.example\n"


def test_a_helper_is_asked_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many repositories there are: some take seconds."""
    log = make_helper(home, monkeypatch, """echo '{"Username":"ann","Secret":"x"}'""")
    write(home / ".docker/config.json", {"credsStore": "test"})
    keyring = Keyring()
    for path in ("a", "b", "a"):
        assert keyring.find("docker.io", path) == Credentials("ann", "x")
    assert log.read_text() == f"get\n{HUB}\n"


def test_a_helper_may_have_an_identity_token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so by the user name `<token>`."""
    make_helper(home, monkeypatch, """echo '{"Username":"<token>","Secret":"t"}'""")
    write(home / ".docker/config.json", {"credsStore": "test"})
    assert Keyring().find("registry.example") == Credentials("", "", "t")


def test_where_a_helper_has_none_the_file_may(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how helpers say it."""
    make_helper(home, monkeypatch, "echo credentials not found in native keychain; exit 1")
    auths = {"registry.example": auth("ann", "x")}
    write(home / ".docker/config.json", {"credsStore": "test", "auths": auths})
    assert Keyring().find("registry.example") == Credentials("ann", "x")
    assert Keyring().find("other.example") is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo secret; exit 3", "failed with status 3"),
        ("echo secret", "did not print credentials"),
        ("echo '[\"secret\"]'", "did not print credentials"),
        ("kill -9 $$", "failed with status -9"),
    ],
)
def test_a_helper_that_fails_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """What it printed is not shown."""
    make_helper(home, monkeypatch, script)
    write(home / ".docker/config.json", {"credsStore": "test"})
    with pytest.raises(RegistryAuthError, match=f"`docker-credential-test` {reason}$"):
        Keyring().find("registry.example")


@pytest.mark.parametrize("name", ["../x", "a/b", "a b", "-x", ".x", "x;y", "$(x)", "ä"])
def test_a_helper_is_a_name_and_not_a_path(home: Path, name: str) -> None:
    """No file says which program of anywhere is run."""
    write(home / ".docker/config.json", {"credsStore": name})
    with pytest.raises(RegistryAuthError, match="is not the name of a credential helper"):
        Keyring().find("registry.example")


def test_a_helper_that_is_not_there_is_named(home: Path) -> None:
    """As with every other failure, nobody is taken for anonymous."""
    write(home / ".docker/config.json", {"credsStore": "nowhere"})
    with pytest.raises(RegistryAuthError, match=r"docker-credential-nowhere` cannot be run: No "):
        Keyring().find("registry.example")


def test_a_helper_has_not_forever(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits for somebody who is not there is ended."""
    make_helper(home, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(helpers, "_SECONDS", 0.05)
    write(home / ".docker/config.json", {"credsStore": "test"})
    with pytest.raises(RegistryAuthError, match="took more than 0 seconds"):
        Keyring().find("registry.example")
