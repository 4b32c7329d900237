"""Where a registry is: host, port, and whether it has TLS."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from fastlayer.errors import InvalidReferenceError, quoted
from fastlayer.reference import Reference
from fastlayer.registry.auth import Authenticator
from fastlayer.registry.transport import Request, TransportError
from fastlayer.registry.url import Origin, is_loopback, origin_of

if TYPE_CHECKING:
    from fastlayer.registry.cancel import Cancel
    from fastlayer.registry.credentials import Keyring
    from fastlayer.registry.transport import Transport

__all__ = ["Place", "check_domain", "find_place"]

# Docker Hub's images have one name and are at another.
_HOSTS: Final = {"docker.io": "registry-1.docker.io"}

# Who has no TLS may wait for the rest of what it does not understand.
_PROBE_SECONDS: Final = 3.0


class Place(NamedTuple):
    """The start of a registry's URLs, and how it is asked."""

    base: str
    origin: Origin
    auth: Authenticator


def check_domain(domain: str) -> None:
    """Check that this can be the name of a registry. Raises `InvalidReferenceError`."""
    Reference(domain, "any")
    try:
        origin_of(f"https://{domain}")
    except ValueError as error:
        raise InvalidReferenceError(f"invalid registry {quoted(domain)}: {error}") from None


def find_place(
    domain: str, transport: Transport, keyring: Keyring, scheme: str | None, cancel: Cancel
) -> Place:
    """Find a registry. Its scheme is `https` unless it is said, or found out on this very machine.

    Raises `TransportError` if that has to be found out and cannot.
    """
    host = _HOSTS.get(domain, domain)
    if scheme is None:
        scheme = "https"
        if is_loopback(origin_of(f"https://{host}").host):
            scheme = _scheme_of(host, transport, cancel)
    base = f"{scheme}://{host}"
    origin = origin_of(base)
    return Place(base, origin, Authenticator(transport, origin, partial(keyring.find, domain)))


def _scheme_of(host: str, transport: Transport, cancel: Cancel) -> str:
    """Try TLS first: who has it, even with a certificate that is not trusted, is not asked without.

    What is sent to find out has no credentials.
    """
    tls = Request("GET", f"https://{host}/v2/", timeout=_PROBE_SECONDS, cancel=cancel)
    try:
        transport.send(tls).drain()
    except TransportError as error:
        if error.untrusted:
            raise
    else:
        return "https"
    transport.send(Request("GET", f"http://{host}/v2/", cancel=cancel)).drain()
    return "http"
