"""Edits as text: what is written is what is read."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastlayer as fl
from fastlayer import edit
from fastlayer.edit_text import edits_text

names = st.from_regex(r"[a-z \"'\\\x7fü]{1,8}", fullmatch=True)
contents = st.text(st.sampled_from("ab\"'\\\n\r\t\x00\x7fü€")).map(str.encode)
modes = st.integers(0, 0o7777)
owners = st.tuples(st.integers(0, 7), st.integers(0, 7))
some = st.lists(names, min_size=1, max_size=3)

edits = st.one_of(
    st.builds(lambda patterns: edit.path_rules(exclude=[f"/{one}" for one in patterns]), some),
    st.builds(edit.remove, names),
    st.builds(lambda name: edit.rename(f"a/{name}", f"b/{name}"), names),
    st.builds(edit.put, names, contents, mode=st.none() | modes, owner=owners),
    st.builds(edit.directory, names, mode=modes, owner=owners),
    st.builds(edit.symlink, names, names, owner=owners),
    st.builds(lambda name, mode: edit.chmod([name, "b"], mode), st.just("a"), modes),
    st.builds(lambda owner: edit.chown("a", owner), owners),
    st.builds(lambda: edit.truncate("a", "b")),
    st.builds(edit.append, names, contents.filter(bool)),
    st.builds(lambda name: edit.substitute(name, r"^(\"a')$", r"\1"), names),
    st.builds(edit.clamp_mtime, st.integers(-5, 5)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(edits, max_size=4))
def test_a_file_of_edits_has_the_same_edits(tmp_path: Path, drawn: list[edit.Edit]) -> None:
    """Terms and all, whatever characters are in them."""
    path = tmp_path / "edits.toml"
    path.write_text(edits_text(drawn), newline="")
    assert [one.terms for one in edit.load(path)] == [one.terms for one in drawn]


def test_what_is_easy_to_read_stays_so() -> None:
    """Scripts have lines, and expressions no doubled backslashes."""
    text = edits_text(
        [
            edit.put("a", b'#!/bin/sh\necho "a"\n', mode=0o755),
            edit.substitute("b", r"^\d", ""),
            edit.put("c", "file", owner=(1, 2)),
        ]
    )
    assert text == (
        '[[edit]]\nput = "a"\ncontent = """\n#!/bin/sh\necho "a"\n"""\nmode = "0755"\n\n'
        '[[edit]]\nsubstitute = "b"\npattern = \'^\\d\'\nreplacement = ""\n\n'
        '[[edit]]\nput = "c"\nfile = "file"\nowner = "1:2"\n'
    )


@pytest.mark.parametrize(
    "unwritten",
    [
        edit.rewrite("a", bytes.upper),
        edit.put("a", b"\xff"),
        edit.remove(os.fsdecode(b"\xff")),
        edit.put("a", os.fsdecode(b"\xff")),
    ],
)
def test_what_no_text_can_say_is_refused(unwritten: edit.Edit) -> None:
    """By the edit's name."""
    with pytest.raises(
        fl.InvalidArgumentError, match=r"no text can say what `(rewrite|put|remove) "
    ):
        edits_text([unwritten])
