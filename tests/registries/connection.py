"""One connection to the test registry: requests read, faults carried out, answers written."""

from __future__ import annotations

import contextlib
import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from .exchange import Answer, Request
from .faults import Action, Alter, Cut, CutAnswer, Endless, Hang, LoseUpload, Redirect, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .server import Registry, Server

PIECE = 1 << 18


class EndedError(ConnectionError):
    """The connection ends here."""


class Connection(BaseHTTPRequestHandler):
    """Answers one request after the other, until one side ends it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = PIECE
    server: Server

    @property
    def registry(self) -> Registry:
        return self.server.registry

    def handle(self) -> None:
        # A client may go at any time; also one that does not trust the certificate.
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    def answer_one(self) -> None:
        request = Request(self.command, self.path, self.headers)
        self.registry.requests.append(request)
        action = self.registry.script.take(request)
        match action:
            case Reply():
                self._body(request, action.read)
                self._send(request, whole(action.answer))
                if action.read is not None:
                    self._end_unread()
            case Redirect():
                self._body(request)
                self._send(request, whole(action.answer(request)))
            case Cut():
                body = self._body(request, action.after)
                if action.kept:
                    self.registry.routes.keep_part(request, body)
                self._reset()
            case Endless():
                self._body(request)
                self._send_endless(request, action)
            case Hang():
                self.registry.closing.wait()
                raise EndedError
            case _:
                self._do(request, action)

    # BaseHTTPRequestHandler looks for a method of this name for each method of HTTP.
    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = answer_one  # noqa: N815

    def _do(self, request: Request, action: Action | None) -> None:
        body = self._body(request)
        if isinstance(action, LoseUpload):
            self.registry.routes.lose_upload(request)
        answer = whole(self.registry.answer(request, body))
        if isinstance(action, Alter):
            self._send(request, action.answer(answer))
        elif isinstance(action, CutAnswer):
            if action.after is not None:
                self._send(request, answer, action.after)
            if action.reset:
                self._reset()
            raise EndedError
        else:
            self._send(request, answer)

    def _body(self, request: Request, limit: int | None = None) -> bytes:
        """Read the body, or its first `limit` bytes."""
        pieces = []
        for piece in self._pieces(limit):
            request.size += len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _pieces(self, limit: int | None) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length", "0"))
            yield from self._exactly(length if limit is None else min(length, limit))
            return
        left = limit
        while left is None or left > 0:
            length = int(self.rfile.readline().split(b";")[0] or b"0", 16)
            if length == 0:
                self.rfile.readline()  # no trailers
                return
            wanted = length if left is None else min(length, left)
            yield from self._exactly(wanted)
            if left is not None:
                left -= wanted
            if wanted == length:
                self.rfile.readline()

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self.rfile.read(min(size, PIECE))
            if not piece:
                raise EndedError
            size -= len(piece)
            yield piece

    def _send(self, request: Request, answer: Answer, limit: int | None = None) -> None:
        """Write an answer, or its head and the first `limit` bytes of its body.

        An answer without a length is sent in pieces of which each has one.
        """
        request.status = answer.status
        length = answer.headers.get("Content-Length")
        is_chunked = length is None and answer.status != 204
        chunked = {"Transfer-Encoding": "chunked"} if is_chunked else {}
        self._send_head(answer.status, {**answer.headers, **chunked})
        if request.method == "HEAD":
            return
        body = answer.body if limit is None else answer.body[:limit]
        request.sent = len(body)
        if is_chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.wfile.write(chunk + b"0\r\n\r\n")
        else:
            self.wfile.write(body)
        if length not in (None, str(len(body))):
            raise EndedError

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_endless(self, request: Request, action: Endless) -> None:
        request.status = action.status
        self._send_head(action.status, {**action.headers, "Connection": "close"})
        self.wfile.write(action.start)
        while request.sent < action.limit:
            self.wfile.write(action.piece)
            request.sent += len(action.piece)
        self.close_connection = True

    def _reset(self) -> None:
        """End the connection with a reset (RST) when it is closed."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.server.resets.add(self.connection)
        raise EndedError

    def _end_unread(self) -> None:
        """End it as servers do that answer early: nothing is reset while the client still sends."""
        self.wfile.flush()
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        while self.rfile.read(PIECE):
            pass
        raise EndedError


def whole(answer: Answer) -> Answer:
    """`answer` with the length of its body, where one may be said (RFC 9110, 8.6)."""
    if answer.status == 204:
        return answer
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    return Answer(answer.status, headers, answer.body)
