"""A registry that answers anything: what is asked of it ends, and who hears of a secret is known.

The first line is what is done. Behind it come the answers, with a line `===` between them: a
status, headers, an empty line, a body.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.media_type import OCI_LAYER, OCI_MANIFEST
from fastlayer.registry.challenge import parse_challenges
from fastlayer.registry.credentials import Credentials
from fastlayer.registry.repository import Repository
from fastlayer.registry.url import Origin, origin_of
from fuzz.held import value_of
from registry_twin import BASE, CUT, Reply, Twin, session

_PASSWORD = "swordfish"  # noqa: S105 (of nobody)
_CONTENT = b"0123456789" * 10
_DIGEST = Digest.of(_CONTENT)
_MANIFEST = b'{"schemaVersion":2}'


def _blob(repository: Repository) -> None:
    descriptor = Descriptor(OCI_LAYER, _DIGEST, len(_CONTENT))
    assert sum(map(len, repository.blob(descriptor).chunks())) == len(_CONTENT)


def _manifest(repository: Repository) -> None:
    for reference in ("latest", Digest.of(_MANIFEST)):
        descriptor, content = repository.manifest(reference)
        assert descriptor.digest.verifies(content)
        assert descriptor.size == len(content)


_DEEDS: dict[bytes, Callable[[Repository], Any]] = {
    b"blob": _blob,
    b"delete": lambda repository: repository.delete_manifest("latest"),
    b"has": lambda repository: repository.has_blob(_DIGEST),
    b"head": lambda repository: repository.head_manifest("latest"),
    b"manifest": _manifest,
    b"mount": lambda repository: repository.mount(_DIGEST, "other/app"),
    b"put": lambda repository: repository.put_manifest(_MANIFEST, OCI_MANIFEST, "latest"),
    b"tags": lambda repository: list(repository.tags()),
    b"upload": lambda repository: repository.upload(_CONTENT),
}


def check(content: bytes) -> None:
    name, _, answers = content.partition(b"\n")
    deed = _DEEDS.get(name)
    if deed is None:
        return
    replies = [_reply(text) for text in answers.split(b"\n===\n")]
    twin = Twin([*replies, *[CUT] * 100])
    credentials = Credentials("somebody", _PASSWORD)

    def check_message(message: str) -> None:
        # Who was never told the password can only guess it.
        if any(asked.headers.get("Authorization") == credentials.basic for asked in twin.asked):
            assert _PASSWORD not in message
            assert credentials.basic.partition(" ")[2] not in message

    repository = session(twin, credentials=credentials).repository("team/app")
    value_of(lambda: deed(repository), check_message)
    ours = origin_of(BASE)
    for asked in twin.asked:
        origin = origin_of(asked.url)
        assert not origin.is_plain, asked.url
        sent = asked.headers.get("Authorization", "")
        assert not sent.startswith("Bearer ") or origin == ours
        assert not sent.startswith("Basic ") or origin in {ours, *_token_servers(replies)}


def _token_servers(replies: Sequence[Reply]) -> Iterator[Origin]:
    """Who else may be told the password: servers that the registry has named for that."""
    for reply in replies:
        for name, value in reply.headers.items():
            for challenge in parse_challenges(value) if name.lower() == "www-authenticate" else ():
                with suppress(ValueError):
                    yield origin_of(challenge.parameters.get("realm", ""))


def _reply(text: bytes) -> Reply:
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    pairs = (line.partition(":") for line in lines)
    status = int(first) if first.isascii() and first.isdigit() and len(first) == 3 else 200
    return Reply(status, {name.strip(): value.strip() for name, _, value in pairs}, body)
