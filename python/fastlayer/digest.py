"""Digests: the names of content.

Grammar and registered algorithms: image-spec, descriptor.md, section "Digests".
"""

import hashlib
import re
from typing import Final, Self

from fastlayer.errors import InvalidDigestError, quoted

__all__ = ["Digest"]

# Hexadecimal digits that follow each algorithm fastlayer can compute.
_ENCODED_LENGTH: Final = {"sha256": 64, "sha512": 128}

_HEX: Final = re.compile(r"[0-9a-f]+")
_GRAMMAR: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")


class Digest(str):
    """A digest `algorithm:encoded`, of `sha256` or `sha512`, checked when it is made.

    It holds nothing that could leave a folder or a URL path, so it may become part of either.

    Raises `InvalidDigestError` for anything else.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check `text` and take it as it is."""
        algorithm, encoded = _split(text)
        length = _ENCODED_LENGTH.get(algorithm)
        if length is None:
            raise InvalidDigestError(
                f"unsupported digest algorithm {quoted(algorithm)} in {quoted(text)}: "
                "expected `sha256` or `sha512`"
            )
        if len(encoded) != length or not _HEX.fullmatch(encoded):
            raise InvalidDigestError(
                f"invalid digest {quoted(text)}: "
                f"`{algorithm}` takes {length} lower-case hexadecimal digits"
            )
        return super().__new__(cls, text)

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Compute the sha256 digest of `content`."""
        return cls(f"sha256:{hashlib.sha256(content).hexdigest()}")

    @classmethod
    def from_document(cls, text: str) -> Self:
        """Read a digest that a document states.

        The specification asks readers to let unknown algorithms pass, so these are checked by
        the grammar alone; such a digest is not `supported`, and its content is never trusted.

        Raises `InvalidDigestError`.
        """
        algorithm, _ = _split(text)
        return cls(text) if algorithm in _ENCODED_LENGTH else super().__new__(cls, text)

    @property
    def algorithm(self) -> str:
        """What stands before the colon, such as `sha256`."""
        return self.partition(":")[0]

    @property
    def encoded(self) -> str:
        """What stands after the colon: 64 hexadecimal digits for `sha256`."""
        return self.partition(":")[2]

    @property
    def supported(self) -> bool:
        """Whether content can be checked against this digest."""
        return self.algorithm in _ENCODED_LENGTH

    def verifies(self, content: bytes) -> bool:
        """Whether `content` has this digest; false where that cannot be computed."""
        return self.supported and hashlib.new(self.algorithm, content).hexdigest() == self.encoded

    def __reduce__(self) -> tuple[object, tuple[str]]:
        # str would rebuild through `__new__`, which refuses what `from_document` let pass.
        return type(self).from_document, (str(self),)


def _split(text: str) -> tuple[str, str]:
    """Split `text`, which follows the grammar, into algorithm and encoded part."""
    if not isinstance(text, str) or not _GRAMMAR.fullmatch(text):
        raise InvalidDigestError(f"invalid digest {quoted(text)}: expected `algorithm:encoded`")
    algorithm, _, encoded = text.partition(":")
    return algorithm, encoded
