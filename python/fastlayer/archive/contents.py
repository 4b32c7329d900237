"""What an image archive or image layout holds: the reading side.

Image layouts (image-spec, image-layout.md), in a directory or a tar, and the archives of
`docker save` with their `manifest.json`; the archive that loads everywhere is both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

from fastlayer.archive.blob import file_blob
from fastlayer.archive.images import row_image
from fastlayer.archive.members import ArchiveMembers, LayoutMembers
from fastlayer.archive.rows import archive_rows
from fastlayer.archive.store import blob_path
from fastlayer.document import decode
from fastlayer.errors import InvalidImageError, MalformedArchiveError, quoted
from fastlayer.index import ImageLayout
from fastlayer.stored.blob import compression_of_blob, scan_blob
from fastlayer.stored.budget import Budget
from fastlayer.stored.choice import choose
from fastlayer.stored.contents import StoredContents

if TYPE_CHECKING:
    from fastlayer.archive.blob import Blob
    from fastlayer.archive.members import Members
    from fastlayer.archive.rows import ArchiveRow
    from fastlayer.descriptor import Descriptor
    from fastlayer.engine import Progress, ScanRecord
    from fastlayer.platform import Platform
    from fastlayer.stored.image import StoredImage
    from fastlayer.stored.tree import Stored

__all__ = [
    "TRANSPORTS",
    "Contents",
    "find_contents",
    "open_contents",
    "scan_layer_file",
]

Transport = Literal["docker-archive", "oci-archive", "oci"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("docker-archive", "oci-archive", "oci")
"""How the name of a file or directory begins that says what is expected there."""


class _Place(NamedTuple):
    """Where images are, as a user names it: `oci-archive:image.tar:latest`."""

    transport: Transport | None
    path: str
    tag: str | None

    @classmethod
    def parse(cls, text: str | os.PathLike[str]) -> Self:
        path = os.fsdecode(text)
        rest = path.partition(":")[2]
        transport = next((known for known in TRANSPORTS if path.startswith(f"{known}:")), None)
        if transport is None or not isinstance(text, str):
            return cls(None, path, None)
        # A file may have a colon in its name; what exists is what is meant.
        if os.path.lexists(rest):
            return cls(transport, rest, None)
        path, _, tag = rest.partition(":")
        return cls(transport, path, tag or None)


class _NoImageError(InvalidImageError):
    """The file is whole but holds no image; it may be a layer."""


def open_contents(path: str | os.PathLike[str]) -> Contents:
    """Look into an image archive or an image layout directory.

    Text may say what is expected, and which image by its tag: `docker-archive:FILE[:TAG]`,
    `oci-archive:FILE[:TAG]` and `oci:DIR[:TAG]`. The first reads Docker's `manifest.json` only,
    the others `index.json`; without them, an archive that has both is read by its `index.json`.

    Raises `InvalidImageError` if it is something else, and `OSError`.
    """
    place = _Place.parse(path)
    if os.path.isdir(place.path):  # noqa: PTH112 (text, as the user wrote it)
        return _open_layout(place)
    return _open_archive(place)


def find_contents(path: str | os.PathLike[str]) -> Contents | None:
    """Open what `open_contents` does; return `None` for a file that may be a bare layer instead.

    Raises `InvalidImageError` for what cannot be that either, and `OSError`.
    """
    try:
        return open_contents(path)
    except _NoImageError:
        if _Place.parse(path).transport is not None:
            raise
        return None


def scan_layer_file(
    path: str | os.PathLike[str], *, progress: Progress | None = None
) -> ScanRecord:
    """Read a file that is a bare layer, with its entries.

    Raises `InvalidImageError` if it is a compressed image archive, `MalformedArchiveError` if it
    is not a whole tar, and `OSError`.
    """
    name = os.fsdecode(path)
    record = scan_blob(file_blob(name), members=True, progress=progress)
    paths = {member.path for member in record.members}
    saved = b"repositories" in paths or any(path.endswith(b"/layer.tar") for path in paths)
    if paths >= {b"oci-layout", b"index.json"} or (b"manifest.json" in paths and saved):
        raise InvalidImageError(
            f"{quoted(name)} is an image archive compressed with {record.compression}: "
            "decompress it first"
        )
    return record


def _open_layout(place: _Place) -> Contents:
    if place.transport not in (None, "oci"):
        raise InvalidImageError(
            f"{quoted(place.path)} is a directory: `{place.transport}:` takes a file"
        )
    members = LayoutMembers(place.path)
    if "oci-layout" not in members:
        raise InvalidImageError(
            f"{quoted(place.path)} is no OCI layout: it is a directory without `oci-layout`"
        )
    return Contents(place, members, has_index=True, has_rows=False)


def _open_archive(place: _Place) -> Contents:
    file = file_blob(place.path)
    if place.transport == "oci":
        raise InvalidImageError(f"{quoted(place.path)} is a file: `oci:` takes a directory")
    if not file.size:
        raise InvalidImageError(f"{quoted(place.path)} is empty")
    if (compression := compression_of_blob(file)) != "none":
        raise _NoImageError(
            f"{quoted(place.path)} is compressed with {compression}: "
            "an image archive is a plain tar, decompress it first"
        )
    try:
        members = ArchiveMembers(file)
    except MalformedArchiveError as error:
        raise InvalidImageError(f"neither an image nor a layer: {error}") from error
    has_index = place.transport != "docker-archive" and "oci-layout" in members
    has_rows = place.transport != "oci-archive" and "manifest.json" in members
    if not has_index and not has_rows:
        expected = {
            "docker-archive": "no `manifest.json`",
            "oci-archive": "no `oci-layout`",
        }.get(place.transport or "", "neither `oci-layout` nor `manifest.json`")
        raise _NoImageError(f"{quoted(place.path)} is no image archive: it has {expected}")
    return Contents(place, members, has_index=has_index, has_rows=has_rows)


class Contents(StoredContents):
    """An image archive or layout.

    `path` is the file or directory, `tag` the one image asked for, if any. `has_index` says
    whether it is read as an OCI layout, `has_rows` whether there is Docker's `manifest.json`.
    """

    def __init__(self, place: _Place, members: Members, *, has_index: bool, has_rows: bool) -> None:
        super().__init__(place.path, place.tag)
        self.members = members
        self.has_index = has_index
        self.has_rows = has_rows

    def images(self) -> list[StoredImage]:
        """List the images; without an index they are the rows of `manifest.json`."""
        if self.has_index:
            return super().images()
        budget = Budget()
        return [row_image(self.members, row, budget) for row in self.chosen(self.rows())]

    def image(self, platform: Platform | None) -> StoredImage:
        """Read the one image for a platform."""
        if self.has_index:
            return super().image(platform)
        return choose(self.images(), platform, where=quoted(self.path))

    def everything(self) -> list[tuple[Stored, tuple[str, ...]]]:
        """Read all that is listed."""
        if self.has_index:
            return super().everything()
        return [(image, image.tags) for image in self.images()]

    def index_content(self) -> bytes:
        """Read `index.json`, and `oci-layout` before it.

        Raises `InvalidImageError` if one is missing or that is not of its form, and `OSError`.
        """
        if not self.has_index:
            raise InvalidImageError(f"{quoted(self.path)} is an archive without an index")
        decode(self.members.read("oci-layout"), ImageLayout, what="`oci-layout`")
        return self.members.read("index.json")

    def rows(self) -> tuple[ArchiveRow, ...]:
        """Read Docker's `manifest.json`, the description of each image.

        Raises `InvalidImageError` if it is missing, empty or not of its form, and `OSError`.
        """
        return archive_rows(self.members)

    def blob_names(self) -> list[str]:
        """List the names of the files in the folders of `blobs`."""
        return self.members.blobs()

    def blob(self, descriptor: Descriptor) -> Blob:
        """Find content in the layout; its size and digest are not compared."""
        return self.members.find(blob_path(descriptor.digest))
