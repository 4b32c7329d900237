"""What an index leads to: manifests, and the tags that they have there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from fastlayer.errors import InvalidImageError, InvalidReferenceError, quoted
from fastlayer.index import ImageIndex
from fastlayer.media_type import DOCKER_CONFIG, OCI_CONFIG, is_index
from fastlayer.reference import Reference
from fastlayer.tags import IMAGE_NAME, REF_NAME, repo_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest
    from fastlayer.manifest import Manifest
    from fastlayer.platform import Platform

__all__ = [
    "MAX_INDEX_DEPTH",
    "Listed",
    "familiar",
    "is_attestation",
    "is_image",
    "matching",
    "spelled_out",
    "walk",
]

# Real indexes have two levels: the layout's own and one for the platforms.
MAX_INDEX_DEPTH: Final = 8

# Descriptors that are followed in all, so that indexes of indexes cannot multiply.
_MAX_LISTED: Final = 100_000

# How BuildKit marks a manifest that is about an image and is none.
_ATTESTATION: Final = "vnd.docker.reference.type"


@dataclass(frozen=True, slots=True)
class Listed:
    """A manifest, index or other content that an index leads to.

    `tags` are those it has itself, `reached_by` those of the indexes that it is in.
    """

    descriptor: Descriptor
    tags: tuple[str, ...]
    reached_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All tags by which it can be asked for."""
        return tuple(dict.fromkeys((*self.tags, *self.reached_by)))

    @property
    def platform(self) -> Platform | None:
        """What it is for, if the index says that."""
        return self.descriptor.platform


class Documents(Protocol):
    """Where documents are read from."""

    def document(
        self, descriptor: Descriptor, type_: type[ImageIndex], *, what: str
    ) -> ImageIndex: ...


class Named(Protocol):
    """What can be asked for by a tag."""

    @property
    def names(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=Named)


def is_image(descriptor: Descriptor, manifest: Manifest) -> bool:
    """Whether a manifest is that of an image rather than of an artifact or an attestation."""
    return manifest.config.media_type in (OCI_CONFIG, DOCKER_CONFIG) and not is_attestation(
        descriptor
    )


def is_attestation(descriptor: Descriptor) -> bool:
    """Whether an index says of a manifest that it is about an image, and none itself."""
    return _ATTESTATION in descriptor.annotations


def matching(choices: Sequence[S], tag: str) -> list[S]:
    """Choose by a tag, in whatever form: `hello:1` also means `docker.io/library/hello:1`.

    If no image has it as its name, those are chosen whose name ends in the tag: `1`.
    """
    wanted = spelled_out(tag)
    named = [one for one in choices if wanted in map(spelled_out, one.names)]
    return named or [one for one in choices if tag in map(_last_part, one.names)]


def walk(
    documents: Documents,
    index: ImageIndex,
    *,
    refuse: Callable[[InvalidImageError], None] | None = None,
) -> list[Listed]:
    """List all that an index leads to, each once, in the order of their first mention.

    Indexes come before what they list. What is inside a tagged index is reached by its tag. An
    index that cannot be read raises its `InvalidImageError`, or is given to `refuse` and left out.
    """
    path = _Walk(documents, refuse)
    found: dict[tuple[str, Digest, int], _Found] = {}
    for descriptor in index.manifests:
        tags = dict.fromkeys(_tags(descriptor))
        for depth, reached in path.reached(descriptor, 0):
            key = (reached.media_type, reached.digest, reached.size)
            one = found.setdefault(key, _Found(reached, {}, {}))
            (one.reached_by if depth else one.tags).update(tags)
    return [
        Listed(one.descriptor, tuple(one.tags), tuple(one.reached_by)) for one in found.values()
    ]


class _Found(NamedTuple):
    """What is listed, and its tags in the order of their first mention."""

    descriptor: Descriptor
    tags: dict[str, None]
    reached_by: dict[str, None]


class _Walk:
    """One way through nested indexes, each of which is read once."""

    def __init__(
        self, documents: Documents, refuse: Callable[[InvalidImageError], None] | None
    ) -> None:
        self._documents = documents
        self._refuse = refuse
        self._read: dict[Digest, tuple[Descriptor, ...]] = {}
        self._left = _MAX_LISTED

    def reached(self, descriptor: Descriptor, depth: int) -> Iterator[tuple[int, Descriptor]]:
        self._left -= 1
        if self._left < 0:
            raise InvalidImageError(f"`index.json` leads to more than {_MAX_LISTED} manifests")
        yield depth, descriptor
        if is_index(descriptor.media_type):
            for child in self._children(descriptor, depth):
                yield from self.reached(child, depth + 1)

    def _children(self, descriptor: Descriptor, depth: int) -> tuple[Descriptor, ...]:
        if descriptor.digest not in self._read:
            try:
                self._read[descriptor.digest] = self._manifests(descriptor, depth)
            except InvalidImageError as error:
                if self._refuse is None:
                    raise
                self._refuse(error)
                self._read[descriptor.digest] = ()
        return self._read[descriptor.digest]

    def _manifests(self, descriptor: Descriptor, depth: int) -> tuple[Descriptor, ...]:
        what = f"the index {quoted(descriptor.digest)}"
        if depth == MAX_INDEX_DEPTH:
            raise InvalidImageError(f"{what}: nested deeper than {MAX_INDEX_DEPTH} indexes")
        return self._documents.document(descriptor, ImageIndex, what=what).manifests


def _tags(descriptor: Descriptor) -> tuple[str, ...]:
    """Find the names of an entry of `index.json`: containerd's and the specification's."""
    name = descriptor.annotations.get(IMAGE_NAME, "")
    tag = descriptor.annotations.get(REF_NAME, "")
    if name and tag in ("", name, _last_part(name)):
        return (familiar(name),)
    return tuple(familiar(text) for text in (name, tag) if text)


def familiar(name: str) -> str:
    """Shorten a whole reference as Docker does, unless it would then read as another one."""
    reference = _parsed(name)
    if reference is None or not reference.tag or str(reference) != name:
        return name
    return repo_tag(reference)


def spelled_out(tag: str) -> str:
    """Write a tag in the one form in which tags can be compared, `docker.io/library/hello:1`.

    What is no reference is left as it is.
    """
    reference = _parsed(tag)
    return tag if reference is None else str(reference.with_default_tag())


def _last_part(tag: str) -> str | None:
    reference = _parsed(tag)
    return tag if reference is None else reference.tag or tag


def _parsed(tag: str) -> Reference | None:
    try:
        return Reference.parse(tag)
    except InvalidReferenceError:
        return None
