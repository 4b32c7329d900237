"""Edits on the command line of `build` and `layer`: forms, order, files, and what met nothing."""

import io
import json
import os
import re
import shlex
import tarfile
from pathlib import Path

import pytest

from commands import fastlayer, layer_members, members, tree
from fastlayer import edit
from fastlayer.cli.build import build_command
from fastlayer.cli.edits import edits_of
from fastlayer.cli.layer import layer_command
from fastlayer.cli.run import run

GUIDE = Path(__file__).parents[1] / "docs" / "edits.md"
TOML = '[[edit]]\nremove = ["etc/motd", "var"]\n[[edit]]\nput = "etc/issue"\nfile = "tool"\n'


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a tree, the same as an archive, and files to put."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    for path in ("etc/motd", "usr/share/doc/a/copyright", "usr/share/doc/a/NEWS", "var/log/x"):
        (tmp_path / "rootfs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "rootfs" / path).write_text(f"{path}\n")
    with tarfile.open(tmp_path / "rootfs.tar", "w") as tar:
        tar.add(tmp_path / "rootfs", ".")
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o750)
    (tmp_path / "edits.toml").write_text(TOML)
    return tmp_path


def edits(*options: str) -> list[edit.Edit]:
    """What `fastlayer layer` makes of these options."""
    with layer_command.make_context("layer", ["rootfs", "-o", "x.tar", *options]) as context:
        return list(edits_of(context)["edits"])


def edited(*options: str) -> dict[str, tarfile.TarInfo]:
    """The entries of the layer that these options leave, in which each has met something."""
    assert run(["layer", "rootfs.tar", "-o", "x.tar", "--unmatched", "error", *options]) == 0
    return members(Path("x.tar"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--put", "tool:/a"], edit.put("/a", "tool")),
        (["--put", "tool:/bin/"], edit.put("/bin/tool", "tool")),
        (["--put", "./x/tool:/bin/:0755"], edit.put("/bin/tool", "./x/tool", mode=0o755)),
        (["--put", "a:b:/c:4711"], edit.put("/c", "a:b", mode=0o4711)),
        (["--put", "/a:/b/c:d:0644"], edit.put("/b/c:d", "/a", mode=0o644)),
        (["--mkdir", "opt"], edit.directory("opt")),
        (["--mkdir", "/opt/a:0700"], edit.directory("/opt/a", mode=0o700)),
        (["--mkdir", "/a:b/c"], edit.directory("/a:b/c")),
        (["--symlink", "../run:/var/run"], edit.symlink("/var/run", "../run")),
        (["--symlink", "/a:/b:/c"], edit.symlink("/c", "/a:/b")),
        (["--remove", "/var/log"], edit.remove("/var/log")),
        (["--rename", "a:/b"], edit.rename("a", "/b")),
        (["--chmod", "0755:/usr/bin/*"], edit.chmod("/usr/bin/*", 0o755)),
        (["--chmod", "0:a:b"], edit.chmod("a:b", 0)),
        (["--chown", "1:2:/etc/**"], edit.chown("/etc/**", (1, 2))),
        (["--chown", "1:a:b"], edit.chown("a:b", (1, 1))),
        (["--chown", "1:2:3"], edit.chown("3", (1, 2))),
        (["--truncate", "/etc/machine-id"], edit.truncate("/etc/machine-id")),
        (["--path-exclude", "/a"], edit.path_rules("path-exclude=/a")),
        (["--path-include=*"], edit.path_rules("path-include=*")),
    ],
)
def test_each_option_is_an_edit(options: list[str], expected: edit.Edit) -> None:
    """The same as a program would make."""
    assert edits(*options) == [expected]


def test_edits_come_in_the_order_of_the_command_line() -> None:
    """Different options mixed; dpkg's rules are one edit, at the place of the first."""
    found = edits(
        *("--remove", "a", "--chmod", "0600:b", "--path-exclude", "/x/*", "--remove=c"),
        *("--edits", "edits.toml", "--path-include", "/x/y", "--path-exclude", "/z"),
        *("--exclude", "--remove", "--put", "tool:/a"),
    )
    assert [str(one) for one in found] == [
        "remove a",
        "chmod b 0o600",
        "path_rules path-exclude=/x/* path-include=/x/y path-exclude=/z",
        "remove c",
        "remove etc/motd",
        "remove var",
        "put etc/issue tool",
        "put /a tool",
    ]


def test_each_edit_sees_what_those_before_it_made() -> None:
    """So their order is a matter of the layer, not of the program."""
    rename, mode = ("--rename", "/etc:/opt/etc"), ("--chmod", "0600:/opt/etc/*")
    put = ("--put", "tool:/opt/etc/tool:0755")
    found = edited(*rename, *mode, *put)
    assert (found["opt/etc/motd"].mode, found["opt/etc/tool"].mode) == (0o600, 0o755)
    found = edited(*rename, *put, *mode)
    assert (found["opt/etc/motd"].mode, found["opt/etc/tool"].mode) == (0o600, 0o600)


@pytest.mark.parametrize("source", ["rootfs", "rootfs.tar", "-"])
def test_every_source_is_edited(source: str, workplace: Path) -> None:
    """A directory, an archive and stdin, in one call."""
    outcome = fastlayer(
        *("layer", source, "-o", "x.tar.gz", "--unmatched", "error"),
        *("--path-exclude", "/usr/share/doc/*", "--path-include", "/usr/share/doc/*/copyright"),
        *("--put", "tool:/usr/bin/:0755", "--mkdir", "/srv:0700", "--symlink", "usr/bin:/bin"),
        *("--truncate", "/etc/motd", "--chown", "7:8:/etc/*", "--remove", "/var/log"),
        cwd=workplace,
        input=(workplace / "rootfs.tar").read_bytes(),
    )
    assert (outcome.status, outcome.stderr) == (0, "")
    found = members(workplace / "x.tar.gz")
    assert set(found) == {
        *(".", "bin", "etc", "etc/motd", "srv", "usr", "usr/bin", "usr/bin/tool", "usr/share"),
        *("usr/share/doc", "usr/share/doc/a", "usr/share/doc/a/copyright", "var"),
    }
    assert (found["usr/bin/tool"].mode, found["srv"].mode) == (0o755, 0o700)
    motd = found["etc/motd"]
    assert (motd.size, motd.uid, motd.gid) == (0, 7, 8)
    assert found["bin"].linkname == "usr/bin"


def test_a_file_of_edits_is_read(workplace: Path) -> None:
    """Files in it are found beside it."""
    (workplace / "image").mkdir()
    for name in ("edits.toml", "tool"):
        (workplace / name).rename(workplace / "image" / name)
    found = edited("--edits", "image/edits.toml")
    assert (found["etc/issue"].mode, found["etc/issue"].size) == (0o750, 10)
    assert not {"etc/motd", "var"} & set(found)


def test_a_build_edits_each_rootfs_and_nothing_that_is_added(workplace: Path) -> None:
    """What was named for a layer of its own is in it, whatever the edits leave out."""
    arguments = ["--rootfs", "rootfs", "--add", "rootfs:/", "--rootfs", "rootfs.tar", "-o", "y.tar"]
    options = ["--remove", "/etc/motd", "--put", "tool:/tool", "--unmatched", "error"]
    assert run(["build", *arguments, *options]) == 0
    layers = [layer_members(workplace / "y.tar", number) for number in range(3)]
    assert ["etc/motd" in layer for layer in layers] == [False, True, False]
    assert ["tool" in layer for layer in layers] == [True, False, True]


def test_edits_without_a_rootfs_are_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """They would do nothing."""
    assert run(["build", "--add", "tool:/tool", "--remove", "/a", "-o", "y.tar"]) == 2
    message = "edits change what `--rootfs` gives, and there is none (see `fastlayer build --help`)"
    assert message.partition(" (")[0] in capsys.readouterr().err
    assert run(["build", "--add", "tool:/tool", "--unmatched", "error", "-o", "y.tar"]) == 0


@pytest.mark.parametrize("verb", [["layer", "rootfs.tar"], ["build", "--rootfs", "rootfs.tar"]])
def test_what_met_nothing_is_told(verb: list[str], workplace: Path) -> None:
    """A warning in one line each; an error leaves nothing; or silence."""
    options = [*verb, "-o", "x.tar", "--remove", "/boot\n", "--remove", "/etc", "--truncate", "b"]
    before = tree(workplace)
    outcome = fastlayer(*options, "--unmatched", "error", cwd=workplace)
    assert (outcome.status, outcome.stdout) == (1, b"")
    assert outcome.error == r"nothing matched the edit `remove /boot\n`"
    assert tree(workplace) == before
    outcome = fastlayer(*options, cwd=workplace)
    assert outcome.status == 0
    assert outcome.stderr.splitlines() == [
        r"fastlayer: warning: nothing matched the edit `remove /boot\n`",
        "fastlayer: warning: nothing matched the edit `truncate b`",
    ]
    outcome = fastlayer(*options, "--unmatched", "ignore", cwd=workplace)
    assert (outcome.status, outcome.stderr) == (0, "")


def test_a_stream_that_needs_a_second_look_is_refused(workplace: Path) -> None:
    """A file is looked at again; both leave all or nothing."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add("tool", "a")
        link = tarfile.TarInfo("b")
        link.type, link.linkname = tarfile.LNKTYPE, "a"
        tar.addfile(link)
    (workplace / "in.tar").write_bytes(stream.getvalue())
    before = tree(workplace)
    options = ["-o", "x.tar", "--remove", "/a"]
    outcome = fastlayer("layer", "-", *options, cwd=workplace, input=stream.getvalue())
    assert outcome.status == 1
    assert "second look at the archive" in outcome.error
    assert tree(workplace) == before
    assert fastlayer("layer", "in.tar", *options, cwd=workplace).status == 0
    assert members(workplace / "x.tar")["b"].isreg()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--put", "tool"], "`--put`: `tool` is not of the form `SOURCE:/DESTINATION[:MODE]`, "),
        (["--put", "tool:etc/x"], "`--put`: `tool:etc/x` is not of the form "),
        (["--put", "tool:/x:rwx"], "`--put`: `rwx` is not an octal number such as `0755`"),
        (["--put", "tool:/x:17777"], "`--put`: `mode` is `0o17777`: expected "),
        (["--put", "tool:/../x"], "`--put`: invalid path: "),
        (["--mkdir", "/"], "`--mkdir`: invalid path: `/` is the root of the layer"),
        (["--mkdir", "/a:"], "`--mkdir`: `` is not an octal number"),
        (["--symlink", "a:b"], "`--symlink`: `a:b` is not of the form `TARGET:/PATH`, "),
        (["--remove", ""], "`--remove`: invalid path: "),
        (["--rename", "a"], "`--rename`: `a` is not of the form `FROM:/TO`, such as "),
        (["--rename", "a:/a/b"], "`--rename`: cannot rename `a` to `a/b`: it lies in itself"),
        (["--chmod", "0755"], "`--chmod`: `0755` is not of the form `MODE:PATTERN`, such as "),
        (["--chmod", "a:0755"], "`--chmod`: `a` is not an octal number"),
        (["--chmod", "0755:[a"], "`--chmod`: bad exclusion pattern `[a`"),
        (["--chown", "0:0"], "`--chown`: `0:0` is not of the form `UID[:GID]:PATTERN`, such as "),
        (["--chown", "root:etc"], "`--chown`: `root:etc` is not of the form "),
        (["--chown", "4294967295:a"], "`--chown`: `owner` is `4294967295`: expected "),
        (["--path-exclude", "usr"], "`--path-exclude`: bad path rule `path-exclude=usr`: "),
        (["--path-include", ""], "`--path-include`: bad path rule `path-include=`: "),
        (["--unmatched", "no"], "`--unmatched`: `no` is not one of `warn`, `error`, `ignore`"),
        (
            ["--edits", "wrong.toml"],
            "`wrong.toml`:3: edit 1: unknown key `mod`: did you mean ",
        ),
    ],
)
@pytest.mark.parametrize("verb", [["layer"], ["build", "--rootfs"]])
def test_a_wrong_edit_fails_before_any_work(
    verb: list[str],
    options: list[str],
    message: str,
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 2, one line that names the option or the file, nothing written."""
    (workplace / "wrong.toml").write_text('[[edit]]\ndirectory = "a"\nmod = "0700"\n')
    before = tree(workplace)
    assert run([*verb, "rootfs", "-o", "x.tar", *options]) == 2
    stdout, stderr = capsys.readouterr()
    (line,) = stderr.splitlines()
    assert line.startswith(f"fastlayer: error: {message}")
    assert (stdout, tree(workplace)) == ("", before)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--edits", "missing.toml"], "`missing.toml`: No such file or directory"),
        (["--put", "missing:/a"], "`missing`: No such file or directory"),
    ],
)
def test_a_missing_file_is_named(options: list[str], error: str, workplace: Path) -> None:
    """Status 1, as for a missing source; nothing is left."""
    before = tree(workplace)
    outcome = fastlayer("layer", "rootfs.tar", "-o", "x.tar", *options, cwd=workplace)
    assert (outcome.status, outcome.error) == (1, error)
    assert tree(workplace) == before


def test_names_that_are_not_text_are_kept(workplace: Path) -> None:
    """Bytes of the command line are bytes of the layer."""
    outcome = fastlayer("layer", "rootfs", "-o", "x.tar", "--mkdir", b"/a\xff", cwd=workplace)
    assert (outcome.status, outcome.stderr) == (0, "")
    names = [os.fsencode(name) for name in members(workplace / "x.tar")]
    assert b"a\xff" in names


def test_an_edited_layer_is_the_same_in_an_image(capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever verb makes it."""
    options = ["--edits", "edits.toml", "--mkdir", "/opt", "--json"]
    assert run(["layer", "rootfs", "-o", "x.tar.gz", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert run(["build", "--rootfs", "rootfs", "-o", "y.tar", *options]) == 0
    (layer,) = json.loads(capsys.readouterr().out)["layers"]
    assert layer["digest"] == record["digest"]


def test_the_help_has_a_section_of_edits(capsys: pytest.CaptureFixture[str]) -> None:
    """Every option of an edit is in it."""
    for verb in ("build", "layer"):
        assert run([verb, "--help"]) == 0
        section = capsys.readouterr().out.partition("\nEdits:\n")[2].partition("\n\n")[0]
        for name in ("put", "mkdir", "symlink", "remove", "rename", "chmod", "chown", "truncate"):
            assert f"  --{name} " in section
        for name in ("path-exclude", "path-include", "edits", "unmatched"):
            assert f"  --{name} " in section


def test_the_commands_of_the_guide_are_command_lines_that_parse() -> None:
    """Nobody is taught a line that does not work."""
    text = GUIDE.read_text().replace("\\\n", " ")
    lines = re.findall(r"^    fastlayer (layer|build) (.*)$", text, re.MULTILINE)
    assert {verb for verb, _ in lines} == {"layer", "build"}
    for verb, arguments in lines:
        command = build_command if verb == "build" else layer_command
        with command.make_context(verb, shlex.split(arguments)) as context:
            assert edits_of(context)["edits"]


def test_what_went_into_a_pipe_cannot_be_taken_back(workplace: Path) -> None:
    """A second look at the archive is for outputs that can begin again; the message says so."""
    tar_file = workplace / "rootfs.tar"
    (workplace / "rootfs" / "linked").hardlink_to(workplace / "rootfs" / "etc" / "motd")
    with tarfile.open(tar_file, "w") as tar:
        tar.add(workplace / "rootfs", ".")
    edited = ("layer", tar_file, "--compression", "none", "--remove", "/etc/motd", "-o")
    outcome = fastlayer(*edited, "-", cwd=workplace)
    assert outcome.status == 1
    assert outcome.error.endswith(
        "this takes a second look at the archive, which a stream or pipe does not allow: give files"
    )
    assert fastlayer(*edited, "layer.tar", cwd=workplace).status == 0
    assert members(workplace / "layer.tar")["linked"].isreg()
