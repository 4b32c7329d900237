"""Login and logout: credentials that are checked, kept, and forgotten."""

import json
from pathlib import Path

import pytest

from fastlayer.errors import InvalidArgumentError, RegistryAuthError
from fastlayer.registry.credentials import Credentials, Keyring
from fastlayer.registry.login import login, logout
from registry_twin import Asked, Reply, Twin, refusal
from test_registry_credentials import HUB, auth, home, make_helper, write

__all__ = ["home"]


def registry(asked: Asked) -> Reply:
    """Let in who is ann and has the word `x`."""
    if asked.headers.get("Authorization") == Credentials("ann", "x").basic:
        return Reply(200)
    return Reply(401, {"WWW-Authenticate": 'Basic realm="r"'})


def test_a_login_is_kept_where_docker_looks(home: Path) -> None:
    """In a new file in a new folder, which only the owner can read."""
    path = login("registry.example", "ann", "x", transport=Twin(registry))
    assert path == home / ".docker/config.json"
    assert json.loads(path.read_bytes()) == {"auths": {"registry.example": auth("ann", "x")}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert Keyring().find("registry.example") == Credentials("ann", "x")
    assert [file.name for file in path.parent.iterdir()] == ["config.json"]


def test_a_wrong_password_is_not_kept(home: Path) -> None:
    """The registry is asked first; nothing is made."""
    with pytest.raises(RegistryAuthError) as caught:
        login("registry.example", "ann", "secret", transport=Twin(registry))
    assert caught.value.status == 401
    assert "secret" not in str(caught.value)
    assert list(home.iterdir()) == []


def test_what_else_is_in_the_file_stays(home: Path) -> None:
    """Members that nobody here knows, in their order, and other registries."""
    path = write(
        home / ".docker/config.json",
        {"z": [1], "auths": {"other.example": {"auth": "x"}, HUB: {}}, "HttpHeaders": {"ä": "b"}},
    )
    login("docker.io", "ann", "x", transport=Twin(registry))
    assert list(json.loads(path.read_bytes()).items()) == [
        ("z", [1]),
        ("auths", {"other.example": {"auth": "x"}, HUB: auth("ann", "x")}),
        ("HttpHeaders", {"ä": "b"}),
    ]
    assert logout("docker.io") == [path]
    assert json.loads(path.read_bytes())["auths"] == {"other.example": {"auth": "x"}}


def test_a_login_goes_where_the_registry_is_known(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an old password in the file that is asked first would go on to count."""
    first = write(home / ".config/containers/auth.json", {"auths": {"r.example": auth("o", "o")}})
    assert login("r.example", "ann", "x", transport=Twin(registry)) == first
    assert Keyring().find("r.example") == Credentials("ann", "x")
    assert not (home / ".docker").exists()
    named = home / "named.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(named))
    assert login("r.example", "ann", "x", transport=Twin(registry)) == named
    given = home / "new" / "given.json"
    assert login("r.example", "ann", "x", transport=Twin(registry), auth_file=given) == given


def test_a_link_is_written_through(home: Path) -> None:
    """Some keep the file elsewhere."""
    target = write(home / "elsewhere/real.json", "{}")
    (home / ".docker").mkdir()
    (home / ".docker/config.json").symlink_to(target)
    login("r.example", "ann", "x", transport=Twin(registry))
    assert (home / ".docker/config.json").is_symlink()
    assert "r.example" in json.loads(target.read_bytes())["auths"]


def test_a_helper_keeps_them_instead(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file says only that it has some, as docker writes it."""
    log = make_helper(home, monkeypatch, "exit 0")
    path = write(home / ".docker/config.json", {"credsStore": "test"})
    login("docker.io", "ann", "x", transport=Twin(registry))
    told = json.dumps({"ServerURL": HUB, "Username": "ann", "Secret": "x"}, separators=(",", ":"))
    assert log.read_text() == f"store\n{told}\n"
    assert json.loads(path.read_bytes()) == {"credsStore": "test", "auths": {HUB: {}}}
    log.unlink()
    assert logout("docker.io") == [path]
    assert log.read_text() == f"erase\n{HUB}\n"
    assert json.loads(path.read_bytes()) == {"credsStore": "test", "auths": {}}


def test_a_helper_that_fails_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is as it was, and nothing is left beside it."""
    make_helper(home, monkeypatch, "exit 1")
    path = write(home / ".docker/config.json", {"credsStore": "test", "auths": {}})
    before = path.read_bytes()
    with pytest.raises(RegistryAuthError, match="failed with status 1"):
        login("r.example", "ann", "x", transport=Twin(registry))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["config.json"]


def test_logout_forgets_in_all_files(home: Path) -> None:
    """What nobody knows is not an error, and no file is made for it."""
    assert logout("r.example") == []
    assert list(home.iterdir()) == []
    paths = [home / ".config/containers/auth.json", home / ".docker/config.json"]
    for path in paths:
        write(path, {"auths": {"r.example": auth("ann", "x"), "r.example/team": auth("bob", "y")}})
    assert logout("r.example") == paths
    assert Keyring().find("r.example") is None
    assert Keyring().find("r.example", "team/app") == Credentials("bob", "y")


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("a:b", "x")])
def test_names_that_cannot_be_sent_are_refused(username: str, password: str) -> None:
    """A colon would be taken for the end of the name."""
    with pytest.raises(InvalidArgumentError):
        login("r.example", username, password, transport=Twin([]))


def test_a_registry_that_is_none_is_no_login(home: Path) -> None:
    """Whatever answers has to know the first question of the API."""
    with pytest.raises(Exception, match="refused with 404"):
        login("r.example", "ann", "x", transport=Twin([refusal(404, "")]))
    assert list(home.iterdir()) == []
