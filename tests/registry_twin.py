"""The transport of the registry client in memory: what is asked is kept, answers are given."""

import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastlayer.registry.cancel import Cancel
from fastlayer.registry.credentials import Credentials, Keyring
from fastlayer.registry.retry import Retrying
from fastlayer.registry.session import Session
from fastlayer.registry.transport import Request, Response, TransportError

DOMAIN = "registry.example"
BASE = f"https://{DOMAIN}"
CUT = TransportError("the connection was cut")


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    length: int | None
    cancel: Cancel

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query)

    def __str__(self) -> str:
        return f"{self.method} {self.url.removeprefix(BASE)}"


@dataclass
class Reply:
    """What is answered; a body that is an exception is one that is cut there."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | list[bytes | Exception] = b""

    def response(self) -> Response:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.body
        if isinstance(body, bytes):
            headers.setdefault("content-length", str(len(body)))
            return Response(self.status, headers, io.BytesIO(body))
        return Response(self.status, headers, _Pieces(list(body)))


class _Pieces:
    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self._pieces = pieces

    def read(self, size: int, /) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece.with_traceback(None)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def close(self) -> None:
        self._pieces.clear()


Answers = Callable[[Asked], Reply | Exception]


class Twin:
    """A transport that asks `answers`, a function or what comes one after the other."""

    def __init__(self, answers: Answers | Sequence[Reply | Exception]) -> None:
        following = iter(() if callable(answers) else answers)
        self._answers = answers if callable(answers) else lambda _: next(following)
        self.asked: list[Asked] = []
        self.closed = False

    def send(self, request: Request) -> Response:
        request.cancel.check()
        body = b"".join(request.body)
        assert request.length in (None, len(body))
        asked = Asked(
            request.method, request.url, request.headers, body, request.length, request.cancel
        )
        self.asked.append(asked)
        answer = self._answers(asked)
        if isinstance(answer, Exception):
            # One that is raised again keeps the frames of all times before.
            raise answer.with_traceback(None)
        return answer.response()

    def close(self) -> None:
        self.closed = True

    @property
    def lines(self) -> list[str]:
        """What was asked, one line each."""
        return [str(asked) for asked in self.asked]


class Pauses(list[float]):
    """The pauses that were not made."""

    def retrying(self, attempts: int = 5) -> Retrying:
        return Retrying(attempts=attempts, sleep=self.append, chance=lambda: 0.0)


def session(
    answers: Answers | Sequence[Reply | Exception] | Twin,
    *,
    domain: str = DOMAIN,
    credentials: Credentials | None = None,
    pauses: Pauses | None = None,
    **options: Any,
) -> Session:
    """Return a session with a twin; without credentials it looks for none."""
    transport = answers if isinstance(answers, Twin) else Twin(answers)
    keyring = Keyring(credentials or Credentials())
    if credentials is None:
        keyring = Nobody()
    retrying = (Pauses() if pauses is None else pauses).retrying()
    return Session(domain, transport, keyring, retrying=retrying, **options)


class Nobody(Keyring):
    """No credentials for anybody."""

    def find(self, domain: str, repository: str = "") -> None:
        del domain, repository


def refusal(status: int, code: str, message: str = "", **headers: str) -> Reply:
    """An answer as the distribution-spec writes errors."""
    errors = {"errors": [{"code": code, "message": message}]}
    return Reply(status, headers, json.dumps(errors).encode())


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Blobs:
    """A registry of blobs only, as answers for a `Twin`.

    `fault` is asked first about each request, and may answer instead.
    """

    def __init__(self, fault: Callable[[Asked], Reply | Exception | None] | None = None) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.headers: dict[str, str] = {}  # of every answer about an upload
        self._fault = fault
        self._lock = threading.Lock()
        self._count = 0

    def __call__(self, asked: Asked) -> Reply | Exception:
        with self._lock:
            fault = self._fault and self._fault(asked)
            return fault or self._answer(asked)

    def take(self, name: str, content: bytes) -> None:
        """Have an upload hold more bytes than anybody was told of."""
        self.uploads[name] += content

    def _answer(self, asked: Asked) -> Reply:
        if found := re.fullmatch(r"/v2/(.+)/blobs/uploads/", asked.path):
            return self._begin(asked, found[1])
        if found := re.fullmatch(r"/v2/(.+)/blobs/uploads/(.+)", asked.path):
            return self._go_on(asked, found[1], found[2])
        found = re.fullmatch(r"/v2/(.+)/blobs/(.+)", asked.path)
        content = found and self.blobs.get((found[1], found[2]))
        if content is None:
            return Reply(404)
        return Reply(200, body=b"" if asked.method == "HEAD" else content)

    def _begin(self, asked: Asked, path: str) -> Reply:
        source, mount = asked.query.get("from", [""])[0], asked.query.get("mount", [""])[0]
        if (content := self.blobs.get((source, mount))) is not None:
            self.blobs[path, mount] = content
            return Reply(201)
        self._count += 1
        name = f"u{self._count}"
        self.uploads[name] = bytearray()
        return self._state(202, path, name)

    def _go_on(self, asked: Asked, path: str, name: str) -> Reply:
        if name not in self.uploads:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        if asked.method == "GET":
            return self._state(204, path, name)
        if asked.method == "DELETE":
            del self.uploads[name]
            return Reply(204)
        upload = self.uploads[name]
        start = asked.headers.get("Content-Range", str(len(upload))).partition("-")[0]
        if int(start) != len(upload):
            return self._state(416, path, name)
        if asked.method == "PATCH":
            upload += asked.body
            return self._state(202, path, name)
        return self._end(asked, path, name)

    def _end(self, asked: Asked, path: str, name: str) -> Reply:
        digest = asked.query["digest"][0]
        content = bytes(self.uploads[name]) + asked.body
        if digest_of(content) != digest:
            return refusal(400, "DIGEST_INVALID")
        del self.uploads[name]
        self.blobs[path, digest] = content
        return Reply(201, {"Docker-Content-Digest": digest})

    def _state(self, status: int, path: str, name: str) -> Reply:
        size = len(self.uploads[name])
        location = f"/v2/{path}/blobs/uploads/{name}?at={size}"
        taken = f"0-{max(size - 1, 0)}"
        return Reply(status, {"Location": location, "Range": taken, **self.headers})
