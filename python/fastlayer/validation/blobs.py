"""Blobs against what documents say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, SourceError, quoted
from fastlayer.media_type import compression_of
from fastlayer.stored.blob import digest_of_blob, scan_blob

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from fastlayer.descriptor import Descriptor
    from fastlayer.engine import Progress, ScanRecord
    from fastlayer.store import StoredBlob
    from fastlayer.validation.report import Findings

__all__ = ["Claim", "check_blobs", "check_layer"]

_COMPRESSED = {"gzip": "with gzip", "zstd": "with zstd", "none": "not at all"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a document says about a blob; what it does not say is `None`.

    `where` is that document's word for it. The blobs of artifacts are no layers.
    """

    where: str
    blob: StoredBlob
    digest: Digest | None = None
    descriptor: Descriptor | None = None
    diff_id: Digest | None = None
    is_layer: bool = True


class _Found(NamedTuple):
    """What a blob turned out to be; there is no record of what is no layer or a broken one."""

    digest: Digest | None
    record: ScanRecord | None


def check_blobs(
    claims: Sequence[Claim], findings: Findings, *, progress: Progress | None = None
) -> dict[Hashable, Digest]:
    """Read each blob once and hold every claim against it; return the blobs' sha256 digests."""
    total = sum({claim.blob.place: claim.blob.size for claim in claims}.values())
    found: dict[Hashable, _Found] = {}
    done = 0
    for claim in claims:
        place = claim.blob.place
        if place not in found:
            found[place] = _read(claim, findings, _shifted(progress, done, total))
            done += claim.blob.size
        _check(claim, found[place], findings)
    return {place: blob.digest for place, blob in found.items() if blob.digest}


def check_layer(where: str, record: ScanRecord, findings: Findings) -> None:
    """Report what is wrong with a layer whatever documents say of it."""
    if record.duplicates:
        first = quoted(record.duplicates[0].decode("utf-8", "surrogateescape"))
        more = f" and {len(record.duplicates) - 1} more" if len(record.duplicates) > 1 else ""
        findings.problem(where, f"entries with the same path: {first}{more}")
    if record.parts > 1:
        parts = "gzip members" if record.compression == "gzip" else "zstd frames"
        findings.note(where, f"made of {record.parts} {parts}: some readers see the first only")


def _shifted(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Make the progress of one blob that of all."""
    return progress and (lambda read, _: progress(done + read, total))


def _read(claim: Claim, findings: Findings, progress: Progress | None) -> _Found:
    blob = claim.blob
    if claim.is_layer:
        try:
            record = scan_blob(blob, progress=progress)
        except SourceError as error:
            findings.problem(blob.name, str(error))
        else:
            check_layer(blob.name, record, findings)
            return _Found(Digest(record.digest), record)
    try:
        return _Found(digest_of_blob(blob), None)
    except InvalidImageError as error:
        findings.problem(blob.name, str(error))
        return _Found(None, None)


def _check(claim: Claim, found: _Found, findings: Findings) -> None:
    if claim.digest is not None:
        _check_digest(claim, claim.digest, found, findings)
    if claim.descriptor is not None:
        size = claim.descriptor.size
        if claim.blob.size != size:
            findings.problem(
                claim.where,
                f"{quoted(claim.blob.name)} has {claim.blob.size} bytes, expected {size}",
            )
        if claim.is_layer:
            _check_media_type(claim.where, claim.descriptor.media_type, found.record, findings)
    if claim.diff_id is not None and found.record is not None:
        _check_diff_id(claim.where, claim.diff_id, found.record, findings)


def _check_digest(claim: Claim, stated: Digest, found: _Found, findings: Findings) -> None:
    if not stated.supported:
        findings.note(claim.where, f"the digest {quoted(stated)} was not checked")
    elif found.digest is not None:
        sha256 = stated.algorithm == "sha256"
        digest = found.digest if sha256 else digest_of_blob(claim.blob, stated.algorithm)
        if digest != stated:
            findings.problem(claim.blob.name, f"has the digest {quoted(digest)}")


def _check_diff_id(where: str, stated: Digest, record: ScanRecord, findings: Findings) -> None:
    # The core computes sha256 on its way, and nobody uses anything else.
    if stated.algorithm != "sha256":
        findings.note(where, f"the diff_id {quoted(stated)} was not checked")
    elif stated != record.diff_id:
        findings.problem(
            where, f"the diff_id is {quoted(record.diff_id)}, the config says {quoted(stated)}"
        )


def _check_media_type(
    where: str, media_type: str, record: ScanRecord | None, findings: Findings
) -> None:
    stated = compression_of(media_type)
    if stated is None:
        findings.problem(where, f"{quoted(media_type)} is not the media type of a layer")
    elif record is not None and record.compression != stated:
        findings.problem(
            where,
            f"{quoted(media_type)} is wrong: the layer is compressed "
            f"{_COMPRESSED[record.compression]}",
        )
