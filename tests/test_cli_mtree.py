"""`fastlayer mtree`, and mtree files as sources of `layer` and `build`."""

import subprocess
from pathlib import Path

import pytest

from commands import command, environment, fastlayer, layer_members, members


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "rootfs"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "app").write_bytes(b"\x7fELF")
    (path / "notes.txt").write_text("notes\n")
    return path


def described(cwd: Path, *options: str) -> str:
    outcome = fastlayer("mtree", "rootfs", *options, cwd=cwd)
    assert (outcome.status, outcome.stderr) == (0, "")
    return outcome.stdout.decode("ascii")


def test_a_directory_goes_through_text_into_the_same_layer(rootfs: Path, tmp_path: Path) -> None:
    """What `mtree` prints, `layer` reads: the layer is that of the directory."""
    (tmp_path / "x.mtree").write_text(described(tmp_path))
    records = [
        fastlayer("layer", *source, "-o", "x.tar.gz", "--json", cwd=tmp_path).record
        for source in (["rootfs"], ["x.mtree", "--base", "rootfs"])
    ]
    assert records[0] == records[1]


def test_digests_and_attributes_can_be_left_out(rootfs: Path, tmp_path: Path) -> None:
    """`--no-digest` and `--xattrs none`."""
    assert "sha256digest=" in described(tmp_path)
    assert "sha256digest=" not in described(tmp_path, "--no-digest", "--xattrs", "none")


@pytest.mark.parametrize(
    ("name", "start"),
    [("list", "#mtree\n"), ("list", "#mtree v2.0\n\n"), ("list.mtree", "# made by hand\n")],
)
def test_an_mtree_file_is_known_by_its_content(
    name: str, start: str, rootfs: Path, tmp_path: Path
) -> None:
    """Its first line says so, or its suffix where a tool writes no such line."""
    (rootfs / name).write_text(f"{start}./app type=file contents=bin/app\n")
    outcome = fastlayer("layer", f"rootfs/{name}", "-o", "x.tar", cwd=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert list(members(tmp_path / "x.tar")) == ["app"]


def test_any_other_file_is_an_archive(rootfs: Path, tmp_path: Path) -> None:
    """Text without the first line and the suffix is not taken for one."""
    (rootfs / "list").write_text("# made by hand\n./app type=file contents=bin/app\n")
    outcome = fastlayer("layer", "rootfs/list", "-o", "x.tar", cwd=tmp_path)
    assert outcome.error.startswith("malformed archive")


def test_a_tar_may_begin_like_an_mtree_file(tmp_path: Path) -> None:
    """A file named `#mtree` in a tar does not make it one."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "#mtree").touch()
    first = ["--exclude", "none", "-o", "whole.tar"]
    assert fastlayer("layer", "tree", *first, cwd=tmp_path).status == 0
    whole = (tmp_path / "whole.tar").read_bytes()
    (tmp_path / "x.tar").write_bytes(whole[512:])  # without the entry of the root
    assert (tmp_path / "x.tar").read_bytes().startswith(b"#mtree")
    assert fastlayer("layer", "x.tar", "-o", "y.tar", cwd=tmp_path).status == 0
    assert list(members(tmp_path / "y.tar")) == ["#mtree"]


def test_build_takes_mtree_files_beside_other_sources(rootfs: Path, tmp_path: Path) -> None:
    """Each is a layer; the base is that of all mtree files."""
    (tmp_path / "a.mtree").write_text("#mtree\n./a type=file contents=bin/app\n")
    (tmp_path / "b.mtree").write_text("#mtree\n./b type=file contents=notes.txt\n")
    outcome = fastlayer(
        *("build", "--rootfs", "a.mtree", "--rootfs", "rootfs", "--rootfs", "b.mtree"),
        *("--base", "rootfs", "-t", "x:1", "-o", "x.tar"),
        cwd=tmp_path,
    )
    assert outcome.status == 0, outcome.stderr
    assert list(layer_members(tmp_path / "x.tar", 0)) == ["a"]
    assert "." in layer_members(tmp_path / "x.tar", 1)
    assert list(layer_members(tmp_path / "x.tar", 2)) == ["b"]


def test_with_a_base_a_pipe_is_an_mtree_file(rootfs: Path, tmp_path: Path) -> None:
    """A description need not be a file."""
    done = subprocess.run(
        [*command("layer", "/dev/stdin", "--base", "rootfs", "-o", "x.tar")],
        input=b"./x type=file contents=notes.txt\n",
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(members(tmp_path / "x.tar")) == ["x"]


@pytest.mark.parametrize("source", ["rootfs", "-"])
def test_a_base_that_nothing_needs_is_bad_usage(source: str, rootfs: Path, tmp_path: Path) -> None:
    """Whoever gives one meant something else."""
    for words in (["layer", source], ["build", "--rootfs", source, "-t", "x:1"]):
        outcome = fastlayer(*words, "--base", "rootfs", "-o", "x.tar", cwd=tmp_path)
        assert outcome.status == 2
        assert outcome.error == "`--base` is for the contents of an mtree file, and there is none"


def test_errors_name_the_line(rootfs: Path, tmp_path: Path) -> None:
    """One line on stderr, status 1, and no output."""
    (tmp_path / "x.mtree").write_text("#mtree\n./a type=file contents=bin/gone\n")
    outcome = fastlayer("layer", "x.mtree", "--base", "rootfs", "-o", "x.tar", cwd=tmp_path)
    assert outcome.status == 1
    assert outcome.error == "x.mtree:2: the content `rootfs/bin/gone` is missing"
    assert not (tmp_path / "x.tar").exists()
    outcome = fastlayer("mtree", "gone", cwd=tmp_path)
    assert (outcome.status, outcome.stdout) == (1, b"")
    assert outcome.error == "`gone`: No such file or directory"
