"""COPY: where files and directories go, and what is there then. The rules are docker 26's."""

from pathlib import Path

import pytest

import fastlayer as fl
from dockerfile_stages import TIME, Build, Node, file, folder, heredoc, link, unpacked, write
from fastlayer.errors import DockerfileError

# What most tests have below.
BASE = {
    "dir": folder(0o750, 3, 4),
    "dir/old": file(b"old", 0o600, 3, 4),
    "dir/sub": folder(0o700, 5, 6),
    "link": link("dir"),
    "flink": link("dir/old"),
    "dangling": link("nowhere/deep"),
    "file": file(b"file", 0o640, 8, 9),
}
DIR = {"dir": folder(0o750, 3, 4)}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A context with a file and a tree, and the base above."""
    build = Build(tmp_path)
    tree = {
        "f": file(b"f", 0o755),
        "d": folder(0o711),
        "d/a": file(b"a", 0o600),
        "d/sub": folder(0o2770),
        "d/sub/b": link("../a"),
        "e": folder(),
    }
    write(build.context, tree)
    return build.below(BASE)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("/x", {"x": file(b"f", 0o755)}),
        ("/dir", {**DIR, "dir/f": file(b"f", 0o755)}),
        ("/dir/", {**DIR, "dir/f": file(b"f", 0o755)}),
        ("/link", {**DIR, "dir/f": file(b"f", 0o755)}),
        ("link/./", {**DIR, "dir/f": file(b"f", 0o755)}),
        ("/link/g", {**DIR, "dir/g": file(b"f", 0o755)}),
        ("/new/g", {"new": folder(), "new/g": file(b"f", 0o755)}),
        ("/new/", {"new": folder(), "new/f": file(b"f", 0o755)}),
        ("/file", {"file": file(b"f", 0o755)}),
        ("/flink", {**DIR, "dir/old": file(b"f", 0o755)}),
        ("/dangling", {"nowhere": folder(), "nowhere/deep": file(b"f", 0o755)}),
        (
            "/dangling/",
            {
                "nowhere": folder(),
                "nowhere/deep": folder(),
                "nowhere/deep/f": file(b"f", 0o755),
            },
        ),
        ("/dir/sub", {**DIR, "dir/sub": folder(0o700, 5, 6), "dir/sub/f": file(b"f", 0o755)}),
        ("/link/../x", {"x": file(b"f", 0o755)}),
        ("../../x", {"x": file(b"f", 0o755)}),
        (".", {"f": file(b"f", 0o755)}),
    ],
)
def test_a_file_goes_to_its_place(
    build: Build, destination: str, expected: dict[str, Node]
) -> None:
    """Links in a destination are followed below; existing parents keep mode and owner."""
    assert unpacked(build.copy("f", destination)) == expected


def test_a_destination_is_relative_to_the_working_directory(build: Build) -> None:
    """It need not be there."""
    build.stage.working_dir = "/srv/app"
    app = {"srv": folder(), "srv/app": folder()}
    assert unpacked(build.copy("f", ".")) == {**app, "srv/app/f": file(b"f", 0o755)}
    assert unpacked(build.copy("f", "../g")) == {"srv": folder(), "srv/g": file(b"f", 0o755)}


CONTENTS = {
    "a": file(b"a", 0o600),
    "sub": folder(0o2770),
    "sub/b": link("../a"),
}


def below(place: str) -> dict[str, Node]:
    return {f"{place}/{name}": node for name, node in CONTENTS.items()}


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("/", CONTENTS),
        ("/new", {"new": folder(), **below("new")}),
        ("/new/x/", {"new": folder(), "new/x": folder(), **below("new/x")}),
        ("/dir", {**DIR, **below("dir")}),
        ("/link/", {**DIR, **below("dir")}),
        ("/dangling", {"nowhere": folder(), "nowhere/deep": folder(), **below("nowhere/deep")}),
    ],
)
def test_of_a_directory_the_contents_are_copied(
    build: Build, destination: str, expected: dict[str, Node]
) -> None:
    """The top directory stays as it is or is new; those inside are as in the source."""
    assert unpacked(build.copy("d", destination)) == expected


def test_times_are_those_of_the_source(build: Build) -> None:
    """The top directory takes that of the source, too; what is new has none of the clock."""
    times = {name: node.mtime for name, node in unpacked(build.copy("d", "/new/x")).items()}
    assert times == {"new": 0, **dict.fromkeys(["new/x", *below("new/x")], TIME)}
    assert unpacked(build.copy("f", "/dir/"))["dir/f"].mtime == TIME
    build.stage.epoch = TIME - 1
    assert {node.mtime for node in unpacked(build.copy("d", "/new/x")).values()} == {TIME - 1}


def test_several_sources_are_copied_one_after_the_other(build: Build) -> None:
    """Each finds what those before it made; the last one wins."""
    assert unpacked(build.copy("f", "d", "/m/")) == {
        "m": folder(),
        "m/f": file(b"f", 0o755),
        **below("m"),
    }
    assert unpacked(build.copy("f", "d/a", "/x")) == {"x": file(b"a", 0o600)}
    assert unpacked(build.copy("d", "f", "/x"))["x/f"] == file(b"f", 0o755)
    write(build.context, {"to": folder(), "to/here": link("/dir"), "here": folder()})
    assert unpacked(build.copy("to", "f", "/"))["f"] == file(b"f", 0o755)
    with pytest.raises(DockerfileError, match="`/m` is there and no directory"):
        build.copy("f", "d", "/m")


def test_later_sources_go_through_links_of_earlier_ones(build: Build) -> None:
    """A destination is resolved when its source is at turn."""
    write(build.context, {"to": folder(), "to/x": link("/dir"), "g": folder(), "g/y": file(b"y")})
    found = unpacked(build.copy("to", "d/a", "/n/x"))
    assert found["n/x/x"] == link("/dir")
    assert "n/x/a" in found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("f", "/file/"), "`/file` is there and no directory"),
        (("f", "/file/a/b"), "`/file` is there and no directory"),
        (("d", "/file"), "`/file` is there and no directory"),
        (("t/dir-over-link", "/"), "`/link` is no directory, so none can be copied to it"),
        (("t/dir-over-file", "/"), "`/file` is no directory, so none can be copied to it"),
        (("t/file-over-dir", "/"), "`/dir/sub` is a directory, which no file can take the place"),
        (("t/link-over-dir", "/"), "`/dir` is a directory, which no file can take the place of"),
        (("t/sub", "/dir"), "`/dir/sub` is a directory, which no file can take the place of"),
    ],
)
def test_a_file_is_no_directory(build: Build, words: tuple[str, ...], message: str) -> None:
    """Neither takes the place of the other; inside what is copied no link is followed."""
    conflicts = {
        "t/dir-over-link/link/n": file(),
        "t/dir-over-file/file/n": file(),
        "t/file-over-dir/dir/sub": file(),
        "t/link-over-dir/dir": link("elsewhere"),
        "t/sub": file(),
    }
    write(build.context, conflicts)
    with pytest.raises(DockerfileError, match=message):
        build.copy(*words)


def test_inside_a_directory_links_are_replaced(build: Build) -> None:
    """A link or file of the source takes the place of a link below."""
    write(build.context, {"t/link": link("other"), "t/flink": file(b"new")})
    assert unpacked(build.copy("t", "/")) == {"link": link("other"), "flink": file(b"new")}


def test_directories_inside_take_the_metadata_of_the_source(build: Build) -> None:
    """Also where they are there already; only the destination itself keeps its own."""
    found = unpacked(build.copy("d", "/dir"))
    assert (found["dir"], found["dir/sub"]) == (folder(0o750, 3, 4), folder(0o2770))


def test_a_new_directory_inherits_the_group_bit(tmp_path: Path) -> None:
    """As Linux has it: mkdir(2)."""
    build = Build(tmp_path).below({"shared": folder(0o2775, 0, 50)})
    write(build.context, {"f": file()})
    assert unpacked(build.copy("f", "/shared/n/"))["shared/n"] == folder(0o2755, 0, 50)
    chowned = unpacked(build.copy("f", "/shared/n/", chown="5:6"))
    assert chowned["shared/n"] == folder(0o2755, 5, 6)


def test_nothing_copied_is_no_layer(build: Build) -> None:
    """A wildcard without a match, and an empty directory to the root."""
    assert build.copy("nothing*", "/x/") is None
    assert build.copy("e", "/") is None
    assert unpacked(build.copy("nothing*", "f", "/x/"))["x/f"] == file(b"f", 0o755)
    assert unpacked(build.copy("e", "/x")) == {"x": folder()}


def test_heredocs_are_files(build: Build) -> None:
    """They come after the sources, named as their delimiters."""
    docs = heredoc("E", "\thello\n", chomp=True) + heredoc("F", "x")
    assert unpacked(build.copy("f", "/h/", heredocs=docs)) == {
        "h": folder(),
        "h/f": file(b"f", 0o755),
        "h/E": file(b"hello\n"),
        "h/F": file(b"x"),
    }
    single = heredoc("E", "x")
    assert unpacked(build.copy("/dir", heredocs=single))["dir/E"] == file(b"x")
    found = unpacked(build.copy("/x", heredocs=single, chmod="750", chown="7"))
    assert found == {"x": file(b"x", 0o750, 7, 7)}
    assert found["x"].mtime == 0


def test_link_does_not_look_below(build: Build) -> None:
    """Its destination is a directory whatever is there; only a mode makes it an ordinary copy."""
    expected = {"link": folder(), "link/f": file(b"f", 0o755)}
    assert unpacked(build.copy("f", "/link/", link=True)) == expected
    assert unpacked(build.copy("d", "/link", link=True)) == {"link": folder(), **below("link")}
    assert unpacked(build.copy("f", "tmp/", link=True))["tmp"].mode == 0o1777
    owned = unpacked(build.copy("f", "/a/", link=True, chown="1:2"))
    assert owned == {"a": folder(0o755, 1, 2), "a/f": file(b"f", 0o755, 1, 2)}
    with_mode = unpacked(build.copy("f", "/link/", link=True, chmod="600"))
    assert with_mode == {**DIR, "dir/f": file(b"f", 0o600)}


def test_the_tree_is_not_asked_for_linked_copies(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is below need not even be known."""
    monkeypatch.setattr(build.stage, "tree", None)
    assert isinstance(build.copy("f", "/x", link=True), fl.Layer)
