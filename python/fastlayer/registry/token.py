"""Tokens, and the servers that give them (distribution, "Token Authentication Specification")."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from fastlayer.errors import RegistryAuthError, quoted
from fastlayer.registry.answer import read_answer, read_refusal, refusal
from fastlayer.registry.retry import PASSING
from fastlayer.registry.scope import scope_texts
from fastlayer.registry.transport import Request, Transport, TransportError
from fastlayer.registry.url import Origin, is_loopback, is_private, origin_of, shown, with_query

if TYPE_CHECKING:
    from fastlayer.registry.cancel import Cancel
    from fastlayer.registry.credentials import Credentials
    from fastlayer.registry.scope import Scopes

__all__ = ["Server", "Token", "check_realm", "fetch_token"]

_LIMIT: Final = 1 << 20

_OK: Final = 200

# Where the server says nothing of it.
_SECONDS: Final = 60
_LONGEST_SECONDS: Final = 24 * 60 * 60

# What a header can hold (RFC 6750, section 2.1, and some that are not so exact).
_VALUE: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A token for `scopes`, to be used until the time `end` of the monotonic clock."""

    value: str = field(repr=False)
    scopes: Scopes
    end: float

    @property
    def bearer(self) -> str:
        """The value of `Authorization` (RFC 6750)."""
        return f"Bearer {self.value}"

    @property
    def is_over(self) -> bool:
        """Whether it is of no use any more."""
        return time.monotonic() > self.end


class _Answer(msgspec.Struct):
    """What a token server answers; `access_token` is what OAuth 2.0 calls it."""

    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


class Server(NamedTuple):
    """A token server: its URL, and what it calls the registry."""

    realm: str
    service: str = ""


def check_realm(realm: str, registry: Origin) -> None:
    """Check that a token server is one that credentials may be sent to.

    Any registry can name any server. It has to have TLS unless the registry has none, and must
    not be an address in somebody's own network, unless the registry is there too.

    Raises `RegistryAuthError`.
    """
    try:
        origin = origin_of(realm)
    except ValueError as error:
        raise RegistryAuthError(
            f"`{registry.host}` names a token server that is not a URL: {error}"
        ) from None
    where = f"`{registry.host}` names the token server {quoted(shown(realm))}"
    if origin.is_plain and not registry.is_plain:
        raise RegistryAuthError(f"{where}, which has no TLS")
    same = origin.host == registry.host or (is_loopback(origin.host) and is_loopback(registry.host))
    if is_private(origin.host) and not same:
        raise RegistryAuthError(f"{where}, which is a private address")


def fetch_token(
    transport: Transport,
    server: Server,
    scopes: Scopes,
    credentials: Credentials | None,
    cancel: Cancel,
) -> Token:
    """Get a token for `scopes`; without credentials an anonymous one.

    Raises `RegistryAuthError` if it gives none, and `TransportError` if it may do so later.
    """
    if credentials is not None and credentials.identity_token:
        request = _by_identity(server, scopes, credentials.identity_token, cancel)
    else:
        url = with_query(server.realm, service=server.service) if server.service else server.realm
        for text in scope_texts(scopes):
            url = with_query(url, scope=text)
        headers = {"Authorization": credentials.basic} if credentials is not None else {}
        request = Request("GET", url, headers, cancel=cancel)
    asked = time.monotonic()
    content = _answered(transport, request, credentials)
    where = quoted(shown(server.realm))
    try:
        answer = msgspec.json.decode(content, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RegistryAuthError(f"{where} answered without a token") from None
    value = answer.token or answer.access_token or ""
    if not _VALUE.fullmatch(value):
        raise RegistryAuthError(f"{where} answered without a token")
    seconds = _SECONDS if answer.expires_in is None else answer.expires_in
    # A tenth of it is for the way, and for clocks that are not alike.
    return Token(value, scopes, asked + 0.9 * min(max(seconds, 0), _LONGEST_SECONDS))


def _by_identity(server: Server, scopes: Scopes, identity_token: str, cancel: Cancel) -> Request:
    """Ask by an identity token, as OAuth 2.0 refreshes one (distribution, "OAuth2")."""
    form = {
        "grant_type": "refresh_token",
        "client_id": "fastlayer",
        "service": server.service,
        "scope": " ".join(scope_texts(scopes)),
        "refresh_token": identity_token,
    }
    body = urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", server.realm, headers, [body], len(body), cancel=cancel)


def _answered(transport: Transport, request: Request, credentials: Credentials | None) -> bytes:
    """Send a request to a token server; it is not followed elsewhere, as it has credentials."""
    where = f"the token server `{shown(request.url)}`"
    try:
        response = transport.send(request)
        if response.status == _OK:
            return read_answer(response, request, limit=_LIMIT).content
        answer = read_refusal(response, request)
    except TransportError as error:
        raise TransportError(f"{where}: {error}", lasting=error.lasting) from None
    if answer.status in PASSING:
        retry_after = answer.header("retry-after")
        raise TransportError(f"{where} answered with {answer.status}", retry_after=retry_after)
    token = "" if credentials is None else credentials.identity_token
    raise refusal(answer, secrets=[token])
