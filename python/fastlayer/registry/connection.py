"""Connections of urllib3, with a few habits of it and `http.client` changed."""

from __future__ import annotations

from http.client import BadStatusLine, HTTPResponse, RemoteDisconnected
from typing import TYPE_CHECKING, Any, Final, cast

from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from io import BufferedReader

__all__ = ["Connection", "TlsConnection"]


# Lines of a head, with those of answers that are not yet the answer, or of what follows a body:
# `http.client` takes a hundred headers, but any number of heads and trailers.
_MAX_LINES: Final = 1000


class _Response(HTTPResponse):
    """A response whose head is whole: `http.client` takes what came before a cut for all of it."""

    def begin(self) -> None:
        """Read the head.

        Raises `RemoteDisconnected` if it is cut, and `BadStatusLine` if it does not end.
        """
        file = self.fp
        lines = self.fp = cast("BufferedReader", _Lines(file))
        try:
            super().begin()
        finally:
            if self.fp is lines:
                self.fp = file
        if lines.last.strip():  # type: ignore[attr-defined]
            raise RemoteDisconnected("the head of the answer is cut")

    def _read_and_discard_trailer(self) -> None:
        """Read what follows the last chunk. Raises `BadStatusLine` if it does not end."""
        file = self.fp
        self.fp = cast("BufferedReader", _Lines(file))
        try:
            super()._read_and_discard_trailer()  # type: ignore[misc]
        finally:
            self.fp = file


class _Lines:
    """A file that remembers its last line, and has not too many."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._count = 0
        self.last = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def readline(self, limit: int = -1) -> bytes:
        self._count += 1
        if self._count > _MAX_LINES:
            raise BadStatusLine(f"more than {_MAX_LINES} lines")
        line = self._file.readline(limit)
        # The end of the file is no line, and leaves the one before.
        self.last = line or self.last
        return line


class Connection(HTTPConnection):
    """A connection without TLS.

    It learns the URL of a request only when it writes it: urllib3 logs what it was told.
    """

    target = ""
    response_class = _Response

    def putrequest(self, method: str, url: str, *options: Any, **more: Any) -> None:
        """Write the first line, with `target` in place of the URL."""
        del url
        super().putrequest(method, self.target, *options, **more)


class TlsConnection(Connection, HTTPSConnection):
    """A connection with TLS."""
