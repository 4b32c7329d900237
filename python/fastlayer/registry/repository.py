"""One repository: its manifests, tags and blobs (distribution-spec, "Endpoints").

What is asked is checked before it is sent, what is answered before it is given back.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fastlayer.digest import Digest
from fastlayer.document import MAX_DOCUMENT_SIZE
from fastlayer.errors import (
    InvalidImageError,
    RegistryError,
    RegistryWarning,
    quoted,
)
from fastlayer.media_type import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
)
from fastlayer.reference import Reference
from fastlayer.registry.call import Call
from fastlayer.registry.cancel import Cancel
from fastlayer.registry.delivery import upload_content
from fastlayer.registry.manifests import checked_descriptor, stated_descriptor
from fastlayer.registry.remote import RemoteBlob
from fastlayer.registry.scope import pull, push, removal
from fastlayer.registry.upload import Upload
from fastlayer.registry.url import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastlayer.descriptor import Descriptor
    from fastlayer.registry.session import Session

__all__ = ["Repository"]

_ACCEPT: Final = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST))

_NOT_FOUND: Final = 404

# More pages than this are not a list but a loop.
_PAGES: Final = 10_000

# Bytes of all pages: a million tags have less.
_MAX_TAGS: Final = 64 << 20

# No URL has a `<`, and a search that went past one would begin again at each.
_NEXT: Final = re.compile(r'<([^<>]*)>\s*;[^,<]*?\brel\s*=\s*"?next\b')


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class Repository:
    """A repository of a registry; nothing is asked before a method is called.

    Methods raise `RegistryError`, and `RegistryAuthError` where the registry does not let us.
    """

    def __init__(self, session: Session, path: str) -> None:
        self._reference = Reference(session.domain, path)
        self.session = session
        self.path = path

    @property
    def name(self) -> str:
        """What messages call it: `registry.example/team/app`."""
        return self._reference.repository

    def manifest(self, reference: str) -> tuple[Descriptor, bytes]:
        """Read the manifest or index that has a tag or digest.

        Raises `InvalidImageError` if it does not have its digest or media type.
        """
        where = self._manifest_path(reference)
        headers = {"Accept": _ACCEPT}
        answer = self.session.ask(self.call("GET", where, headers=headers, limit=MAX_DOCUMENT_SIZE))
        what = f"`{self.name}` with {quoted(reference)}"
        return checked_descriptor(answer, reference, what), answer.content

    def head_manifest(self, reference: str) -> Descriptor | None:
        """Look up the manifest or index that has a tag or digest; `None` if there is none."""
        where = self._manifest_path(reference)
        expected = (200, _NOT_FOUND)
        answer = self.session.ask(
            self.call("HEAD", where, headers={"Accept": _ACCEPT}, expected=expected)
        )
        if answer.status == _NOT_FOUND:
            return None
        stated = stated_descriptor(answer)
        if stated is None:
            return self.manifest(reference)[0]
        if ":" in reference and stated.digest != reference:
            raise InvalidImageError(
                f"`{self.name}` has {quoted(stated.digest)} at {quoted(reference)}"
            )
        return stated

    def put_manifest(self, content: bytes, media_type: str, reference: str | None = None) -> Digest:
        """Store a manifest or index by a tag, or else by its digest, which is returned.

        All that it refers to has to be there. Larger ones than every registry takes are a
        `RegistryWarning`. Raises `InvalidImageError` if the registry got something else.
        """
        digest = Digest.of(content)
        if len(content) > MAX_DOCUMENT_SIZE:
            warnings.warn(
                f"the manifest for `{self.name}` has {len(content)} bytes: "
                f"a registry need not take more than {MAX_DOCUMENT_SIZE}",
                RegistryWarning,
                stacklevel=2,
            )
        answer = self.session.ask(
            self.call(
                "PUT",
                self._manifest_path(reference or digest),
                scopes=push(self.path),
                headers={"Content-Type": media_type},
                body=[content],
                length=len(content),
                expected=(200, 201, 202),
            )
        )
        stated = answer.header("docker-content-digest")
        if stated.startswith("sha256:") and stated != digest:
            raise InvalidImageError(
                f"`{self.name}` keeps the manifest as {quoted(stated)}, expected `{digest}`"
            )
        return digest

    def delete_manifest(self, reference: str) -> None:
        """Delete a tag, or by its digest a manifest with all its tags."""
        where = self._manifest_path(reference)
        scopes = removal(self.path)
        self.session.ask(self.call("DELETE", where, scopes=scopes, expected=(200, 202, 204)))

    def tags(self) -> Iterator[str]:
        """List the tags, page by page, in the order of the registry."""
        call = self.call("GET", "tags/list", limit=MAX_DOCUMENT_SIZE)
        left = _MAX_TAGS
        for _ in range(_PAGES):
            answer = self.session.ask(call)
            left -= len(answer.content)
            if left < 0:
                raise RegistryError(f"`{self.name}` has tags of more than {_MAX_TAGS} bytes")
            try:
                page = msgspec.json.decode(answer.content, type=_Tags)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise RegistryError(f"{answer.request} was not answered with tags") from None
            yield from page.tags or ()
            following = _NEXT.search(answer.header("link"))
            if following is None:
                return
            try:
                target = resolved(following[1], answer.request.url)
            except ValueError as error:
                message = f"{answer.request} has a next page nowhere: {error}"
                raise RegistryError(message) from None
            if target == call.target:
                break
            call = replace(call, target=target)
        raise RegistryError(f"the pages of tags of `{self.name}` do not end")

    def has_blob(self, digest: Digest, *, cancel: Cancel | None = None) -> bool:
        """Whether a blob is there already."""
        call = self.call(
            "HEAD", f"blobs/{digest}", expected=(200, _NOT_FOUND), cancel=cancel or Cancel()
        )
        return self.session.ask(call).status != _NOT_FOUND

    def blob(self, descriptor: Descriptor) -> RemoteBlob:
        """Return a blob; it is read when it is asked for, and always from here: never by `urls`."""
        return RemoteBlob(self, descriptor.digest, descriptor.size)

    def mount(self, digest: Digest, source: str) -> bool:
        """Have a blob that another repository of this registry has, without sending it.

        Return whether that was done: a registry may refuse, also for what is there.
        """
        self.session.repository(source)  # which checks the path
        upload = Upload.mount(self, digest, source, Cancel())
        if upload is not None:
            upload.abandon()
        return upload is None

    def upload(self, content: bytes) -> Digest:
        """Store a whole blob, and return its digest; nothing is sent if it is there already."""
        digest = Digest.of(content)
        if not self.has_blob(digest):
            upload_content(self, digest, content, Cancel())
        return digest

    def call(self, method: str, target: str, **options: Any) -> Call:
        """Begin a request for something here, or at a URL that the registry named."""
        if "://" not in target:
            target = f"/v2/{self.path}/{target}"
        options.setdefault("scopes", pull(self.path))
        return Call(method, target, self.path, **options)

    def _manifest_path(self, reference: str) -> str:
        if ":" in reference:
            return f"manifests/{Digest.from_document(reference)}"
        return f"manifests/{self._reference.with_tag(reference).tag}"
