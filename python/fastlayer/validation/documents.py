"""The documents of an archive or layout: each by itself, and what they say about blobs."""

from __future__ import annotations

import json
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

from fastlayer.archive.contents import Contents
from fastlayer.archive.images import check_config_name, named_digest
from fastlayer.archive.store import blob_path
from fastlayer.config import ImageConfig
from fastlayer.digest import Digest
from fastlayer.document import decode
from fastlayer.errors import InvalidReferenceError, quoted
from fastlayer.index import ImageIndex
from fastlayer.manifest import Manifest
from fastlayer.media_type import is_index, is_manifest
from fastlayer.reference import Reference
from fastlayer.stored.absent import AbsentBlob, may_be_absent
from fastlayer.stored.blob import read_blob
from fastlayer.stored.listing import is_image, walk
from fastlayer.validation.blobs import Claim
from fastlayer.validation.report import Checked
from fastlayer.validation.stories import Story, check_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from fastlayer.archive.members import Members
    from fastlayer.archive.rows import ArchiveRow
    from fastlayer.descriptor import Descriptor
    from fastlayer.platform import Platform
    from fastlayer.store import StoredBlob
    from fastlayer.stored.contents import StoredContents
    from fastlayer.stored.listing import Listed
    from fastlayer.validation.report import Findings

__all__ = ["Documents"]


class Documents:
    """A walk through the documents, which collects what they say: claims and stories."""

    def __init__(self, contents: StoredContents, findings: Findings) -> None:
        self._contents = contents
        self._findings = findings
        self._blobs: dict[str, int] = {}  # size by name, of all that were found
        self._mentioned: set[str] = set()
        self.claims: list[Claim] = []
        self.index_stories: list[Story] = []
        self.row_stories: list[Story] = []

    def check(self) -> None:
        """Read all documents and report what is wrong with them."""
        if self._contents.has_index:
            with self._findings.catching("index.json"):
                self._check_index()
        if isinstance(self._contents, Contents) and self._contents.has_rows:
            self._check_rows(self._contents)
        # A document that could not be read may well refer to the rest.
        if not self._findings.problems:
            for name in self._contents.blob_names():
                if name not in self._mentioned:
                    self._findings.note(name, "nothing refers to this blob")

    def checked(self) -> Checked:
        """Count what was looked at."""
        images = self.index_stories or self.row_stories
        return Checked(len(images), len(self._blobs), sum(self._blobs.values()))

    def _check_index(self) -> None:
        # Read once: other writers may put a new one there at any time.
        content = self._contents.index_content()
        index = decode(content, ImageIndex, what="`index.json`")
        listed = walk(
            self._contents,
            index,
            refuse=lambda error: self._findings.problem("index.json", str(error)),
        )
        self._note_media_type("index.json", content)
        for one in listed:
            self._check_listed(one)
        check_tags("index.json", self.index_stories, self._findings)
        if not self.index_stories and not self._findings.problems:
            self._findings.note("index.json", "lists no image")

    def _check_listed(self, listed: Listed) -> None:
        descriptor = listed.descriptor
        if is_manifest(descriptor.media_type):
            self._check_manifest(listed)
        elif is_index(descriptor.media_type):
            self._blob(descriptor, "index.json")  # the walk has read it
        else:
            self._claim_raw("index.json", descriptor)

    def _check_manifest(self, listed: Listed) -> None:
        descriptor = listed.descriptor
        where = f"manifest {quoted(descriptor.digest)}"
        content = self._content(descriptor, where)
        if content is None:
            return
        with self._findings.catching(where):
            manifest = decode(content, Manifest, what=where)
            self._note_media_type(where, content)
            if manifest.media_type != descriptor.media_type:
                self._findings.problem(
                    where,
                    f"is a {quoted(manifest.media_type)}, "
                    f"the index says {quoted(descriptor.media_type)}",
                )
            if is_image(descriptor, manifest):
                self._check_image(listed, manifest)
            else:
                for blob in (manifest.config, *manifest.layers):
                    self._claim_raw(where, blob)

    def _check_image(self, listed: Listed, manifest: Manifest) -> None:
        where = _image_name(listed.names, listed.descriptor.digest)
        config = self._indexed_config(where, manifest)
        if config is not None:
            self._check_config(where, config, len(manifest.layers))
            if stated := listed.descriptor.platform:
                self._check_platform(where, stated, config.platform)
        blobs = [
            self._layer(descriptor, f"{where}, layer {number}")
            for number, descriptor in enumerate(manifest.layers, 1)
        ]
        self._claim_layers(where, blobs, manifest.layers, config)
        self.index_stories.append(
            _story(listed.names, config, manifest.config.digest if config else None, blobs)
        )

    def _indexed_config(self, where: str, manifest: Manifest) -> ImageConfig | None:
        what = f"config {quoted(manifest.config.digest)}"
        content = self._content(manifest.config, where)
        if content is not None:
            with self._findings.catching(what):
                return decode(content, ImageConfig, what=what)
        return None

    def _check_rows(self, contents: Contents) -> None:
        with self._findings.catching("manifest.json"):
            for row in contents.rows():
                self._check_row(row, contents.members)
            check_tags("manifest.json", self.row_stories, self._findings)

    def _check_row(self, row: ArchiveRow, members: Members) -> None:
        where = _image_name(row.tags, row.config)
        for tag in row.repo_tags:
            with self._findings.catching("manifest.json"):
                _check_tag(tag)
        digest, config = None, None
        with self._findings.catching(where):
            blob = members.find(row.config)
            self._found(blob)
            content = read_blob(blob)
            digest = Digest.of(content)
            config = decode(content, ImageConfig, what=f"config {quoted(row.config)}")
            self._check_config(where, config, len(row.layers))
            check_config_name(row.config, content)
        self._mentioned.update((row.config, *row.layers))
        blobs = [
            self._catching(f"{where}, layer {number}", partial(members.find, name))
            for number, name in enumerate(row.layers, 1)
        ]
        self._claim_layers(where, blobs, (), config)
        self.row_stories.append(_story(row.tags, config, digest, blobs))

    def _check_config(self, where: str, config: ImageConfig, layers: int) -> None:
        for member in ("os", "architecture"):
            if not getattr(config, member):
                self._findings.problem(where, f"the config has an empty `{member}`")
        started = config.config
        for text in (*started.env, *started.entrypoint, *started.cmd, started.working_dir):
            if "\0" in text:
                self._findings.problem(
                    where, f"no process can be given {quoted(text)}: it has a NUL"
                )
        with self._findings.catching(where):
            config.check_layer_count(layers)

    def _check_platform(self, where: str, stated: Platform, found: Platform) -> None:
        """Compare what index and config state; a variant may be left out."""
        pairs = [(stated.os, found.os), (stated.architecture, found.architecture)]
        if stated.variant and found.variant:
            pairs.append((stated.variant, found.variant))
        if any(one != other for one, other in pairs):
            self._findings.problem(
                where,
                f"the index says {quoted(stated)}, the config {quoted(found)}",
            )

    def _claim_layers(
        self,
        where: str,
        blobs: Sequence[StoredBlob | None],
        descriptors: Sequence[Descriptor],
        config: ImageConfig | None,
    ) -> None:
        diff_ids = config.rootfs.diff_ids if config else ()
        # Where the counts differ, which is reported, the layers are still read.
        claims = list(zip_longest(blobs, descriptors, diff_ids))[: len(blobs)]
        for number, (blob, descriptor, diff_id) in enumerate(claims, 1):
            if blob is not None:
                digest = descriptor.digest if descriptor else named_digest(blob.name)
                place = f"{where}, layer {number}"
                self.claims.append(Claim(place, blob, digest, descriptor, diff_id))

    def _claim_raw(self, where: str, descriptor: Descriptor) -> None:
        if blob := self._blob(descriptor, where):
            claim = Claim(where, blob, descriptor.digest, descriptor, is_layer=False)
            self.claims.append(claim)

    def _content(self, descriptor: Descriptor, where: str) -> bytes | None:
        if self._blob(descriptor, where) is not None:
            with self._findings.catching(where):
                return self._contents.content(descriptor, what=quoted(blob_path(descriptor.digest)))
        return None

    def _layer(self, descriptor: Descriptor, where: str) -> StoredBlob | None:
        """Find a layer. One that may be elsewhere, and is, is no problem of a layout."""
        name = blob_path(descriptor.digest)
        if not may_be_absent(descriptor) or name in self._contents.blob_names():
            return self._blob(descriptor, where)
        self._findings.note(where, str(AbsentBlob(descriptor).refusal()))
        return None

    def _blob(self, descriptor: Descriptor, where: str) -> StoredBlob | None:
        self._mentioned.add(blob_path(descriptor.digest))
        return self._catching(where, partial(self._contents.blob, descriptor))

    def _catching(self, where: str, find: Callable[[], StoredBlob]) -> StoredBlob | None:
        with self._findings.catching(where):
            return self._found(find())
        return None

    def _found(self, blob: StoredBlob) -> StoredBlob:
        self._blobs[blob.name] = blob.size
        return blob

    def _note_media_type(self, where: str, content: bytes) -> None:
        """Miss the member that readers fall back to guessing without (a SHOULD)."""
        tree = json.loads(content)
        if isinstance(tree, dict) and "mediaType" not in tree:
            self._findings.note(where, "has no `mediaType`")


def _image_name(tags: Sequence[str], otherwise: str) -> str:
    return f"image {quoted(tags[0] if tags else otherwise)}"


def _story(
    tags: tuple[str, ...],
    config: ImageConfig | None,
    digest: Digest | None,
    blobs: Sequence[StoredBlob | None],
) -> Story:
    platform = str(config.platform) if config else ""
    return Story(tags, platform, digest, tuple(map(_place, blobs)))


def _place(blob: StoredBlob | None) -> Hashable:
    return None if blob is None else blob.place


def _check_tag(tag: str) -> None:
    """Refuse what docker does: a tag is a lower-case repository with an explicit tag."""
    reference = Reference.parse(tag)
    if reference.tag is None or reference.digest is not None:
        raise InvalidReferenceError(f"{quoted(tag)} is not of the form `repository:tag`")
