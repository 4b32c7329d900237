"""Documents: what strict JSON refuses, what is kept, and the form that is written."""

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.digest import Digest
from fastlayer.document import MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_SIZE, REQUIRED, decode, encode
from fastlayer.errors import InvalidArgumentError, InvalidImageError
from vectors import cases, documents


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    digest: Digest | None = None
    part_size: int = 0
    unknown: Mapping[str, Any] = {}


class Whole(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    version: Annotated[int, REQUIRED] = 2
    parts: tuple[Part, ...]
    first: Part | None = None
    labels: Mapping[str, str] = {}
    names: tuple[str, ...] = ()
    note: str = ""
    unknown: Mapping[str, Any] = {}


class Plain(msgspec.Struct):
    name: str


def read(text: str | bytes) -> Whole:
    content = text if isinstance(text, bytes) else text.encode()
    return decode(content, Whole, what="`index.json`")


def nested(depth: int) -> str:
    return f'{{"version":2,"parts":[],"x":{"[" * (depth - 1)}{"]" * (depth - 1)}}}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON: Expecting value in line 1, column 1"),
        ("null", "expected `object`, got `null`"),
        ("[]", "expected `object`, got `array`"),
        ("{'a': 1}", "not JSON: "),
        ('{"version":2,"parts":[]}}', "not JSON: Extra data in line 1, column 25"),
        ('{"version":2,"parts":[],}', "not JSON: "),
        ('\ufeff{"version":2,"parts":[]}', "not JSON: it begins with a byte order mark"),
        ('{"version":2,"parts":[],"x":NaN}', "not JSON: `NaN`"),
        ('{"version":2,"parts":[],"x":-Infinity}', "not JSON: `-Infinity`"),
        ('{"version":2,"parts":[],"x":01}', "not JSON: "),
        ('{"version":2,"parts":[],"x":"\n"}', "not JSON: Invalid control character in line 1"),
        ('{"version":2,"parts":[],"x":"\\ud800"}', "not valid UTF-8"),
        ('{"version":2,"parts":[],"\\udc00":1}', "not valid UTF-8"),
        (b'{"version":2,"parts":[],"x":"\xff"}', "not valid UTF-8"),
        ('{"version":2,"parts":[]}'.encode("utf-16"), "not valid UTF-8"),
        (f'{{"version":2,"parts":[],"x":{"1" * 5000}}}', "a number is out of range"),
        ('{"version":2,"parts":[],"x":1e99999999999999999999}', "a number is out of range"),
        ('{"version":2,"parts":[],"parts":[]}', "the member `parts` is given twice"),
        ('{"version":2,"parts":[{"x":{"y":1,"y":2}}]}', "the member `y` is given twice"),
        ('{"version":2,"parts":[],"Parts":[]}', "`Parts` differs from `parts` in case only at `$`"),
        (
            '{"version":2,"parts":[{"partsize":1}]}',
            "`partsize` differs from `partSize` in case only at `$.parts[0]`",
        ),
        ('{"version":2,"part\u017f":[]}', "differs from `parts` in case only at `$`"),
        ('{"version":2}', "object missing required field `parts` at `$`"),
        ('{"parts":[]}', "object missing required field `version` at `$`"),
        ('{"version":null,"parts":[]}', "expected `int`, got `null` at `$.version`"),
        ('{"version":2,"parts":null}', "expected `array`, got `null` at `$.parts`"),
        ('{"version":"2","parts":[]}', "expected `int`, got `str` at `$.version`"),
        ('{"version":2.0,"parts":[]}', "expected `int`, got `decimal` at `$.version`"),
        ('{"version":true,"parts":[]}', "expected `int`, got `bool` at `$.version`"),
        ('{"version":2,"parts":{}}', "expected `array`, got `object` at `$.parts`"),
        ('{"version":2,"parts":["a"]}', "expected `object`, got `str` at `$.parts[0]`"),
        ('{"version":2,"parts":[],"first":1}', "expected `object | null`, got `int` at `$.first`"),
        ('{"version":2,"parts":[],"names":[1]}', "expected `str`, got `int` at `$.names[0]`"),
        ('{"version":2,"parts":[],"labels":{"a":1}}', "got `int` at `$.labels[...]`"),
        ('{"version":2,"parts":[{"digest":"a"}]}', "invalid digest `a`: "),
        ('{"version":2,"parts":[{"digest":"a"}]}', " at `$.parts[0].digest`"),
        ('{"version":2,"parts":[{"digest":5}]}', " at `$.parts[0].digest`"),
    ],
)
def test_what_is_refused(text: str | bytes, reason: str) -> None:
    """The message names the document, what is wrong and where."""
    with pytest.raises(InvalidImageError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith("`index.json`: ")
    assert reason.lower() in message.lower()


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_the_size_limit(excess: int) -> None:
    """A document of exactly the limit is read, one byte more is refused unread."""
    text = '{"version":2,"parts":[]}'.ljust(MAX_DOCUMENT_SIZE + excess)
    if excess > 0:
        with pytest.raises(InvalidImageError, match="larger than the limit of 4194304 bytes"):
            read(text)
    else:
        assert read(text) == Whole(parts=())


@pytest.mark.parametrize("excess", [-1, 0, 1, 100_000])
def test_the_depth_limit(excess: int) -> None:
    """Nesting to the limit is read; deeper, however deep, is refused and crashes nothing."""
    text = nested(MAX_DOCUMENT_DEPTH + excess)
    if excess > 0:
        with pytest.raises(InvalidImageError, match="nested deeper than the limit of 64"):
            read(text)
    else:
        assert encode(read(text)) == text.encode()


def test_brackets_in_text_are_not_nesting() -> None:
    """Only brackets outside of strings count, also after escaped quotes and backslashes."""
    note = '\\"[{' * 200 + "\\\\"
    document = read(f'{{"version":2,"parts":[],"note":"{note}","x":"{"[" * 200}"}}')
    assert document.note == '"[{' * 200 + "\\"


def test_text_without_an_end_takes_no_long_time() -> None:
    """Each quote in it could be the beginning of a text."""
    start = time.process_time()
    with pytest.raises(InvalidImageError, match="not JSON: Unterminated string"):
        read(b'"' + b'\\"' * (MAX_DOCUMENT_SIZE // 2 - 1))
    assert time.process_time() - start < 5


def test_null_counts_as_absent() -> None:
    """Go writes `null` for empty lists and maps, Docker configs are full of them."""
    document = read(
        '{"version":2,"parts":[{"digest":null,"partSize":null}],'
        '"first":null,"labels":null,"names":null,"note":null}'
    )
    assert document == Whole(parts=(Part(),))
    assert encode(document) == b'{"version":2,"parts":[{}]}'


def test_unknown_members_are_kept_in_order() -> None:
    """They come after the known ones, in their order, at every level, and exactly as they were."""
    document = read(
        '{"z":null,"unknown":{"a":[1,{"b":2}]},"version":2,"a":1.10,"parts":[{"y":0,"x":""}],'
        '"big":123456789012345678901234567890,"small":1e-400}'
    )
    assert document.unknown["unknown"] == {"a": [1, {"b": 2}]}
    assert document.unknown["a"] == Decimal("1.10")
    assert document.parts[0].unknown == {"y": 0, "x": ""}
    assert encode(document) == (
        b'{"version":2,"parts":[{"y":0,"x":""}],"z":null,"unknown":{"a":[1,{"b":2}]},"a":1.10,'
        b'"big":123456789012345678901234567890,"small":1E-400}'
    )


def test_the_written_form() -> None:
    """Compact, UTF-8, keys of maps sorted, empty members left out, empty objects kept."""
    document = Whole(
        parts=(),
        first=Part(),
        labels={"é": "<&>", "b": "\u2028/", "a": '\n"'},
        names=("x",),
    )
    assert (
        encode(document)
        == (
            '{"version":2,"parts":[],"first":{},'
            '"labels":{"a":"\\n\\"","b":"\u2028/","é":"<&>"},"names":["x"]}'
        ).encode()
    )


def test_lists_of_documents() -> None:
    """`manifest.json` of a Docker archive is an array; a struct may also drop what is unknown."""
    assert decode(b'[{"name":"a","x":1}]', list[Plain], what="test") == [Plain("a")]
    assert encode([Plain("a"), Plain("b")]) == b'[{"name":"a"},{"name":"b"}]'
    with pytest.raises(InvalidImageError, match="expected `array`, got `null`"):
        decode(b"null", list[Plain], what="test")


def test_text_that_is_not_unicode_is_not_written() -> None:
    """A label from an undecodable command line is a bad argument."""
    with pytest.raises(InvalidArgumentError, match="is not valid Unicode"):
        encode(Whole(parts=(), note="\udcff"))


def test_every_conformance_document_is_tested() -> None:
    """The tests of all modules together cover all 81 documents."""
    kinds = ["descriptor", "manifest", "index", "config", "layout"]
    rows = cases("image-spec/index.json", "cases", "file")
    if rows[0].values[0] is None:
        pytest.skip("conformance vectors are absent: set FASTLAYER_VECTORS")
    assert sum(len(documents(kind)) for kind in kinds) == len(rows) == 81


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
known = {"version", "parts", "first", "labels", "names", "note", "digest", "partsize"}
unknown_members = st.dictionaries(
    st.text().filter(lambda name: name.casefold() not in known), json_values, max_size=4
)


@given(
    unknown=unknown_members,
    inner=unknown_members,
    labels=st.dictionaries(st.text(), st.text(), max_size=3),
    names=st.lists(st.text(), max_size=3).map(tuple),
    note=st.text(),
)
def test_any_document_reads_back(
    unknown: dict[str, Any],
    inner: dict[str, Any],
    labels: dict[str, str],
    names: tuple[str, ...],
    note: str,
) -> None:
    """What is written is read again as the same value, unknown members in their order."""
    document = Whole(
        parts=(Part(unknown=inner),), labels=labels, names=names, note=note, unknown=unknown
    )
    twin = read(encode(document))
    assert twin == document
    assert list(twin.unknown) == list(unknown)
    assert encode(twin) == encode(document)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """No content makes the reader fail in another way."""
    try:
        decode(content, Whole, what="test")
    except InvalidImageError as error:
        assert str(error).startswith("test: ")  # noqa: PT017 (either outcome is right)
