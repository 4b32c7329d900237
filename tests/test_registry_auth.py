"""Authentication: what a server asks for, answered with what we have, and sent to nobody else."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from fastlayer.errors import RegistryAuthError, RegistryError
from fastlayer.registry.call import Call
from fastlayer.registry.credentials import Credentials
from fastlayer.registry.scope import parse_scopes, pull, push, removal, scope_texts
from fastlayer.registry.session import Session
from fastlayer.registry.token import check_realm
from fastlayer.registry.url import origin_of
from registry_twin import BASE, CUT, DOMAIN, Asked, Pauses, Reply, Twin, refusal, session

ANN = Credentials("ann", "secret")
REALM = "https://auth.example/token"
CALL = Call("GET", "/v2/a/tags/list", "a", pull("a"))


def token(value: str = "t1", **more: Any) -> Reply:
    return Reply(200, body=json.dumps({"token": value, **more}).encode())


def challenge(realm: str = REALM, scope: str = "repository:a:pull") -> Reply:
    text = f'Bearer realm="{realm}",service="s",scope="{scope}"'
    return refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": text})


def basic() -> Reply:
    return Reply(401, {"WWW-Authenticate": 'Basic realm="r"'})


class Tokens:
    """A registry that takes the tokens of its token server: answers for a twin."""

    def __init__(self) -> None:
        self.count = 0
        self.good: set[str] = set()
        self.seconds: float | None = 300

    def __call__(self, asked: Asked) -> Reply:
        if asked.url.startswith(REALM):
            self.count += 1
            self.good.add(f"Bearer t{self.count}")
            return token(f"t{self.count}", expires_in=self.seconds)
        if asked.headers.get("Authorization") in self.good:
            return Reply(200)
        return challenge()


def test_nothing_is_sent_before_it_is_asked_for() -> None:
    """A registry for everybody never gets the password."""
    twin = Twin([Reply(200)])
    session(twin, credentials=ANN).ask(CALL)
    assert "Authorization" not in twin.asked[0].headers


def test_basic_is_sent_from_then_on() -> None:
    """Once the registry asked for it, it need not ask again."""
    twin = Twin([basic(), Reply(200), Reply(200)])
    asking = session(twin, credentials=ANN)
    asking.ask(CALL)
    asking.ask(CALL)
    sent = [asked.headers.get("Authorization") for asked in twin.asked]
    assert sent == [None, ANN.basic, ANN.basic]


def test_a_wrong_password_is_refused_once() -> None:
    """The same is not sent again, and the message has what the registry says but no secret."""
    said = refusal(401, "UNAUTHORIZED", "go away", **{"WWW-Authenticate": "Basic"})
    twin = Twin([basic(), said])
    with pytest.raises(RegistryAuthError, match="401 `UNAUTHORIZED`: `go away`") as caught:
        session(twin, credentials=ANN).ask(CALL)
    assert (caught.value.status, caught.value.code) == (401, "UNAUTHORIZED")
    assert "secret" not in str(caught.value)


def test_without_credentials_basic_is_a_refusal() -> None:
    """There is nothing to try again with."""
    twin = Twin([basic()])
    with pytest.raises(RegistryAuthError, match="401 Unauthorized"):
        session(twin).ask(CALL)


def test_a_token_is_fetched_with_the_password() -> None:
    """For the service and the scope; the registry gets the token only."""
    twin = Twin([challenge(), token(), Reply(200), Reply(200)])
    asking = session(twin, credentials=ANN)
    asking.ask(CALL)
    asking.ask(CALL)
    assert twin.lines[1] == f"GET {REALM}?service=s&scope=repository:a:pull"
    sent = [asked.headers.get("Authorization") for asked in twin.asked]
    assert sent == [None, ANN.basic, "Bearer t1", "Bearer t1"]


def test_everybody_may_have_a_token() -> None:
    """Public images are read with one that nobody in particular got."""
    twin = Twin([challenge(), Reply(200, body=b'{"access_token": "t1"}'), Reply(200)])
    session(twin).ask(CALL)
    assert "Authorization" not in twin.asked[1].headers
    assert twin.asked[2].headers["Authorization"] == "Bearer t1"


def test_an_identity_token_is_posted() -> None:
    """As OAuth 2.0 has it: in a form, not in the URL."""
    twin = Twin([challenge(), token(), Reply(200)])
    session(twin, credentials=Credentials("", "", "secret")).ask(CALL)
    asked = twin.asked[1]
    assert (asked.method, asked.url) == ("POST", REALM)
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["fastlayer"],
        "service": ["s"],
        "scope": ["repository:a:pull"],
        "refresh_token": ["secret"],
    }


def test_an_identity_token_is_no_password() -> None:
    """A registry that wants one cannot be asked."""
    with pytest.raises(RegistryAuthError, match="there is only a token"):
        session(Twin([basic()]), credentials=Credentials("", "", "secret")).ask(CALL)


def test_a_token_that_allows_more_is_used_for_less() -> None:
    """Who may push need not ask to pull; but not the other way around."""
    tokens = Tokens()
    twin = Twin(tokens)
    asking = session(twin)
    asking.ask(Call("POST", "/v2/a/x", "a", push("a")))
    asking.ask(CALL)
    assert tokens.count == 1
    asking.ask(Call("GET", "/v2/b/x", "b", pull("b")))
    asking.ask(Call("DELETE", "/v2/a/x", "a", removal("a")))
    assert tokens.count == 3
    assert twin.lines[1].endswith("scope=repository:a:pull,push")


@pytest.mark.parametrize(("seconds", "count"), [(0, 2), (-5, 2), (300, 1), (1e300, 1), (None, 1)])
def test_a_token_is_used_as_long_as_it_is_good(seconds: float | None, count: int) -> None:
    """Nobody waits for a 401 that is sure to come."""
    tokens = Tokens()
    tokens.seconds = seconds
    asking = session(tokens)
    tokens.good = {"Bearer t1", "Bearer t2"}
    asking.ask(CALL)
    before = tokens.count
    asking.ask(CALL)
    assert tokens.count - before == count - 1


def test_a_token_that_is_over_is_replaced() -> None:
    """The request is sent again, with its body."""
    tokens = Tokens()
    twin = Twin(tokens)
    asking = session(twin)
    asking.ask(CALL)
    tokens.good.clear()
    asking.ask(
        Call("PUT", "/v2/a/x", "a", pull("a"), body=[b"some", memoryview(b"thing")], length=9)
    )
    assert [asked.body for asked in twin.asked if asked.method == "PUT"] == [b"something"] * 2
    assert twin.asked[-1].headers["Authorization"] == "Bearer t2"


def test_what_the_registry_asks_for_besides_is_asked_for() -> None:
    """It knows better than we what its requests take."""
    twin = Twin([challenge(scope="repository:a:delete registry:catalog:*"), token(), Reply(200)])
    session(twin).ask(CALL)
    assert twin.lines[1].endswith("&scope=registry:catalog:*&scope=repository:a:delete,pull")


def test_who_takes_no_token_is_asked_a_few_times_only() -> None:
    """A registry and its token server may not agree, ever."""
    tokens = Tokens()
    tokens.good = frozenset()  # type: ignore[assignment]
    twin = Twin(
        lambda asked: challenge() if asked.url.startswith(BASE) else token(str(len(twin.asked)))
    )
    with pytest.raises(RegistryAuthError, match="401"):
        session(twin).ask(CALL)
    assert len([line for line in twin.lines if "/v2/" in line]) == 3


def test_the_same_token_again_is_no_new_try() -> None:
    """Some servers give one until it is over."""
    twin = Twin(lambda asked: challenge() if asked.url.startswith(BASE) else token())
    with pytest.raises(RegistryAuthError):
        session(twin).ask(CALL)
    assert len([line for line in twin.lines if "/v2/" in line]) == 2


def test_bearer_is_preferred() -> None:
    """Of two ways the one that keeps the password from the registry."""
    text = f'Basic realm="r", Bearer realm="{REALM}"'
    twin = Twin([Reply(401, {"WWW-Authenticate": text}), token(), Reply(200)])
    session(twin, credentials=ANN).ask(CALL)
    assert twin.asked[2].headers["Authorization"] == "Bearer t1"


@pytest.mark.parametrize(
    ("header", "reason"),
    [("Negotiate", "by `negotiate`: only"), ("Digest x=y, Foo", "by `digest`, `foo`: only")],
)
def test_other_ways_are_named(header: str, reason: str) -> None:
    """It is not the password that is wrong."""
    with pytest.raises(RegistryAuthError, match=reason):
        session(Twin([Reply(401, {"WWW-Authenticate": header})]), credentials=ANN).ask(CALL)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal(401, "UNAUTHORIZED", "no"), "auth.example/token` was refused with 401"),
        (refusal(403, "DENIED", "no"), "was refused with 403 `DENIED`: `no`"),
        (Reply(302, {"Location": "https://other.example"}), "was refused with 302 Found"),
        (Reply(200, body=b"<html>"), "answered without a token"),
        (Reply(200, body=b"[]"), "answered without a token"),
        (Reply(200, body=b"{}"), "answered without a token"),
        (Reply(200, body=b'{"token": 1}'), "answered without a token"),
        (Reply(200, body=b'{"token": "a\\r\\nb"}'), "answered without a token"),
        (Reply(200, body=b'{"token": "\xc3\xa4"}'), "answered without a token"),
        (Reply(200, body=b'{"x":' * 99_999), "answered without a token"),
        (Reply(200, body=b"x" * ((1 << 20) + 1)), "more than the limit of 1048576 bytes"),
        (Reply(200, {"Content-Encoding": "gzip"}), "in the encoding `gzip`"),
    ],
)
def test_a_token_server_may_fail(answer: Reply, reason: str) -> None:
    """The message names it, and has no secret in it."""
    twin = Twin([challenge(), answer])
    with pytest.raises(RegistryError, match=reason) as caught:
        session(twin, credentials=ANN).ask(CALL)
    assert "secret" not in str(caught.value)
    assert "auth.example" in str(caught.value)
    assert len(twin.asked) == 2


def test_a_token_server_may_be_busy() -> None:
    """What passes is waited for, as long as it says."""
    pauses = Pauses()
    busy = Reply(429, {"Retry-After": "7"})
    twin = Twin([challenge(), busy, CUT, token(), Reply(200)])
    session(twin, pauses=pauses).ask(CALL)
    assert pauses == [7.0, 1.0]


def test_a_refusal_that_repeats_a_secret_is_left_out() -> None:
    """Its status stays."""
    word = base64.b64encode(b"ann:secret").decode()
    for said in ("you sent secret", f"you sent {word}", "t1 is not enough"):
        replies = [challenge(), token(), refusal(403, "DENIED", said)]
        with pytest.raises(RegistryAuthError, match=r"403 `DENIED`$"):
            session(Twin(replies), credentials=ANN).ask(CALL)
    with pytest.raises(RegistryAuthError, match=r"401$|401 `X`$"):
        session(Twin([challenge(), refusal(401, "X", "not secret")]), credentials=ANN).ask(CALL)


def rounds(asking: Session, count: int) -> None:
    for _ in range(count):
        asking.ask(CALL)


def test_many_threads_share_tokens() -> None:
    """They may fetch some at the same time, but not one for each request."""
    tokens = Tokens()
    asking = session(tokens)
    threads = [threading.Thread(target=rounds, args=(asking, 50)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= tokens.count <= 16


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        (BASE, REALM),
        (BASE, f"{BASE}:444/token"),
        ("http://localhost:5000", "http://127.0.0.1:5001/token"),
        ("https://10.0.0.1", "https://10.0.0.1:444/token"),
        ("http://registry.example", "http://auth.example/token"),
    ],
)
def test_where_credentials_may_go(registry: str, realm: str) -> None:
    """To a server with TLS, and without it if the registry has none either."""
    check_realm(realm, origin_of(registry))


@pytest.mark.parametrize(
    ("realm", "reason"),
    [
        ("http://auth.example/token", "which has no TLS"),
        ("https://169.254.169.254/token", "which is a private address"),
        ("https://localhost/token", "which is a private address"),
        ("https://[::1]/token", "which is a private address"),
        ("https://3232235777/token", "which is a private address"),
        ("https://u:secret@auth.example/", "it has a user name"),
        ("file:///etc/passwd", "it is not one of"),
        ("", "it is not one of"),
    ],
)
def test_where_credentials_may_not_go(realm: str, reason: str) -> None:
    """Wherever else a registry would like to have them."""
    with pytest.raises(RegistryAuthError, match=reason) as caught:
        session(Twin([challenge(realm)]), credentials=ANN).ask(CALL)
    assert DOMAIN in str(caught.value)
    assert "secret" not in str(caught.value)


def test_scopes_are_written_as_they_are_read() -> None:
    """Sorted, so that the same ones are the same text."""
    both = push("b/c") | pull("a")
    assert scope_texts(both) == ["repository:a:pull", "repository:b/c:pull,push"]
    assert parse_scopes(" ".join(scope_texts(both))) == both
    assert parse_scopes("nothing repository:a: :x a:b") == {("a", "b")}
    assert parse_scopes("repository:host:5000/a:pull") == {("repository:host:5000/a", "pull")}


@pytest.mark.parametrize("shown", [repr, str, lambda value: repr(vars(value))])
def test_nothing_that_has_a_token_shows_it(shown: Callable[[object], str]) -> None:
    """However it is printed."""
    tokens = Tokens()
    asking = session(tokens, credentials=ANN)
    asking.ask(CALL)
    place = asking._place
    assert place is not None
    for value in (asking, place.auth):
        assert "secret" not in shown(value)
        assert "Bearer t1" not in shown(value)
        assert "'t1'" not in shown(value)
