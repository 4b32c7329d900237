"""What the options make of owners, rights, times and attributes, from every kind of source."""

import os
import random
import subprocess
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from commands import members
from conformance.peers import absent
from fastlayer import edit
from fastlayer.tree import Tree

USER, GROUP = os.getuid(), os.getgid()

Describe = Callable[..., fl.Layer]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with rights and a time that are easy to tell, alone in its directory."""
    path = tmp_path / "tree" / "f"
    path.parent.mkdir()
    path.write_text("content")
    path.chmod(0o6664)
    os.utime(path, (5000, 5000))
    return path


@pytest.fixture(params=["directory", "files", "archive"])
def layer(request: pytest.FixtureRequest, file: Path, tmp_path: Path) -> Describe:
    """How to describe a layer of the file, with options; once for each kind of source."""
    match request.param:
        case "directory":
            return lambda **options: fl.Layer.from_directory(file.parent, **options)
        case "files":
            return lambda **options: fl.Layer.from_files({"f": file}, **options)
        case _:
            archive = tmp_path / "in.tar"

            def describe(**options: Any) -> fl.Layer:
                with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
                    member = tar.gettarinfo(file, "f")
                    member.pax_headers = {
                        f"SCHILY.xattr.{name}": os.getxattr(file, name).decode()
                        for name in os.listxattr(file)
                    }
                    with file.open("rb") as content:
                        tar.addfile(member, content)
                return fl.Layer.from_archive(archive, **options)

            return describe


def stored(layer: fl.Layer, tmp_path: Path) -> tarfile.TarInfo:
    """The file as it is in the layer."""
    layer.save(tmp_path / "layer")
    return members(tmp_path / "layer")["f"]


def test_by_default_all_is_kept_but_who_owns_a_single_file(
    layer: Describe, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Who owns a file on the host says nothing about the image, unless `owner` says `keep`."""
    found = stored(layer(), tmp_path)
    assert (found.mode, found.mtime) == (0o6664, 5000)
    single = "files" in request.node.callspec.id
    assert (found.uid, found.gid) == ((0, 0) if single else (USER, GROUP))
    found = stored(layer(owner="keep"), tmp_path)
    assert (found.uid, found.gid) == (USER, GROUP)


@pytest.mark.parametrize("owner", ["12:34", (12, 34)])
def test_a_fixed_owner_is_that_of_all(layer: Describe, owner: Any, tmp_path: Path) -> None:
    """As text or as numbers."""
    found = stored(layer(owner=owner), tmp_path)
    assert (found.uid, found.gid) == (12, 34)


def test_maps_lead_from_the_host_back_into_the_image(layer: Describe, tmp_path: Path) -> None:
    """A range says what its ids are in the image."""
    maps: fl.LayerOptions = {
        "uid_map": [(100, USER + 1, 50), (7, USER, 1)],
        "gid_map": [(30, GROUP, 100_000)],
    }
    found = stored(layer(**maps), tmp_path)
    assert (found.uid, found.gid) == (7, 30)


@pytest.mark.parametrize("given", ["uid_map", "gid_map"])
def test_one_map_stands_for_both(layer: Describe, given: Any, tmp_path: Path) -> None:
    """So it does for podman and buildah."""
    outside = min(USER, GROUP)
    found = stored(layer(**{given: [(70, outside, 100_000)]}), tmp_path)
    assert (found.uid, found.gid) == (70 + USER - outside, 70 + GROUP - outside)


def test_an_owner_outside_every_range_is_an_error(
    layer: Describe, file: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It names what the user knows it by, and the id; nothing is written."""
    kind = request.node.callspec.id
    path = {"directory": str(file.parent), "files": str(file), "archive": "f"}[kind]
    for maps, what in [
        ({"uid_map": [(0, USER + 1, 9)], "gid_map": [(0, GROUP, 1)]}, f"owner {USER} is in no"),
        ({"uid_map": [(0, USER, 1)], "gid_map": [(0, GROUP + 1, 9)]}, f"group {GROUP} is in no"),
    ]:
        with pytest.raises(fl.UnsupportedEntryError) as caught:
            layer(**maps).save(tmp_path / "layer")
        assert str(caught.value).startswith(f"`{path}` cannot be stored in a layer: its {what}")
        assert caught.value.path == path
        assert not (tmp_path / "layer").exists()


def test_what_is_left_out_needs_no_place_in_the_image(tmp_path: Path) -> None:
    """Exclusions come before owners, in an archive as in a tree."""
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        for name, uid in (("a", 1000), ("b", 5)):
            member = tarfile.TarInfo(name)
            member.uid = member.gid = uid
            tar.addfile(member)
    layer = fl.Layer.from_archive(tmp_path / "in.tar", uid_map=[(0, 1000, 1)], exclude=["b"])
    layer.save(tmp_path / "layer")
    assert list(members(tmp_path / "layer")) == ["a"]


def test_bytes_belong_to_root_whatever_the_map(tmp_path: Path) -> None:
    """Nobody owns them on the host, so there is nothing to map."""
    layer = fl.Layer.from_files({"f": b""}, uid_map=[(5, 1000, 1)], mode="+x")
    found = stored(layer, tmp_path)
    assert (found.uid, found.gid, found.mode) == (0, 0, 0o755)


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        (0o600, 0o600),
        ("0600", 0o600),
        ("go-w", 0o6644),
        ("u=rwX,go=rX", 0o644),
        ("a-s", 0o664),
        ("+t", 0o7664),
        ("+x", 0o6775),
        ("o=u,g=", 0o4606),
    ],
)
def test_rights_are_fixed_or_changed(
    layer: Describe, mode: int | str, result: int, tmp_path: Path
) -> None:
    """Octal digits fix them, clauses change them; no umask plays a part."""
    before = os.umask(0o077)
    try:
        assert stored(layer(mode=mode), tmp_path).mode == result
    finally:
        os.umask(before)


def test_links_keep_their_rights(file: Path, tmp_path: Path) -> None:
    """Nobody can change them; the file that a link points to has its own."""
    (file.parent / "link").symlink_to("f")
    fl.Layer.from_directory(file.parent, mode="a=").save(tmp_path / "layer")
    assert members(tmp_path / "layer")["link"].mode == 0o777


CLAUSES = (
    *("go-w", "u=rwX,go=rX", "a-s", "+t", "+x", "a+X", "g=u", "o=", "ug=rw,o=g-w", "u=s", "=rx"),
    *("=", "=0750", "-0111", "+6000", "g+s,o+t", "a=u-w+X", "u-x,a+X", "u=g=o", "go=u,-0222"),
)


def test_clauses_do_what_chmod_does(tmp_path: Path) -> None:
    """For files and directories of many modes, by chmod(1) itself."""
    version = subprocess.run(["chmod", "--version"], capture_output=True, check=False)
    if b"GNU" not in version.stdout:
        absent("chmod is not that of GNU")
    chance = random.Random(4)
    modes = {
        f"{kind}{mode:04o}": mode for kind in "fd" for mode in chance.sample(range(0o10000), 200)
    }
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        for name, mode in modes.items():
            member = tarfile.TarInfo(name)
            member.mode = mode
            if name.startswith("d"):
                member.type = tarfile.DIRTYPE
                (tmp_path / name).mkdir()
            else:
                (tmp_path / name).touch()
            tar.addfile(member)
    for clauses in (*CLAUSES, *(_clauses(chance) for _ in range(40))):
        for name, mode in modes.items():
            (tmp_path / name).chmod(mode)
        script = 'umask 0; exec chmod -- "$@"'
        subprocess.run(["sh", "-c", script, "sh", clauses, *modes], cwd=tmp_path, check=True)
        fl.Layer.from_archive(tmp_path / "in.tar", mode=clauses).save(tmp_path / "layer")
        found = {name: oct(member.mode) for name, member in members(tmp_path / "layer").items()}
        expected = {name: oct((tmp_path / name).stat().st_mode & 0o7777) for name in modes}
        assert found == expected, clauses


def _clauses(chance: random.Random) -> str:
    """Clauses at random, by the grammar in the manual."""

    def some(letters: str, most: int) -> str:
        return "".join(chance.choices(letters, k=chance.randint(0, most)))

    def operation() -> str:
        return chance.choice("-+=") + chance.choice([some("rwxXst", 3), chance.choice("ugo")])

    def clause() -> str:
        return some("ugoa", 2) + "".join(operation() for _ in range(chance.randint(1, 2)))

    return ",".join(clause() for _ in range(chance.randint(1, 3)))


def test_a_fixed_time_is_that_of_all(layer: Describe, tmp_path: Path) -> None:
    """In seconds, or as a moment, which is rounded down."""
    assert stored(layer(mtime=-7), tmp_path).mtime == -7
    moment = datetime(2020, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    assert stored(layer(mtime=moment), tmp_path).mtime == 1577836800


@pytest.mark.parametrize(("latest", "result"), [(4999, 4999), (5000, 5000), (5001, 5000)])
def test_a_clamp_is_for_later_times_only(
    layer: Describe, latest: int, result: int, tmp_path: Path
) -> None:
    """Earlier ones stay."""
    assert stored(layer(clamp_mtime=latest), tmp_path).mtime == result
    moment = datetime.fromtimestamp(latest, UTC)
    assert stored(layer(clamp_mtime=moment), tmp_path).mtime == result


@pytest.mark.parametrize(("epoch", "latest"), [(100, 200), (200, 100)])
def test_of_a_clamp_and_the_epoch_the_earlier_one_holds(
    layer: Describe, epoch: int, latest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both say that no time is later."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(epoch))
    assert stored(layer(clamp_mtime=latest), tmp_path).mtime == 100


def test_what_has_no_time_has_the_latest_that_is_allowed(tmp_path: Path) -> None:
    """Bytes and the directories above them, as with `SOURCE_DATE_EPOCH`."""
    fl.Layer.from_files({"a/f": b""}, clamp_mtime=300).save(tmp_path / "layer")
    found = members(tmp_path / "layer")
    assert {name: member.mtime for name, member in found.items()} == {"a": 300, "a/f": 300}


@pytest.mark.parametrize(
    ("xattrs", "names"),
    [
        ("keep", {"user.a", "user.b", "user.long.name"}),
        ("none", set()),
        ([], set()),
        (["user.?"], {"user.a", "user.b"}),
        (["security.capability", "user.l*e"], {"user.long.name"}),
        (("trusted.*",), set()),
    ],
)
def test_attributes_are_kept_by_name(
    layer: Describe, file: Path, xattrs: Any, names: set[str], tmp_path: Path
) -> None:
    """All, none, or those whose names match one in the list."""
    try:
        for name in ("user.b", "user.a", "user.long.name"):
            os.setxattr(file, name, name.encode())
    except OSError as error:
        pytest.skip(f"the file system keeps no attributes: {error}")
    headers = stored(layer(xattrs=xattrs), tmp_path).pax_headers
    own = {"SCHILY.xattr.security.selinux": None}
    found = {name: value for name, value in headers.items() if name not in own}
    assert found == {f"SCHILY.xattr.{name}": name for name in names}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"owner": "root"}, "`owner` is `root`: expected numbers, such as `1000:1000`, or `keep`"),
        ({"owner": (1, 2, 3)}, "`owner` is `(1, 2, 3)`: expected numbers"),
        ({"owner": (0, 2**32 - 1)}, "`owner` is `4294967295`: expected `0` to `4294967294`"),
        ({"owner": "0:0", "uid_map": [(0, 0, 1)]}, "`owner` and `uid_map` exclude each other: "),
        ({"owner": "keep", "gid_map": [(0, 0, 1)]}, "`owner` and `gid_map` exclude each other: "),
        ({"uid_map": []}, "`uid_map` is empty: expected ranges such as `0:100000:65536`"),
        ({"uid_map": "auto"}, "`uid_map` is `auto`: expected ranges of ids `(inside, outside, co"),
        ({"gid_map": [(0, 1)]}, "`gid_map` is `[(0, 1)]`: expected ranges of ids "),
        ({"gid_map": 5}, "`gid_map` is `5`: expected ranges of ids "),
        ({"uid_map": [(0, -1, 1)]}, "`uid_map` is `-1`: expected `0` to `4294967295`"),
        ({"uid_map": [(0, 0.5, 1)]}, "`uid_map` must be a number, got `float`"),
        ({"uid_map": [(0, 9, 0)]}, "`uid_map` has `0:9:0`: expected ids from 0 to 4294967294"),
        ({"uid_map": [(0, 2**32 - 1, 1)]}, "`uid_map` has `0:4294967295:1`: expected ids "),
        (
            {"gid_map": [(0, 0, 5), (4, 9, 1)]},
            "`gid_map` has `0:0:5` and `4:9:1`, which overlap in the image",
        ),
        (
            {"uid_map": [(0, 5, 5), (9, 0, 6)]},
            "`uid_map` has `9:0:6` and `0:5:5`, which overlap on the host",
        ),
        ({"mode": 0o10000}, "`mode` is `0o10000`: expected `0o0` to `0o7777`"),
        ({"mode": "10000"}, "`mode` is `0o10000`: expected `0o0` to `0o7777`"),
        ({"mode": 1.5}, "`mode` must be a number, got `float`"),
        ({"mode": "u+rq"}, "`mode` is `u+rq`: expected octal digits such as `0755`, or changes"),
        ({"mode": "u+r\n"}, "`mode` is `u+r\\n`: expected octal digits"),
        ({"mode": "u+\udcff"}, "`mode` is `u+?`: expected octal digits"),
        ({"mtime": "now"}, "`mtime` must be a number, got `str`"),
        ({"mtime": datetime(2020, 1, 1)}, "`mtime`: `2020-01-01 00:00:00` has no time zone"),
        ({"clamp_mtime": datetime(2020, 1, 1)}, "`clamp_mtime`: `2020-01-01 00:00:00` has no time"),
        ({"mtime": 5, "clamp_mtime": 6}, "`mtime` and `clamp_mtime` exclude each other: give one"),
        ({"xattrs": "user.*"}, "`xattrs` is `user.*`: expected `keep`, `none`, or a list of names"),
        ({"xattrs": ["none"]}, "`xattrs` has `none`: expected `keep`, `none`, or names such as "),
        ({"xattrs": ["user.[a]"]}, "`xattrs` has `user.[a]`: only `*` and `?` stand for other "),
        ({"xattrs": ["security.selinux"]}, "`xattrs` has `security.selinux`: it describes the ho"),
        ({"xattrs": [5]}, "`xattrs` is `[5]`: expected a list of text"),
        ({"xattrs": ["user.\udc00"]}, "`xattrs` is `['user.\\udc00']`: expected a list of text"),
        ({"include": "*.pyc"}, "`include` must be a list of patterns, got text"),
        ({"include": ["!a"]}, "`include` has a pattern with `!`: give it to `exclude`"),
        ({"exclude": [5]}, "`exclude` is `[5]`: expected a list of text"),
        ({"exclude": "*.pyc"}, "`exclude` must be a list of patterns, got text"),
    ],
)
def test_a_wrong_value_is_refused_at_once(options: Any, message: str) -> None:
    """The message names the option, the value and what is expected; no file is looked at."""
    sources: list[tuple[Describe, Any]] = [
        (fl.Layer.from_directory, "/no/such/directory"),
        (fl.Layer.from_files, {"f": "/no/such/file"}),
        (fl.Layer.from_archive, "/no/such/archive"),
    ]
    for describe, source in sources:
        with pytest.raises(fl.InvalidArgumentError) as caught:
            describe(source, **options)
        assert str(caught.value).startswith(message)


def test_an_option_that_is_none_is_as_good_as_absent(layer: Describe, tmp_path: Path) -> None:
    """Callers may pass on what they were given."""
    nothing: Any = dict.fromkeys(("uid_map", "gid_map", "mode", "mtime", "clamp_mtime"))
    first = layer().save(tmp_path / "1")
    assert layer(**nothing, owner=None).save(tmp_path / "2") == first


def test_only_what_is_included_is_taken_and_exclude_comes_after_it(tmp_path: Path) -> None:
    """Directories above what is taken come along with their own mode."""
    tree = tmp_path / "tree"
    for path in ("a/b/c", "a/b/d.pyc", "a/other", "x"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(path)
    (tree / "a").chmod(0o711)
    options: Any = {"include": ["a/b"], "exclude": ["**/*.pyc"], "compression": "none"}
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        tar.add(tree, ".")
    layers = (
        fl.Layer.from_directory(tree, **options),
        fl.Layer.from_archive(tmp_path / "in.tar", **options),
    )
    for layer in layers:
        layer.save(tmp_path / "layer")
        found = members(tmp_path / "layer")
        assert sorted(found) == [".", "a", "a/b", "a/b/c"]
        assert found["a"].mode == 0o711


HALF = "\ud800"  # of a surrogate pair, which Python's text may hold alone


@pytest.mark.parametrize(
    "make",
    [
        lambda: fl.Layer.from_files({HALF: b""}),
        lambda: fl.Layer.from_files({"a": b""}, prefix=HALF),
        lambda: fl.Layer.from_files({"a": b""}, exclude=[HALF]),
        lambda: edit.remove(HALF),
        lambda: edit.rename("a", HALF),
        lambda: edit.put(HALF, b""),
        lambda: edit.symlink("a", HALF),
        lambda: edit.chmod(HALF, 0o644),
        lambda: edit.exclude(HALF),
        lambda: Tree().children(HALF),
    ],
)
def test_text_that_is_no_name_is_refused(make: Callable[[], object]) -> None:
    """As any other wrong name is, not by whoever would encode it."""
    with pytest.raises(fl.InvalidArgumentError):
        make()


@pytest.mark.parametrize("number", [2**63, -(2**70), 10**5000], ids=["2**63", "-2**70", "10**5000"])
@pytest.mark.parametrize("name", ["level", "threads", "mtime", "mode"])
def test_numbers_of_any_size_are_refused(name: str, number: int) -> None:
    """Also those that Python does not write in decimals, or that no processor holds."""
    with pytest.raises(fl.InvalidArgumentError):
        fl.Layer.from_files({"a": b""}, **{name: number})  # type: ignore[arg-type]
