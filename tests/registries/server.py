"""The test registry on a loopback port, plain or with TLS."""

import contextlib
import re
import socket
import ssl
import sys
import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from .connection import Connection
from .exchange import Answer, Request, error
from .faults import Fault, Script
from .routes import Routes, Rules
from .tokens import Basic, Bearer

Connected = socket.socket | tuple[bytes, socket.socket]


class Registry:
    """A registry in this process; as a context it is open, and at its end all faults happened."""

    def __init__(
        self,
        *,
        rules: Rules | None = None,
        auth: Basic | Bearer | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.routes = Routes(rules=rules or Rules())
        self.auth = auth
        self.requests: list[Request] = []
        self.script = Script()
        self.closing = threading.Event()
        self.scheme = "http" if tls is None else "https"
        self._server = Server(self, tls)
        # Polled for its end, so that closing takes no half second.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def domain(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def base(self) -> str:
        """The URL without a path."""
        return f"{self.scheme}://{self.domain}"

    @property
    def rules(self) -> Rules:
        return self.routes.rules

    def fail(self, *faults: Fault) -> None:
        """Order faults."""
        for fault in faults:
            self.script.add(fault)

    def answer(self, request: Request, body: bytes) -> Answer:
        """Answer as a registry without faults."""
        if request.path == "/token":
            if isinstance(self.auth, Bearer):
                return self.auth.token(request, body)
            return error(404, "NOT_FOUND")
        refused = self.auth and self.auth.refused(request, self.base)
        return refused or self.routes.answer(request, body)

    def asked(self, match: str = "") -> list[Request]:
        """The requests so far whose `METHOD target` begins with a pattern."""
        return [request for request in tuple(self.requests) if re.match(match, str(request))]

    # What tests put in and look for.

    def blob(self, repository: str, digest: str) -> bytes | None:
        return self.routes.contents.blobs.get((repository, digest))

    def manifest(self, repository: str, reference: str) -> bytes | None:
        found = self.routes.contents.manifest(repository, reference)
        return None if found is None else found.content

    def add_blob(self, repository: str, content: bytes) -> str:
        return self.routes.contents.add_blob(repository, content)

    def add_manifest(
        self, repository: str, media_type: str, content: bytes, tag: str | None = None
    ) -> str:
        return self.routes.contents.add_manifest(repository, media_type, content, tag)

    @property
    def open_uploads(self) -> int:
        """Upload sessions that were neither ended nor cancelled."""
        return len(self.routes.contents.uploads)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if kind is None:
            assert not self._server.defects, self._server.defects
            left = self.script.left()
            assert not left, f"these faults did not happen: {left}"


class Server(ThreadingHTTPServer):
    """The sockets and threads of one registry; all of them end when it is closed."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, registry: Registry, tls: ssl.SSLContext | None) -> None:
        self.registry = registry
        self.defects: list[BaseException | None] = []
        self.resets: set[socket.socket] = set()
        self._connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), Connection)
        if tls is not None:
            # The handshake is the connection's, which has a thread of its own.
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def process_request(self, request: Connected, client_address: Any) -> None:
        assert isinstance(request, socket.socket)
        self._connections.append(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connected) -> None:
        if request in self.resets:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Connected, client_address: Any) -> None:
        """Keep what is wrong with the server itself; `Registry` raises it."""
        del request, client_address
        self.defects.append(sys.exception())

    def server_close(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it has ended
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        super().server_close()
