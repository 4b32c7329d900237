"""The conformance vectors: facts that other projects' tests state, as plain data.

They lie in the folder that the environment variable FASTLAYER_VECTORS names, or beside the
repository. A test that needs one which is absent is skipped and says so.
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from fastlayer.document import decode, encode
from fastlayer.errors import InvalidImageError

ROOT = Path(
    os.environ.get("FASTLAYER_VECTORS") or Path(__file__).parents[2] / "shared" / "conformance"
)


def cases(name: str, table: str, label: str = "input") -> list[Any]:
    """List the rows of `table` in the JSON file `name`, to parametrize a test with.

    A row is shown by its member `label`. Where the file is absent there is one row, skipped.
    """
    path = ROOT / name
    if not path.is_file():
        absent = pytest.mark.skip(f"conformance vectors `{name}` are absent: set FASTLAYER_VECTORS")
        return [pytest.param(None, marks=absent)]
    rows = json.loads(path.read_bytes())[table]
    return [pytest.param(row, id=_label(number, row, label)) for number, row in enumerate(rows)]


def _label(number: int, row: Any, label: str) -> str:
    text = row.get(label, "") if isinstance(row, dict) else row
    return f"{number}-{str(text)[:40]}"


def documents(kind: str) -> list[Any]:
    """List image-spec's documents of one kind: those of its tests, its pages and of Docker."""
    rows = cases("image-spec/index.json", "cases", "file")
    # The kind of a document from a page is `md-PAGE-KIND`.
    return [row for row in rows if not row.values[0] or row.values[0]["kind"].endswith(kind)]


def check_document(row: dict[str, Any], type_: type[msgspec.Struct], schema: str) -> None:
    """Check that a document is refused if it is invalid, and else read and written without loss.

    What is written must satisfy the JSON schema.
    """
    content = (ROOT / "image-spec" / row["file"]).read_bytes()
    if not row["valid"]:
        with pytest.raises(InvalidImageError, match="the document: "):
            decode(content, type_, what="the document")
        return
    document = decode(content, type_, what="the document")
    written = encode(document)
    check_schema(written, schema)
    assert decode(written, type_, what="the document") == document
    assert without_empty(json.loads(written)) == without_empty(json.loads(content))


def check_schema(content: bytes, schema: str) -> None:
    """Check JSON against one of image-spec's schemas, or skip the test where they are absent."""
    folder = ROOT / "image-spec" / "schema"
    if not folder.is_dir():
        pytest.skip("image-spec's JSON schemas are absent: set FASTLAYER_VECTORS")
    schemas = {path.name: _without_ids(json.loads(path.read_bytes())) for path in folder.iterdir()}
    registry: Registry[Any] = Registry().with_resources(
        (name, DRAFT4.create_resource(contents)) for name, contents in schemas.items()
    )
    Draft4Validator(schemas[schema], registry=registry).validate(json.loads(content))


def _without_ids(schema: Any) -> Any:
    """Drop the ids: references between the files are relative to files, not to these URLs."""
    if isinstance(schema, dict):
        return {key: _without_ids(value) for key, value in schema.items() if key != "id"}
    return schema


def _is_entry(key: str, value: Any) -> bool:
    """Whether a member is a port or a volume: a key of a map whose values are all `{}`."""
    return value == {} and key not in ("config", "Labels")


def without_empty(value: Any) -> Any:
    """Drop members that mean the same as absent ones: null, empty, false and zero."""
    if isinstance(value, dict):
        ready = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in ready.items() if item or _is_entry(key, item)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value
