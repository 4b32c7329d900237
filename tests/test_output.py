"""Files that appear complete or not at all."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from fastlayer.archive.output import output_file, replace_file
from fastlayer.undo import take_back_all, undone_unless_kept


def test_a_file_has_its_name_only_when_it_is_committed(tmp_path: Path) -> None:
    """Before the commit there is a hidden temporary file, after it only the whole one."""
    with output_file(tmp_path) as file:
        os.write(file.fileno(), b"whole")
        (temporary,) = tmp_path.iterdir()
        assert temporary.name.startswith(".fastlayer-")
        file.commit(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out": b"whole"}


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    """The temporary file goes with the block that did not commit it."""
    with pytest.raises(RuntimeError), output_file(tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_the_mode_is_that_of_the_umask(tmp_path: Path) -> None:
    """An output is as readable as any file that the user makes."""
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "out", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error speaks of the folder that the user gave, not of a temporary name."""
    with pytest.raises(FileNotFoundError) as caught, output_file(tmp_path / "missing"):
        pass
    assert caught.value.filename == str(tmp_path / "missing")


def test_all_that_is_not_kept_can_be_taken_back_at_once() -> None:
    """A signal handler runs what is registered, the latest first, and each only once."""
    done = []
    with undone_unless_kept(lambda: done.append(1)) as keep:
        with undone_unless_kept(lambda: done.append(2)), undone_unless_kept(lambda: done.append(3)):
            take_back_all()
        assert done == [3, 2, 1]
        keep()
    assert done == [3, 2, 1]


def test_an_output_that_cannot_get_its_name_is_named_by_it(tmp_path: Path) -> None:
    """The error speaks of the output, and not of a temporary name."""
    (tmp_path / "out" / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="irectory") as caught:
        replace_file(tmp_path / "out", b"")
    assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "out"), None)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_listed_can_still_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed process left there is no reason to fail."""

    def refuse(_: Path) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "iterdir", refuse)
    replace_file(tmp_path / "out", b"whole")
    assert (tmp_path / "out").read_bytes() == b"whole"


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    """What goes wrong on the way back does not hide what went wrong first."""
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as caught, output_file(tmp_path / "file"):
        pass
    assert caught.value.filename == str(tmp_path / "file")
