"""`fastlayer build image.toml`: as the options say it, and with options besides."""

import json
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from commands import config_of, fastlayer, tags_of, tree
from fastlayer.cli.run import run
from registries import Registry

TEXT = """\
tags = ["demo/app:1"]
platforms = ["linux/amd64", "linux/arm64"]
output = ["app.tar", "oci:out"]
author = "Ann"

[config]
env = { A = "1" }
cmd = ["sh"]

[[layer]]
rootfs = "rootfs"
owner = "0:0"
[[layer.edit]]
remove = "etc/motd"

[[layer]]
files = { "usr/bin/app" = "{arch}/app" }
compression = "none"
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an image file and what it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    for folder in ("rootfs/etc", "amd64", "arm64"):
        Path(folder).mkdir(parents=True)
    Path("rootfs/etc/motd").write_text("hello\n")
    for name in ("amd64/app", "arm64/app"):
        Path(name).write_text(name)
    Path("image.toml").write_text(TEXT)
    return tmp_path


def records(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Build the file; the records of what came out."""
    assert run(["build", "image.toml", *arguments, "--json"]) == 0, capsys.readouterr().err
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a call that is refused says, having done nothing."""
    before = tree(Path())
    assert run(["build", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert tree(Path()) == before
    return str(line).removeprefix("fastlayer: error: ")


def test_a_file_says_what_options_say(capsys: pytest.CaptureFixture[str]) -> None:
    """Layer by layer, to the byte."""
    (one, _) = records(capsys)
    options = ["--author", "Ann", "--env", "A=1", "--cmd", "sh", "-t", "demo/app:1"]
    for image in one["images"]:
        arch = image["platform"].removeprefix("linux/")
        base = ["build", "--rootfs", "rootfs", "--owner", "0:0", "--remove", "etc/motd"]
        assert run([*base, "-o", "base.tar", "--platform", image["platform"], *options]) == 0
        add = ["--from", "base.tar", "--add", f"{arch}/app:/usr/bin/", "--compression", "none"]
        capsys.readouterr()
        assert run(["build", *add, "--platform", arch, "-o", "x.tar", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["digest"] == image["digest"]


def test_each_output_has_its_record(capsys: pytest.CaptureFixture[str]) -> None:
    """All tell of the same index."""
    archive, layout = records(capsys)
    assert (archive.pop("output"), layout.pop("output")) == ("app.tar", "oci:out"[4:])
    assert archive == layout
    assert archive["tags"] == ["demo/app:1"]
    assert [image["platform"] for image in archive["images"]] == ["linux/amd64", "linux/arm64"]
    assert fl.validate("app.tar").ok
    assert fl.validate("out").ok


def test_people_get_a_few_lines_for_each_output(capsys: pytest.CaptureFixture[str]) -> None:
    """As for an index, or an image."""
    assert run(["build", "image.toml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "output" in line] == [
        "  output    app.tar",
        "  output    oci:out",
    ]
    assert run(["build", "image.toml", "--platform", "amd64"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("  platform  linux/amd64") == 2


@pytest.mark.parametrize(
    ("text", "platforms"),
    [
        ("amd64", ["linux/amd64"]),
        ("linux/arm64/v8", ["linux/arm64"]),
        ("arm64,amd64", ["linux/amd64", "linux/arm64"]),
    ],
)
def test_some_of_the_platforms_can_be_chosen(
    text: str, platforms: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """They are the images that the whole has."""
    (whole, _) = records(capsys)
    (part, _) = records(capsys, "--platform", text)
    images = part.get("images", [part])
    assert [image["platform"] for image in images] == platforms
    assert {image["digest"] for image in images} <= {image["digest"] for image in whole["images"]}


def test_a_file_without_platforms_is_for_any(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line says which, or the host does."""
    Path("image.toml").write_text('output = "x.tar"\n[[layer]]\nrootfs = "rootfs"\n')
    assert records(capsys, "--platform", "s390x")[0]["platform"] == "linux/s390x"
    (index,) = records(capsys, "--platform", "s390x,amd64")
    assert [image["platform"] for image in index["images"]] == ["linux/s390x", "linux/amd64"]
    assert records(capsys)[0]["platform"] == str(fl.Platform.host())


def test_tags_output_and_format_take_the_place_of_the_file_s(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the file names is not written."""
    options = ["-t", "b:2", "-o", "docker-archive:x.tar:c:3", "--format", "docker"]
    (record,) = records(capsys, *options, "--platform", "amd64")
    assert record["mediaType"].startswith("application/vnd.docker.")
    assert tags_of(workplace / "x.tar") == record["tags"] == ["b:2", "c:3"]
    assert not (workplace / "app.tar").exists()


@pytest.mark.parametrize("folder", [".", "elsewhere"])
def test_an_output_of_the_command_line_is_relative_to_that(
    folder: str,
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And what the file says, to the file."""
    (workplace / folder).mkdir(exist_ok=True)
    monkeypatch.chdir(workplace / folder)
    file = str(workplace / "image.toml")
    assert run(["build", file, "-o", "x.tar", "--platform", "amd64"]) == 0, capsys.readouterr().err
    assert (workplace / folder / "x.tar").is_file()
    assert run(["build", file]) == 0
    assert (workplace / "app.tar").is_file()


def test_options_of_blobs_hold_for_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the file says."""
    options = ["--compression", "zstd:1", "--threads", "1", "--verify", "--platform", "amd64"]
    (record, _) = records(capsys, *options)
    assert {layer["mediaType"].rpartition("+")[2] for layer in record["layers"]} == {"zstd"}


def test_settings_come_after_the_file_s(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added or in their place, as to those of a base."""
    options = ["--env", "B=2", "--label", "l=1", "--cmd", "bash", "--annotation", "a=b"]
    records(capsys, *options, "--platform", "amd64")
    config = config_of(workplace / "app.tar")
    assert config["config"] == {"Env": ["A=1", "B=2"], "Cmd": ["bash"], "Labels": {"l": "1"}}
    assert config["author"] == "Ann"
    assert fl.Image.load("app.tar").annotations == {"a": "b"}
    # The environment is not asked once the file has said the time.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "7")
    Path("image.toml").write_text('base = "app.tar"\ncreated = 9\noutput = "x.tar"\n')
    records(capsys)
    assert config_of(workplace / "x.tar")["created"] == "1970-01-01T00:00:09Z"
    records(capsys, "--created", "8")
    assert config_of(workplace / "x.tar")["created"] == "1970-01-01T00:00:08Z"


def test_an_annotation_is_that_of_the_index_too(capsys: pytest.CaptureFixture[str]) -> None:
    """As those of the file are, which it is added to."""
    Path("image.toml").write_text(f'annotations = {{ a = "1", b = "1" }}\n{TEXT}')
    records(capsys, "--annotation", "b=2")
    index = fl.Index.load("app.tar")
    assert [one.annotations for one in (index, *index)] == [{"a": "1", "b": "2"}] * 3
    Path("image.toml").write_text(TEXT)
    assert failure(capsys, "image.toml", "--annotation", "a=b", "--format", "docker")


def test_the_time_of_creation_is_a_recipe_s_as_well(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In place of what the file says: of its config and of its entries."""
    text = 'recipe = "debian"\nrootfs = "rootfs"\noutput = "x.tar"\ncreated = 9\n'
    Path("image.toml").write_text(text)
    (expected,) = records(capsys)
    Path("image.toml").write_text(text.replace("= 9", "= 5"))
    assert records(capsys, "--created", "9") == [expected]
    assert config_of(workplace / "x.tar")["created"] == "1970-01-01T00:00:09Z"


def test_a_pipe_gets_the_archive(workplace: Path) -> None:
    """`-o -` instead of what the file names."""
    piped = fastlayer("build", "image.toml", "-o", "-", cwd=workplace)
    assert piped.status == 0
    assert piped.stderr.startswith("demo/app:1\n  output    stdout\n")
    assert fastlayer("build", "image.toml", cwd=workplace).status == 0
    assert piped.stdout == (workplace / "app.tar").read_bytes()


def test_a_registry_is_reached_as_the_options_say(capsys: pytest.CaptureFixture[str]) -> None:
    """For the base and for an output; a tag of another repository is not for it."""
    with Registry() as registry:
        name = f"docker://{registry.domain}/team/app"
        assert len(records(capsys, "-o", f"{name}:1")) == 1
        Path("image.toml").write_text(f'base = "{name}:1"\ntags = "a:1"\noutput = "{name}:2"\n')
        (record,) = records(capsys, "--platform", "arm64")
        assert record["tags"] == [f"{registry.domain}/team/app:2"]
        assert fl.validate(f"{name}:2").ok
        wrong = failure(capsys, "image.toml", "-t", "b:1")
        assert wrong == "the tag `b:1` is of another repository"


def test_progress_is_that_of_each_source(workplace: Path) -> None:
    """Nothing in the way of a bar breaks the build."""
    outcome = fastlayer("build", "image.toml", "--progress", "bar", cwd=workplace)
    assert outcome.status == 0
    assert "rootfs" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rootfs", "rootfs"], "`--rootfs` is for `image.toml` to say: write it there"),
        (["--add", "amd64/app:/app"], "`--add` is for `image.toml` to say: write it there"),
        (["--from", "x.tar"], "`--from` is for "),
        (["--layer", "x.tar"], "`--layer` is for "),
        (["--base", "x"], "`--base` is for "),
        (["--mtime", "0"], "`--mtime` is for "),
        (["--prefix", ""], "`--prefix` is for "),
        (["--remove", "x"], "`--remove` is for "),
        (["--unmatched", "warn"], "`--unmatched` is for "),
        (
            ["--platform", "s390x"],
            "`--platform`: `linux/s390x` is none of the file's: `linux/amd64`, ",
        ),
        (["--platform", "linux"], "invalid platform `linux`: "),
        (["--threads", "0"], "threads is 0: expected 1 to 256"),
        (["--created", "x"], "`--created`: `x` is not RFC 3339, such as "),
        (["--env", "A"], "`--env`: `A` has no `=`"),
        (["--json", "-o", "-"], "`--json` and `-o -` both write to stdout: choose one of them"),
        (["-o", "oci-archive:x.tar:1", "-t", "A"], "invalid "),
        (["--format", "docker", "--compression", "zstd"], "Docker's "),
    ],
)
def test_what_makes_no_sense_beside_a_file_is_bad_usage(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any work, in one line."""
    assert failure(capsys, "image.toml", *arguments).startswith(message)


def test_there_must_be_an_output(capsys: pytest.CaptureFixture[str]) -> None:
    """The file may name it, or the command line."""
    missing = failure(capsys, "--rootfs", "rootfs")
    assert missing == "missing option `--output` (see `fastlayer build --help`)"
    Path("image.toml").write_text('[[layer]]\nrootfs = "rootfs"\n')
    assert failure(capsys, "image.toml").startswith("`image.toml`: nothing says where ")


def test_a_wrong_file_is_bad_usage_and_a_missing_source_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As everywhere: 2 for what is written wrong, 1 for what is not there."""
    Path("image.toml").write_text('output = "x.tar"\n[[layer]]\nrotfs = "x"\n')
    message = "`image.toml`:3: layer 1: unknown key `rotfs`: did you mean `rootfs`?"
    assert failure(capsys, "image.toml") == message
    Path("image.toml").write_text('output = "x.tar"\n[[layer]]\nrootfs = "x"\n')
    assert run(["build", "image.toml"]) == 1
    assert capsys.readouterr().err == (
        "fastlayer: error: `x`: No such file or directory (`image.toml`:3, layer 1)\n"
    )
    assert run(["build", "missing.toml"]) == 1
    assert (
        capsys.readouterr().err == "fastlayer: error: `missing.toml`: No such file or directory\n"
    )


def test_what_fails_leaves_nothing(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the archive nor the layout."""
    (workplace / "rootfs/etc/motd").unlink()
    text = Path("image.toml").read_text()
    Path("image.toml").write_text(text.replace("owner =", 'unmatched = "error"\nowner ='))
    before = tree(workplace)
    assert run(["build", "image.toml"]) == 1
    assert "nothing matched the edit `remove etc/motd`" in capsys.readouterr().err
    assert tree(workplace) == before
