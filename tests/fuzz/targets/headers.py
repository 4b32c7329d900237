"""What a registry says in headers, and the URLs in it: never an error but the one that is told."""

from contextlib import suppress

from fastlayer.registry.challenge import parse_challenges
from fastlayer.registry.retry import Retrying
from fastlayer.registry.scope import parse_scopes, scope_texts
from fastlayer.registry.url import (
    is_loopback,
    is_private,
    origin_of,
    resolved,
    shown,
    with_query,
)

_BASE = "https://registry.example/v2/app/blobs/uploads/1?state=secret"


def check(content: bytes) -> None:
    # As http.client reads headers.
    header = content.decode("latin-1")
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower() != ""
        assert all(name == name.lower() for name in challenge.parameters)
    assert 0 <= Retrying().pause(1, header) <= 66
    scopes = parse_scopes(header)
    assert parse_scopes(" ".join(scope_texts(scopes))) == scopes
    with suppress(ValueError):
        host = origin_of(f"https://{header}/").host
        assert is_private(host) or not is_loopback(host)
    with suppress(ValueError):
        url = resolved(header, _BASE)
        origin = origin_of(url)
        assert origin.scheme == "https"
        assert "#" not in url
        assert url.isprintable()
        assert origin_of(with_query(url, digest="sha256:0")) == origin
        assert not set(shown(url)) & set("@?#") or "@" in url.partition("://")[2].partition("/")[2]
