"""Authentication: what a server asks for, answered with what we have.

Nothing is sent before it is asked for; from then on it goes with every request.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from fastlayer.errors import RegistryAuthError, quoted
from fastlayer.registry.challenge import Challenge, parse_challenges
from fastlayer.registry.scope import parse_scopes
from fastlayer.registry.token import Server, Token, check_realm, fetch_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.registry.cancel import Cancel
    from fastlayer.registry.credentials import Credentials
    from fastlayer.registry.scope import Scopes
    from fastlayer.registry.transport import Transport
    from fastlayer.registry.url import Origin

__all__ = ["Authenticator"]

# Tokens that are kept: whoever needs more at once needs none of them twice.
_KEPT: Final = 64


class Authenticator:
    """Knows how one registry wants to be asked, and has the tokens for it.

    `find` gives the credentials for a repository there. Many threads may use it at once.
    """

    def __init__(
        self,
        transport: Transport,
        registry: Origin,
        find: Callable[[str], Credentials | None],
    ) -> None:
        self._transport = transport
        self._registry = registry
        self._find = find
        self._lock = threading.Lock()
        self._found: dict[str, Credentials | None] = {}
        self._challenge: Challenge | None = None
        self._tokens: list[Token] = []  # the newest last

    def header(self, repository: str, scopes: Scopes, cancel: Cancel) -> str | None:
        """Return what `Authorization` is to say; nothing as long as nobody asked for it.

        Raises `RegistryAuthError`, `TransportError` and what the files of credentials raise.
        """
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            credentials = self._credentials(repository)
            return None if credentials is None else credentials.basic
        token = self._kept(scopes) or self._fetch(challenge, repository, scopes, cancel)
        return token.bearer

    def answer(
        self, header: str, refused: str | None, repository: str, scopes: Scopes, cancel: Cancel
    ) -> bool:
        """Take in the `WWW-Authenticate` of a refusal of what was sent with `refused`.

        Return whether to ask again. Raises what `header` raises, also for what is not supported.
        """
        challenges = {challenge.scheme: challenge for challenge in parse_challenges(header)}
        if not challenges:
            return False
        challenge = challenges.get("bearer") or challenges.get("basic")
        if challenge is None:
            schemes = ", ".join(quoted(scheme) for scheme in challenges)
            raise RegistryAuthError(
                f"`{self._registry.host}` asks for authentication by {schemes}: "
                "only `basic` and `bearer` are supported",
                401,
            )
        if challenge.scheme == "basic":
            self._challenge = challenge
            credentials = self._credentials(repository)
            if credentials is not None and not credentials.username:
                raise RegistryAuthError(
                    f"`{self._registry.host}` asks for a password, and there is only a token", 401
                )
            return credentials is not None and credentials.basic != refused
        self._challenge = challenge
        self._forget(refused)
        # Another thread may have been here before; a scope that was refused is asked for in full.
        wanted = scopes | parse_scopes(challenge.parameters.get("scope", ""))
        token = self._kept(wanted) or self._fetch(challenge, repository, wanted, cancel)
        return token.bearer != refused

    @property
    def secrets(self) -> list[str]:
        """What must not come back in a message, wherever it was sent."""
        with self._lock:
            found = [credentials for credentials in self._found.values() if credentials]
        encoded = [one.basic.partition(" ")[2] for one in found]
        return [
            *encoded,
            *(secret for one in found for secret in (one.password, one.identity_token)),
        ]

    def _credentials(self, repository: str) -> Credentials | None:
        with self._lock:
            if repository not in self._found:
                self._found[repository] = self._find(repository)
            return self._found[repository]

    def _kept(self, scopes: Scopes) -> Token | None:
        """Return a token that allows this and more, and is still good."""
        with self._lock:
            good = (token for token in reversed(self._tokens) if not token.is_over)
            return next((token for token in good if token.scopes >= scopes), None)

    def _forget(self, refused: str | None) -> None:
        with self._lock:
            self._tokens = [token for token in self._tokens if token.bearer != refused]

    def _fetch(
        self, challenge: Challenge, repository: str, scopes: Scopes, cancel: Cancel
    ) -> Token:
        realm = challenge.parameters.get("realm", "")
        check_realm(realm, self._registry)
        token = fetch_token(
            self._transport,
            Server(realm, challenge.parameters.get("service", "")),
            scopes,
            self._credentials(repository),
            cancel,
        )
        with self._lock:
            self._tokens = [*self._tokens[1 - _KEPT :], token]
        return token
