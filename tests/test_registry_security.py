"""The registry part of the security checklist: who gets to know what, and who is trusted."""

import base64
import json
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.peers import find
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidArgumentError, RegistryAuthError, RegistryError
from fastlayer.media_type import OCI_LAYER, OCI_MANIFEST
from fastlayer.registry import connect, helper
from fastlayer.registry.network import Network
from fastlayer.registry.repository import Repository
from fastlayer.registry.transport import Request, Response, TransportError
from registries import (
    Alter,
    Authority,
    Basic,
    Bearer,
    CutAnswer,
    Fault,
    Hang,
    Redirect,
    Registry,
    Reply,
    Rules,
    error,
)
from registries.client import PATH, demo, session_with

CONTENT = b"all that is in this blob"
DIGEST = Digest.of(CONTENT)
BLOB = Descriptor(OCI_LAYER, DIGEST, len(CONTENT))
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).encode()
GET_BLOB = f"GET /v2/{PATH}/blobs/sha256"
USER: Any = {"username": "ann", "password": "secret-password"}
USERS = {"ann": "secret-password"}


@pytest.fixture(autouse=True)
def auth_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nobody's credentials but those that a test puts there."""
    path = tmp_path / "auth.json"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    return path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.made(find("openssl"), tmp_path / "authority")


@pytest.fixture
def locked() -> Iterator[Registry]:
    """A registry that wants a password."""
    with Registry(auth=Basic(USERS)) as registry:
        yield registry


@pytest.fixture
def other() -> Iterator[Registry]:
    """Another server, which is to hear no secret."""
    with Registry() as other:
        yield other
        assert all(request.headers["Authorization"] is None for request in other.requests)


def read(repository: Repository) -> bytes:
    return b"".join(repository.blob(BLOB).chunks())


# TLS on by default; plain HTTP is asked for, or on this machine.


class Unreachable:
    """A network in which nobody answers."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def send(self, request: Request) -> Response:
        self.urls.append(request.url)
        raise TransportError("nobody is there", lasting=True)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("domain", "plain_http", "start"),
    [
        ("registry.example", False, "https://registry.example/v2/"),
        ("registry.example:80", False, "https://registry.example:80/v2/"),
        ("192.0.2.1:5000", False, "https://192.0.2.1:5000/v2/"),
        ("localhost.example:5000", False, "https://localhost.example:5000/v2/"),
        ("127.0.0.1.example", False, "https://127.0.0.1.example/v2/"),
        ("docker.io", False, "https://registry-1.docker.io/v2/"),
        ("registry.example", True, "http://registry.example/v2/"),
    ],
)
def test_tls_unless_it_is_said_otherwise(domain: str, start: str, *, plain_http: bool) -> None:
    network = Unreachable()
    session = connect(domain, plain_http=plain_http, transport=network)
    with session, pytest.raises(RegistryError, match="nobody is there"):
        session.ping()
    assert network.urls == [start]


def test_the_network_knows_plain_http_only_of_this_machine() -> None:
    network = Network()
    with pytest.raises(TransportError, match="plain HTTP"):
        network.send(Request("GET", "http://192.0.2.1/v2/"))


def test_a_certificate_that_is_not_trusted_is_refused(authority: Authority) -> None:
    """Also on this machine: it isn't asked in plain then."""
    with Registry(tls=authority.server) as registry, demo(registry) as repository:
        with pytest.raises(RegistryError, match="certificate is not trusted"):
            repository.manifest("tag")
        assert registry.requests == []


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    authority = Authority.made(find("openssl"), tmp_path / "other", names="DNS:other.example")
    ca_file = authority.ca_file
    with Registry(tls=authority.server) as registry, demo(registry, ca_file=ca_file) as repository:
        with pytest.raises(RegistryError, match="certificate is not trusted"):
            repository.manifest("tag")
        assert registry.requests == []


def test_an_authority_of_ones_own(authority: Authority) -> None:
    auth = Bearer(USERS)
    with (
        Registry(tls=authority.server, auth=auth) as registry,
        demo(registry, ca_file=authority.ca_file, **USER) as repository,
    ):
        repository.upload(CONTENT)
        assert read(repository) == CONTENT


def test_a_file_without_authorities(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(FileNotFoundError, match=r"ca\.pem"):
        connect("registry.example", ca_file=path)
    path.write_text("nothing")
    with pytest.raises(InvalidArgumentError, match=r"ca\.pem"):
        connect("registry.example", ca_file=path)


# Credentials are for one scheme, host and port. The fixture `other` looks whether they went there.


def test_no_credentials_without_a_question(locked: Registry) -> None:
    with demo(locked, **USER) as repository:
        locked.add_blob(PATH, CONTENT)
        assert repository.has_blob(DIGEST)
    first, *others = locked.requests
    assert first.headers["Authorization"] is None
    assert [request.headers["Authorization"] for request in others].count(None) == 1


def test_a_redirect_loses_them(locked: Registry, other: Registry) -> None:
    other.add_blob(PATH, CONTENT)
    locked.fail(Fault(GET_BLOB, Redirect(other.base), skip=1))
    with demo(locked, **USER) as repository:
        assert read(repository) == CONTENT
    assert len(other.requests) == 1


def test_another_host_gets_none_on_its_question(locked: Registry, other: Registry) -> None:
    for scheme in ('Basic realm="x"', f'Bearer realm="{other.base}/token",service="x"'):
        refused = error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": scheme})
        other.fail(Fault(GET_BLOB, Reply(refused)))
        locked.fail(Fault(GET_BLOB, Redirect(other.base), skip=1))
        with demo(locked, **USER) as repository, pytest.raises(RegistryAuthError, match="401"):
            read(repository)
    assert len(other.requests) == 2


def test_an_upload_elsewhere_loses_them(other: Registry) -> None:
    rules = Rules(absolute=other.base)
    other.fail(Fault("PUT", Reply(error(201, ""))))
    with Registry(auth=Basic(USERS), rules=rules) as registry, demo(registry, **USER) as repository:
        repository.upload(CONTENT)
    assert [request.size for request in other.requests] == [len(CONTENT)]


def test_the_next_page_elsewhere_loses_them(locked: Registry, other: Registry) -> None:
    for registry, tag in ((locked, "here"), (other, "there")):
        registry.add_manifest(PATH, OCI_MANIFEST, MANIFEST, tag)
    link = f'<{other.base}/v2/{PATH}/tags/list?n=1>; rel="next"'
    locked.fail(Fault("GET .*/tags/", Alter(headers={"Link": link}), skip=1))
    with demo(locked, **USER) as repository:
        assert list(repository.tags()) == ["here", "there"]


def test_urls_of_foreign_layers_are_not_asked(locked: Registry, other: Registry) -> None:
    """What a manifest names as a place for a layer may be anybody's (CVE-2020-15157)."""
    foreign = Descriptor(OCI_LAYER, DIGEST, len(CONTENT), urls=(f"{other.base}/x",))
    locked.add_blob(PATH, CONTENT)
    with demo(locked, **USER) as repository:
        assert b"".join(repository.blob(foreign).chunks()) == CONTENT
    assert other.requests == []


def test_no_way_leads_from_tls_to_plain(authority: Authority, other: Registry) -> None:
    with (
        Registry(tls=authority.server) as registry,
        demo(registry, ca_file=authority.ca_file) as repository,
    ):
        registry.fail(Fault(GET_BLOB, Redirect(other.base)))
        with pytest.raises(RegistryError, match="from TLS to plain"):
            read(repository)
    assert other.requests == []


# Who may be a token server.


@pytest.mark.parametrize(
    "realm",
    [
        "",
        "token",
        "ftp://registry.example/token",
        "http://ann:pw@127.0.0.1/token",
        "http://169.254.169.254/token",
        "http://10.0.0.1/token",
        "http://192.168.1.1/token",
        "http://100.64.0.1/token",
        "http://0.0.0.0/token",
        "http://[fd00::1]/token",
        "http://[fe80::1]/token",
        "http://[::ffff:169.254.169.254]/token",
        # The same address in other words, which `getaddrinfo` understands.
        "http://2852039166/token",
        "http://0xa9fea9fe/token",
        "http://0251.0376.0251.0376/token",
        "http://169.254.43518/token",
    ],
)
def test_who_is_no_token_server(realm: str) -> None:
    auth = Bearer(USERS, realm=realm or " ")
    with Registry(auth=auth) as registry, demo(registry, **USER) as repository:
        with pytest.raises(RegistryAuthError, match="token server") as failed:
            repository.manifest("tag")
        assert "pw" not in str(failed.value)


def test_a_token_server_has_tls_if_the_registry_has(authority: Authority, other: Registry) -> None:
    auth = Bearer(USERS, realm=f"{other.base}/token")
    with (
        Registry(tls=authority.server, auth=auth) as registry,
        demo(registry, ca_file=authority.ca_file, **USER) as repository,
        pytest.raises(RegistryAuthError, match="no TLS"),
    ):
        repository.manifest("tag")
    assert other.requests == []


@pytest.mark.parametrize("status", [302, 307])
def test_a_token_server_is_not_followed(other: Registry, status: int) -> None:
    with Registry(auth=Bearer(USERS)) as registry, demo(registry, **USER) as repository:
        registry.fail(Fault("GET /token", Redirect(other.base, status)))
        with pytest.raises(RegistryError, match=str(status)):
            repository.manifest("tag")
    assert other.requests == []


# No secret in a message, a traceback, a log or a repr.

SECRETS = (
    "secret-",
    base64.b64encode(b"ann:secret-password").decode(),
)


def failing_push(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("PUT", Reply(error(403, "DENIED", "no secret-password here"))))
    repository.upload(CONTENT)


def failing_token(registry: Registry, repository: Repository) -> None:
    said = "ann:secret-password is not known"
    registry.fail(Fault("GET /token", Reply(error(403, "DENIED", said))))
    repository.upload(CONTENT)


def cut_token(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault("GET /token", CutAnswer(), times=None))
    repository.upload(CONTENT)


def repeated_token(registry: Registry, repository: Repository) -> None:
    registry.add_manifest(PATH, OCI_MANIFEST, MANIFEST, "tag")
    said = "secret-token-0 may not do this"
    registry.fail(Fault("GET .*/manifests/", Reply(error(403, "DENIED", said)), skip=1))
    repository.manifest("tag")


def dead_redirect(registry: Registry, repository: Repository) -> None:
    with Registry() as dead:
        signed = f"{dead.base}/blob?X-Signature=secret-signature"
    registry.fail(Fault(GET_BLOB, Redirect(signed), times=None, skip=1))
    read(repository)


def refused_redirect(registry: Registry, repository: Repository) -> None:
    with Registry() as other:
        signed = f"{other.base}/blob?X-Signature=secret-signature"
        said = f"{signed} is over"
        other.fail(Fault("GET", Reply(error(403, "EXPIRED", said))))
        registry.fail(Fault(GET_BLOB, Redirect(signed), skip=1))
        read(repository)


def bad_location(registry: Registry, repository: Repository) -> None:
    location = {"Location": "ftp://ann:secret-password@x/?secret-signature"}
    registry.fail(Fault("POST", Alter(headers=location)))
    repository.upload(CONTENT)


def bad_redirect(registry: Registry, repository: Repository) -> None:
    registry.fail(Fault(GET_BLOB, Redirect("http://x:secret-port/?secret-signature"), skip=1))
    read(repository)


@pytest.mark.parametrize(
    "fail",
    [
        failing_push,
        failing_token,
        cut_token,
        repeated_token,
        dead_redirect,
        refused_redirect,
        bad_location,
        bad_redirect,
    ],
)
def test_failures_show_no_secret(
    caplog: pytest.LogCaptureFixture, fail: Callable[[Registry, Repository], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    with Registry(auth=Bearer(USERS)) as registry, demo(registry, **USER) as repository:
        with pytest.raises(RegistryError) as failed:
            fail(registry, repository)
        # With the values of variables, as tools that report failures show them.
        frames = traceback.TracebackException.from_exception(failed.value)
        shown = [str(failed.value), repr(failed.value), *frames.format(), caplog.text]
        shown += [repr(repository), repr(repository.session), str(vars(failed.value))]
    for secret in SECRETS:
        assert not [text for text in shown if secret in text]
    assert "\n" not in str(failed.value)


def test_reprs_show_no_secret() -> None:
    """Those of every object that the client holds, as a debugger would print them."""
    with Registry(auth=Bearer(USERS)) as registry, demo(registry, **USER) as repository:
        repository.upload(CONTENT)
        seen: dict[int, object] = {}
        collect(repository, seen)
        assert len(seen) > 10
        texts = [repr(thing) for thing in seen.values()]
        found = [text for text in texts if any(secret in text for secret in SECRETS)]
        assert found == []


def collect(thing: object, seen: dict[int, object]) -> None:
    """Find all objects of the package below `thing`."""
    if id(thing) in seen or not type(thing).__module__.startswith("fastlayer."):
        return
    seen[id(thing)] = thing
    names = {*getattr(thing, "__dict__", ()), *getattr(type(thing), "__slots__", ())}
    for value in (getattr(thing, name, None) for name in names):
        for part in value if isinstance(value, list | tuple) else (value,):
            collect(part, seen)
        for part in value.values() if isinstance(value, dict) else ():
            collect(part, seen)


# Credential helpers.


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder on the path for helpers."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def add_helper(folder: Path, script: str) -> None:
    path = folder / "docker-credential-test"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_helper_is_asked_for_its_registry(
    locked: Registry, helpers: Path, auth_file: Path
) -> None:
    script = (
        f'read server; [ "$1 $server" = "get {locked.domain}" ] || exit 1\n'
        """echo '{"Username":"ann","Secret":"secret-password"}'"""
    )
    add_helper(helpers, script)
    auth_file.write_text(json.dumps({"credHelpers": {locked.domain: "test"}}))
    with session_with(locked) as session:
        session.ping()


@pytest.mark.parametrize(
    "name", ["../bin/test", "/bin/test", "test; touch found", "$(touch found)", "-x", "a b", "."]
)
def test_a_helper_has_a_name_and_no_path(
    locked: Registry, helpers: Path, auth_file: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(helpers)
    add_helper(helpers, "touch found")
    auth_file.write_text(json.dumps({"credsStore": name}))
    with session_with(locked) as session, pytest.raises(RegistryAuthError, match="name of a"):
        session.ping()
    assert not (helpers / "found").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo secret-password; echo secret-password >&2; exit 3", "failed with status 3"),
        ("echo secret-password", "did not print credentials"),
        ("head -c 3000000 /dev/zero", "did not print credentials"),
    ],
)
def test_a_helper_fails(
    locked: Registry, helpers: Path, auth_file: Path, script: str, reason: str
) -> None:
    add_helper(helpers, script)
    auth_file.write_text(json.dumps({"credsStore": "test"}))
    with session_with(locked) as session:
        with pytest.raises(
            RegistryAuthError, match=f"`docker-credential-test`.*{reason}"
        ) as failed:
            session.ping()
        assert "secret" not in str(failed.value)


def test_a_helper_has_not_all_day(
    locked: Registry, helpers: Path, auth_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helper, "_SECONDS", 0.1)
    add_helper(helpers, "exec sleep 60")
    auth_file.write_text(json.dumps({"credsStore": "test"}))
    with session_with(locked) as session, pytest.raises(RegistryAuthError, match="more than"):
        session.ping()


def test_a_helper_that_knows_nothing_is_no_failure(
    locked: Registry, helpers: Path, auth_file: Path
) -> None:
    add_helper(helpers, "echo credentials not found in native keychain; exit 1")
    auth_file.write_text(json.dumps({"credsStore": "test"}))
    with session_with(locked) as session, pytest.raises(RegistryAuthError, match="401"):
        session.ping()


def test_credentials_are_looked_up_in_order(
    locked: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file that is named, else those of podman and then docker: the first that has some."""

    def write(path: Path, password: str | None) -> Path:
        auth = base64.b64encode(f"ann:{password}".encode()).decode()
        entries = {} if password is None else {locked.domain: {"auth": auth}}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": entries}))
        return path

    def is_let_in(path: Path | None = None) -> bool:
        with session_with(locked, auth_file=path) as session:
            try:
                session.ping()
            except RegistryAuthError:
                return False
        return True

    home, runtime = tmp_path / "home", tmp_path / "run"
    for name in ("REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert not is_let_in()
    write(home / ".docker/config.json", "secret-password")
    assert is_let_in()
    write(home / ".config/containers/auth.json", "wrong")
    assert not is_let_in()
    write(runtime / "containers/auth.json", None)
    assert not is_let_in()
    write(runtime / "containers/auth.json", "secret-password")
    assert is_let_in()
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(write(tmp_path / "named.json", "wrong")))
    assert not is_let_in()
    assert is_let_in(write(tmp_path / "given.json", "secret-password"))


# Limits of time; those of size are in test_registry_faults.


def test_who_says_nothing_is_not_waited_for_for_ever() -> None:
    with Registry() as registry:
        registry.fail(Fault("GET", Hang()))
        network = Network()
        with pytest.raises(TransportError, match="in time"):
            network.send(Request("GET", f"{registry.base}/v2/", timeout=0.05))
        network.close()
