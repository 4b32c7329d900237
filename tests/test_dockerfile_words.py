"""Variables and quotes in words, as Docker's builder (26.1) was seen to read them."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastlayer as fl
from dockerfiles import refusal
from fastlayer.dockerfile.pattern import replaced, without_prefix, without_suffix
from fastlayer.dockerfile.words import Lexer

VARIABLES = {"x": "abc", "y": "Y", "e": "", "p": "/usr/lib/x", "m": "baaab", "two": "1 2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x ${x} $x$y ${x}y $xy", "abc abc abcY abcy "),
        ("${x:-w} ${u:-w} ${e:-w} ${u-w} ${e-w}", "abc w w w "),
        ("${x:+w} ${u:+w} ${e:+w} ${u+w} ${e+w}", "w    w"),
        ("${x:?no} ${e?no}", "abc "),
        ("${u:-$x} ${u:-${v:-deep}} ${x:+$y}", "abc deep Y"),
        ("${u:-a b} ${u:-'a b'} ${u:-\"$x\"} ${u:-a\\}b}", "a b a b abc a}b"),
        ("$ a$ $. $(x) ${u:-=}", "$ a$ $. $(x) ="),
        ("$$ $1 $12a $@x $? $#", "  a x  "),
        ("é$x ${x}é", "éabc abcé"),
    ],
)
def test_variables_are_replaced(text: str, expected: str) -> None:
    """By name, in braces, and with a word for what is not set or empty."""
    assert Lexer().expand(text, VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'$x' 'a\\b'", "$x a\\b"),
        ('"$x" "\\$x" "a\\"b" "a\\b" "\\\\"', 'abc $x a"b a\\b \\'),
        ("\\$x a\\ b a\\nb \\\\$x", "$x a b anb \\abc"),
        ("'it''s' \"it's\" ''", "its it's "),
        ("a\\", "a"),
    ],
)
def test_quotes_and_escapes_protect(text: str, expected: str) -> None:
    """Nothing is special in single quotes, and only a few escapes are in double ones."""
    assert Lexer().expand(text, VARIABLES) == expected


def test_the_escape_character_may_be_another() -> None:
    """With a backtick, a backslash is a character as any other."""
    lexer = Lexer("`")
    assert lexer.expand('`$x \\$x "`"" \'a`b\' ``', VARIABLES) == '$x \\abc " a`b `'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${p#/} ${p#*/} ${p##*/} ${p#?}", "usr/lib/x usr/lib/x x usr/lib/x"),
        ("${p%/*} ${p%%/*} ${p%?} ${p%/}", "/usr/lib  /usr/lib/ /usr/lib/x"),
        ("${m#*aa} ${m##*aa} ${m%a*} ${m%%a*}", "ab b baa b"),
        ("${p##*} ${p%%*} ${p#} ${u#x}", "  /usr/lib/x "),
        ("${p/lib/x} ${p/l*/Z} ${p//s/} ${p//\\//_}", "/usr/x/x /usr/Z /ur/lib/x _usr_lib_x"),
        ("${p//*/y} ${p//?/Z} ${m/a*a/X} ${m//aa/X} ${u/x/y}", "y ZZZZZZZZZZ bXb bXab "),
        ("${p/\\*/Z} ${x/\\?/Z} ${p/nothing/Z}", "/usr/lib/x abc /usr/lib/x"),
    ],
)
def test_patterns_cut_and_replace(text: str, expected: str) -> None:
    """The shortest and the longest at either end, the first and every match."""
    assert Lexer().expand(text, VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${x", "`${x`: the `}` of a substitution is missing"),
        ("${", "`${`: the `}` of a substitution is missing"),
        ("${}", "`${}`: bad substitution: a name is missing after `${`"),
        ("${{x}}", "`${{x}}`: bad substitution: a name is missing after `${`"),
        ("${x:=y}", "`${x:=y}`: unknown modifier `:=` in a substitution"),
        ("${x^}", "`${x^}`: unknown modifier `^` in a substitution"),
        ("${x:-y", "`${x:-y`: the `}` of a substitution is missing"),
        ("${x/a}", "`${x/a}`: the `/` of a substitution is missing"),
        ("${u:?}", "`${u:?}`: u: is not allowed to be unset"),
        ("${e:?}", "`${e:?}`: e: is not allowed to be empty"),
        ("${u?say so}", "`${u?say so}`: u: say so"),
        ("'a", "`'a`: a single quote has no end"),
        ('"a', '`"a`: a double quote has no end'),
        ("${x#\\a}", "`${x#\\a}`: the pattern `\\a` has a `\\` before `a`"),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str) -> None:
    """With the text that it is in."""
    assert refusal(lambda: Lexer().expand(text, VARIABLES)) == message


def test_words_are_split_after_the_variables_are_replaced() -> None:
    """A space of a variable splits, one in quotes or behind an escape does not."""
    lexer = Lexer()
    assert lexer.split(' a  "b c" d\\ e ', {}) == ["a", "b c", "d e"]
    assert lexer.split('$two "$two" x$two', VARIABLES) == ["1", "2", "1 2", "x1", "2"]
    assert lexer.split("$u \"\" ''", VARIABLES) == []


def test_quotes_and_unset_variables_may_stay() -> None:
    """As a shell would get them, for what goes on to one."""
    lexer = Lexer(raw_quotes=True, keep_unset=True)
    text = "'a' \"b $x\" $u ${u} ${u:-z} ${u/a/b}"
    assert lexer.expand(text, VARIABLES) == "'a' \"b abc\" $u ${u} ${u:-z} ${u/a/b}"
    assert Lexer(quotes=False).expand('it\'s "$x"', VARIABLES) == 'it\'s "abc"'


def test_growth_ends() -> None:
    """Variables that double on each line, and braces without end, are refused."""
    big = {"b": "x" * (1 << 20)}
    assert "more than 16777216 characters" in refusal(lambda: Lexer().expand("$b" * 17, big))
    quotes = '"' + "$b" * 17 + '"'
    assert "more than 16777216 characters" in refusal(lambda: Lexer().expand(quotes, big))
    assert "more than 16777216 characters" in refusal(lambda: Lexer().expand("${b//x/$b}", big))
    assert "nested deeper" in refusal(lambda: Lexer().expand("${u:-" * 5000 + "}" * 5000, {}))


def test_a_pattern_takes_no_time_to_fail() -> None:
    """Many stars do not try all ways to share the text among them."""
    text, pattern = "a" * 3000, "a*" * 40 + "b"
    assert without_prefix(text, pattern, longest=True) == text
    assert without_suffix(text, pattern[::-1], longest=False) == text
    assert replaced(text[:300], pattern, "x", everywhere=True) == text[:300]


def test_a_star_that_fails_is_not_tried_again() -> None:
    """Not from each character on: what is missing behind it is missing for them all."""
    text = "a" * 120_000
    start = process_time()
    assert replaced(text, "a*b", "c", everywhere=True) == text
    assert process_time() - start < 1
    assert replaced("aa\nab\na", "a*b", "c", everywhere=True) == "aa\nc\na"
    assert replaced("ab\nb", "a?*\nb", "c", everywhere=True) == "c"


@given(st.text("ab\n", max_size=12), st.text("ab*?\n", max_size=6))
def test_all_matches_are_found(value: str, pattern: str) -> None:
    """As regular expressions find them that try each character."""
    expression = "".join({"*": ".*", "?": "."}.get(rune, re.escape(rune)) for rune in pattern)
    parts: list[str] = []
    position = 0
    for match in re.finditer(expression, value):
        if match.start() == match.end() == position and parts:
            continue
        parts += [value[position : match.start()], "X"]
        position = match.end()
    assert replaced(value, pattern, "X", everywhere=True) == "".join(parts) + value[position:]


@given(st.text("ab/", max_size=8), st.text("ab*?", max_size=5), st.booleans())
def test_cut_ends_are_the_shortest_or_longest(value: str, pattern: str, longest: bool) -> None:  # noqa: FBT001
    """What is cut off matches, and nothing shorter, or longer, does."""
    cuts = [n for n in range(len(value) + 1) if _matches(value[:n], pattern)]
    cut = len(value) - len(without_prefix(value, pattern, longest=longest))
    assert cut == ((max if longest else min)(cuts) if cuts else 0)
    mirrored = without_suffix(value[::-1], pattern[::-1], longest=longest)
    assert mirrored == value[cut:][::-1]


def _matches(text: str, pattern: str) -> bool:
    """Whether all of a text matches, by the meaning of the two signs."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_matches(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _matches(text[1:], pattern[1:])


@given(st.text("$x{}:-+?#%/\\'\"` ab*", max_size=40), st.sampled_from("\\`"))
def test_any_text_is_read_or_refused(text: str, escape: str) -> None:
    """Nothing else comes out, and no text without signs changes."""
    for lexer in (Lexer(escape), Lexer(escape, raw_quotes=True, raw_escapes=True, keep_unset=True)):
        try:
            lexer.expand(text, VARIABLES)
            lexer.split(text, VARIABLES)
        except fl.DockerfileError as error:
            assert "\n" not in str(error)  # noqa: PT017 (there need be none)
    plain = "".join(rune for rune in text if rune in "xab*:-+?#%/")
    assert Lexer(escape).expand(plain, VARIABLES) == plain
