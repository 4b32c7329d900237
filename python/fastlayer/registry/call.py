"""What a session is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fastlayer.registry.cancel import Cancel
from fastlayer.registry.scope import NONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from fastlayer.registry.scope import Scopes
    from fastlayer.registry.transport import Request

__all__ = ["Answer", "Call"]

_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a registry, to be sent as often as it takes.

    `target` is a path there or a URL that it named. It takes a token for `scopes`, got with the
    credentials for `repository`. A body without a `length` can be sent only once. Statuses other
    than those `expected` are errors; an answer has at most `limit` bytes.
    """

    method: str
    target: str = field(repr=False)
    repository: str = ""
    scopes: Scopes = NONE
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes | memoryview] = field(default=(), repr=False)
    length: int | None = 0
    expected: Collection[int] = (200,)
    limit: int = _LIMIT
    timeout: float = 60.0
    cancel: Cancel = field(default_factory=Cancel, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, and the request that got it, the last one after redirects."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    request: Request

    def header(self, name: str) -> str:
        """Return a header by its name in lower case, or nothing."""
        return self.headers.get(name, "")
