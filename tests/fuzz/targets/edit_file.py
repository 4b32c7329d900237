"""TOML files of edits: what is written of the edits is read as the same edits."""

from fastlayer.edit_file import read_edits
from fastlayer.edit_text import edits_text
from fuzz.held import folder, value_of


def check(content: bytes) -> None:
    path = folder() / "edits.toml"
    path.write_bytes(content)
    edits = value_of(lambda: read_edits(path))
    written = value_of(lambda: edits_text(edits or []))
    # Files of the host are relative to where the text is.
    if written and "file = " not in written:
        path.write_text(written, newline="")
        again = read_edits(path)
        assert [edit.terms for edit in again] == [edit.terms for edit in edits or []]
