"""URLs of registries: who is meant, and what of one may be shown."""

import pytest

from fastlayer.registry.url import (
    Origin,
    is_loopback,
    is_private,
    origin_of,
    resolved,
    shown,
    with_query,
)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Registry.example/v2/", ("https", "registry.example", 443)),
        ("http://localhost:5000/v2/x?y=z", ("http", "localhost", 5000)),
        ("https://[::1]:5000/", ("https", "::1", 5000)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: tuple[str, str, int]) -> None:
    """Case of the host and a port that goes without saying make no difference."""
    assert origin_of(url) == Origin(*origin)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry.example/v2/",
        "ftp://registry.example",
        "https://",
        "https://user:word@registry.example/",
        "https://registry.example:70000/",
        "https://registry.example:secret/",
        "https://[::1/",
        "https://registry.example/a b",
        "https://registry.example/a\r\nHost: other",
        "https://registry.exämple/",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """The reason shows nothing of the URL, which may be a secret."""
    with pytest.raises(ValueError, match=r"^it(s host or port)? (has|is) ") as caught:
        origin_of(url)
    assert "secret" not in str(caught.value)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v2/x/blobs/uploads/1?a=b", "https://r.example/v2/x/blobs/uploads/1?a=b"),
        ("2", "https://r.example/v2/x/blobs/2"),
        ("?n=2", "https://r.example/v2/x/blobs/1?n=2"),
        ("https://other.example/1#part", "https://other.example/1"),
        ("//other.example/1", "https://other.example/1"),
    ],
)
def test_a_location_may_be_a_part_of_a_url(location: str, url: str) -> None:
    """What is missing is that of the answer's own URL."""
    assert resolved(location, "https://r.example/v2/x/blobs/1") == url


@pytest.mark.parametrize("location", ["http://r.example/", "file:///etc/passwd", "https://a@b/"])
def test_a_location_never_leads_out_of_tls(location: str) -> None:
    """Nor to anything else that is not the web."""
    with pytest.raises(ValueError, match=r"^it "):
        resolved(location, "https://r.example/v2/")
    assert resolved("http://r.example/", "http://r.example/v2/") == "http://r.example/"


def test_parameters_are_added_to_a_query() -> None:
    """What an upload's location has already stays as it is."""
    added = with_query("https://r.example/u?state=a%2Bb", digest="sha256:00")
    assert added == "https://r.example/u?state=a%2Bb&digest=sha256:00"
    assert with_query("/u", mount="x", **{"from": "a/b"}) == "/u?mount=x&from=a/b"
    assert with_query("/u", scope="a b&c") == "/u?scope=a+b%26c"


def test_what_is_shown_has_no_secret() -> None:
    """A signed query is as good as a password."""
    assert shown("https://u:p@r.example:1/x?sig=1#f") == "https://r.example:1/x"


@pytest.mark.parametrize(
    ("host", "loopback", "private"),
    [
        ("localhost", True, True),
        ("LOCALHOST.", True, True),
        ("registry.localhost", True, True),
        ("127.0.0.1", True, True),
        ("127.8.9.10", True, True),
        ("::1", True, True),
        ("[::1]", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("10.0.0.1", False, True),
        ("169.254.169.254", False, True),
        ("fe80::1%eth0", False, True),
        ("0.0.0.0", False, True),  # noqa: S104 (an address to refuse)
        ("2852039166", False, True),
        ("0xa9.254.43518", False, True),
        ("8.8.8.8", False, False),
        ("registry.example", False, False),
        ("localhost.example", False, False),
        ("notlocalhost", False, False),
    ],
)
def test_which_hosts_are_not_for_everybody(host: str, loopback: bool, private: bool) -> None:  # noqa: FBT001
    """Names are not looked up; addresses are known in all the ways to write them."""
    assert (is_loopback(host), is_private(host)) == (loopback, private)
