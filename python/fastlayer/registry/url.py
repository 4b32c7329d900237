"""URLs of registries: who is meant, and what of one may be shown."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

__all__ = ["Origin", "is_loopback", "is_private", "origin_of", "resolved", "shown", "with_query"]

_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Whom a URL leads to; credentials are for one of these."""

    scheme: str
    host: str
    port: int

    @property
    def is_plain(self) -> bool:
        """Whether everybody on the way can read what is sent."""
        return self.scheme == "http"


def origin_of(url: str) -> Origin:
    """Tell whom `url` leads to.

    Raises `ValueError` for what is no URL of a web server, and for one with a user name in it.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError("it has characters that no URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Which would show a part of it.
        raise ValueError("its host or port is malformed") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("it is not one of `http` or `https`")
    if "@" in parts.netloc:
        raise ValueError("it has a user name")
    return Origin(parts.scheme, parts.hostname, port or _PORTS[parts.scheme])


def resolved(location: str, base: str) -> str:
    """Complete a `Location` or link that an answer from `base` had (RFC 3986, section 5).

    Raises what `origin_of` raises, and `ValueError` for a way from TLS to no TLS.
    """
    try:
        url = urlunsplit(urlsplit(urljoin(base, location))._replace(fragment=""))
    except ValueError:
        raise ValueError("its host or port is malformed") from None
    if origin_of(url).is_plain and not origin_of(base).is_plain:
        raise ValueError("it leads from TLS to plain HTTP")
    return url


def with_query(url: str, **values: str) -> str:
    """Add parameters to the query, which may have some that must stay."""
    parts = urlsplit(url)
    # Digests and scopes stay as they are: some servers compare text.
    added = urlencode(values, safe=":/,*")
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def shown(url: str) -> str:
    """Return what messages may show of a URL: no user, password, query or fragment.

    The query of an upload or a redirect can be as good as a password.
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_loopback(host: str) -> bool:
    """Whether this is a name or address of this very machine (RFC 6761, section 6.3)."""
    host = host.lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_private(host: str) -> bool:
    """Whether this is an address that only some network, or this machine, knows.

    A name is not looked up, as it can be another one a moment later.
    """
    address = _address(host)
    if address is None:
        # Looking up knows more ways to write an address: `0x7f.1`, `2130706433`.
        with suppress(OSError):
            address = ipaddress.IPv4Address(socket.inet_aton(host))
    return is_loopback(host) or (address is not None and not address.is_global)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
        return getattr(address, "ipv4_mapped", None) or address
    return None
