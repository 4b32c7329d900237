"""Registries (distribution-spec 1.1): images are pulled from them and pushed to them.

    with connect("registry.example") as session:
        repository = session.repository("team/app")
        descriptor, content = repository.manifest("latest")

- `connect` here opens a `session`, which has a `repository` for each path (`manifests`)
- `sink`: images, by `push`: a store for blobs, which go out while they are made (`tasks`,
  `delivery`, `upload`; `feed`, `chunks`, `pump`; `spooled`)
- `contents`: what a reference leads to; `remote`: blobs that are read from there
- `login`: credentials, checked and kept, or forgotten (`credentials`, `helper`)

Inside a session:

- `place`, `auth` (`challenge`, `scope`, `token`), `retry`, `answer`
- `transport`, and the real one in `network` (`connection`, `failure`, `proxy`)
- `url`, `cancel`, `call`, `threads`: small words that all of them use
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastlayer.errors import InvalidArgumentError
from fastlayer.registry.credentials import Credentials, Keyring
from fastlayer.registry.network import Network
from fastlayer.registry.session import Session

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from fastlayer.registry.retry import Retrying
    from fastlayer.registry.transport import Transport

__all__ = ["connect"]


def connect(
    domain: str,
    *,
    username: str | None = None,
    password: str | None = None,
    plain_http: bool = False,
    ca_file: str | os.PathLike[str] | None = None,
    auth_file: str | os.PathLike[str] | None = None,
    transport: Transport | None = None,
    retrying: Retrying | None = None,
    progress: Callable[[int], object] | None = None,
) -> Session:
    """Return a session with a registry, such as `docker.io` or `localhost:5000`.

    Nothing is sent yet. Credentials are those given, else those of `auth_file`, else those that
    `login`, docker or podman have kept. TLS is verified by the authorities of the system and of
    `ca_file` (PEM); `plain_http` is without TLS. A registry on this very machine need not have it.
    `progress` is called, by any thread, with the bytes of blobs that were sent or received since
    the last call.

    Raises `InvalidArgumentError` for arguments that do not fit, and `OSError` for files.
    """
    if (username is None) != (password is None):
        raise InvalidArgumentError("a user name and a password are given together")
    if plain_http and ca_file is not None:
        raise InvalidArgumentError("without TLS, a file of certificates is of no use")
    given = None
    if username is not None and password is not None:
        if not username or ":" in username:
            raise InvalidArgumentError("a user name is not empty and has no colon")
        given = Credentials(username, password)
    keyring = Keyring(given, auth_file)
    return Session(
        domain,
        transport or Network(plain_http=plain_http, ca_file=ca_file),
        keyring,
        scheme="http" if plain_http else "https" if ca_file is not None else None,
        retrying=retrying,
        progress=progress,
    )
