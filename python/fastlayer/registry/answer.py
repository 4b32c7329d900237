"""Answers of registries: documents within limits, and refusals as errors."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from http.client import responses
from typing import TYPE_CHECKING, Final

import msgspec

from fastlayer.errors import RegistryAuthError, RegistryError, quoted
from fastlayer.registry.call import Answer
from fastlayer.registry.transport import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fastlayer.registry.transport import Request, Response

__all__ = ["read_answer", "read_refusal", "refusal"]

# Whoever sends a document more slowly than this has no reason to.
_SECONDS: Final = 300.0

_ERROR_LIMIT: Final = 1 << 20

_NOT_ALLOWED: Final = (401, 403)


class _Error(msgspec.Struct):
    """One of the errors in an answer (distribution-spec, "Error Codes")."""

    code: str | None = None
    message: str | None = None


class _Errors(msgspec.Struct):
    errors: list[_Error] | None = None


def read_answer(response: Response, request: Request, *, limit: int) -> Answer:
    """Read the rest of an answer, whose body is a document of at most `limit` bytes.

    Raises `RegistryError` for a larger one and for one that is encoded, and `TransportError`.
    """
    with response:
        encoding = response.header("content-encoding").strip().lower()
        if encoding not in ("", "identity"):
            raise RegistryError(
                f"{request} was answered in the encoding {quoted(encoding)}, "
                "which was not asked for",
                response.status,
            )
        content = response.read(limit, _SECONDS)
    if content is None:
        raise RegistryError(
            f"{request} was answered with more than the limit of {limit} bytes", response.status
        )
    return Answer(response.status, response.headers, content, request)


def read_refusal(response: Response, request: Request) -> Answer:
    """Read the rest of an answer that is not the one hoped for, whatever its body is."""
    content = None
    with response, suppress(TransportError):
        content = response.read(_ERROR_LIMIT, _SECONDS)
    return Answer(response.status, response.headers, content or b"", request)


def refusal(answer: Answer, *, tries: object = "", secrets: Iterable[str] = ()) -> RegistryError:
    """Turn an answer that was not hoped for into an error, with what it says of itself.

    That is left out if it has one of the `secrets` in it, or one that was sent.
    """
    status, first = answer.status, _first_error(answer.content)
    word = quoted(first.code) if first.code else responses.get(status, "")
    reason = f"{status} {word}".rstrip()
    # Some repeat what they were sent.
    said = first.message or ""
    hidden = (*secrets, *_secrets(answer.request))
    if said and not any(secret and secret in said for secret in hidden):
        reason += f": {quoted(said)}"
    kind = RegistryAuthError if status in _NOT_ALLOWED else RegistryError
    message = f"{answer.request} was refused with {reason}{tries}"
    return kind(message, status, first.code or None)


def _first_error(content: bytes) -> _Error:
    """Read what a refusal says; if it says nothing in that form, that is no news."""
    try:
        errors = msgspec.json.decode(content or b"{}", type=_Errors).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Error()
    return errors[0] if errors else _Error()


def _secrets(request: Request) -> Iterator[str]:
    """Yield what must not come back in a message."""
    yield request.url.partition("?")[2]
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    yield sent
    if scheme == "Basic":
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(sent).decode().partition(":")[2]
