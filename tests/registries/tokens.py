"""Who may do what at a test registry: Basic, and Bearer with a token server of its own.

https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/
"""

import base64
import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from .exchange import Answer, Request, error, json_answer

Scopes = frozenset[tuple[str, str]]
"""Pairs of a repository and an action there."""

ACTIONS = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("delete",)}


@dataclass(frozen=True)
class Basic:
    """A user name and password with every request."""

    users: Mapping[str, str]

    def refused(self, request: Request, base: str) -> Answer | None:
        """The answer to a request that may not be, None for one that may."""
        del base
        if user_of(request, self.users) is not None:
            return None
        return error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="test"'})


@dataclass
class Bearer:
    """A token from `/token`, of this registry or of another one that shares this value.

    Each token is good for so many `uses` (None: any number); users may do anything, others what
    `anonymous` says. `refresh_tokens` are users by what the OAuth2 flow takes for them.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    anonymous: tuple[str, ...] = ("pull",)
    hidden: frozenset[str] = frozenset()  # repositories that no token is for
    refresh_tokens: Mapping[str, str] = field(default_factory=dict)
    uses: int | None = None
    expires_in: int | None = 300
    realm: str | None = None
    name: str = "token"  # what the answer calls it: `token` or `access_token`
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _scopes: dict[str, Scopes] = field(default_factory=dict)
    _uses: dict[str, int] = field(default_factory=dict)

    def refused(self, request: Request, base: str) -> Answer | None:
        """The answer to a request that may not be, None for one that may."""
        needed = scopes_of(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        with self._lock:
            held = self._scopes.get(token) if scheme.lower() == "bearer" else None
            if held is not None and needed <= held and self._is_used(token):
                return None
        reason = "insufficient_scope" if held is not None else "invalid_token"
        challenge = f'Bearer realm="{self.realm or f"{base}/token"}",service="test"'
        if needed:
            challenge += f',scope="{written(needed)}"'
        if token:
            challenge += f',error="{reason}"'
        return error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": challenge})

    def token(self, request: Request, body: bytes) -> Answer:
        """The answer of the token server."""
        asked = request.query
        user = user_of(request, self.users)
        if request.method == "POST":
            asked = parse_qs(body.decode())
            user = self._user_of_form({name: values[0] for name, values in asked.items()})
        elif "Authorization" not in request.headers:
            user = "anonymous"
        if user is None:
            return error(401, "UNAUTHORIZED", "incorrect username or password")
        wanted = parsed(" ".join(asked.get("scope", [])))
        allowed = self.anonymous if user == "anonymous" else ("pull", "push", "delete")
        with self._lock:
            token = f"secret-token-{next(self._numbers)}"
            self._scopes[token] = frozenset(
                (name, action)
                for name, action in wanted
                if action in allowed and name not in self.hidden
            )
        expiry = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return json_answer(200, {self.name: token, **expiry})

    def expire(self) -> None:
        """Make every token so far worthless."""
        with self._lock:
            self._scopes.clear()

    def _is_used(self, token: str) -> bool:
        self._uses[token] = self._uses.get(token, 0) + 1
        if self.uses is None or self._uses[token] <= self.uses:
            return True
        del self._scopes[token]
        return False

    def _user_of_form(self, form: Mapping[str, str]) -> str | None:
        if form.get("grant_type") == "refresh_token":
            return self.refresh_tokens.get(form["refresh_token"])
        name = form.get("username", "")
        return name if self.users.get(name) == form.get("password", "") else None


def user_of(request: Request, users: Mapping[str, str]) -> str | None:
    """The user that Basic credentials are right for."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, password = base64.b64decode(encoded).decode().partition(":")
    return name if users.get(name) == password else None


def scopes_of(request: Request) -> Scopes:
    """What a request needs: also to read the repository that it mounts from."""
    found = re.fullmatch(r"/v2/(.+?)/(?:blobs|manifests|tags)/.*", request.path)
    if not found:
        return frozenset()
    scopes = {(found[1], action) for action in ACTIONS.get(request.method, ("pull", "push"))}
    source = request.value("from")
    return frozenset(scopes | ({(source, "pull")} if source else set()))


def parsed(text: str) -> Scopes:
    """The pairs in `repository:NAME:ACTION,ACTION repository:…`."""
    found = re.findall(r"repository:(\S+):([a-z,*]+)", text)
    return frozenset((name, action) for name, actions in found for action in actions.split(","))


def written(scopes: Scopes) -> str:
    """`scopes` as a challenge shows them."""
    names = sorted({name for name, _ in scopes})
    actions = {name: sorted(action for held, action in scopes if held == name) for name in names}
    return " ".join(f"repository:{name}:{','.join(actions[name])}" for name in names)
