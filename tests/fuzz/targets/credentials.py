"""Files of credentials, docker's and podman's: found or refused, and never in a message."""

from functools import partial
from pathlib import Path

from fastlayer.registry.credentials import AuthFile, Credentials
from fuzz.held import folder, value_of

_PLACES = (("docker.io", "library/app"), ("registry.example", "a/b"), ("localhost:5000", ""))


def check(content: bytes) -> None:
    path = folder() / "auth.json"
    path.write_bytes(content)
    for domain, repository in _PLACES:
        found = value_of(partial(_found, path, domain, repository), _check_message)
        if found is not None:
            assert found.basic.startswith("Basic ")
            assert found.password not in repr(found) or not found.password.strip("Credntials()")


def _found(path: Path, domain: str, repository: str) -> Credentials | None:
    file = AuthFile(path)
    file.helper_for(domain)
    file.keys_of(domain)
    return file.find(domain, repository, lambda _, server: (server, "from a helper"))


def _check_message(message: str) -> None:
    assert "c2VjcmV0" not in message
