"""ADD: local archives are unpacked, everything else is copied. The rules are docker's."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from archives import PACK
from dockerfile_stages import Build, file, folder, link, packed, unpacked, write

INSIDE = {
    ".": folder(0o700, 5, 6),
    "a": file(b"a", 0o640, 7, 8),
    "sub/b": file(b"b", 0o600, 7, 8),
    "l": link("a", 1, 1),
}
UNPACKED = {
    "a": file(b"a", 0o640, 7, 8),
    "l": link("a", 1, 1),
    "sub": folder(),
    "sub/b": file(b"b", 0o600, 7, 8),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    **PACK,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def below(place: str) -> dict[str, object]:
    return {f"{place}/{name}": node for name, node in UNPACKED.items()}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A context with an archive."""
    build = Build(tmp_path)
    write(
        build.context,
        {"t": file(packed(INSIDE), 0o600), "f": file(b"f"), "lt": link("t"), "d/t.tar": file()},
    )
    build.context.joinpath("d/t.tar").write_bytes(packed(INSIDE))
    return build


@pytest.mark.parametrize("compression", PACKERS)
def test_content_tells_an_archive(build: Build, compression: str) -> None:
    """Its name does not."""
    write(build.context, {"x.txt": file(PACKERS[compression](packed(INSIDE)))})
    assert unpacked(build.add("x.txt", "/")) == UNPACKED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"x" * 1024,
        bytes(10240),
        gzip.compress(b"x" * 1024),
        gzip.compress(b""),
        gzip.compress(packed(INSIDE))[:20],
        b"\x1f\x8b\x08",
        b"BZh9garbage",
        lzma.compress(packed(INSIDE), format=lzma.FORMAT_ALONE),
        b"\xfd7zXZ\x00" + bytes(100),
        packed(INSIDE)[:511],
    ],
)
def test_all_else_is_copied(build: Build, content: bytes) -> None:
    """Also an empty tar, and what only begins as a compressed file does."""
    write(build.context, {"x.tar": file(content, 0o600)})
    assert unpacked(build.add("x.tar", "/")) == {"x.tar": file(content, 0o600)}


@pytest.mark.parametrize("destination", ["/n/m", "/n/m/", "n/m/."])
def test_the_destination_is_a_directory(build: Build, destination: str) -> None:
    """A new one is 0755 whatever the archive's root is."""
    assert unpacked(build.add("t", destination)) == {
        "n": folder(),
        "n/m": folder(),
        **below("n/m"),
    }


def test_an_existing_destination_keeps_its_metadata(build: Build) -> None:
    """Through links too."""
    build.below({"dir": folder(0o711, 3, 4), "link": link("dir")})
    expected = {"dir": folder(0o711, 3, 4), **below("dir")}
    assert unpacked(build.add("t", "/dir")) == unpacked(build.add("t", "/link")) == expected


def test_what_is_unpacked_keeps_owners_and_modes(build: Build) -> None:
    """Only directories that have to be made belong to --chown (docker 28 gives it all)."""
    made = {"n": folder(0o755, 1, 2), "n/m": folder(0o755, 1, 2)}
    assert unpacked(build.add("t", "/n/m", chown="1:2", chmod="777")) == {**made, **below("n/m")}
    both = unpacked(build.add("t", "f", "/n/m", chown="1:2", chmod="600"))
    assert both == {**made, **below("n/m"), "n/m/f": file(b"f", 0o600, 1, 2)}


def test_entries_replace_what_is_below(build: Build) -> None:
    """A directory in place of a link, a file in place of a directory."""
    build.below({"sub": link("elsewhere"), "a": folder(), "a/x": file(), "l": file()})
    write(build.context, {"sub": file(packed({"sub": folder(0o711, 1, 1), "a": file(b"x")}))})
    assert unpacked(build.add("sub", "/")) == {"a": file(b"x"), "sub": folder(0o711, 1, 1)}


def test_entries_go_through_links_that_are_not_in_the_archive(build: Build) -> None:
    """A rootfs of files alone does not turn `/bin` into a directory."""
    build.below({"real": folder(0o711, 3, 3), "sub": link("real")})
    found = unpacked(build.add("t", "/"))
    assert found["real/b"] == file(b"b", 0o600, 7, 8)
    assert found["real"] == folder(0o711, 3, 3)
    assert "sub" not in found


def test_several_sources_one_of_them_an_archive(build: Build) -> None:
    """In their order; a wildcard may match an archive, a link may lead to one."""
    assert unpacked(build.add("f", "t", "/n/")) == {
        "n": folder(),
        "n/f": file(b"f"),
        **below("n"),
    }
    write(build.context, {"a": file(b"later")})
    assert unpacked(build.add("t", "a", "/n/"))["n/a"] == file(b"later")
    assert unpacked(build.add("lt", "/")) == UNPACKED
    assert unpacked(build.add("[t]", "/")) == UNPACKED


def test_what_is_not_unpacked(build: Build) -> None:
    """By COPY, inside a directory, or if the line says so."""
    assert unpacked(build.copy("t", "/x"))["x"].content == packed(INSIDE)
    assert unpacked(build.add("d", "/x"))["x/t.tar"].content == packed(INSIDE)
    assert unpacked(build.add("t", "/x", unpack=False))["x"].mode == 0o600
    assert unpacked(build.add("t", "/x", unpack=True)) == {"x": folder(), **below("x")}


def test_a_root_file_system(tmp_path: Path) -> None:
    """On scratch it is the layer."""
    build = Build(tmp_path)
    write(build.context, {"rootfs.tar.xz": file(lzma.compress(packed(INSIDE)))})
    assert unpacked(build.add("rootfs.tar.xz", "/")) == UNPACKED


def test_one_archive_alone_is_a_stream(build: Build) -> None:
    """Its layer is one pass over it, whatever has to be made first."""
    for destination in ("/", "/n/m"):
        layer = build.add("t", destination, chown="1:2")
        assert layer is not None
        assert layer._source.kind == "archive"


def test_the_root_keeps_its_metadata(build: Build) -> None:
    """Whatever the archive says about it."""
    for sources in (["t"], ["t", "f"]):
        layer = build.add(*sources, "/")
        assert layer is not None
        tree = build.stage.tree.copy()
        tree.apply(layer)
        root = tree.entry("")
        assert root is not None
        assert (root.mode, root.uid, root.gid) == (0o755, 0, 0)


def test_an_archive_that_is_linked(build: Build) -> None:
    """What is below is not looked at."""
    build.below({"link": link("dir")})
    assert unpacked(build.add("t", "/link", link=True)) == {"link": folder(), **below("link")}
