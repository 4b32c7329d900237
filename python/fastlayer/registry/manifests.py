"""What an answer says of a manifest, held against what the manifest is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidDigestError, InvalidImageError, RegistryError, quoted
from fastlayer.media_type import is_index, is_manifest
from fastlayer.registry.transport import content_length

if TYPE_CHECKING:
    from fastlayer.registry.call import Answer

__all__ = ["checked_descriptor", "stated_descriptor"]

# What servers say that know nothing of media types; then the document tells.
_UNSPECIFIC: Final = ("", "application/json", "application/octet-stream", "text/plain")


def checked_descriptor(answer: Answer, reference: str, what: str) -> Descriptor:
    """Describe the manifest in an answer, which was asked for by `reference`.

    Raises `InvalidImageError` if it has not the digest or media type that it should have, and
    `RegistryError` if it is something else; messages call it `what`.
    """
    digest = _checked_digest(answer, reference, what)
    return Descriptor(_checked_media_type(answer, what), digest, len(answer.content))


def stated_descriptor(answer: Answer) -> Descriptor | None:
    """Describe a manifest by headers alone, if they say enough."""
    media_type = _content_type(answer)
    size = content_length(answer.headers)
    try:
        digest = Digest(answer.header("docker-content-digest"))
    except InvalidDigestError:
        return None
    if size is None or not _is_known(media_type):
        return None
    return Descriptor(media_type, digest, size)


def _checked_digest(answer: Answer, reference: str, what: str) -> Digest:
    """Return the digest of a manifest, held against what was asked for and what was answered."""
    digest = Digest.of(answer.content)
    for stated in (reference, answer.header("docker-content-digest")):
        if ":" in stated and stated != digest:
            expected = _digest(stated, what)
            if not expected.verifies(answer.content):
                raise InvalidImageError(f"{what} does not have the digest {quoted(expected)}")
            digest = expected
    return digest


def _digest(text: str, what: str) -> Digest:
    try:
        return Digest(text)
    except InvalidDigestError as error:
        raise InvalidImageError(f"{what} cannot be checked: {error}") from None


def _checked_media_type(answer: Answer, what: str) -> str:
    """Tell the media type of a manifest: its `Content-Type` and its member have to agree."""
    stated = _content_type(answer)
    if not (_is_known(stated) or stated in _UNSPECIFIC):
        raise RegistryError(
            f"{answer.request} was answered with {quoted(stated)}, which is no manifest",
            answer.status,
        )
    try:
        member = msgspec.json.decode(answer.content, type=dict[str, Any]).get("mediaType")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidImageError(f"{what} is not a JSON object") from None
    media_type = stated if _is_known(stated) else str(member or "")
    if not _is_known(media_type):
        raise InvalidImageError(f"{what} does not say that it is a manifest or an index")
    if member is not None and member != media_type:
        raise InvalidImageError(f"{what} says {quoted(member)}, but is sent as `{media_type}`")
    return media_type


def _content_type(answer: Answer) -> str:
    return answer.header("content-type").partition(";")[0].strip().lower()


def _is_known(media_type: str) -> bool:
    return is_manifest(media_type) or is_index(media_type)
