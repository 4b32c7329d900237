"""Credential helpers: programs that keep passwords (the protocol of docker-credential-helpers).

They are run by name, without a shell, and have half a minute.
"""

from __future__ import annotations

import re
import subprocess
from typing import Final

import msgspec

from fastlayer.errors import RegistryAuthError, quoted

__all__ = ["ask_helper", "erase_from_helper", "tell_helper"]

_SECONDS: Final = 30.0
_LIMIT: Final = 1 << 20

# Part of the name of a program, never of a path.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# How helpers say that they have none, on stdout and with status 1.
_NOT_FOUND: Final = b"credentials not found"
_NO_SERVER: Final = b"no credentials server URL"


class _Found(msgspec.Struct):
    """What a helper prints; in these letters."""

    Username: str = ""
    Secret: str = ""


def ask_helper(helper: str, server: str) -> tuple[str, str] | None:
    """Return the user name and secret that a helper has for a server, if it has any.

    Raises `RegistryAuthError` if it fails.
    """
    done = _run(helper, "get", server.encode())
    if done.returncode != 0:
        if done.stdout.strip().startswith((_NOT_FOUND, _NO_SERVER)):
            return None
        raise _failed(helper, done.returncode)
    try:
        found = msgspec.json.decode(done.stdout[:_LIMIT], type=_Found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RegistryAuthError(f"{_shown(helper)} did not print credentials") from None
    return (found.Username, found.Secret) if found.Secret else None


def tell_helper(helper: str, server: str, username: str, secret: str) -> None:
    """Have a helper keep credentials. Raises `RegistryAuthError` if it fails."""
    told = {"ServerURL": server, "Username": username, "Secret": secret}
    done = _run(helper, "store", msgspec.json.encode(told))
    if done.returncode != 0:
        raise _failed(helper, done.returncode)


def erase_from_helper(helper: str, server: str) -> None:
    """Have a helper forget a server. Raises `RegistryAuthError` if it fails."""
    done = _run(helper, "erase", server.encode())
    if done.returncode != 0 and not done.stdout.strip().startswith(_NOT_FOUND):
        raise _failed(helper, done.returncode)


def _run(helper: str, verb: str, told: bytes) -> subprocess.CompletedProcess[bytes]:
    if not _NAME.fullmatch(helper):
        raise RegistryAuthError(f"{quoted(helper)} is not the name of a credential helper")
    try:
        return subprocess.run(
            [f"docker-credential-{helper}", verb],
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RegistryAuthError(f"{_shown(helper)} took more than {_SECONDS:.0f} seconds") from None
    except OSError as error:
        raise RegistryAuthError(f"{_shown(helper)} cannot be run: {error.strerror}") from None


def _failed(helper: str, status: int) -> RegistryAuthError:
    # What it printed is left out: some print what they were told.
    return RegistryAuthError(f"{_shown(helper)} failed with status {status}")


def _shown(helper: str) -> str:
    return f"the credential helper {quoted(f'docker-credential-{helper}')}"
