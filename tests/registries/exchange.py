"""What a test registry is asked, and what it answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON = "application/json"


@dataclass
class Request:
    """A request as it came in, and what became of it."""

    method: str
    target: str
    headers: Message
    size: int = 0  # bytes of the body that arrived
    status: int | None = None  # of the answer; None if there was none
    sent: int = 0  # bytes of the answer's body

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def value(self, name: str) -> str | None:
        """The first value of a parameter in the query."""
        return next(iter(self.query.get(name, ())), None)

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True)
class Answer:
    """A status, headers and a body; `Content-Length` is added where it isn't said."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_answer(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is a JSON document."""
    return Answer(status, {"Content-Type": JSON, **(headers or {})}, json.dumps(document).encode())


def error(
    status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer that is an error as the distribution-spec writes it ("Error Codes")."""
    document = {"errors": [{"code": code, "message": message or code.lower(), "detail": {}}]}
    return json_answer(status, document, headers)
