"""Whose and how what COPY, ADD and WORKDIR make is: --chown, --chmod, USER."""

import re
from pathlib import Path

import pytest

import fastlayer as fl
from dockerfile_stages import Build, Node, Stage, file, folder, link, unpacked, write
from fastlayer.dockerfile.copying import directory_made
from fastlayer.dockerfile.ownership import owner_of, permissions
from fastlayer.errors import DockerfileError, SourceWarning
from fastlayer.tree import Tree

PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:\nalone:x:7:77::/:\nodd:x:z:\n"
GROUP = b"root:x:0:\nappg:x:1001:\nother:x:55:app\n"
USERS = {"etc/passwd": file(PASSWD), "etc/group": file(GROUP)}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A stage with users, and something to copy."""
    build = Build(tmp_path)
    write(
        build.context,
        {
            "f": file(b"f", 0o4755),
            "d/g": file(b"g", 0o640),
            "d/sub": folder(0o2700),
            "d/sub/l": link("g"),
        },
    )
    return build.below({**USERS, "dir": folder(0o750, 3, 4), "dir/sub": folder(0o700, 5, 6)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", (1000, 1001)),
        ("app:other", (1000, 55)),
        ("app:7", (1000, 7)),
        ("alone", (7, 77)),
        ("1", (1, 1)),
        ("7", (7, 7)),
        ("0:appg", (0, 1001)),
        (":appg", (0, 1001)),
        (":55", (0, 55)),
        ("5:", (5, 0)),
        ("app:", (1000, 0)),
        ("root", (0, 0)),
        ("root:root", (0, 0)),
        ("odd", (0, 0)),
        ("2147483647", (2147483647, 2147483647)),
    ],
)
def test_names_and_numbers(build: Build, text: str, expected: tuple[int, int]) -> None:
    """A user's name stands for its group too, a number for the group of that number."""
    assert owner_of(text, build.stage.tree) == expected


@pytest.mark.parametrize(
    ("text", "named", "expected"),
    [
        ("nosuch", "nosuch", (0, 0)),
        ("app:nosuch", "nosuch", (1000, 1001)),
        ("2147483648", "2147483648", (0, 0)),
        ("-1", "-1", (0, 0)),
        ("9" * 5000, f"{'9' * 139}…", (0, 0)),
    ],
)
def test_an_unknown_name_is_warned_of(
    build: Build, text: str, named: str, expected: tuple[int, int]
) -> None:
    """BuildKit takes root, or the group of the user, and says nothing."""
    with pytest.warns(SourceWarning, match=f"`{named}` is not in `/etc/"):
        assert owner_of(text, build.stage.tree) == expected


def test_nothing_has_no_names(tmp_path: Path) -> None:
    """On scratch only root has a name, and with --link."""
    build = Build(tmp_path)
    assert owner_of("root:root", build.stage.tree) == (0, 0)
    with pytest.raises(DockerfileError, match="`app:1` names `app`, but there is no `/etc/passwd`"):
        owner_of("app:1", build.stage.tree)
    with pytest.raises(DockerfileError, match="`:grp` names `grp`, but there is no `/etc/group`"):
        owner_of(":grp", Tree())


def test_all_that_is_copied_or_made_has_the_owner(build: Build) -> None:
    """Parents that are new too; what is there keeps its own, but for directories inside."""
    assert unpacked(build.copy("f", "/n/m/f", chown="app")) == {
        "n": folder(0o755, 1000, 1001),
        "n/m": folder(0o755, 1000, 1001),
        "n/m/f": file(b"f", 0o4755, 1000, 1001),
    }
    assert unpacked(build.copy("d", "/dir", chown="1:2")) == {
        "dir": folder(0o750, 3, 4),
        "dir/g": file(b"g", 0o640, 1, 2),
        "dir/sub": folder(0o2700, 1, 2),
        "dir/sub/l": link("g", 1, 2),
    }


def test_the_context_belongs_to_root(build: Build) -> None:
    """Whoever owns the files on this machine."""
    assert {(node.uid, node.gid) for node in unpacked(build.copy("d", "/x")).values()} == {(0, 0)}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("640", (0o750, 0o640, 0o640, 0o777)),
        ("4711", (0o750, 0o4711, 0o4711, 0o777)),
        ("0", (0o750, 0, 0, 0o777)),
        ("u+x,go=r", (0o750, 0o744, 0o2744, 0o777)),
        ("a=rX", (0o750, 0o444, 0o2555, 0o777)),
    ],
)
def test_modes(build: Build, mode: str, expected: tuple[int, ...]) -> None:
    """Digits hold for directories as they are; neither destination nor links are changed."""
    found = unpacked(build.copy("d", "/dir", chmod=mode))
    assert tuple(node.mode for node in found.values()) == expected


def test_new_parents_do_not_have_the_mode(build: Build) -> None:
    """They are 0755, as is a new destination."""
    found = unpacked(build.copy("d", "/n/m", chmod="600"))
    assert (found["n"], found["n/m"]) == (folder(), folder())


@pytest.mark.parametrize("mode", ["999", "77777", "8"])
def test_wrong_digits_are_refused(mode: str) -> None:
    """The message says what can be given."""
    with pytest.raises(DockerfileError, match=f"`--chmod` is `{mode}`: expected octal digits"):
        permissions(mode)


@pytest.mark.parametrize("mode", ["a=q", "u+x,zz", "u+x,", ",", "u", "go=uw", "u=7", "=77777"])
def test_wrong_changes_are_refused(mode: str) -> None:
    """As the core refuses them, but by the name of the flag."""
    with pytest.raises(fl.InvalidArgumentError, match="`mode` is"):
        fl.Layer.from_files({"f": b""}, mode=mode)
    with pytest.raises(DockerfileError, match=f"`--chmod` is `{re.escape(mode)}`: expected"):
        permissions(mode)


@pytest.mark.parametrize("mode", ["=", "+7777", "u=rwX,go=u-w", "a+st,+x", "-00022"])
def test_changes_are_for_the_core(mode: str) -> None:
    """Which takes them as they are."""
    assert permissions(mode) == mode
    fl.Layer.from_files({"f": b""}, mode=mode)


WORKDIRS: list[tuple[str, str, dict[str, Node] | None]] = [
    ("/n/m", "", {"n": folder(), "n/m": folder()}),
    ("/n", "app", {"n": folder(0o755, 1000, 1001)}),
    ("/n", "1234", {"n": folder(0o755, 1234, 1234)}),
    ("/n", "app:other", {"n": folder(0o755, 1000, 55)}),
    ("/", "app", None),
    ("/dir", "app", None),
    ("/link", "", None),
    ("/link/x", "", {"dir": folder(0o750, 3, 4), "dir/x": folder()}),
    ("/dangling", "", {"nowhere": folder(), "nowhere/deep": folder()}),
]


@pytest.mark.parametrize(("path", "user", "expected"), WORKDIRS)
def test_a_working_directory_is_made(
    build: Build, path: str, user: str, expected: dict[str, Node] | None
) -> None:
    """If it is not there; all that is made belongs to the user."""
    build.below({"link": link("dir"), "dangling": link("nowhere/deep"), "file": file()})
    build.stage.user = user
    layer = directory_made(path, build.stage)
    assert (None if layer is None else unpacked(layer)) == expected


def test_a_working_directory_cannot_be_a_file(build: Build) -> None:
    """Nor lie in one."""
    build.below({"file": file()})
    for path in ("/file", "/file/x"):
        with pytest.raises(DockerfileError, match="`/file` is there and no directory"):
            directory_made(path, build.stage)


def test_a_working_directory_of_a_name_on_scratch() -> None:
    """There is no file that could tell whose it is."""
    with pytest.raises(DockerfileError, match="give numbers"):
        directory_made("/x", Stage(user="app"))
