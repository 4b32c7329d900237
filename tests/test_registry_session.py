"""A session: where a registry is, what is followed, tried again, and too much."""

from functools import partial
from typing import Any

import pytest

from fastlayer.errors import (
    InvalidArgumentError,
    InvalidReferenceError,
    RegistryAuthError,
    RegistryError,
)
from fastlayer.registry import connect
from fastlayer.registry.call import Call
from fastlayer.registry.cancel import Cancel, CancelledError
from fastlayer.registry.credentials import Credentials
from fastlayer.registry.retry import PASSING
from fastlayer.registry.transport import TransportError
from registry_twin import BASE, CUT, DOMAIN, Asked, Pauses, Reply, Twin, refusal, session

GET = Call("GET", "/v2/a/x")
ANN = Credentials("ann", "secret")
BASIC = {"WWW-Authenticate": "Basic"}


def first_url(domain: str, **options: Any) -> str:
    twin = Twin([Reply(200)])
    session(twin, domain=domain, **options).ping()
    return twin.asked[0].url


def test_a_registry_has_tls() -> None:
    """Unless it is said; docker.io is somewhere else than its name says."""
    assert first_url(DOMAIN) == "https://registry.example/v2/"
    assert first_url(DOMAIN, scheme="http") == "http://registry.example/v2/"
    assert first_url("docker.io") == "https://registry-1.docker.io/v2/"
    assert first_url("localhost:5000", scheme="https") == "https://localhost:5000/v2/"
    assert first_url("[::1]:5000", scheme="http") == "http://[::1]:5000/v2/"


@pytest.mark.parametrize("domain", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
def test_one_on_this_machine_may_have_none(domain: str) -> None:
    """It is asked with TLS first, and that once."""
    twin = Twin(lambda asked: CUT if asked.url.startswith("https:") else Reply(200))
    asking = session(twin, domain=domain)
    asking.ask(GET)
    asking.ask(GET)
    urls = [f"https://{domain}/v2/", f"http://{domain}/v2/"] + [f"http://{domain}/v2/a/x"] * 2
    assert [asked.url for asked in twin.asked] == urls
    twin = Twin([Reply(404), Reply(200)])
    session(twin, domain=domain).ask(GET)
    assert twin.asked[1].url == f"https://{domain}/v2/a/x"


def test_who_has_tls_is_not_asked_without() -> None:
    """Also on this machine: a certificate that is not trusted is an error."""
    twin = Twin([TransportError("its certificate is not trusted: why", untrusted=True)])
    with pytest.raises(RegistryError, match=r"`GET` of `https://localhost/v2/.*: why$"):
        session(twin, domain="localhost").ask(GET)
    assert len(twin.asked) == 1


@pytest.mark.parametrize("domain", ["", "a b", "a/b", "https://a", "a:99999", "a@b", "ä.example"])
def test_a_registry_is_a_host_and_a_port(domain: str) -> None:
    """Anything else is refused before it is asked."""
    with pytest.raises(InvalidReferenceError, match="invalid registry"):
        connect(domain)


@pytest.mark.parametrize(
    "options",
    [
        {"username": "ann"},
        {"password": "x"},
        {"username": "", "password": "x"},
        {"username": "a:b", "password": "x"},
        {"plain_http": True, "ca_file": "/x"},
    ],
)
def test_arguments_have_to_fit(options: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError):
        connect(DOMAIN, **options)


@pytest.mark.parametrize("status", sorted(PASSING))
def test_what_may_pass_is_tried_again(status: int) -> None:
    """With a pause before each try, and the answer to the last counts."""
    pauses = Pauses()
    later = Reply(status, {"Retry-After": "9"})
    replies: list[Reply | Exception] = [Reply(status), CUT, later, Reply(200, body=b"x")]
    assert session(Twin(replies), pauses=pauses).ask(GET).content == b"x"
    assert pauses == [0.5, 1.0, 9.0]


def test_after_five_tries_it_is_over() -> None:
    """The message has the last failure, and how many there were."""
    twin = Twin(lambda _: refusal(503, "UNAVAILABLE", "later"))
    text = rf"^`GET` of `{BASE}/v2/a/x` was refused with 503 `UNAVAILABLE`: `later` \(5 tries\)$"
    with pytest.raises(RegistryError, match=text) as caught:
        session(twin).ask(GET)
    assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")
    assert len(twin.asked) == 5
    with pytest.raises(RegistryError, match=r"x` failed: the connection was cut \(5 tries\)$"):
        session(Twin(lambda _: CUT)).ask(GET)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 501, 505])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    """Nor what is wrong with the network for good."""
    with pytest.raises(RegistryError, match=f"{status}"):
        session(Twin([Reply(status)])).ask(GET)
    with pytest.raises(RegistryError, match=r"failed: no such host$"):
        session(Twin([TransportError("no such host", lasting=True)])).ask(GET)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(404), "404 Not Found$"),
        (Reply(599), "refused with 599$"),
        (Reply(404, body=b"<html>404</html>"), "404 Not Found$"),
        (Reply(404, body=b'{"errors": []}'), "404 Not Found$"),
        (Reply(404, body=b'{"errors": null}'), "404 Not Found$"),
        (Reply(404, body=b'{"errors": [{"code": 1}]}'), "404 Not Found$"),
        (Reply(404, body=b'{"a":' * 99_999), "404 Not Found$"),
        (Reply(404, body=b"x" * (2 << 20)), "404 Not Found$"),
        (Reply(404, body=[b'{"errors"', CUT]), "404 Not Found$"),
        (refusal(404, "NAME_UNKNOWN", "a\nb\x1b[0m"), r"`NAME_UNKNOWN`: `a\\nb\\x1b\[0m`$"),
        (refusal(404, "X", "y" * 9999), "y…`$"),
    ],
)
def test_a_refusal_is_one_line(reply: Reply, text: str) -> None:
    """With what the registry says, if it says that in the form of the specification."""
    with pytest.raises(RegistryError, match=text) as caught:
        session(Twin([reply])).ask(GET)
    assert len(str(caught.value)) < 400


def test_denied_is_an_error_of_its_own() -> None:
    """Who may not do something might log in as somebody else."""
    with pytest.raises(RegistryAuthError, match="403 `DENIED`"):
        session(Twin([refusal(403, "DENIED")])).ask(GET)


def test_an_answer_has_a_limit() -> None:
    """Nobody's memory is filled with what a server sends."""
    call = Call("GET", "/v2/", limit=1000)
    assert session(Twin([Reply(200, body=b"x" * 1000)])).ask(call).content == b"x" * 1000
    with pytest.raises(RegistryError, match="more than the limit of 1000 bytes"):
        session(Twin([Reply(200, body=b"x" * 1001)])).ask(call)


def test_an_answer_is_not_decoded() -> None:
    """That was not asked for, and a little of it can become a lot."""
    twin = Twin([Reply(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")])
    with pytest.raises(RegistryError, match="encoding `gzip`"):
        session(twin).ask(GET)
    assert session(Twin([Reply(200, {"Content-Encoding": "identity"})])).ask(GET).status == 200


def test_a_cut_answer_is_asked_for_again() -> None:
    """Half a document is none."""
    twin = Twin([Reply(200, body=[b"ha", CUT]), Reply(200, body=b"half")])
    assert session(twin).ask(GET).content == b"half"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_gets_no_credentials(status: int) -> None:
    """Unless it leads to the same scheme, host and port."""
    other = "https://other.example/blob?signature=secret"
    moves = [
        Reply(401, BASIC),
        Reply(status, {"Location": "/v2/b"}),
        Reply(status, {"Location": f"{BASE}:444/v2/c"}),
        Reply(status, {"Location": other}),
        Reply(200, body=b"x"),
    ]
    twin = Twin(moves)
    answer = session(twin, credentials=ANN).ask(GET)
    assert answer.content == b"x"
    assert answer.request.url == other
    urls = [f"{BASE}/v2/a/x"] * 2 + [f"{BASE}/v2/b", f"{BASE}:444/v2/c", other]
    assert [asked.url for asked in twin.asked] == urls
    sent = [asked.headers.get("Authorization") for asked in twin.asked]
    assert sent == [None, ANN.basic, ANN.basic, None, None]


def test_another_host_is_not_answered_when_it_asks_for_a_password() -> None:
    """It is not the registry."""
    twin = Twin([Reply(307, {"Location": "https://other.example/"}), Reply(401, BASIC)])
    with pytest.raises(RegistryAuthError, match=r"other.example/` was refused with 401"):
        session(twin, credentials=ANN).ask(GET)
    assert len(twin.asked) == 2


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_a_redirect_keeps_method_and_body(method: str, status: int) -> None:
    """What was to be changed there is to be changed here."""
    twin = Twin([Reply(status, {"Location": "https://other.example/"}), Reply(200)])
    session(twin).ask(Call(method, "/v2/", body=[b"content"], length=7))
    assert [(asked.method, asked.body) for asked in twin.asked] == [(method, b"content")] * 2


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_lose_the_body_is_refused(status: int) -> None:
    """A GET in place of a PUT would seem to have worked."""
    twin = Twin([Reply(status, {"Location": "https://other.example/"})])
    with pytest.raises(RegistryError, match=f"redirected with {status}, which loses"):
        session(twin).ask(Call("PUT", "/v2/", body=[b"x"], length=1))


def test_what_is_sent_once_is_not_redirected() -> None:
    """A stream that has gone one way cannot go another."""
    twin = Twin([Reply(307, {"Location": "https://other.example/"})])
    with pytest.raises(RegistryError, match="cannot be sent twice"):
        session(twin).ask_once(Call("PATCH", "/v2/", body=iter([b"x"]), length=None))


@pytest.mark.parametrize(
    "location", ["", "http://registry.example/", "ftp://x/", "https://a:secret@b/", "https://[/"]
)
def test_a_bad_redirect_is_refused(location: str) -> None:
    """To no TLS, to no URL, or to nowhere."""
    replies = [Reply(307, {"Location": location})] * 12
    with pytest.raises(RegistryError, match=r"redirected (badly|more than 10 times)") as caught:
        session(Twin([*replies])).ask(GET)
    assert "secret" not in str(caught.value)


def test_redirects_come_to_an_end() -> None:
    """After ten of them."""
    replies = [Reply(307, {"Location": f"/{number}"}) for number in range(10)]
    assert session(Twin([*replies, Reply(200)])).ask(GET).status == 200
    with pytest.raises(RegistryError, match="more than 10 times"):
        session(Twin([*replies, Reply(307, {"Location": "/10"})])).ask(GET)


def answer_or_move(reply: Reply | Exception, moved: Reply, asked: Asked) -> Reply | Exception:
    return reply if "?" in asked.url else moved


def test_a_message_has_no_query() -> None:
    """That of a redirect or an upload can be as good as a password."""
    target = "https://other.example/blob?signature=secret"
    moved = Reply(307, {"Location": target})
    for reply in (Reply(403), refusal(403, "X", "signature=secret is over"), CUT):
        twin = Twin(partial(answer_or_move, reply, moved))
        asking = session(twin)
        with pytest.raises(RegistryError) as caught:
            asking.ask(GET)
        assert "secret" not in str(caught.value)
        with pytest.raises(RegistryError) as caught:
            asking.ask(Call("GET", target))
        assert "secret" not in str(caught.value)


def test_who_is_cancelled_does_not_ask() -> None:
    """Nor wait to try again."""
    cancel = Cancel()

    def answer(asked: Asked) -> TransportError:
        asked.cancel.set()
        return CUT

    twin = Twin(answer)
    asking = session(twin)
    asking.retrying = type(asking.retrying)(first=60.0)
    with pytest.raises(CancelledError):
        asking.ask(Call("GET", "/v2/", cancel=cancel))
    assert len(twin.asked) == 1


def test_a_session_closes_its_transport() -> None:
    """At the end of its block."""
    twin = Twin([])
    with session(twin):
        assert not twin.closed
    assert twin.closed


def test_progress_is_told() -> None:
    """Bytes, as they come."""
    seen: list[int] = []
    asking = session(Twin([]), progress=seen.append)
    asking.moved(3)
    asking.moved(4)
    assert seen == [3, 4]
