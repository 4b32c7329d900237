"""A way to a server that breaks: connections through it are reset after so many bytes."""

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

PIECE = 1 << 16


class CuttingProxy:
    """Passes connections on to `domain` and resets them, once for each number in `cuts`.

    A number counts the bytes that clients sent since the cut before, through all connections.
    """

    def __init__(self, domain: str, cuts: list[int]) -> None:
        host, _, port = domain.rpartition(":")
        self._target = host, int(port)
        self._left = list(cuts)
        self._passed = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def cuts_left(self) -> int:
        return len(self._left)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for connection in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):  # it has ended
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in (self._listener, *self._sockets):
            connection.close()

    def _start(self, target: object, *arguments: socket.socket) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the end
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                self._start(self._pass_on, client, server)
                self._start(self._pass_back, server, client)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(PIECE):
                server.sendall(piece)
                if self._is_due(len(piece)):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                    server.shutdown(socket.SHUT_RDWR)  # which ends the other thread too
                    return
            server.shutdown(socket.SHUT_WR)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)

    def _is_due(self, count: int) -> bool:
        with self._lock:
            self._passed += count
            if not self._left or self._passed < self._left[0]:
                return False
            self._passed = 0
            self._left.pop(0)
            return True
