"""Login and logout: credentials that are kept for later, where docker keeps them."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastlayer.registry import connect
from fastlayer.registry.credentials import AuthFile, auth_files, default_auth_file, server_of
from fastlayer.registry.helper import erase_from_helper, tell_helper
from fastlayer.stored.blob import write_all
from fastlayer.temporary import temporary_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.registry.transport import Transport

__all__ = ["login", "logout"]


def login(
    domain: str,
    username: str,
    password: str,
    *,
    plain_http: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    auth_file: str | os.PathLike[str] | None = None,
    transport: Transport | None = None,
) -> Path:
    """Check credentials with a registry, keep them, and return the file that has been told.

    That is `auth_file`, else the one that `REGISTRY_AUTH_FILE` names, else the first that has an
    entry for the registry already, else docker's `config.json`. If it names a credential helper,
    that keeps them; else they are in the file, which only its owner can read.

    Raises `RegistryAuthError` if the registry refuses them, `RegistryError` and `OSError`.
    """
    with connect(
        domain,
        username=username,
        password=password,
        plain_http=plain_http,
        ca_file=ca_file,
        transport=transport,
    ) as session:
        session.ping()
    given = None if auth_file is None else Path(auth_file)
    known = (path for path in auth_files(given) if AuthFile(path).keys_of(domain))
    path = next(known, default_auth_file(given))
    with _changing(path) as file:
        auths = file.members["auths"] = file.members.get("auths") or {}
        for key in file.keys_of(domain):
            del auths[key]
        helper, server = file.helper_for(domain), server_of(domain)
        if helper is not None:
            tell_helper(helper, server, username, password)
            auths[server] = {}
        else:
            pair = f"{username}:{password}".encode()
            auths[server] = {"auth": base64.b64encode(pair).decode()}
    return path


def logout(domain: str, *, auth_file: str | os.PathLike[str] | None = None) -> list[Path]:
    """Forget the credentials for a registry, and return the files that had some.

    Those are looked into that `login` and others would find them in. Raises `OSError`, and
    `RegistryAuthError` if a credential helper fails.
    """
    given = None if auth_file is None else Path(auth_file)
    changed = []
    for path in auth_files(given):
        # Nothing is made, not even a folder, where there is nothing to forget.
        if not AuthFile(path).keys_of(domain):
            continue
        with _changing(path) as file:
            for key in file.keys_of(domain):
                del file.members["auths"][key]
            helper = file.helper_for(domain)
            if helper is not None:
                erase_from_helper(helper, server_of(domain))
        changed.append(path)
    return changed


@contextmanager
def _changing(path: Path) -> Iterator[AuthFile]:
    """Give the file as it is, and write it as it was left; one after the other may do that."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # A file system without locks is no reason not to log in.
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        file = AuthFile(path)
        yield file
        _replace(path, file.members)
        os.fsync(folder)
    finally:
        os.close(folder)


def _replace(path: Path, members: dict[str, Any]) -> None:
    """Write a file anew, for its owner's eyes only."""
    content = json.dumps(members, indent="\t", ensure_ascii=False).encode() + b"\n"
    with temporary_file(os.fspath(path.parent), mode=0o600) as made:
        write_all(made.descriptor, content)
        os.fsync(made.descriptor)
        os.replace(made.path, path)  # noqa: PTH105
        made.keep()
