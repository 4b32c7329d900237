"""Images pushed to a registry: blobs first, manifests after what they refer to, the tag last."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from fastlayer.errors import InvalidReferenceError, OutOfOrderError, quoted
from fastlayer.registries import Registries
from fastlayer.registry.cancel import Cancel
from fastlayer.registry.delivery import UploadLostError
from fastlayer.registry.push import RegistryStore
from fastlayer.registry.retry import Tries
from fastlayer.registry.spooled import SpooledBlob
from fastlayer.tags import parse_tags, repo_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from fastlayer.built import Buildable, BuiltT
    from fastlayer.descriptor import Descriptor
    from fastlayer.media_type import Format
    from fastlayer.reference import Reference
    from fastlayer.registry.repository import Repository
    from fastlayer.store import BlobSink, StoredBlob

__all__ = ["push"]


def push(
    reference: Reference,
    image: Buildable[BuiltT],
    *,
    tags: Sequence[str] = (),
    registries: Registries | None = None,
    format: Format | None = None,  # noqa: A002
) -> BuiltT:
    """Build an image or index into a repository, under the tag of `reference` and under `tags`.

    What the registry has already is not sent, and what another repository there has is mounted.
    Layers that are made go out while they are made. A tag appears when all else is there.

    Raises `InvalidReferenceError` before any work for tags of another repository, what
    `Image.build` raises, and `RegistryError`.
    """
    if registries is None:
        with Registries() as own:
            return push(reference, image, tags=tags, registries=own, format=format)
    references = _references(reference, tags)
    image.check(format)
    session = registries.session(reference.domain)
    repository = session.repository(reference.path)
    tries, in_files = Tries(session.retrying, Cancel()), False
    while True:
        with RegistryStore(repository, spool=registries.spool) as blobs:
            store = _Store(repository, blobs, in_files=in_files)
            try:
                built = _deliver(store, image, references, format)
                break
            except UploadLostError:
                # What was sent of a layer is gone; it is made again where that is possible.
                if not image.repeatable or not tries.again():
                    raise
            except OutOfOrderError:
                if not image.repeatable or in_files:
                    raise
                in_files = True
    return replace(
        built,
        tags=tuple(repo_tag(one) for one in references if one.tag),
        output=f"docker://{reference.familiar}",
    )


def _deliver(
    store: _Store,
    image: Buildable[BuiltT],
    references: Sequence[Reference],
    format: Format | None,  # noqa: A002
) -> BuiltT:
    """Make and send all of it once."""
    built = image.build(store, format=format)
    expected = references[0].digest
    if expected is not None and expected != built.digest:
        raise InvalidReferenceError(
            f"the image has the digest {quoted(built.digest)}, not {quoted(expected)}"
        )
    store.name([one.tag for one in references if one.tag])
    return built


def _references(reference: Reference, tags: Sequence[str]) -> tuple[Reference, ...]:
    """List the names that the image gets, each once."""
    further = parse_tags(tags)
    for one in further:
        if one.repository != reference.repository:
            raise InvalidReferenceError(
                f"the tag {quoted(one.familiar)} is not of the repository "
                f"{quoted(reference.repository)}"
            )
    return tuple(dict.fromkeys((reference, *further)))


class _Store:
    """A repository as the place for all that an image is made of.

    The last manifest is held back: it is the one that gets the tags. With `in_files`, layers are
    sent when they are complete: an archive that has to be read twice takes back what it wrote.
    """

    def __init__(self, repository: Repository, blobs: RegistryStore, *, in_files: bool) -> None:
        self._repository = repository
        self._blobs = blobs
        self._in_files = in_files
        self._last: tuple[bytes, str] | None = None

    @property
    def outputs(self) -> Sequence[tuple[int, int]]:
        return self._blobs.outputs

    def blob(self) -> AbstractContextManager[BlobSink]:
        return self._whole_blob() if self._in_files else self._blobs.blob()

    def copy(self, descriptor: Descriptor, blob: StoredBlob) -> None:
        self._blobs.copy(descriptor, blob)

    def put(self, content: bytes) -> None:
        self._blobs.put(content)

    def put_manifest(self, content: bytes, media_type: str) -> None:
        self._flush()
        self._last = content, media_type

    def name(self, tags: Sequence[str]) -> None:
        """Send the last manifest, by its tags if there are any."""
        self._blobs.finish()
        if self._last is not None:
            for tag in tags or (None,):
                self._repository.put_manifest(*self._last, tag)

    @contextmanager
    def _whole_blob(self) -> Iterator[SpooledBlob]:
        with SpooledBlob.begun(self._repository.name) as blob:
            try:
                yield blob
                if blob.descriptor is not None:
                    self._blobs.copy(blob.descriptor, blob)
                    self._blobs.finish()
            except BaseException:
                # Nobody may read the file when it is closed.
                self._blobs.stop()
                raise

    def _flush(self) -> None:
        if self._last is not None:
            self._blobs.finish()
            self._repository.put_manifest(*self._last)
            self._last = None
