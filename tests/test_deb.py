"""`fastlayer.recipes.deb`: packages, and everything that can be wrong with one."""

import lzma
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import debs
import fastlayer as fl
from archives import tar
from conformance.peers import find
from fastlayer.recipes.deb import Deb, read_debs

GOOD = debs.deb("a", {"usr/a": b"hello"})
BINARY = {"debian-binary": b"2.0\n"}
CONTROL = {"control.tar": tar({"./control": debs.CONTROL.format("a", "all").encode()})}
DATA = {"data.tar": tar({"./a": b""})}


@pytest.mark.parametrize("suffix", debs.COMPRESSIONS)
def test_a_package_is_read_however_it_is_compressed(suffix: str, tmp_path: Path) -> None:
    """Its control data at once, and its files where they are."""
    path = tmp_path / "x"
    path.write_bytes(debs.deb("libx+1.0", {"usr/": b"", "usr/a": b"hello"}, suffix=suffix))
    deb = Deb.read(path)
    assert (deb.name, deb.version, deb.architecture) == ("libx+1.0", "1-2", "amd64")
    assert deb.control == debs.CONTROL.format("libx+1.0", "amd64").encode()
    assert deb.md5sums == b"d41d8cd98f00b204e9800998ecf8427e  usr/x\n"
    ((member, content),) = deb.pick("usr/*", limit=1 << 10)
    assert (member.path, content) == (b"usr/a", b"hello")
    layer = fl.Layer.from_part(path, deb.data.offset, deb.data.size, compression="none")
    layer.save(tmp_path / "layer.tar")
    assert debs.names((tmp_path / "layer.tar").read_bytes()) == ["usr", "usr/a"]


def test_what_dpkg_makes_is_read(tmp_path: Path) -> None:
    """The real thing, of the tool of Debian."""
    program = find("dpkg-deb")
    (tmp_path / "a/DEBIAN").mkdir(parents=True)
    (tmp_path / "a/DEBIAN/control").write_text(
        f"{debs.CONTROL.format('a1', 'all')}Maintainer: x <x@example.org>\n"
    )
    for kind in ("gzip", "xz", "zstd", "none"):
        options = ("--root-owner-group", f"-Z{kind}", "-b")
        argv: list[str | Path] = [program, *options, tmp_path / "a", tmp_path / kind]
        if subprocess.run(argv, capture_output=True, check=False).returncode:
            continue  # an older dpkg knows no zstd
        assert Deb.read(tmp_path / kind).name == "a1"


def test_a_folder_gives_its_packages_by_name(tmp_path: Path) -> None:
    """Whatever their files are called, and whatever else is there."""
    folder = debs.folder_of(tmp_path / "f", *(debs.deb(name, {}) for name in ("bb", "aa", "cc")))
    (folder / "Packages.gz").touch()
    assert [deb.name for deb in read_debs(folder)] == ["aa", "bb", "cc"]


def test_a_folder_without_packages_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    """Nobody knows which of two was meant."""
    (tmp_path / "none").mkdir()
    with pytest.raises(fl.MalformedArchiveError, match=r"there is no \.deb file in `.*none`"):
        read_debs(tmp_path / "none")
    folder = debs.folder_of(tmp_path / "f", debs.deb("aa", {"x": b""}), debs.deb("aa", {}))
    with pytest.raises(fl.MalformedArchiveError, match=r"9\.deb`: it is the package `aa`, as .*8"):
        read_debs(folder)


def test_control_data_of_a_folder_has_one_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little each package has."""
    folder = debs.folder_of(tmp_path / "f", *(debs.deb(name, {}) for name in ("aa", "bb", "cc")))
    size = sum(len(deb.control) + len(deb.md5sums or b"") for deb in read_debs(folder))
    monkeypatch.setattr("fastlayer.recipes.deb._MAX_CONTROLS", size)
    assert len(read_debs(folder)) == 3
    monkeypatch.setattr("fastlayer.recipes.deb._MAX_CONTROLS", size - 1)
    with pytest.raises(fl.MalformedArchiveError, match=rf"9\.deb`: .* more than {size - 1} bytes"):
        read_debs(folder)


def test_a_pipe_is_no_package(tmp_path: Path) -> None:
    """And is not waited for."""
    os.mkfifo(tmp_path / "x.deb")
    with pytest.raises(fl.MalformedArchiveError, match=r"x\.deb`: it is no regular file"):
        read_debs(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it does not begin as an ar archive does"),
        (b"!<arch>\n", "its first member is not `debian-binary`"),
        (GOOD[:30], "there is no header of a member at byte 8"),
        (GOOD.replace(b"`\n", b"``", 1), "there is no header of a member at byte 8"),
        (GOOD.replace(b"4         `", b"-4        `", 1), "there is no header of a member at"),
        (GOOD[:-2], "the file ends before its member `data.tar.xz` does"),
        (debs.ar({**CONTROL, **DATA}), "its first member is not `debian-binary`"),
        (debs.ar({**BINARY, **DATA, **CONTROL}), "it has no `control.tar` and `data.tar`"),
        (debs.ar({**BINARY, **CONTROL}), "it has no `control.tar` and `data.tar`"),
        (
            debs.ar({**BINARY, "control.tar": tar({"./x": b""}), **DATA}),
            "`control.tar` has no file `control`",
        ),
        (
            debs.ar({**BINARY, "control.tar": tar({"./control": b"Package: ../x\n"}), **DATA}),
            "no package is called `../x`",
        ),
        (
            debs.ar({**BINARY, "control.tar": tar({"./control": b"\xff\x00"}), **DATA}),
            "no package is called ``",
        ),
        (debs.deb("aa", {}, architecture="../x"), "no architecture is called `../x`"),
        (
            debs.ar({**BINARY, "control.tar": tar({"./control": b"Package: aa\n"}), **DATA}),
            "no architecture is called ``",
        ),
        (debs.ar({**BINARY, "control.tar.gz": b"\x1f\x8bx", **DATA}), "archive"),
        (
            debs.ar(
                {**BINARY, "control.tar.lzma": lzma.compress(b"x" * 999, lzma.FORMAT_ALONE), **DATA}
            ),
            "lzma",
        ),
        (
            debs.ar({**BINARY, "control.tar": tar({"./control": bytes((16 << 20) + 1)}), **DATA}),
            "more than 16777216 bytes",
        ),
    ],
)
def test_a_broken_package_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    """With what is wrong in it."""
    path = tmp_path / "bad.deb"
    path.write_bytes(content)
    with pytest.raises(fl.MalformedArchiveError) as failure:
        Deb.read(path)
    assert message in str(failure.value)
    assert str(path) in str(failure.value)
    assert failure.value.path is not None


def test_only_a_line_break_ends_a_field(tmp_path: Path) -> None:
    """What Python takes for one in text as well can stand in a description."""
    named = "".join(f"{character}Package: eve" for character in "\x0b\x0c\x1c\x85\u2028")
    control = debs.CONTROL.format("app", "all") + f"Homepage: x{named}\n"
    path = tmp_path / "a.deb"
    path.write_bytes(
        debs.ar({**BINARY, "control.tar": tar({"./control": control.encode()}), **DATA})
    )
    assert Deb.read(path).name == "app"


def test_a_missing_file_is_the_system_s_error(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(FileNotFoundError) as failure:
        Deb.read(tmp_path / "missing.deb")
    assert failure.value.filename == str(tmp_path / "missing.deb")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.none() | st.integers(0, 255))
def test_any_damage_is_an_error_of_ours(tmp_path: Path, at: int, byte: int | None) -> None:
    """Or none at all; never another exception."""
    damaged = GOOD[:at] if byte is None else GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    path = tmp_path / "x.deb"
    path.write_bytes(damaged)
    with suppress(fl.SourceError):
        deb = Deb.read(path)
        fl.Layer.from_part(path, deb.data.offset, deb.data.size).save(tmp_path / "layer")
