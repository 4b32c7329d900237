"""The lines of keys: as `tomllib` has the keys, wherever they are written."""

import tomllib
from time import process_time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastlayer.toml_lines import key_lines, long_key
from tomls import document, key, texts, value, values, ways

TRICKY = '''\
# a = 1
a = 1 # b = 2
b.c."d.e" = """
x = 3 # [
"quoted""""
'q r' = ['[', "]", """]
""", { k = "}", l = { m = [1] } },
# z = 1
  2026-01-01 07:00:00,
  [

    3]
]

[t]
a = \'\'\'
[t2]''\'\'\'
[t.u.v]
w = 1
[[layer]]
x = {}
[[layer.edit]]
put = ""
[[layer.edit]]
put.to = "\\\\"
[layer.more]
v = \'\\\'
[[layer]]
[ layer . "more" ]
v = inf
[t.u]
'''


def test_every_key_of_a_tricky_document_has_its_line() -> None:
    """Counted by hand."""
    assert key_lines(TRICKY) == {
        ("a",): 2,
        ("b",): 3,
        ("b", "c"): 3,
        ("b", "c", "d.e"): 3,
        ("q r",): 6,
        ("q r", 0): 6,
        ("q r", 1): 6,
        ("q r", 2): 6,
        ("q r", 3): 7,
        ("q r", 3, "k"): 7,
        ("q r", 3, "l"): 7,
        ("q r", 3, "l", "m"): 7,
        ("q r", 3, "l", "m", 0): 7,
        ("q r", 4): 9,
        ("q r", 5): 10,
        ("q r", 5, 0): 12,
        ("t",): 15,
        ("t", "a"): 16,
        ("t", "u"): 31,
        ("t", "u", "v"): 18,
        ("t", "u", "v", "w"): 19,
        ("layer",): 20,
        ("layer", 0): 20,
        ("layer", 0, "x"): 21,
        ("layer", 0, "edit"): 22,
        ("layer", 0, "edit", 0): 22,
        ("layer", 0, "edit", 0, "put"): 23,
        ("layer", 0, "edit", 1): 24,
        ("layer", 0, "edit", 1, "put"): 25,
        ("layer", 0, "edit", 1, "put", "to"): 25,
        ("layer", 0, "more"): 26,
        ("layer", 0, "more", "v"): 27,
        ("layer", 1): 28,
        ("layer", 1, "more"): 29,
        ("layer", 1, "more", "v"): 30,
    }
    assert {(), *key_lines(TRICKY)} == ways(tomllib.loads(TRICKY))


@pytest.mark.parametrize("text", ["", "\n", "# only", "a = 1", "a = 1\r\nb = 2\r\n"])
def test_the_end_of_a_document_is_one(text: str) -> None:
    """With or without a line break."""
    assert {(), *key_lines(text)} == ways(tomllib.loads(text))
    assert key_lines(text).get(("b",), 2) == 2


@given(
    st.dictionaries(texts | st.sampled_from(["a", "b.c", ""]), values(texts), max_size=4),
    st.booleans(),
)
@example({"": {"": [{"": 1}]}}, False)  # noqa: FBT003 (the example of a flag)
def test_no_key_is_missed_and_none_invented(found: dict[str, Any], spread: bool) -> None:  # noqa: FBT001
    """In tables, arrays of tables and inline tables; whatever is in keys and text."""
    for text in (document(found, spread=spread), _inline(found, spread=spread)):
        assert {(), *key_lines(text)} == ways(tomllib.loads(text))


def _inline(found: dict[str, Any], *, spread: bool) -> str:
    return "".join(f"{key(name)} = {value(one, spread=spread)}\n" for name, one in found.items())


@given(st.lists(values(texts), max_size=8), st.booleans())
def test_a_line_is_that_of_its_key(found: list[Any], spread: bool) -> None:  # noqa: FBT001
    """Beyond values of many lines; each key occurs in one line only."""
    named = {f"unmistakable-{number}": item for number, item in enumerate(found)}
    text = _inline(named, spread=spread)
    for (name, *rest), line in key_lines(text).items():
        if not rest:
            assert text.split("\n")[line - 1].startswith(f"{name} = ")


@given(texts, st.integers(0, 2))
def test_text_of_many_lines_is_passed(text: str, quotes: int) -> None:
    """In both kinds of quotes, with quotes at its end as many as may be."""
    basic = text.rstrip('"').replace("\\", "\\\\").replace('"""', '""\\"') + '"' * quotes
    literal = text.replace("'''", "").rstrip("'") + "'" * quotes
    document = f"a = \"\"\"\n{basic}\"\"\"\nb = '''{literal}'''\nc = 1\n"
    assert tomllib.loads(document)["c"] == 1
    assert key_lines(document)["c",] == document.count("\n")


@given(st.dictionaries(texts, values(texts), max_size=4), st.booleans(), st.integers(3, 6))
def test_a_long_key_is_found_wherever_it_is(
    found: dict[str, Any],
    spread: bool,  # noqa: FBT001
    parts: int,
) -> None:
    """Whatever is around it; dots of text, comments and numbers are none of a key's."""
    text = f"a = '{'.' * 9}' # {'.' * 9}\nb = [{'1.5, ' * 9}]\n{_inline(found, spread=spread)}"
    long = " . ".join(['"a.b"'] * parts)
    for line in (f"{long} = 1\n", f"[{long}]\n", f"c = {{ {long} = 1 }}\n"):
        assert long_key(text + line, parts) is None
        assert long_key(text + line, parts - 1) == text.count("\n") + 1


@pytest.mark.parametrize(
    "part",
    ['b" \\"""', '\\"""\n', '"""\n', '\\"', "'''\n", "'", '"\\\n', "a\v", "{", ".", ". ", "#.\n"],
)
@pytest.mark.parametrize("start", ["", '"""', "'''", "a = "])
def test_text_that_is_not_toml_is_gone_through_once(start: str, part: str) -> None:
    """However many strings seem to begin in it."""
    text = start + part * (1_000_000 // len(part)) + "." * 100
    begin = process_time()
    long_key(text, 100)
    assert process_time() - begin < 5
