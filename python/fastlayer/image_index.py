"""Indexes as values: images for several platforms under one name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import msgspec

from fastlayer import changes, media_type
from fastlayer.built import Buildable, BuiltImage, BuiltIndex
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import encode
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.image import Image
from fastlayer.index import ImageIndex
from fastlayer.platform import Platform
from fastlayer.stored.choice import choose
from fastlayer.stored.image import StoredImage
from fastlayer.stored.tree import StoredIndex

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from fastlayer.media_type import Format
    from fastlayer.registries import Registries
    from fastlayer.store import ImageStore
    from fastlayer.stored.tree import Stored, StoredArtifact

__all__ = ["Index", "IndexEntry"]

# How BuildKit says which image of the same index an attestation is about.
_ABOUT = "vnd.docker.reference.digest"


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """An image of an index, and what the index says of it.

    An index in it, and what is no image, is copied as it is. `stated` is the descriptor of a
    stored index.
    """

    content: Image | StoredIndex | StoredArtifact
    annotations: Mapping[str, str] = field(default_factory=dict)
    stated: Descriptor | None = None

    @property
    def platform(self) -> Platform | None:
        """What it is for."""
        if self.stated is not None and self.stated.platform is not None:
            return self.stated.platform
        return self.content.platform if isinstance(self.content, Image) else None

    @property
    def tags(self) -> tuple[str, ...]:
        """None: what is in an index has the index's."""
        return ()

    def listed_as(self, built: Descriptor, now: Mapping[str, Digest]) -> Descriptor:
        """Return what the index says of it once it is built.

        `now` has the digests of what was stored and is built; what refers to one follows it.
        """
        annotations = {
            key: now.get(value, value) if key == _ABOUT else value
            for key, value in self.annotations.items()
        }
        if self.stated is None:
            return msgspec.structs.replace(built, platform=self.platform, annotations=annotations)
        return msgspec.structs.replace(
            self.stated,
            media_type=built.media_type,
            digest=built.digest,
            size=built.size,
            data=self.stated.data if built.digest == self.stated.digest else b"",
            annotations=annotations,
        )

    @classmethod
    def of(cls, stored: Stored, stated: Descriptor) -> Self:
        """Return what a stored index says, as a value that can be changed."""
        content = Image.of(stored) if isinstance(stored, StoredImage) else stored
        return cls(content, stated.annotations, stated)


@dataclass(frozen=True, slots=True)
class Index(Buildable[BuiltIndex]):
    """Images for several platforms. Nothing but documents is read until a sink runs it."""

    entries: tuple[IndexEntry, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    origin: StoredIndex | None = field(default=None, repr=False)

    @classmethod
    def load(cls, source: str | os.PathLike[str], *, registries: Registries | None = None) -> Self:
        """Read an index: its documents, which are verified, and those of all its images.

        `source` is what `Image.load` takes. Raises what that raises.
        """
        from fastlayer.location import open_place  # noqa: PLC0415

        return cls.of(open_place(source, registries).multi_platform())

    @classmethod
    def of(cls, stored: StoredIndex) -> Self:
        """Return a stored index as a value that can be changed."""
        pairs = zip(stored.entries, stored.index.manifests, strict=True)
        entries = tuple(IndexEntry.of(entry, stated) for entry, stated in pairs)
        return cls(entries, stored.index.annotations, stored)

    def __iter__(self) -> Iterator[Image]:
        """Give the images in their order, without what else is in the index."""
        return (entry.content for entry in self.entries if isinstance(entry.content, Image))

    @property
    def repeatable(self) -> bool:
        """Whether all images can be built more than once."""
        return all(image.repeatable for image in self)

    def image(self, platform: Platform | str | None = None) -> Image:
        """Return the image for a platform, by default the host's.

        Raises `InvalidImageError` if there is none that it can run.
        """
        if isinstance(platform, str):
            platform = Platform.parse(platform)
        images = {
            id(entry): entry.content for entry in self.entries if isinstance(entry.content, Image)
        }
        entries = [entry for entry in self.entries if id(entry) in images]
        return images[id(choose(entries, platform or Platform.host(), where="the index"))]

    def append(self, *images: Image, annotations: Mapping[str, str] | None = None) -> Self:
        """Return the index with further images, each for the platform that its config says.

        Raises `InvalidArgumentError` for a platform that is there already.
        """
        entries = list(self.entries)
        for image in images:
            taken = [entry.platform for entry in entries]
            if any(platform and image.platform.matches(platform) for platform in taken):
                raise InvalidArgumentError(
                    f"the index has an image for {quoted(image.platform)}: remove that first"
                )
            entries.append(IndexEntry(image, annotations or {}))
        return replace(self, entries=tuple(entries))

    def remove(self, platform: Platform | str) -> Self:
        """Return the index without the images for exactly this platform, and what is about them.

        Raises `InvalidArgumentError` if there is none.
        """
        wanted = Platform.parse(platform) if isinstance(platform, str) else platform
        fitting = [one for one in self.entries if one.platform and wanted.matches(one.platform)]
        gone = list(map(id, fitting))
        if not gone:
            raise InvalidArgumentError(f"the index has no image for {quoted(wanted)}")
        digests = {one.stated.digest for one in fitting if one.stated}
        kept = (
            one
            for one in self.entries
            if id(one) not in gone and one.annotations.get(_ABOUT) not in digests
        )
        return replace(self, entries=tuple(kept))

    def with_annotations(self, annotations: Mapping[str, str | None]) -> Self:
        """Return the index with these annotations, added to its own; `None` removes one."""
        return replace(self, annotations=changes.annotated(self.annotations, annotations))

    def build(self, store: ImageStore, *, format: Format | None = None) -> BuiltIndex:  # noqa: A002
        """Build or copy every image, then the index, into `store`.

        Raises what `Image.build` raises.
        """
        self.check(format)
        family = self._format(format)
        built = [_build(entry.content, store, format) for entry in self.entries]
        index = self._document(family, [descriptor for descriptor, _ in built])
        stored = self.origin
        content = stored.content if stored and index == stored.index else encode(index)
        store.put_manifest(content, index.media_type)
        descriptor = Descriptor(index.media_type, Digest.of(content), len(content))
        return BuiltIndex(descriptor, tuple(image for _, images in built for image in images))

    def check(self, format: Format | None = None) -> None:  # noqa: A002
        """Raise `InvalidArgumentError` if the index cannot be built in this format."""
        if not self.entries:
            raise InvalidArgumentError("an index needs at least one image: use `index.append(…)`")
        if self.annotations and self._format(format) == "docker":
            raise InvalidArgumentError("Docker's manifest list has no annotations: use `oci`")
        for image in self:
            image.check(format)

    def _format(self, format: Format | None) -> Format:  # noqa: A002
        if format is not None:
            return format
        return media_type.family(self.origin.index.media_type) if self.origin else "oci"

    def _document(self, family: Format, built: Sequence[Descriptor]) -> ImageIndex:
        pairs = list(zip(self.entries, built, strict=True))
        now = {str(entry.stated.digest): one.digest for entry, one in pairs if entry.stated}
        manifests = tuple(entry.listed_as(descriptor, now) for entry, descriptor in pairs)
        blob_type = media_type.for_index(family)
        if self.origin is None:
            return ImageIndex(
                media_type=blob_type, manifests=manifests, annotations=self.annotations
            )
        return msgspec.structs.replace(
            self.origin.index,
            media_type=blob_type,
            manifests=manifests,
            annotations=self.annotations,
        )


def _build(
    content: Image | StoredIndex | StoredArtifact,
    store: ImageStore,
    format: Format | None,  # noqa: A002
) -> tuple[Descriptor, tuple[BuiltImage, ...]]:
    if isinstance(content, Image):
        image = content.build(store, format=format)
        return image.descriptor, (image,)
    if isinstance(content, StoredIndex):
        index = Index.of(content).build(store, format=format)
        return index.descriptor, index.images
    for descriptor, blob in content.blobs:
        store.copy(descriptor, blob)
    if content.content is not None:
        store.put_manifest(content.content, content.descriptor.media_type)
    return content.descriptor, ()
