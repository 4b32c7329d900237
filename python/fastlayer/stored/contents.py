"""What a place holds: the images that an index of it leads to, wherever its blobs are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from fastlayer.document import decode
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.index import ImageIndex
from fastlayer.media_type import is_index, is_manifest
from fastlayer.stored.blob import read_blob
from fastlayer.stored.budget import Budget
from fastlayer.stored.choice import choose
from fastlayer.stored.image import indexed_image
from fastlayer.stored.listing import Listed, is_attestation, matching, walk
from fastlayer.stored.tree import read_index, read_stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.descriptor import Descriptor
    from fastlayer.platform import Platform
    from fastlayer.store import StoredBlob
    from fastlayer.stored.image import StoredImage
    from fastlayer.stored.listing import Named
    from fastlayer.stored.tree import Stored, StoredIndex

__all__ = ["StoredContents"]

T = TypeVar("T")
S = TypeVar("S", bound="Named")


class StoredContents(ABC):
    """A layout, an archive or a repository.

    `path` is what messages call it, `tag` the one image asked for, if any.
    """

    has_index = True

    def __init__(self, path: str, tag: str | None) -> None:
        self.path = path
        self.tag = tag
        self._budget = Budget()

    @abstractmethod
    def index_content(self) -> bytes:
        """Read the document that lists what is there, an `index.json`.

        Raises `InvalidImageError` if there is none, and `OSError`.
        """

    @abstractmethod
    def blob(self, descriptor: Descriptor) -> StoredBlob:
        """Find content; its size and digest are not compared.

        Raises `InvalidImageError` if it is missing or no regular file, and `OSError`.
        """

    @abstractmethod
    def blob_names(self) -> list[str]:
        """List what blobs are there, by their names, as far as that can be known."""

    def index(self) -> ImageIndex:
        """Read the list of what is there.

        Raises `InvalidImageError` if it is missing or breaks the specification, and `OSError`.
        """
        return decode(self.index_content(), ImageIndex, what="`index.json`")

    def content(self, descriptor: Descriptor, *, what: str) -> bytes:
        """Read a document and verify its size and digest; messages call it `what`.

        Raises `InvalidImageError`, and `OSError`.
        """
        content = read_blob(self.blob(descriptor))
        self._budget.take(descriptor.digest, len(content), what=what)
        descriptor.verify(content, what=what)
        return content

    def document(self, descriptor: Descriptor, type_: type[T], *, what: str) -> T:
        """Read a document as a `type_`.

        Raises what `content` raises, and `InvalidImageError` if it breaks the specification.
        """
        return decode(self.content(descriptor, what=what), type_, what=what)

    def images(self) -> list[StoredImage]:
        """List the images, or those of the one tag that was asked for.

        These are the image manifests that the index leads to, in its order, an image with several
        tags once; artifacts and attestations are left out.

        Raises `InvalidImageError` if a document is missing, is not what its descriptor says or
        breaks the specification, if layers are missing or of the wrong size, and if there is no
        image; and `OSError`.
        """
        return self._some(self._read(self._manifests()))

    def image(self, platform: Platform | None) -> StoredImage:
        """Read the one image for a platform. See `choose`, and `images` for what is raised."""
        manifests = self._manifests()
        if len(manifests) > 1 and all(one.platform for one in manifests):
            # The index says enough: no other image need be read.
            manifests, platform = [choose(manifests, platform, where=quoted(self.path))], None
        return choose(self._some(self._read(manifests)), platform, where=quoted(self.path))

    def multi_platform(self) -> StoredIndex:
        """Read the one index that is listed, and all that it leads to.

        Raises `InvalidImageError` if there is none or more than one, and what `images` raises.
        """
        indexes = [one for one in self._listed_first() if is_index(one.descriptor.media_type)]
        if not indexes:
            raise InvalidImageError(f"{quoted(self.path)} holds no index of several platforms")
        if len(indexes) > 1:
            tags = ", ".join(quoted(tag) for one in indexes for tag in one.tags)
            raise InvalidImageError(
                f"{quoted(self.path)} holds {len(indexes)} indexes: choose one of {tags}"
            )
        return read_index(self, indexes[0])

    def everything(self) -> list[tuple[Stored, tuple[str, ...]]]:
        """Read all that is listed, or has the one tag: images and indexes, each with its tags."""
        return [(read_stored(self, one), one.tags) for one in self._listed_first()]

    def chosen(self, choices: Sequence[S]) -> Sequence[S]:
        """Return those that have the tag that was asked for, or all.

        Raises `InvalidImageError` if there is none with it.
        """
        if self.tag is None:
            return choices
        found = matching(choices, self.tag)
        if not found:
            tags = ", ".join(quoted(tag) for choice in choices for tag in choice.names) or "no tags"
            raise InvalidImageError(
                f"{quoted(self.path)} holds no image {quoted(self.tag)}, it has {tags}"
            )
        return found

    def _manifests(self) -> list[Listed]:
        """List what can be an image."""
        found = [one for one in walk(self, self.index()) if is_manifest(one.descriptor.media_type)]
        return [one for one in self.chosen(found) if not is_attestation(one.descriptor)]

    def _listed_first(self) -> list[Listed]:
        """List what the index itself names, not what is inside of that."""
        index = self.index()
        first = {descriptor.digest for descriptor in index.manifests}
        listed = [one for one in walk(self, index) if one.descriptor.digest in first]
        return list(self.chosen([Listed(one.descriptor, one.tags) for one in listed]))

    def _read(self, manifests: Sequence[Listed]) -> list[StoredImage]:
        images = (indexed_image(self, one) for one in manifests)
        return [image for image in images if image is not None]

    def _some(self, images: list[StoredImage]) -> list[StoredImage]:
        if not images:
            raise InvalidImageError(f"{quoted(self.path)} holds no image")
        return images
