"""Descriptors: the type, digest and size by which one document points at content.

Members: image-spec, descriptor.md.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fastlayer.digest import Digest
from fastlayer.errors import InvalidArgumentError, InvalidImageError, quoted
from fastlayer.media_type import is_well_formed
from fastlayer.platform import Platform

__all__ = ["Described", "Descriptor"]

# The specification's `size` is an int64.
_MAX_SIZE: Final = 2**63 - 1

# An absolute URI in the characters of RFC 3986.
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


class _Target(msgspec.Struct, frozen=True, rename="camel"):
    """The three members that every descriptor has, which are given by position."""

    media_type: str
    digest: Digest
    size: int


class Descriptor(_Target, frozen=True, kw_only=True, rename="camel"):
    """What content is (`media_type`), which (`digest`) and how long (`size`, in bytes).

    `data` is the content itself, if it is embedded; `platform` is stated in an index only.
    `unknown` holds a document's members that are not these.

    Raises `InvalidArgumentError` if a value breaks the specification.
    """

    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}
    data: bytes = b""
    platform: Platform | None = None
    artifact_type: str = ""
    unknown: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        if not is_well_formed(self.media_type):
            raise InvalidArgumentError(f"invalid media type {quoted(self.media_type)}")
        if self.artifact_type and not is_well_formed(self.artifact_type):
            raise InvalidArgumentError(f"invalid artifact type {quoted(self.artifact_type)}")
        if not isinstance(self.digest, Digest):
            raise InvalidArgumentError(f"{quoted(self.digest)} is not a `Digest`")
        if not 0 <= self.size <= _MAX_SIZE:
            raise InvalidArgumentError(f"invalid size {quoted(self.size)}")
        for url in self.urls:
            if not _URI.fullmatch(url):
                raise InvalidArgumentError(f"invalid URL {quoted(url)}")
        if self.data and (reason := self._mismatch(self.data)):
            raise InvalidArgumentError(f"`data` {reason}")

    def __hash__(self) -> int:
        return hash((self.media_type, self.digest, self.size))

    def verify(self, content: bytes, *, what: str) -> None:
        """Check that `content` is what this descriptor points at; `what` names it in the message.

        Raises `InvalidImageError` if the size or the digest differs, or if the digest is of an
        algorithm that cannot be computed.
        """
        if not self.digest.supported:
            raise InvalidImageError(
                f"{what}: cannot be checked against {quoted(self.digest)}: "
                f"unsupported digest algorithm {quoted(self.digest.algorithm)}"
            )
        if reason := self._mismatch(content):
            raise InvalidImageError(f"{what}: {reason}")

    def _mismatch(self, content: bytes) -> str:
        """How `content` differs from size and digest, or nothing."""
        if len(content) != self.size:
            return f"has {len(content)} bytes, expected {self.size}"
        if self.digest.supported and not self.digest.verifies(content):
            return f"does not have the digest {quoted(self.digest)}"
        return ""


class Described:
    """What has a `descriptor`, and by that a digest, a media type and a size in bytes."""

    __slots__ = ()

    descriptor: Descriptor

    @property
    def digest(self) -> Digest:
        """SHA-256 of the content."""
        return self.descriptor.digest

    @property
    def media_type(self) -> str:
        """Media type of the content."""
        return self.descriptor.media_type

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.descriptor.size
