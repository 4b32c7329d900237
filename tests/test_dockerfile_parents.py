"""`COPY --parents` and `--exclude`: what of a directory is copied, and with which directories."""

from pathlib import Path

import pytest

from dockerfile_stages import Build, file, folder, link, names, unpacked, write
from fastlayer.errors import DockerfileError


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A context with a few files."""
    build = Build(tmp_path)
    write(build.context, {"f": file(), "one/a1": file(), "to-one": link("/one")})
    return build


PARENTS = {
    "a/b/c/d/foo": file(),
    "a/b/c/d/e/bay": file(),
    "a/b2/c/d/e/bar": file(),
    "a/b/c2/d/e/baz": file(),
    "a/b/c2/d/e2/baz": file(),
    "x.txt": file(),
}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("a/b/./c/d", "c c/d c/d/e c/d/e/bay c/d/foo"),
        ("a/b/c/d/.", "a a/b a/b/c a/b/c/d a/b/c/d/e a/b/c/d/e/bay a/b/c/d/foo"),
        ("/a/b/c/d/foo", "a a/b a/b/c a/b/c/d a/b/c/d/foo"),
        ("./x.txt", "x.txt"),
        ("a/./b/./c/d/foo", "b b/c b/c/d b/c/d/foo"),
        ("a/./b2/*", "b2 b2/c b2/c/d b2/c/d/e b2/c/d/e/bar"),
        ("a/./*/c/d/ba*", ""),
        ("a/b*/./c/**/e", "c c/d c/d/e c/d/e/bar c/d/e/bay"),
        ("a/b/c*/./d/**/baz a/b*/./c/**/bar", "c c/d c/d/e c/d/e/bar d d/e d/e/baz d/e2 d/e2/baz"),
        ("a/b3*/c", ""),
        ("a/./b3*/c", ""),
    ],
)
def test_parents_are_copied_too(build: Build, sources: str, expected: str) -> None:
    """From `/./` on; cases of BuildKit's own tests."""
    write(build.context, PARENTS)
    found = names(build.copy(*sources.split(), "/out/", parents=True))
    assert found == ["out", *(f"out/{name}" for name in expected.split())]


def test_parents_keep_their_metadata(build: Build) -> None:
    """As what is in a directory does."""
    write(build.context, {"p": folder(0o700), "p/q": folder(0o711), "p/q/f": file()})
    assert unpacked(build.copy("p/q/f", "/", parents=True)) == {
        "p": folder(0o700),
        "p/q": folder(0o711),
        "p/q/f": file(),
    }


def test_a_missing_source_with_parents(build: Build) -> None:
    """It is an error only without wildcards; a link is not followed behind `/./`."""
    for source in ("nope/x", "one/./nope", "to-one/a1"):
        with pytest.raises(DockerfileError, match="is not in the context"):
            build.copy(source, "/", parents=True)


EXCLUDED = {
    "t/a.txt": file(),
    "t/b.md": file(),
    "t/sub/c.txt": file(),
    "t/sub/d.md": file(),
    "t/only/e.txt": file(),
}


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (("*.txt",), ["b.md", "only", "only/e.txt", "sub", "sub/c.txt", "sub/d.md"]),
        (("**/*.txt",), ["b.md", "only", "sub", "sub/d.md"]),
        (("*.txt", "sub"), ["b.md", "only", "only/e.txt"]),
        (("sub", "!sub/d.md", "only"), ["a.txt", "b.md", "sub", "sub/d.md"]),
        (("t/a.txt",), ["a.txt", "b.md", "only", "only/e.txt", "sub", "sub/c.txt", "sub/d.md"]),
    ],
)
def test_excluded_files_are_not_copied(
    build: Build, exclude: tuple[str, ...], expected: list[str]
) -> None:
    """Patterns are relative to the directory that is copied."""
    write(build.context, EXCLUDED)
    found = names(build.copy("t", "/x", exclude=exclude))
    assert found == ["x", *(f"x/{name}" for name in expected)]


def test_exclude_goes_with_parents(build: Build) -> None:
    """From where the parents begin."""
    write(build.context, EXCLUDED)
    found = names(build.copy("t", "/", parents=True, exclude=("**/*.txt", "t/sub")))
    assert found == ["t", "t/b.md", "t/only"]
    with pytest.raises(DockerfileError, match="`--exclude` with a `!`"):
        build.copy("t", "/", parents=True, exclude=("t", "!t/sub"))


def test_a_bad_pattern_to_exclude(build: Build) -> None:
    """It is wrong whatever the source is."""
    for flags in ({}, {"parents": True}):
        with pytest.raises(DockerfileError, match=r"bad exclusion pattern `\["):
            build.copy("f", "/x", exclude=("[",), **flags)


def test_what_is_excluded_is_in_nobodys_way(build: Build) -> None:
    """It cannot collide with what is below."""
    build.below({"sub": file()})
    write(build.context, EXCLUDED)
    with pytest.raises(DockerfileError, match="`/sub` is no directory"):
        build.copy("t", "/")
    assert "sub" not in names(build.copy("t", "/", exclude=("sub",)))
