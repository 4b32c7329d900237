"""Temporary files and folders: locked while their process lives, removed by the next one."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from conformance.peers import need_root
from fastlayer import temporary
from fastlayer.temporary import Temporary, has_temporary_name, temporary_directory, temporary_file

PREFIX = "kind-"
MAKE: dict[str, Callable[[Path], AbstractContextManager[Temporary]]] = {
    "file": lambda folder: temporary_file(os.fspath(folder)),
    "directory": lambda folder: temporary_directory(os.fspath(folder), PREFIX, mode=0o700),
}
HOLD = """
import sys, time
from fastlayer.temporary import temporary_directory, temporary_file
kind, folder = sys.argv[1:]
make = {"file": temporary_file, "directory": lambda f: temporary_directory(f, "kind-", mode=0o700)}
with make[kind](folder) as made:
    print(made.path, flush=True)
    time.sleep(60)
"""


def make(kind: str, folder: Path) -> None:
    with MAKE[kind](folder):
        pass


@pytest.mark.parametrize("kind", MAKE)
def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(
    kind: str, tmp_path: Path
) -> None:
    """The lock tells them apart, however old or young they are."""
    arguments = [sys.executable, "-c", HOLD, kind, os.fspath(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        if kind == "directory":
            (left / "d").mkdir()
            (left / "d" / "f").touch()
        os.utime(left, (0, 0))
        make(kind, tmp_path)
        assert left.exists()
        process.send_signal(signal.SIGKILL)
    assert left.exists()
    make(kind, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", MAKE)
def test_what_is_taken_for_a_leftover_before_it_is_locked_is_made_anew(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may sweep between the making and the lock."""
    hold = temporary._hold
    removed: list[str] = []

    def swept_first(descriptor: int, path: str) -> bool:
        if not removed:
            removed.append(path)
            (os.unlink if kind == "file" else os.rmdir)(path)
        return hold(descriptor, path)

    monkeypatch.setattr(temporary, "_hold", swept_first)
    with MAKE[kind](tmp_path) as made:
        assert made.path != removed[0]
        assert Path(made.path).exists()
        assert os.path.samestat(os.fstat(made.descriptor), Path(made.path).stat())
    assert list(tmp_path.iterdir()) == []


def test_other_names_and_kinds_stay(tmp_path: Path) -> None:
    """Whatever else is there is somebody's: names are ours to the last character."""
    folders = [".fastlayer-0123456789.tmp", "kind-0123", "kind-0123456789a", "kind-012345678X"]
    for name in folders:
        (tmp_path / name).mkdir()
    files = [".fastlayer-0123.tmp", ".fastlayer-0123456789", "kind-0123456789", "x.tmp"]
    for name in files:
        (tmp_path / name).touch()
    (tmp_path / "kind-aaaaaaaaaa").symlink_to(tmp_path / "kind-0123")
    for kind in MAKE:
        make(kind, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*folders, *files, "kind-aaaaaaaaaa"}
    assert has_temporary_name(folders[0])
    assert not any(map(has_temporary_name, files))


def test_a_directory_of_another_user_stays(tmp_path: Path) -> None:
    """Temporary files of all users are in one place, where such a name proves nothing."""
    need_root("giving a directory away")
    (tmp_path / "kind-0123456789").mkdir()
    os.chown(tmp_path / "kind-0123456789", 1, 1)
    make("directory", tmp_path)
    assert (tmp_path / "kind-0123456789").exists()


@pytest.mark.parametrize("kind", MAKE)
def test_an_error_names_the_folder(kind: str, tmp_path: Path) -> None:
    """Who gave the folder never heard of the temporary name."""
    with pytest.raises(FileNotFoundError) as caught:
        make(kind, tmp_path / "missing")
    assert caught.value.filename == str(tmp_path / "missing")


@pytest.mark.parametrize("kind", MAKE)
def test_a_look_that_fails_names_the_folder(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor of the name of what was just made, which is gone."""

    def refuse(path: str) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with monkeypatch.context() as changed:
        changed.setattr("os.lstat", refuse)
        with pytest.raises(PermissionError) as caught:
            make(kind, tmp_path)
    assert caught.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_goes_while_threads_still_add_to_it(tmp_path: Path) -> None:
    """As they do when a signal ends the process: who misses a directory ends."""
    for _ in range(50):
        with temporary_directory(os.fspath(tmp_path), PREFIX, mode=0o700) as made:
            adding = threading.Thread(target=_add, args=(Path(made.path),))
            adding.start()
            while not any(Path(made.path).iterdir()):
                pass
        assert list(tmp_path.iterdir()) == []
        adding.join()
    assert list(tmp_path.iterdir()) == []


def _add(folder: Path) -> None:
    with suppress(FileNotFoundError):
        for number in range(5_000):
            (folder / str(number)).touch()
