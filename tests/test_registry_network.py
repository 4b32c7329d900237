"""The transport on urllib3, against small servers that do one thing each."""

import logging
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from fastlayer.errors import InvalidArgumentError
from fastlayer.registry.cancel import Cancel, CancelledError
from fastlayer.registry.network import Network
from fastlayer.registry.proxy import proxy_for
from fastlayer.registry.transport import Request, TransportError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a\r\nX-Two: b\r\n\r\nhello"


class Server:
    """Answers each request with the next of `answers`; what was asked is kept, by connection."""

    def __init__(self, answers: list[bytes | Callable[[socket.socket], None]]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.connections: list[list[bytes]] = []
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                self._open.append(connection)
                self.connections.append([])
                arguments = (connection, self.connections[-1])
                threading.Thread(target=self._answer, args=arguments, daemon=True).start()

    def _answer(self, connection: socket.socket, asked: list[bytes]) -> None:
        # A file says by `ValueError` that it was closed.
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as file:
            while line := file.readline():
                head = line
                while (line := file.readline()).strip():
                    head += line
                answer = self._answers.pop(0)
                if callable(answer):
                    asked.append(head)
                    answer(connection)
                    return
                asked.append(head + self._body(head, file))
                connection.sendall(answer)

    @staticmethod
    def _body(head: bytes, file: IO[bytes]) -> bytes:
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body = b""
            while size := int(file.readline(), 16):
                body += file.read(size)
                file.readline()
            file.readline()
            return body
        length = lower.partition(b"content-length:")[2].partition(b"\r")[0]
        return file.read(int(length or b"0"))

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def serving(*answers: bytes | Callable[[socket.socket], None]) -> Iterator[Server]:
    server = Server(list(answers))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.close()


def get(network: Network, url: str, **options: object) -> bytes:
    with network.send(Request("GET", url, **options)) as response:  # type: ignore[arg-type]
        return b"".join(response.pieces())


def test_a_connection_is_used_again(network: Network) -> None:
    """Once an answer is read, and not if there is more of it."""
    with serving(*[OK] * 6) as server:
        assert [get(network, f"{server.base}/{number}") for number in range(3)] == [b"hello"] * 3
        network.send(Request("HEAD", f"{server.base}/3")).drain()
        network.send(Request("GET", f"{server.base}/4")).close()
        assert get(network, f"{server.base}/5") == b"hello"
        assert [len(asked) for asked in server.connections] == [5, 1]


def once_then_closed(connection: socket.socket) -> None:
    """Answer one request, and end the connection when the next one is there."""
    connection.sendall(OK)
    connection.recv(1, socket.MSG_PEEK)
    reset = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)


@pytest.mark.parametrize(("method", "again"), [("GET", True), ("PUT", True), ("PATCH", False)])
def test_a_kept_connection_may_be_over(network: Network, method: str, again: bool) -> None:  # noqa: FBT001
    """The request is sent again by a new one, at once, unless it is a part of something."""
    body, length = ([b"x" * 9], 9) if method != "GET" else ((), 0)
    with serving(once_then_closed, OK) as server:
        get(network, server.base)
        request = Request(method, server.base, {}, body, length)
        if again:
            network.send(request).drain()
        else:
            with pytest.raises(TransportError, match="the connection was cut"):
                network.send(request)
        assert len(server.connections) == 1 + again


def test_a_head_has_headers_and_no_body(network: Network) -> None:
    """Names are in lower case, and those that come twice are joined."""
    with serving(OK) as server, network.send(Request("HEAD", server.base)) as response:
        assert (response.status, response.header("x-two")) == (200, "a, b")
        assert list(response.pieces()) == []


def test_what_is_sent(network: Network) -> None:
    """The length where it is known, of nothing too, and nothing that would have answers encoded."""
    with serving(*[OK] * 4) as server:
        pieces: list[bytes | memoryview] = [b"some", memoryview(b"thing")]
        for request in (
            Request("PUT", f"{server.base}/v2/a?x=y", {"A": "b"}, pieces, 9),
            Request("POST", server.base),
            Request("GET", server.base),
            Request("PATCH", server.base, {}, iter([b"x" * 3_000_000, b"y"]), None),
        ):
            network.send(request).drain()
        put, post, got, patch = server.connections[0]
    assert put.startswith(b"PUT /v2/a?x=y HTTP/1.1\r\n")
    assert put.endswith(b"something")
    assert b"\r\nA: b\r\n" in put
    assert b"\r\nAccept-Encoding: identity\r\n" in put
    assert b"\r\nUser-Agent: fastlayer\r\n" in put
    assert post.startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 0\r\n" in post
    assert b"Content-Length" not in got
    assert patch.endswith(b"\r\n" + b"x" * 3_000_000 + b"y")
    assert b"Content-Length" not in patch


def test_an_answer_may_have_no_length(network: Network) -> None:
    """It ends with its chunks, or with the connection."""
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    )
    with serving(chunked, OK, b"HTTP/1.0 200 OK\r\n\r\n") as server:
        assert get(network, server.base) == b"hello"
        assert get(network, server.base) == b"hello"


def test_nothing_is_decoded(network: Network) -> None:
    """A digest is that of what is sent."""
    with serving(OK.replace(b"X-Two: a", b"Content-Encoding: gzip")) as server:
        assert get(network, server.base) == b"hello"


def hang(connection: socket.socket) -> None:
    """Wait until the client goes."""
    waiting = select.poll()
    waiting.register(connection, select.POLLRDHUP)
    waiting.poll(5000)


def early(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1 << 16):
        pass


def test_an_answer_may_come_before_all_is_sent(network: Network) -> None:
    """Who refuses a body need not read it."""
    with serving(early) as server:
        body = [b"x" * (32 << 20)]
        response = network.send(Request("PUT", server.base, {}, body, 32 << 20))
        assert response.status == 413


def test_plain_http_is_for_this_machine() -> None:
    """Anywhere else it has to be asked for; nothing is looked up before that."""
    network = Network()
    for url in ("http://registry.example/v2/", "http://10.0.0.1/"):
        with pytest.raises(TransportError, match="plain HTTP is only used when") as caught:
            network.send(Request("GET", url))
        assert caught.value.lasting
    with pytest.raises(TransportError, match="cannot be resolved"):
        Network(plain_http=True).send(Request("GET", "http://registry.invalid/"))


@pytest.mark.parametrize(
    ("answer", "reason", "lasting"),
    [
        (lambda connection: connection.close(), "the connection was cut", False),
        (b"HTTP/1.1 200", "the connection was cut", False),
        (b"HTTP/1.1 200 OK\r\n", "the connection was cut", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "the connection was cut", False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers is no web server", True),
    ],
)
def test_no_answer_says_why(
    network: Network,
    answer: bytes | Callable[[socket.socket], None],
    reason: str,
    lasting: bool,  # noqa: FBT001
) -> None:
    """In a few words, and whether it is of use to try again."""

    def then_closed(connection: socket.socket) -> None:
        if isinstance(answer, bytes):
            connection.sendall(answer)
        connection.close()

    with serving(then_closed) as server:
        # The answer file keeps the socket open; shutting it down ends it all the same.
        threading.Timer(0.05, server.close).start()
        with pytest.raises(TransportError, match=f"^{reason}$") as caught:
            network.send(Request("GET", server.base))
        assert caught.value.lasting == lasting


def test_an_answer_that_is_cut_is_no_answer(network: Network) -> None:
    """Fewer bytes than it said are not taken for all."""
    with serving(OK.replace(b": 5", b": 6")) as server:
        response = network.send(Request("GET", server.base))
        assert response.body.read(5) == b"hello"
        server.close()
        with pytest.raises(TransportError, match="the connection was cut"):
            response.body.read(5)


@pytest.mark.parametrize(
    ("first", "endless"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"a: b\r\n"),
    ],
)
def test_heads_and_trailers_have_an_end(network: Network, first: bytes, endless: bytes) -> None:
    """Something comes all the time, and never the answer or its end."""

    def flood(connection: socket.socket) -> None:
        connection.sendall(first)
        end = time.monotonic() + 20
        with suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(endless * 1000)

    with serving(flood) as server:
        start = time.monotonic()
        with pytest.raises(TransportError, match=r"no web server|was cut"):
            get(network, server.base)
        assert time.monotonic() - start < 10


def test_nobody_waits_for_ever(network: Network) -> None:
    """Neither for an answer nor for the rest of it."""
    half = OK.replace(b": 5", b": 6")
    with serving(hang, half) as server:
        with pytest.raises(TransportError, match="nothing came from it in time") as caught:
            network.send(Request("GET", server.base, timeout=0.3))
        assert not caught.value.lasting
        response = network.send(Request("GET", server.base, timeout=0.3))
        with pytest.raises(TransportError, match="nothing came from it in time"):
            list(response.pieces())


def test_nobody_is_there(network: Network) -> None:
    """A port that nobody listens at is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError, match=r"^connection refused$") as caught:
        network.send(Request("GET", f"http://127.0.0.1:{port}/"))
    assert caught.value.lasting


def test_no_tls_is_told_from_a_wrong_certificate(network: Network) -> None:
    """One may be asked without TLS, the other not."""
    with serving(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        with pytest.raises(TransportError) as caught:
            network.send(Request("GET", f"https://127.0.0.1:{server.port}/", timeout=0.2))
        assert not caught.value.untrusted


def test_what_waits_can_be_cancelled(network: Network) -> None:
    """For an answer that does not come, or with a body that nobody reads."""
    for request in (
        Request("GET", "", timeout=30),
        Request("PUT", "", {}, [b"x" * (64 << 20)], 64 << 20, timeout=30),
    ):
        cancel = Cancel()
        with serving(hang) as server:
            threading.Timer(0.1, cancel.set).start()
            begun = time.monotonic()
            with pytest.raises(CancelledError):
                network.send(
                    Request(
                        request.method,
                        server.base,
                        {},
                        request.body,
                        request.length,
                        timeout=30,
                        cancel=cancel,
                    )
                )
            assert time.monotonic() - begun < 4
    with pytest.raises(CancelledError):
        network.send(Request("GET", "http://127.0.0.1:1/", cancel=cancel))


def test_what_cannot_be_read_is_no_failure_of_the_network(network: Network) -> None:
    """A file that fails while it is sent is told as itself."""

    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise FileNotFoundError(2, "gone", "/x")

    with serving(lambda _: None) as server, pytest.raises(FileNotFoundError):
        network.send(Request("PUT", server.base, {}, pieces(), 2))


def test_a_bad_head_is_logged_without_the_query(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    """urllib3 complains of it with the URL that it knows."""
    caplog.set_level(logging.DEBUG)
    with serving(OK.replace(b"X-Two: a", b"no header")) as server:
        get(network, f"{server.base}/upload?signature=secret")
        assert server.connections[0][0].startswith(b"GET /upload?signature=secret HTTP/1.1\r\n")
    assert "Failed to parse headers" in caplog.text
    assert "secret" not in caplog.text


def test_a_closed_network_keeps_nothing(network: Network) -> None:
    """What is in use then is closed when it is done."""
    with serving(OK, OK) as server:
        get(network, server.base)
        response = network.send(Request("GET", server.base))
        network.close()
        response.drain()
        assert not any(network._idle.values())


def test_certificates_are_read_before_anything_is_asked(tmp_path: Path) -> None:
    """A file without any is named, and so is one that is not there."""
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(InvalidArgumentError, match=f"`{empty}` has no certificates"):
        Network(ca_file=empty)
    with pytest.raises(FileNotFoundError) as caught:
        Network(ca_file=tmp_path / "none.pem")
    assert caught.value.filename == str(tmp_path / "none.pem")


def test_a_proxy_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For TLS, not for this machine, and not for what is said to go without."""
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for("registry.example") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:a%3Ab@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert proxy_for("registry.example") == (
        "proxy.example",
        3128,
        {"proxy-authorization": "Basic YW5uOmE6Yg=="},
    )
    assert proxy_for("localhost") is proxy_for("127.0.0.1") is None
    assert proxy_for("a.inside.example") is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example")
    assert proxy_for("registry.example") == ("proxy.example", 80, {})
    monkeypatch.setenv("HTTPS_PROXY", "socks5://ann:secret@proxy.example")
    with pytest.raises(TransportError, match="is not an `http://` one") as caught:
        proxy_for("registry.example")
    assert "secret" not in str(caught.value)


def test_a_proxy_is_asked_for_the_registry(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By CONNECT; if it does not want to, that is said."""
    refused = b"HTTP/1.1 403 Forbidden\r\n\r\n"
    with serving(refused) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:secret@127.0.0.1:{server.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(TransportError, match=r"^the proxy did not connect to it$"):
            network.send(Request("GET", "https://registry.example/v2/"))
        head = server.connections[0][0]
        assert head.startswith(b"CONNECT registry.example:443 HTTP/1.")
        assert b"roxy-" in head
        assert b"uthorization: Basic YW5uOnNlY3JldA==" in head
