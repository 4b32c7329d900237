"""How registries are reached: credentials, TLS, and the connections that are kept."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from fastlayer.errors import InvalidArgumentError, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from fastlayer.registry.session import Session

__all__ = ["Registries"]


@dataclass(frozen=True, eq=False)
class Registries:
    """Registries, and how they are reached; many images may share one, and its connections.

    Credentials are those given, else those of `auth_file`, else those that `fastlayer login`,
    docker or podman have kept; none is sent to another registry than it is for. TLS is verified by
    the authorities of the system and of `ca_file` (PEM). `plain_http` is without TLS; a registry on
    this very machine need not have it. `progress` is called, by any thread, with the bytes of
    blobs sent or received since the last call. As a context all connections are closed at its end.

    With `spool`, a copy of what is made goes to a temporary file on its way, so that an upload that
    a registry loses can be begun again.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    plain_http: bool = False
    ca_file: str | os.PathLike[str] | None = None
    auth_file: str | os.PathLike[str] | None = None
    spool: bool = False
    progress: Callable[[int], object] | None = None
    _sessions: dict[str, Session] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def session(self, domain: str) -> Session:
        """Return the one session with a registry; nothing is sent before something is asked.

        Raises `InvalidArgumentError` for arguments that do not fit, and `OSError` for files.
        """
        from fastlayer.registry import connect  # noqa: PLC0415 (its client is large)

        with self._lock:
            if self.username is not None and self._sessions.keys() - {domain}:
                (other,) = self._sessions
                raise InvalidArgumentError(
                    f"the user name is for one registry, and both {quoted(other)} and "
                    f"{quoted(domain)} are asked: keep credentials with `fastlayer login`"
                )
            if domain not in self._sessions:
                self._sessions[domain] = connect(
                    domain,
                    username=self.username,
                    password=self.password,
                    plain_http=self.plain_http,
                    ca_file=self.ca_file,
                    auth_file=self.auth_file,
                    progress=self.progress,
                )
            return self._sessions[domain]

    def close(self) -> None:
        """Close all connections; another request opens new ones."""
        for session in self._sessions.values():
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
