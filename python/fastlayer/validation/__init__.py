"""Whether an image archive, an image layout or a layer is what it says it is.

Documents come first (`documents`) and say what the blobs should be. Then each blob is read once,
and what was said is held against what it turned out to be (`blobs`). Last, two lists of the same
images are compared (`stories`). `report` is what comes out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastlayer.archive.contents import Contents, scan_layer_file
from fastlayer.errors import MalformedArchiveError
from fastlayer.location import find_place
from fastlayer.validation.blobs import check_blobs, check_layer
from fastlayer.validation.documents import Documents
from fastlayer.validation.report import Checked, Findings, Problem, Report
from fastlayer.validation.stories import compare_stories

if TYPE_CHECKING:
    from fastlayer.engine import Progress
    from fastlayer.registries import Registries

__all__ = ["Checked", "Problem", "Report", "validate"]


def validate(
    path: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    registries: Registries | None = None,
) -> Report:
    """Check an image archive, an image layout or a bare layer file as a whole.

    Every digest, size and diff_id is computed anew, every document held against the
    specification, the counts of layers, diff_ids and history against each other, media types
    against the bytes, and `manifest.json` against `index.json`. `path` is what
    `Image.load` takes, or a layer; a tag in it is no filter, but in a registry.

    What is wrong with the content is in the report, never raised. `progress` is given the bytes
    of blobs that were read, and of all.

    Raises `InvalidImageError` for what cannot be opened as an image or layer at all, and `OSError`.
    """
    contents = find_place(path, registries)
    if contents is None:
        return _validate_layer(os.fsdecode(path), progress)
    findings = Findings()
    documents = Documents(contents, findings)
    documents.check()
    digests = check_blobs(documents.claims, findings, progress=progress)
    if isinstance(contents, Contents) and contents.has_index and contents.has_rows:
        compare_stories(documents.index_stories, documents.row_stories, digests, findings)
    return Report(contents.path, documents.checked(), findings.problems, findings.notes)


def _validate_layer(path: str, progress: Progress | None) -> Report:
    findings = Findings()
    size = os.stat(path).st_size  # noqa: PTH116 (text, as the user wrote it)
    try:
        check_layer(path, scan_layer_file(path, progress=progress), findings)
    except MalformedArchiveError as error:
        findings.problem(path, str(error))
    return Report(path, Checked(0, 1, size), findings.problems, findings.notes)
