"""What a test registry does wrong, and when: values that a test hands to it.

    registry.fail(Fault(r"PATCH .*/uploads/", Cut(after=1_000_000), times=3))

Without a number of bytes nothing here depends on time, and nothing sleeps.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .exchange import Answer, Request


@dataclass(frozen=True)
class Reply:
    """Answer this instead; with `read`, once that many bytes of the request's body came."""

    answer: Answer
    read: int | None = None


@dataclass(frozen=True)
class Redirect:
    """Send the client to the same path of another server (a base URL), or to a whole URL."""

    to: str
    status: int = 307

    def answer(self, request: Request) -> Answer:
        is_base = re.fullmatch(r"\w+://[^/]+", self.to)
        return Answer(self.status, {"Location": self.to + request.target if is_base else self.to})


@dataclass(frozen=True)
class Alter:
    """Do what is asked but answer otherwise; a header that is None is left out."""

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: Callable[[bytes], bytes] | None = None

    def answer(self, answer: Answer) -> Answer:
        body = answer.body if self.body is None else self.body(answer.body)
        changed = {"Content-Length": str(len(body))} if self.body else {}
        headers = {**answer.headers, **changed, **self.headers}
        kept = {name: value for name, value in headers.items() if value is not None}
        return Answer(self.status or answer.status, kept, body)


@dataclass(frozen=True)
class Cut:
    """Reset the connection after so many bytes of the request's body.

    What came of an upload until then is `kept` by its session, or lost.
    """

    after: int = 0
    kept: bool = True


@dataclass(frozen=True)
class CutAnswer:
    """Do what is asked, then end the connection after so many bytes of the answer's body.

    None is before the first byte of its head. It ends as if all was well, or with a `reset`.
    """

    after: int | None = None
    reset: bool = False


@dataclass(frozen=True)
class Endless:
    """Answer with `start` and then the same piece, until the client goes or `limit` bytes."""

    start: bytes = b'{"token":"'
    piece: bytes = b"x" * 65536
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    status: int = 200
    limit: int = 64 << 20


@dataclass(frozen=True)
class LoseUpload:
    """Forget the upload session that the request is about, and then do what is asked."""


@dataclass(frozen=True)
class Hang:
    """Say nothing until the test is over."""


Action = Reply | Redirect | Alter | Cut | CutAnswer | Endless | LoseUpload | Hang


@dataclass(frozen=True)
class Fault:
    """What happens to the requests whose `METHOD target` begins with the pattern `match`.

    The first `skip` of them go well, the next `times` don't (None: all others).
    """

    match: str
    action: Action
    times: int | None = 1
    skip: int = 0


class Script:
    """The faults that are still to come, in the order of the test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._seen: list[int] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)
            self._seen.append(0)

    def take(self, request: Request) -> Action | None:
        """The action for `request`: that of the first fault that is due."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if not re.match(fault.match, str(request)) or self._is_over(number):
                    continue
                self._seen[number] += 1
                if self._seen[number] > fault.skip:
                    return fault.action
        return None

    def left(self) -> list[Fault]:
        """The faults that did not happen, or not as often as they were to."""
        with self._lock:
            return [
                fault
                for number, fault in enumerate(self._faults)
                if self._seen[number] < fault.skip + (1 if fault.times is None else fault.times)
            ]

    def _is_over(self, number: int) -> bool:
        fault = self._faults[number]
        return fault.times is not None and self._seen[number] >= fault.skip + fault.times
