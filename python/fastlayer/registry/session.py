"""One registry: where it is, how it wants to be asked, what is tried again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar
from urllib.parse import urljoin

from fastlayer.errors import RegistryError
from fastlayer.registry.answer import read_answer, read_refusal, refusal
from fastlayer.registry.call import Answer, Call
from fastlayer.registry.place import Place, check_domain, find_place
from fastlayer.registry.repository import Repository
from fastlayer.registry.retry import PASSING, Retrying, Tries
from fastlayer.registry.transport import Request, Response, Transport, TransportError
from fastlayer.registry.url import origin_of, resolved, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastlayer.registry.cancel import Cancel
    from fastlayer.registry.credentials import Keyring

__all__ = ["Session"]

T = TypeVar("T")

_REDIRECTS: Final = 10
_MOVED: Final = (301, 302, 303, 307, 308)
_MOVED_WITH_BODY: Final = (307, 308)

_UNAUTHORIZED: Final = 401

# A token can be over, and the next one allow too little.
_ROUNDS: Final = 3


class Session:
    """A registry that is talked to, by many threads at once if they like.

    `scheme` is `https` or `http`; without one it is `https`, and for a registry on this very
    machine whatever that has. `progress` is called, by any thread, with the bytes of blobs that
    were sent or received since the last call. As a context the session is closed at the end.

    Raises `InvalidReferenceError` if `domain` is not a registry's.
    """

    def __init__(
        self,
        domain: str,
        transport: Transport,
        keyring: Keyring,
        *,
        scheme: Literal["http", "https"] | None = None,
        retrying: Retrying | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        check_domain(domain)
        self.domain = domain
        self.retrying = retrying or Retrying()
        self._transport = transport
        self._keyring = keyring
        self._progress = progress
        self._lock = threading.Lock()
        self._scheme = scheme
        self._place: Place | None = None

    def repository(self, path: str) -> Repository:
        """Return a repository by its path, such as `library/ubuntu`; nothing is asked yet.

        Raises `InvalidReferenceError`.
        """
        return Repository(self, path)

    def ping(self) -> None:
        """Check that there is a registry that lets us in.

        Raises `RegistryAuthError` if it does not, and `RegistryError`.
        """
        self.ask(Call("GET", "/v2/"))

    def ask(self, call: Call) -> Answer:
        """Send a request and read the whole answer, again where a failure may pass.

        Raises `RegistryError` for every other answer than the `expected`, and for none.
        """

        def take(response: Response, request: Request) -> Answer:
            return read_answer(response, request, limit=call.limit)

        return self._repeated(call, take)

    def open(self, call: Call) -> Response:
        """Do as `ask`, but leave it to the caller to read the body, and to close it."""
        return self._repeated(call, lambda response, _: response)

    def ask_once(self, call: Call) -> Answer:
        """Send a request once and read the whole answer, whatever its status.

        Raises `TransportError`, and `RegistryError` where nothing better can follow.
        """
        response, request = self._sent(call)
        if response.status in call.expected:
            return read_answer(response, request, limit=call.limit)
        return read_refusal(response, request)

    def unreachable(self, call: Call, error: TransportError, tries: object = "") -> RegistryError:
        """Turn a failure of the network into what is said of it."""
        base = f"https://{self.domain}" if self._place is None else self._place.base
        where = shown(urljoin(base, call.target))
        return RegistryError(f"`{call.method}` of `{where}` failed: {error}{tries}")

    def refused(self, answer: Answer, tries: object = "") -> RegistryError:
        """Turn an answer that was not hoped for into an error."""
        secrets = [] if self._place is None else self._place.auth.secrets
        return refusal(answer, tries=tries, secrets=secrets)

    def moved(self, count: int) -> None:
        """Tell the progress that so many bytes of blobs went over the network."""
        if self._progress is not None:
            self._progress(count)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _repeated(self, call: Call, take: Callable[[Response, Request], T]) -> T:
        tries = Tries(self.retrying, call.cancel)
        while True:
            try:
                response, request = self._sent(call)
                if response.status in call.expected:
                    return take(response, request)
                answer = read_refusal(response, request)
            except TransportError as error:
                if error.lasting or not tries.again(error.retry_after):
                    raise self.unreachable(call, error, tries) from None
                continue
            if answer.status not in PASSING or not tries.again(answer.header("retry-after")):
                raise self.refused(answer, tries)

    def _sent(self, call: Call) -> tuple[Response, Request]:
        """Send a request, and follow it where the registry sends it on."""
        place = self._find(call.cancel)
        url = urljoin(place.base, call.target)
        for _ in range(_REDIRECTS + 1):
            response, request = self._authorized(call, url, place)
            if response.status not in _MOVED:
                return response, request
            response.drain()
            url = _redirected(response, request)
        raise RegistryError(f"{request} was redirected more than {_REDIRECTS} times")

    def _authorized(self, call: Call, url: str, place: Place) -> tuple[Response, Request]:
        """Send a request with what the registry asks for; others than it get nothing of that."""
        ours = origin_of(url) == place.origin
        may_repeat = ours and call.length is not None
        for number in range(_ROUNDS):
            sent = place.auth.header(call.repository, call.scopes, call.cancel) if ours else None
            headers = {**call.headers, **({} if sent is None else {"Authorization": sent})}
            request = Request(
                call.method, url, headers, call.body, call.length, call.timeout, call.cancel
            )
            response = self._transport.send(request)
            if response.status != _UNAUTHORIZED or not may_repeat or number == _ROUNDS - 1:
                break
            try:
                if not place.auth.answer(
                    response.header("www-authenticate"),
                    sent,
                    call.repository,
                    call.scopes,
                    call.cancel,
                ):
                    break
            except BaseException:
                response.close()
                raise
            response.drain()
        return response, request

    def _find(self, cancel: Cancel) -> Place:
        with self._lock:
            if self._place is None:
                self._place = find_place(
                    self.domain, self._transport, self._keyring, self._scheme, cancel
                )
            return self._place


def _redirected(response: Response, request: Request) -> str:
    """Return where a request is to go instead; its body goes there too.

    A `Location` is followed with the same method. For what changes something only 307 and 308 say
    that; after the others, clients would send a GET (RFC 9110, section 15.4).
    """
    if request.length is None:
        raise RegistryError(f"{request} was redirected, and it cannot be sent twice")
    if response.status not in _MOVED_WITH_BODY and request.method not in ("GET", "HEAD"):
        raise RegistryError(
            f"{request} was redirected with {response.status}, which loses what was sent"
        )
    try:
        return resolved(response.header("location"), request.url)
    except ValueError as error:
        raise RegistryError(f"{request} was redirected badly: {error}", response.status) from None
