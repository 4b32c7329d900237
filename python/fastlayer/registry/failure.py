"""What went wrong between us and a server, in a few words."""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import Final

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from fastlayer.registry.transport import TransportError

__all__ = ["FAILURES", "explain"]

FAILURES: Final = (OSError, HTTPException, HTTPError)
"""What connections of urllib3 raise."""

# How OpenSSL calls it when the other side ends without a good-bye.
_TLS_ENDS: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def explain(error: Exception) -> TransportError:  # noqa: PLR0911 (a table)
    """Turn what a connection raised into a `TransportError`; nothing is answered by that.

    The texts of those exceptions may have the URL in them, so none is taken over.
    """
    match error:
        case NameResolutionError():
            again = getattr(error.__cause__, "errno", None) == socket.EAI_AGAIN
            return TransportError("its name cannot be resolved", lasting=not again)
        case NewConnectionError():
            return _not_connected(error.__cause__)
        case ConnectTimeoutError():
            return TransportError("it cannot be connected to in time")
        case ReadTimeoutError() | TimeoutError():
            return TransportError("nothing came from it in time")
        case ssl.SSLCertVerificationError():
            reason = f"its certificate is not trusted: {error.verify_message}"
            return TransportError(reason.rstrip("."), untrusted=True)
        case ssl.SSLError() if not isinstance(error, _TLS_ENDS):
            reason = (error.reason or "it failed").replace("_", " ").lower()
            return TransportError(f"no TLS with it: {reason}", lasting=True)
        case BadStatusLine() if not isinstance(error, RemoteDisconnected):
            return TransportError("what answers is no web server", lasting=True)
        case OSError() if str(error).startswith("Tunnel connection failed"):
            return TransportError("the proxy did not connect to it", lasting=True)
        case _:
            return TransportError("the connection was cut", was_cut=True)


def _not_connected(cause: BaseException | None) -> TransportError:
    """Say why there is no connection. A registry that is not there is not waited for."""
    reason = getattr(cause, "strerror", None) or "it cannot be connected to"
    return TransportError(reason[:1].lower() + reason[1:], lasting=True)
