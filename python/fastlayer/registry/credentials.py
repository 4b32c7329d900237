"""Who we are at a registry: the files in which docker, podman and their kin keep it.

They have one format: `auths` by registry, `credHelpers` and `credsStore` (docker's config.json;
containers-auth.json(5)).
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fastlayer.errors import RegistryAuthError, quoted
from fastlayer.registry.helper import ask_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "AuthFile",
    "Credentials",
    "Keyring",
    "auth_files",
    "default_auth_file",
    "server_of",
]

_LIMIT: Final = 4 << 20

# Docker Hub has several names; in files it is mostly the first, which is also the helpers'.
_HUB: Final = "https://index.docker.io/v1/"
_HUB_NAMES: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password, or an identity token in place of both; its text shows neither."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of `Authorization` (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


class AuthFile:
    """One of the files, as it is now; it may be absent.

    Raises `RegistryAuthError` if it is not what it should be, and `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                content = file.read(_LIMIT + 1)
        except FileNotFoundError:
            content = b"{}"
        self.members: dict[str, Any] = self._parse(content)

    def find(
        self,
        domain: str,
        repository: str = "",
        ask: Callable[[str, str], tuple[str, str] | None] = ask_helper,
    ) -> Credentials | None:
        """Return the credentials for a repository: a helper's, else those written here."""
        helper = self.helper_for(domain)
        if helper and (found := ask(helper, server_of(domain))):
            username, secret = found
            if username == "<token>":
                return Credentials(identity_token=secret)
            return Credentials(username, secret)
        entries = self._table("auths")
        for name in _names(domain, repository):
            for key, entry in entries.items():
                if _plain(key) == name and (credentials := self._read(key, entry)):
                    return credentials
        return None

    def helper_for(self, domain: str) -> str | None:
        """Return the name of the helper that keeps the credentials of a registry."""
        helpers = {_plain(key): helper for key, helper in self._table("credHelpers").items()}
        named = (helpers.get(name) for name in _names(domain))
        helper = next(filter(None, named), None) or self.members.get("credsStore")
        return str(helper) if helper else None

    def keys_of(self, domain: str) -> list[str]:
        """Return the keys that this file has for a registry as a whole."""
        names = set(_names(domain))
        return [key for key in self._table("auths") if _plain(key) in names]

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.members.get(name)
        if not isinstance(table, dict | None):
            raise RegistryAuthError(f"{quoted(self.path)}: `{name}` is not an object")
        return table or {}

    def _read(self, key: str, entry: object) -> Credentials | None:
        """Read one entry; an empty one says only that a helper has been told."""
        match entry:
            case {"identitytoken": str(token)} if token:
                return Credentials(identity_token=token)
            case {"auth": str(encoded)} if encoded:
                return self._decode(key, encoded)
            case {"username": str(username), "password": str(password)} if username:
                return Credentials(username, password)
        return None

    def _decode(self, key: str, encoded: str) -> Credentials:
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError):
            pair = ""
        username, colon, password = pair.partition(":")
        if not colon:
            raise RegistryAuthError(
                f"{quoted(self.path)}: `auth` of {quoted(key)} is not a user and a password"
            ) from None
        # Docker once padded them.
        return Credentials(username, password.rstrip("\0"))

    def _parse(self, content: bytes) -> dict[str, Any]:
        where = quoted(self.path)
        if len(content) > _LIMIT:
            raise RegistryAuthError(f"{where} is larger than the limit of {_LIMIT} bytes")
        try:
            return msgspec.json.decode(content or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RegistryAuthError(f"{where} is not a JSON object") from None


class Keyring:
    """Where credentials are looked for: those given, else in files, the first that has some.

    Raises `OSError` if a file that was given is not there.
    """

    def __init__(
        self, given: Credentials | None = None, auth_file: str | os.PathLike[str] | None = None
    ) -> None:
        self._given = given
        self._auth_file = None if auth_file is None else Path(auth_file)
        if self._auth_file is not None:
            self._auth_file.stat()
        # A helper is asked once, not for every repository.
        self._ask = cache(ask_helper)

    def find(self, domain: str, repository: str = "") -> Credentials | None:
        """Return the credentials for a registry or a repository there.

        Raises `RegistryAuthError` for files and helpers that fail, and `OSError`.
        """
        if self._given is not None:
            return self._given
        for path in auth_files(self._auth_file):
            if found := AuthFile(path).find(domain, repository, self._ask):
                return found
        return None


def auth_files(given: Path | None = None) -> Sequence[Path]:
    """List the files to look into: the one that was given, or that of `REGISTRY_AUTH_FILE`.

    Without those, the files of podman and skopeo come first, then docker's.
    """
    environment = os.environ
    if given is not None:
        return [given]
    if named := environment.get("REGISTRY_AUTH_FILE"):
        return [Path(named)]
    folders = []
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        folders.append(Path(runtime))
    folders.append(Path(environment.get("XDG_CONFIG_HOME") or _home() / ".config"))
    return [*(folder / "containers" / "auth.json" for folder in folders), _docker_file()]


def default_auth_file(given: Path | None = None) -> Path:
    """Tell where new credentials go: with a choice of files, into docker's, which all know."""
    files = auth_files(given)
    return files[0] if len(files) == 1 else _docker_file()


def server_of(domain: str) -> str:
    """Return what helpers, and docker's file, call a registry."""
    return _HUB if domain in _HUB_NAMES else domain


def _docker_file() -> Path:
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else _home() / ".docker") / "config.json"


def _home() -> Path:
    """Return the home folder; where there is none, a name that is nowhere."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 (which raises for a user without one)


def _names(domain: str, repository: str = "") -> Iterator[str]:
    """Yield the keys that fit, the most exact first: those of containers may have a path."""
    domains = _HUB_NAMES if domain in _HUB_NAMES else (domain,)
    parts = repository.split("/") if repository else []
    for length in range(len(parts), -1, -1):
        for name in domains:
            yield "/".join((name, *parts[:length]))


def _plain(key: str) -> str:
    """Return a key without the scheme and the version of the API, which old files have."""
    key = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    return key.removesuffix("/v1").removesuffix("/v2")
