"""References: the names of images, `[domain/]path[:tag][@digest]`.

The grammar and the normal form are those of distribution/reference, which Docker uses: `ubuntu`
is short for `docker.io/library/ubuntu`.
"""

import dataclasses
import re
from dataclasses import dataclass
from typing import Final, Self

from fastlayer.digest import Digest
from fastlayer.errors import InvalidDigestError, InvalidReferenceError, quoted

__all__ = ["Reference"]

_DEFAULT_DOMAIN: Final = "docker.io"
_LEGACY_DOMAIN: Final = "index.docker.io"
_DEFAULT_NAMESPACE: Final = "library"
_DEFAULT_TAG: Final = "latest"
_MAX_PATH_LENGTH: Final = 255

_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
_IDENTIFIER: Final = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of an image in its normal form.

    `domain` is the registry with its port, `path` the repository there, such as
    `library/ubuntu`. A reference may have a tag, a digest, both or neither.

    Raises `InvalidReferenceError` if a part breaks the grammar.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        _check_path(self.path)
        if not _DOMAIN.fullmatch(self.domain):
            raise InvalidReferenceError(f"invalid registry {quoted(self.domain)}")
        if self.tag is not None and not _TAG.fullmatch(self.tag):
            raise InvalidReferenceError(
                f"invalid tag {quoted(self.tag)}: expected at most 128 letters, digits, `_`, `.` "
                "and `-`, the first of them a letter, digit or `_`"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as Docker does.

        Raises `InvalidReferenceError`.
        """
        try:
            return cls._parse(text)
        except (InvalidDigestError, InvalidReferenceError) as error:
            raise InvalidReferenceError(f"invalid reference {quoted(text)}: {error}") from error

    @classmethod
    def _parse(cls, text: str) -> Self:
        if not text:
            raise InvalidReferenceError("it is empty")
        if "://" in text:
            raise InvalidReferenceError("a reference has no scheme such as `https://`")
        if _IDENTIFIER.fullmatch(text):
            raise InvalidReferenceError("64 hexadecimal digits are an image ID, not a name")
        named, at, digest = text.partition("@")
        domain, remainder = _split_domain(named)
        path, colon, tag = remainder.partition(":")
        return cls(domain, path, tag if colon else None, Digest(digest) if at else None)

    def __str__(self) -> str:
        return self.repository + self._suffix

    @property
    def repository(self) -> str:
        """Domain and path: `docker.io/library/ubuntu`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The short form that Docker shows, `ubuntu:24.04`.

        It is for people: that of `docker.io/example.com/app` would read as another registry's.
        """
        return self._familiar_name + self._suffix

    @property
    def _familiar_name(self) -> str:
        if self.domain != _DEFAULT_DOMAIN:
            return self.repository
        namespace, _, name = self.path.partition("/")
        return name if namespace == _DEFAULT_NAMESPACE and "/" not in name else self.path

    @property
    def _suffix(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        return tag if self.digest is None else f"{tag}@{self.digest}"

    def with_default_tag(self) -> Self:
        """Add the tag `latest` if there is neither tag nor digest."""
        return self if self.tag or self.digest else self.with_tag(_DEFAULT_TAG)

    def with_tag(self, tag: str) -> Self:
        """Replace the tag; a digest stays.

        Raises `InvalidReferenceError`.
        """
        return dataclasses.replace(self, tag=tag)

    def with_digest(self, digest: Digest) -> Self:
        """Replace the digest; a tag stays."""
        return dataclasses.replace(self, digest=digest)


def _split_domain(name: str) -> tuple[str, str]:
    """Split a registry from path and tag by Docker's rule.

    What stands before the first slash is a registry if it could not be a user of Docker Hub: it
    has a dot, a colon or a capital letter, or is `localhost`.
    """
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or set(first) & set(".:") or first != first.lower()):
        domain, remainder = _DEFAULT_DOMAIN, name
    else:
        domain, remainder = first, rest
    if domain == _LEGACY_DOMAIN:
        domain = _DEFAULT_DOMAIN
    if domain == _DEFAULT_DOMAIN and "/" not in remainder:
        remainder = f"{_DEFAULT_NAMESPACE}/{remainder}"
    return domain, remainder


def _check_path(path: str) -> None:
    if path != path.lower():
        raise InvalidReferenceError(f"the repository {quoted(path)} must be lower-case")
    if len(path) > _MAX_PATH_LENGTH:
        raise InvalidReferenceError(
            f"the repository {quoted(path)} is longer than {_MAX_PATH_LENGTH} characters"
        )
    if not _PATH.fullmatch(path):
        raise InvalidReferenceError(
            f"the repository {quoted(path)} must be of letters, digits, and single `.`, `_` or `/` "
            "between them"
        )
