"""What COPY copies from: the context without what is ignored, wildcards, links, other trees."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import fastlayer as fl
from dockerfile_stages import (
    TIME,
    Build,
    Node,
    described,
    file,
    folder,
    link,
    names,
    unpacked,
    write,
)
from fastlayer.dockerfile.context import Sources
from fastlayer.errors import DockerfileError
from fastlayer.stored.image import StoredLayer
from fastlayer.tree import Tree

TREE = {
    "f": file(b"f"),
    "one/a1": file(b"1"),
    "one/a2": file(b"2"),
    "two/a1": file(b"21"),
    "two/deep/a1": file(b"31"),
    "to-f": link("f"),
    "to-one": link("/one"),
    "to-deep": link("two/deep/../../one/a2"),
    "out": link("../../../f"),
    "dangling": link("nope"),
    "round": link("round"),
    "[x]": file(b"x"),
}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A context with links and names alike."""
    build = Build(tmp_path)
    write(build.context, TREE)
    return build


@pytest.mark.parametrize("source", ["f", "/f", "./f", "../f", "../../f", "one/../f", "f/", "to-f"])
def test_a_source_never_leaves_the_context(build: Build, source: str) -> None:
    """`..` stops at its root; so do links."""
    assert unpacked(build.copy(source, "/x")) == {"x": file(b"f")}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("to-f", {"x": folder(), "x/to-f": file(b"f")}),
        ("out", {"x": folder(), "x/out": file(b"f")}),
        ("to-deep", {"x": folder(), "x/to-deep": file(b"2")}),
        ("to-one", {"x": folder(), "x/a1": file(b"1"), "x/a2": file(b"2")}),
        ("to-one/a2", {"x": folder(), "x/a2": file(b"2")}),
        ("t*-f", {"x": folder(), "x/to-f": file(b"f")}),
    ],
)
def test_a_link_as_a_source_is_followed(
    build: Build, source: str, expected: dict[str, Node]
) -> None:
    """The file goes by the name of the link."""
    assert unpacked(build.copy(source, "/x/")) == expected


def test_links_inside_a_directory_stay_links(build: Build) -> None:
    """Wherever they lead."""
    (build.context / "dangling").unlink()
    assert unpacked(build.copy(".", "/"))["out"] == link("../../../f")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nope", "`nope` is not in the context"),
        ("one/nope", "`one/nope` is not in the context"),
        ("f/x", "`f/x` is not in the context"),
        ("dangling", "`dangling` is not in the context"),
        ("d*", "`dangling` is not in the context"),
        ("round", "the links at `round` lead in a circle"),
        ("nope/*", "`nope` is no directory to look into"),
        ("one/[a", r"`one/\[a` is no pattern: `\[a` cannot be read"),
    ],
)
def test_what_is_not_there_is_named(build: Build, source: str, message: str) -> None:
    """A link that leads nowhere is not there either."""
    with pytest.raises(DockerfileError, match=message):
        build.copy("f", source, "/x/")


def test_a_directory_of_this_machine_as_source(build: Build) -> None:
    """`--from` may name one; it has a `.dockerignore` of its own."""
    write(build.tmp_path / "other", {"g": file(b"g"), "h": file(), ".dockerignore": file(b"h")})
    assert names(build.copy(".", "/x/", from_="other")) == ["x", "x/.dockerignore", "x/g"]


@dataclass
class Other:
    """A stage that is finished."""

    name: str
    layers: list[StoredLayer]
    tree: Tree


def finished(nodes: dict[str, Node], tmp_path: Path) -> Other:
    image = fl.Image.scratch(platform="linux/amd64").append(described(nodes, tmp_path))
    image.write_layout(tmp_path / "layout", tags=["x:1"])
    (layer,) = fl.Image.load(f"oci:{tmp_path / 'layout'}").layers
    assert isinstance(layer, StoredLayer)
    tree = Tree()
    tree.apply(layer)
    return Other("build", [layer], tree)


@pytest.fixture
def staged(tmp_path: Path) -> Build:
    """Something to copy from a stage."""
    nodes = {
        "u": folder(0o711, 1, 2),
        "u/a": file(b"a", 0o4640, 1, 2),
        "u/l": link("a", 3, 4),
        "ul": link("/u"),
        "gone": link("nope"),
    }
    other = finished(nodes, tmp_path)
    return Build(tmp_path, sources=Sources(None, None, lambda _: other))


@pytest.mark.parametrize("source", ["/u", "u", "ul", "ul/.", "/x/../u/"])
def test_a_stage_keeps_owners(staged: Build, source: str) -> None:
    """And times; its links are followed within it."""
    found = unpacked(staged.copy(source, "/n", from_="build"))
    assert found == {
        "n": folder(),
        "n/a": file(b"a", 0o4640, 1, 2),
        "n/l": link("a", 3, 4),
    }
    assert {node.mtime for node in found.values()} == {TIME}


def test_of_a_stage_all_or_one_file_is_copied(staged: Build) -> None:
    """The root has no entry of its own."""
    assert names(staged.copy("/", "/", from_="build")) == ["gone", "u", "u/a", "u/l", "ul"]
    assert unpacked(staged.copy("u/l", "/", from_="build")) == {"l": file(b"a", 0o4640, 1, 2)}
    owned = unpacked(staged.copy("ul/*", "/", from_="build", chown="9:9"))
    assert owned["a"] == file(b"a", 0o4640, 9, 9)
    with pytest.raises(DockerfileError, match="`gone` is not in `build`"):
        staged.copy("gone", "/", from_="build")


def test_a_context_is_needed_only_to_copy_from_it(staged: Build) -> None:
    """Dockerfiles from standard input have none."""
    with pytest.raises(DockerfileError, match="there is no context to copy from"):
        staged.copy("f", "/")


def test_a_context_is_a_directory(build: Build) -> None:
    """An archive is none."""
    build.sources = Sources(str(build.context / "f"), None, str)
    with pytest.raises(DockerfileError, match="f` is no directory: unpack an archive first"):
        build.copy("f", "/")
