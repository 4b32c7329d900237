"""`.dockerignore`: what it leaves out is not there, neither to be copied nor to be led to."""

from pathlib import Path

import pytest

from dockerfile_stages import Build, file, folder, link, unpacked, write
from fastlayer.dockerfile.context import Sources
from fastlayer.errors import DockerfileError
from vectors import cases

NAMES = """a.txt b.md README.md d/a.txt d/b.md d/README.md d/e/a.txt d/e/keep.md .git/c
    node_modules/m/x x/node_modules/m/y src/a.go src/a_test.go src/sub/b_test.go [br].txt tmp1/x
    tmp2/x k/1 k/2 k/3/4 k/3/5"""
TREE = {**dict.fromkeys(NAMES.split(), file()), "sp ace": file(), "kl": link("k/3")}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A context in which there is much to be ignored."""
    build = Build(tmp_path)
    write(build.context, TREE)
    return build


def everything() -> set[str]:
    paths = {*TREE, ".dockerignore"}
    return paths | {str(above) for path in paths for above in Path(path).parents} - {"."}


# What docker 20 and 26 leave out of this tree.
@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ("*.md\n!README.md\n", "b.md"),
        (
            "**/*.md\n!**/README.md\nnode_modules\n",
            "b.md d/b.md d/e/keep.md node_modules node_modules/m node_modules/m/x",
        ),
        (
            "# c\n  /a.txt  \n\n./d/e\n.git/\n*/*_test.go\nk/*\n!k/3/4\n",
            ".git .git/c a.txt d/e d/e/a.txt d/e/keep.md k/1 k/2 k/3/5 src/a_test.go",
        ),
        ("d\n!d/e\n", "d/README.md d/a.txt d/b.md"),
        ("tmp?\n\\[br\\].txt\nd/../b.md\n", "[br].txt b.md tmp1 tmp1/x tmp2 tmp2/x"),
        (
            ".dockerignore\nDockerfile\n*/**/a.txt\n**/node_modules/**\n",
            ".dockerignore d/a.txt d/e/a.txt node_modules/m node_modules/m/x x/node_modules/m "
            "x/node_modules/m/y",
        ),
        ("\ufeffa.txt\r\nb.md\r\n", "a.txt b.md"),
        ("k/3\n!k/3/4\nk/3/4\n", "k/3 k/3/4 k/3/5"),
        ("[a-b]*\n!/a.txt\nd/[^e]*\n", "b.md d/README.md d/a.txt d/b.md"),
        # What a `!` line says of a directory that is not left out does not hold for what is in it.
        ("*/e\n!d\n", "d/e d/e/a.txt d/e/keep.md"),
        ("**/*.md\n!?\n", "b.md README.md d/b.md d/README.md d/e/keep.md"),
        ("!a.txt\n", ""),
        ("../x\n/\n.\n", ""),
        ("d/*\n!d/*.md\n", "d/a.txt d/e d/e/a.txt d/e/keep.md"),
        ("d/**\n!d/e\n", "d/README.md d/a.txt d/b.md"),
        ("x/node_modules\n", "x/node_modules x/node_modules/m x/node_modules/m/y"),
        ("A.TXT\n", ""),
        ("**/e/**/keep.md\n*/e/a*\n", "d/e/a.txt d/e/keep.md"),
        ("a.txt   \n\tb.md\n! README.md\n", "a.txt b.md"),
    ],
)
def test_the_context_is_what_docker_makes_of_it(build: Build, lines: str, missing: str) -> None:
    """All of it is copied but what is left out."""
    build.context.joinpath(".dockerignore").write_text(lines, newline="")
    expected = everything() - {*missing.split()}
    assert {*unpacked(build.copy(".", "/"))} == expected


def test_only_what_is_taken_back_is_there(build: Build) -> None:
    """A directory that is left out is there for the sake of what it holds."""
    build.context.joinpath(".dockerignore").write_text("**\n!d/e/keep.md\n")
    assert [*unpacked(build.copy(".", "/"))] == ["d", "d/e", "d/e/keep.md"]
    assert [*unpacked(build.copy("d", "/x"))] == ["x", "x/e", "x/e/keep.md"]
    assert [*unpacked(build.copy("*/e", "/x"))] == ["x", "x/keep.md"]
    with pytest.raises(DockerfileError, match=r"`k` is not in the context: `.*ignore` leaves it"):
        build.copy("k", "/x")


def test_what_is_left_out_is_no_source(build: Build) -> None:
    """Not by its name, not by a wildcard, not through a link."""
    build.context.joinpath(".dockerignore").write_text("*.txt\nk/3\n")
    for source in ("a.txt", "kl", "k/3/4"):
        with pytest.raises(
            DockerfileError, match=rf"`{source}` is not in the context: `.*` leaves"
        ):
            build.copy(source, "/x")
    assert build.copy("*.txt", "/x/") is None
    assert [*unpacked(build.copy("k", "/x"))] == ["x", "x/1", "x/2"]


def test_the_file_of_the_dockerfile_wins(build: Build) -> None:
    """It lies beside it, wherever that is."""
    build.context.joinpath(".dockerignore").write_text("a.txt\n")
    dockerfile = build.tmp_path / "My.Dockerfile"
    dockerfile.with_name("My.Dockerfile.dockerignore").write_text("b.md\n")
    build.sources = Sources(str(build.context), str(dockerfile), str)
    assert unpacked(build.copy("a.txt", "/")) == {"a.txt": file()}
    with pytest.raises(DockerfileError, match=r"`b.md`.*My.Dockerfile.dockerignore` leaves it out"):
        build.copy("b.md", "/")


@pytest.mark.parametrize("line", ["[a", "!", "a\\", "[]", "[b-a]"])
def test_a_bad_pattern_is_named_with_its_file(build: Build, line: str) -> None:
    """Before anything is copied."""
    build.context.joinpath(".dockerignore").write_text(f"b\n{line}\n")
    with pytest.raises(
        DockerfileError, match=r"/\.dockerignore`: bad exclusion pattern `"
    ) as error:
        build.copy("a.txt", "/")
    assert f"`{line}`" in str(error.value)


def test_the_file_has_a_limit(build: Build) -> None:
    """As the Dockerfile has: a context may be a stranger's."""
    with build.context.joinpath(".dockerignore").open("wb") as file:
        file.truncate((4 << 20) + 1)
    with pytest.raises(DockerfileError, match=r"/\.dockerignore` has more than 4194304 bytes"):
        build.copy("a.txt", "/")


def left_out(build: Build, lines: list[str], text: str) -> bool:
    """Whether a file at `text` is, with all in the context that is above it."""
    path = text.strip("/")
    write(build.context, {path: file(), ".dockerignore": file("\n".join(lines).encode())})
    tree = Sources(str(build.context), None, str).context().tree
    return tree.entry(path.encode()) is None


@pytest.mark.parametrize("row", cases("dockerignore.json", "matches"))
def test_patterns_are_those_of_moby(tmp_path: Path, row: tuple[str, str, bool]) -> None:
    """The vectors of `moby/patternmatcher`, but for the root, which is never left out."""
    pattern, text, matched = row
    if text.strip("/"):
        assert left_out(Build(tmp_path), [pattern], text) == matched


@pytest.mark.parametrize("row", cases("dockerignore.json", "multi"))
def test_the_last_pattern_decides(tmp_path: Path, row: tuple[list[str], str, bool]) -> None:
    """Those of several patterns."""
    lines, text, matched = row
    assert left_out(Build(tmp_path), lines, text) == matched


def test_an_empty_directory_that_is_left_in(build: Build) -> None:
    """It is copied, as its content is what is ignored."""
    build.context.joinpath(".dockerignore").write_text("src/**\n")
    assert unpacked(build.copy("src", "/x")) == {"x": folder()}
