"""Proxies that the environment names, for TLS connections only: those end at the registry."""

from __future__ import annotations

import urllib.request
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from urllib3.util import make_headers

from fastlayer.registry.transport import TransportError
from fastlayer.registry.url import is_loopback

__all__ = ["Proxy", "proxy_for"]


class Proxy(NamedTuple):
    """Where a proxy is, and what it is told to let us through."""

    host: str
    port: int
    headers: dict[str, str]


def proxy_for(host: str) -> Proxy | None:
    """Return the proxy on the way to `host`: that of `HTTPS_PROXY`, unless `NO_PROXY` has the host.

    Raises `TransportError` for a kind of proxy that is not supported.
    """
    url = urllib.request.getproxies().get("https")
    if not url or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise TransportError("the proxy in `HTTPS_PROXY` is not an `http://` one", lasting=True)
    headers = {}
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = make_headers(proxy_basic_auth=user)
    return Proxy(parts.hostname, parts.port or 80, headers)
