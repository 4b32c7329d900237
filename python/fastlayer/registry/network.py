"""The transport of real use: HTTP/1.1 by urllib3's connections.

They are used without urllib3's pools: those log URLs with their queries, and know no way to end a
request that another thread waits for.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.registry.connection import Connection, TlsConnection
from fastlayer.registry.failure import FAILURES, explain
from fastlayer.registry.proxy import proxy_for
from fastlayer.registry.transport import Request, Response, TransportError
from fastlayer.registry.url import Origin, is_loopback, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from urllib3.response import HTTPResponse


__all__ = ["Network"]

_CONNECT_SECONDS = 10.0

# Who has closed a connection has said before what there is to say.
_LAST_WORDS_SECONDS = 1.0

# The timeout is for each of them, and there is a look at the flag between two.
_PIECE = 1 << 20

# Connections to one server that wait for the next request.
_IDLE = 8

_WITH_BODY = ("PATCH", "POST", "PUT")


class Network:
    """Connections to servers, kept for the next request.

    Plain HTTP is for this machine only, unless `plain_http` says otherwise. With TLS, servers are
    verified by the authorities of the system and those in `ca_file` (PEM).

    Raises `OSError` if `ca_file` cannot be read, and `InvalidArgumentError` if it has none.
    """

    def __init__(
        self, *, plain_http: bool = False, ca_file: str | os.PathLike[str] | None = None
    ) -> None:
        self._plain_http = plain_http
        self._lock = threading.Lock()
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._closed = False
        # Without a file of its own it is made when it is needed: that takes milliseconds.
        self._context = None if ca_file is None else _trusting(os.fspath(ca_file))

    def send(self, request: Request) -> Response:
        """Send a request and return the head of the answer."""
        origin = origin_of(request.url)
        if origin.is_plain and not (self._plain_http or is_loopback(origin.host)):
            raise TransportError("plain HTTP is only used when it is asked for", lasting=True)
        kept = self._idle_one(origin)
        if kept is None:
            return self._sent(self._new(origin), origin, request)
        try:
            return self._sent(kept, origin, request)
        except TransportError as error:
            # The server may have closed it just now. Parts of a blob are another matter: who sends
            # them has to know what became of them.
            if not error.was_cut or request.method == "PATCH" or request.length is None:
                raise
        return self._sent(self._new(origin), origin, request)

    def _sent(self, connection: Connection, origin: Origin, request: Request) -> Response:
        try:
            with request.cancel.calling(partial(_abort, connection)):
                response = _exchanged(connection, request)
        except _BodyError as error:
            connection.close()
            raise error.cause from None
        except FAILURES as error:
            connection.close()
            request.cancel.check()
            raise explain(error) from None
        except BaseException:
            connection.close()
            raise
        headers = {name.lower(): response.headers[name] for name in response.headers}
        body = _Body(response, connection, partial(self._keep, origin, connection))
        return Response(response.status, headers, body)

    def close(self) -> None:
        """Close all connections that nobody uses, and the others once they are not used."""
        with self._lock:
            self._closed = True
            idle = [connection for kept in self._idle.values() for connection in kept]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        # Images read from a registry keep its session as long as their layers may be wanted.
        if hasattr(self, "_lock"):
            self.close()

    def _idle_one(self, origin: Origin) -> Connection | None:
        """Take a connection that is still open."""
        with self._lock:
            while kept := self._idle[origin]:
                connection = kept.pop()
                if connection.is_connected:
                    return connection
                connection.close()
        return None

    def _new(self, origin: Origin) -> Connection:
        if origin.is_plain:
            return Connection(origin.host, origin.port)
        with self._lock:
            if self._context is None:
                self._context = _trusting(None)
        proxy = proxy_for(origin.host)
        if proxy is None:
            return TlsConnection(origin.host, origin.port, ssl_context=self._context)
        connection = TlsConnection(proxy.host, proxy.port, ssl_context=self._context)
        connection.set_tunnel(origin.host, origin.port, proxy.headers)
        return connection

    def _keep(self, origin: Origin, connection: Connection) -> None:
        with self._lock:
            kept = self._idle[origin]
            if not (self._closed or connection.is_closed) and len(kept) < _IDLE:
                kept.append(connection)
                return
        connection.close()


class _BodyError(Exception):
    """The body of a request could not be read: no failure of the network."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Body:
    """The body of a response; the connection can be used again once all is read."""

    def __init__(
        self, response: HTTPResponse, connection: Connection, keep: Callable[[], None]
    ) -> None:
        self._response = response
        self._connection = connection
        self._keep = keep
        self._ended = False

    def read(self, size: int, /) -> bytes:
        if self._ended:
            return b""
        try:
            # As it is, whatever `Content-Encoding` says: digests are of what is sent.
            piece = self._response.read1(size, decode_content=False)
        except FAILURES as error:
            self.close()
            raise explain(error) from None
        if not piece:
            self._ended = True
            self._keep()
        return piece

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._response.close()
            self._connection.close()


def _exchanged(connection: Connection, request: Request) -> HTTPResponse:
    if connection.is_closed:
        connection.timeout = min(_CONNECT_SECONDS, request.timeout)
        connection.connect()
        # Before there was a socket, nobody could have ended this.
        request.cancel.check()
    connection.timeout = request.timeout
    parts = urlsplit(request.url)
    connection.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Accept-Encoding": "identity", "User-Agent": "fastlayer", **request.headers}
    if request.length or (request.length == 0 and request.method in _WITH_BODY):
        headers["Content-Length"] = str(request.length)
    ended_early: OSError | None = None
    try:
        connection.request(
            request.method,
            parts.path,
            # What `send` of a socket takes, urllib3's types do not say.
            body=None if request.length == 0 else cast("Iterator[bytes]", _pieces(request)),
            headers=headers,
            chunked=request.length is None,
            preload_content=False,
            decode_content=False,
        )
    except (BrokenPipeError, ConnectionResetError) as error:
        # Who refuses a request may answer before all of it is sent. Such an answer is here, or
        # never will be.
        ended_early = error
        connection.timeout = min(_LAST_WORDS_SECONDS, request.timeout)
    try:
        return connection.getresponse()
    except FAILURES as error:
        raise ended_early or error from None


def _pieces(request: Request) -> Iterator[bytes | memoryview]:
    parts = iter(request.body)
    while True:
        try:
            view = memoryview(next(parts, b""))
        except OSError as error:
            raise _BodyError(error) from None
        if not view:
            return
        for start in range(0, len(view), _PIECE):
            request.cancel.check()
            yield view[start : start + _PIECE]


def _abort(connection: Connection) -> None:
    """Have the thread that uses the connection fail at once.

    An `SSLSocket` would forget its TLS on the way and send what comes next in plain.
    """
    if isinstance(connection.sock, socket.socket):
        with suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise InvalidArgumentError(f"{quoted(ca_file)} has no certificates in PEM") from None
        except OSError as error:
            error.filename = ca_file
            raise
    return context
