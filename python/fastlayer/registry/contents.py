"""What a reference leads to, read as an image layout that holds only that."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from fastlayer.document import encode
from fastlayer.errors import InvalidImageError, named, quoted
from fastlayer.index import ImageIndex
from fastlayer.media_type import is_index, is_manifest
from fastlayer.stored.absent import AbsentBlob, may_be_absent
from fastlayer.stored.blob import write_all
from fastlayer.stored.contents import StoredContents
from fastlayer.tags import annotations_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.descriptor import Descriptor
    from fastlayer.digest import Digest
    from fastlayer.reference import Reference
    from fastlayer.registries import Registries
    from fastlayer.registry.repository import Repository
    from fastlayer.store import StoredBlob, Stretch

__all__ = ["RemoteContents"]


class RemoteContents(StoredContents):
    """A manifest or index in a registry, and what it leads to.

    What `reference` names is looked up once; all else is asked for by its digest.
    """

    def __init__(self, reference: Reference, registries: Registries) -> None:
        super().__init__(f"docker://{reference.familiar}", None)
        self._reference = reference
        self._repository = registries.session(reference.domain).repository(reference.path)
        self._documents: dict[Digest, _Document] = {}
        self._root: Descriptor | None = None

    def index_content(self) -> bytes:
        """Write the `index.json` of a layout that holds what the reference names."""
        if self._root is None:
            name = self._reference.digest or self._reference.tag or ""
            self._root, content = self._repository.manifest(name)
            self._keep(self._root, content)
        named = replace(self._reference, digest=None)
        annotations = annotations_for(named) if named.tag else {}
        listed = msgspec.structs.replace(self._root, annotations=annotations)
        return encode(ImageIndex(manifests=(listed,)))

    def blob(self, descriptor: Descriptor) -> StoredBlob:
        """Find content. A manifest is fetched at once; a blob when it is read."""
        if not (is_manifest(descriptor.media_type) or is_index(descriptor.media_type)):
            if may_be_absent(descriptor):
                return AbsentBlob(descriptor)
            return self._repository.blob(descriptor)
        if descriptor.digest not in self._documents:
            found, content = self._repository.manifest(descriptor.digest)
            if found.media_type != descriptor.media_type:
                raise InvalidImageError(
                    f"`{self._repository.name}` has a {quoted(found.media_type)} at "
                    f"{quoted(descriptor.digest)}, expected {quoted(descriptor.media_type)}"
                )
            self._keep(descriptor, content)
        return self._documents[descriptor.digest]

    def blob_names(self) -> list[str]:
        """List nothing: a registry does not say what it holds."""
        return []

    def _keep(self, descriptor: Descriptor, content: bytes) -> None:
        document = _Document(self._repository, descriptor.digest, content)
        self._documents[descriptor.digest] = document


@dataclass(frozen=True, slots=True)
class _Document:
    """A manifest or index that was fetched."""

    repository: Repository
    digest: Digest
    content: bytes

    @property
    def name(self) -> str:
        return f"{self.repository.name}@{self.digest}"

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def place(self) -> tuple[str, str]:
        return self.repository.name, self.digest

    def chunks(self) -> Iterator[bytes]:
        yield self.content

    @contextmanager
    def stretch(self) -> Iterator[Stretch]:
        with tempfile.TemporaryFile(buffering=0) as file:
            with named(tempfile.gettempdir()):
                write_all(file.fileno(), self.content)
            yield file.fileno(), 0, self.size, self.name
