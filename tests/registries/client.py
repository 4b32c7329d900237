"""fastlayer's client as the tests use it: without waiting, and without anybody's credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastlayer.registry import connect
from fastlayer.registry.repository import Repository
from fastlayer.registry.retry import Retrying
from fastlayer.registry.session import Session
from fastlayer.store import Room

from .exchange import Request
from .server import Registry

PATH = "team/demo"


class Pauses(list[float]):
    """The seconds that were not waited, one number for each pause."""

    def retrying(self) -> Retrying:
        return Retrying(sleep=self.append, chance=lambda: 0.0)


@contextmanager
def session_with(
    registry: Registry, pauses: Pauses | None = None, **options: Any
) -> Iterator[Session]:
    """A session with a test registry; `options` are those of `connect`."""
    retrying = (Pauses() if pauses is None else pauses).retrying()
    with connect(registry.domain, retrying=retrying, **options) as session:
        yield session


@contextmanager
def demo(registry: Registry, pauses: Pauses | None = None, **options: Any) -> Iterator[Repository]:
    """The repository `PATH` of a test registry."""
    with session_with(registry, pauses, **options) as session:
        yield session.repository(PATH)


def sent_to(registry: Registry, match: str = "") -> list[Request]:
    """What a registry was asked apart from its first question, which is whether it is one."""
    return [request for request in registry.asked(match) if request.target != "/v2/"]


def fill(room: Room, content: bytes) -> None:
    """Write as the core does, waiting for room."""
    rest = memoryview(content)
    while rest:
        memory = room.room(len(rest))
        if memory is not None:
            memory[:] = rest[: len(memory)]
            rest = rest[len(memory) :]
            room.filled(len(memory))
