"""The network as the client sees it: a request goes out, a response comes back.

`Transport` has two methods. One implementation is in `network`; tests have another, in memory.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from fastlayer.registry.cancel import Cancel
from fastlayer.registry.url import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Body", "Request", "Response", "Transport", "TransportError", "content_length"]

_PIECE = 1 << 18

# What is left of an answer that nobody wants is read up to here; a longer one costs more than
# another connection does.
_DRAINED = 1 << 16


class TransportError(Exception):
    """No answer came, or not all of it; the text says why, without the URL.

    Trying again is of no use if the reason is `lasting`; `retry_after` is what a server said of
    that. `untrusted` is true of a server whose certificate is not trusted, `was_cut` of a
    connection that ended before the answer did.
    """

    def __init__(
        self,
        reason: str,
        *,
        lasting: bool = False,
        untrusted: bool = False,
        was_cut: bool = False,
        retry_after: str = "",
    ) -> None:
        super().__init__(reason)
        self.lasting = lasting or untrusted
        self.untrusted = untrusted
        self.was_cut = was_cut
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `body` is sent piece by piece; without a `length` nobody knows its end yet.

    An answer, or the next part of one, has to come within `timeout` seconds.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Iterable[bytes | memoryview] = field(default=(), repr=False)
    length: int | None = 0
    timeout: float = 60.0
    cancel: Cancel = field(default_factory=Cancel, repr=False)

    def __str__(self) -> str:
        """Say what is asked, without what is secret."""
        return f"`{self.method}` of `{shown(self.url)}`"


class Body(Protocol):
    """What follows the head of a response."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none only at the end. Raises `TransportError`."""

    def close(self) -> None:
        """End it, read or not."""


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered. Names of headers are in lower case.

    As a context it is closed at the end.
    """

    status: int
    headers: Mapping[str, str]
    body: Body

    def header(self, name: str) -> str:
        """Return a header, or nothing."""
        return self.headers.get(name, "")

    def pieces(self) -> Iterator[bytes]:
        """Read the body. Raises `TransportError` if it is cut short."""
        while piece := self.body.read(_PIECE):
            yield piece

    def read(self, limit: int, seconds: float) -> bytes | None:
        """Read the whole body, or return None if it has more than `limit` bytes.

        Raises `TransportError` if it is cut short or takes longer than `seconds`.
        """
        end = time.monotonic() + seconds
        content = bytearray()
        for piece in self.pieces():
            content += piece
            if len(content) > limit:
                return None
            if time.monotonic() > end:
                raise TransportError(f"the answer took more than {seconds:.0f} seconds")
        return bytes(content)

    def drain(self) -> None:
        """End it; the connection is kept if not much of the body is left."""
        with self, suppress(TransportError):
            self.read(_DRAINED, 1.0)

    def close(self) -> None:
        """End it; the connection is closed if there is more to read."""
        self.body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Transport(Protocol):
    """A way to servers; many threads may use it at once."""

    def send(self, request: Request) -> Response:
        """Send a request and return the head of the answer, whatever its status.

        Nothing is tried again or followed. Raises `TransportError`, and `CancelledError` if the
        request was cancelled.
        """

    def close(self) -> None:
        """Close all connections."""


def content_length(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes an answer says that it has, if it says so."""
    text = headers.get("content-length", "")
    # More digits than this is nothing that a descriptor could say.
    return int(text) if text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004
