"""Layers and images of any options: the same bytes however they are made, or a typed refusal."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastlayer as fl
from conformance.cases import cases
from fastlayer import edit
from fuzz.held import value_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::fastlayer.SourceWarning"),
    # Python says so of expressions that it will read otherwise some day.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

# Half of a surrogate pair is a character for Python, and for no file system.
ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udcff\0\n"), max_size=8)
NAMES = st.from_regex(r"[ab.é]{1,3}(/[ab*\[]{1,2}){0,2}", fullmatch=True)
TEXTS = NAMES | ANY_TEXT
NUMBERS = st.integers(0, 9) | st.integers(-1, 2**33)

FILES = st.dictionaries(TEXTS, st.binary(max_size=64), min_size=1, max_size=4)
EDITS = st.one_of(
    st.builds(lambda path: (edit.remove, path), TEXTS),
    st.builds(lambda one, other: (edit.rename, one, other), TEXTS, TEXTS),
    st.builds(lambda path, content: (edit.put, path, content), TEXTS, st.binary() | ANY_TEXT),
    st.builds(lambda path, target: (edit.symlink, path, target), TEXTS, TEXTS),
    st.builds(lambda path: (edit.directory, path), TEXTS),
    st.builds(lambda pattern: (edit.exclude, pattern), TEXTS),
    st.builds(lambda rule: (edit.path_rules, rule), TEXTS.map("path-exclude=/{}".format) | TEXTS),
    st.builds(lambda path, number: (edit.chmod, path, number), TEXTS, NUMBERS),
    st.builds(lambda path, owner: (edit.chown, path, owner), TEXTS, TEXTS),
    st.builds(lambda path: (edit.append, path, b"x"), TEXTS),
    st.builds(lambda one, two, three: (edit.substitute, one, two, three), TEXTS, TEXTS, TEXTS),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "prefix": TEXTS,
        "owner": st.tuples(NUMBERS, NUMBERS) | ANY_TEXT | st.just("keep"),
        "uid_map": st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=2),
        "mode": NUMBERS | st.sampled_from(["0755", "u=rwX,go-w"]) | ANY_TEXT,
        "mtime": NUMBERS,
        "clamp_mtime": NUMBERS,
        "include": st.lists(TEXTS, max_size=2),
        "exclude": st.lists(TEXTS, max_size=2),
        "xattrs": st.sampled_from(["keep", "none"]) | st.lists(TEXTS, max_size=2),
        "compression": st.sampled_from(["gzip", "zstd", "none"]) | ANY_TEXT,
        "level": st.none() | st.integers(-1, 23),
        "verify": st.booleans(),
    },
)


def made(files: Mapping[str, bytes], edits: list[Any], options: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    done = [function(*arguments) for function, *arguments in edits]
    fl.Layer.from_files(files, edits=done, **options).save(out)
    return out.getvalue()


@settings(max_examples=cases(150), deadline=None)
@given(FILES, st.lists(EDITS, max_size=2), OPTIONS)
def test_any_options_make_the_same_layer(
    files: dict[str, bytes], edits: list[Any], options: dict[str, Any]
) -> None:
    """For any number of threads, or they are refused."""
    one, other = (
        value_of(lambda threads=threads: made(files, edits, options | {"threads": threads}))  # type: ignore[misc]
        for threads in (1, 3)
    )
    assert one == other


@settings(
    max_examples=cases(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.dictionaries(NAMES, st.binary(max_size=64), min_size=1, max_size=3), max_size=3),
    st.sampled_from(["gzip", "zstd", "none"]),
    st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=4), max_size=2),
)
def test_an_image_is_the_same_wherever_it_goes(
    tmp_path: Path, layers: list[dict[str, bytes]], compression: Any, labels: dict[str, str]
) -> None:
    """Archive, layout and archive again: every document and layer, and at the end every byte."""
    described = value_of(lambda: image(layers, compression, labels))
    if described is None:
        return
    first, last = tmp_path / "first.tar", tmp_path / "last.tar"
    layout = tmp_path / f"layout-{len(list(tmp_path.iterdir()))}"
    built = value_of(lambda: described.save(first, tags=["a/b:c"]))
    if built is None:
        return
    stored = fl.Image.load(first).write_layout(layout, tags=["a/b:c"])
    copied = fl.Image.load(layout).save(last, tags=["a/b:c"])
    assert built.digest == stored.digest == copied.digest
    assert [one.diff_id for one in built.layers] == [one.diff_id for one in copied.layers]
    assert last.read_bytes() == first.read_bytes()


def image(layers: list[dict[str, bytes]], compression: Any, labels: dict[str, str]) -> fl.Image:
    described = fl.Image.scratch(platform="linux/amd64").with_config(labels=labels, created=0)
    return described.append(
        *(fl.Layer.from_files(files, compression=compression) for files in layers)
    )
