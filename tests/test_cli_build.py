"""`fastlayer build`: layers in order, settings, names, outputs, and every way to fail."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands import config_of, fastlayer, layer_members, tags_of, tree
from fastlayer.cli.run import run
from fastlayer.cli.source import Addition
from fastlayer.cli.values import words
from fastlayer.destination import Output


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a tree, a folder and a file to build from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "rootfs" / "etc").mkdir(parents=True)
    (tmp_path / "rootfs" / "etc" / "motd").write_text("hello\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "app.conf").write_text("x = 1\n")
    (tmp_path / "app").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "app").chmod(0o755)
    return tmp_path


def built(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Build to `x.tar`, or to where the arguments say, and return the record."""
    output = [] if "-o" in arguments else ["-o", "x.tar"]
    assert run(["build", *arguments, *output, "--json"]) == 0, capsys.readouterr().err
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def test_the_record_tells_all_that_identifies_the_image(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` prints one line in the documented form."""
    record = built(capsys, "--rootfs", "rootfs", "-t", "custom/hello:1", "--platform", "arm64")
    (layer,) = record["layers"]
    assert set(record) == {
        *("digest", "mediaType", "tags", "output", "platform", "config", "layers"),
    }
    assert set(layer) == {"mediaType", "digest", "size", "diffID", "uncompressedSize", "entries"}
    assert record["tags"] == ["custom/hello:1"]
    assert (record["output"], record["platform"]) == ("x.tar", "linux/arm64")
    assert config_of(workplace / "x.tar")["rootfs"]["diff_ids"] == [layer["diffID"]]


def test_people_get_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Names first, then what `docker images --no-trunc` will show, then the layers."""
    arguments = ["build", "--rootfs", "rootfs", "--add", "app:/app", "-o", "x.tar"]
    assert run([*arguments, "-t", "a:1", "-t", "b", "--platform", "linux/amd64"]) == 0
    title, *facts = capsys.readouterr().out.splitlines()
    assert title == "a:1, b:latest"
    names = [fact[:12].strip() for fact in facts]
    assert names == [
        *("output", "platform", "size", "image ID", "digest"),
        *("layer 1", "diff_id", "layer 2", "diff_id"),
    ]
    assert facts[5].endswith(" gzip), 3 entries")


def test_layers_come_in_the_order_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`--rootfs` and `--add` may alternate; values that look like options confuse nothing."""
    sources = [["--add", "app:/app"], ["--rootfs", "rootfs"], ["--add=conf:/etc/app"]]
    alone = [built(capsys, *source)["layers"] for source in sources]
    label = ["--label", "--add=--rootfs"]
    together = built(capsys, *sources[0], *label, *sources[1], *sources[2])["layers"]
    assert together == [layer for layers in alone for layer in layers]
    backwards = built(capsys, *sources[2], *sources[1], *sources[0])["layers"]
    assert backwards == together[::-1]


@pytest.mark.parametrize(
    ("add", "names"),
    [
        ("app:/usr/bin/tool", {"usr", "usr/bin", "usr/bin/tool"}),
        ("app:/usr/bin/", {"usr", "usr/bin", "usr/bin/app"}),
        ("app:/", {"app"}),
        ("./conf:/etc/app", {"etc", "etc/app", "etc/app/app.conf"}),
        ("conf/:/etc/app/", {"etc", "etc/app", "etc/app/app.conf"}),
        ("conf:/", {".", "app.conf"}),
    ],
)
def test_what_is_added_goes_where_it_is_told(
    add: str, names: set[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file goes to its destination, or into one that ends in `/`; a folder's content always."""
    built(capsys, "--add", add)
    found = layer_members(workplace / "x.tar")
    assert set(found) == names
    assert {(member.uid, member.gid) for member in found.values()} == {(0, 0)}


def test_the_owner_of_what_is_added_can_be_given(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instead of root; patterns leave out nothing that was named itself."""
    built(capsys, "--add", "conf:/c", "--add", "app:/app", "--owner", "7:8", "--exclude", "*")
    app = layer_members(workplace / "x.tar", 1)["app"]
    assert (app.uid, app.gid, app.mode) == (7, 8, 0o755)
    assert "c/app.conf" not in layer_members(workplace / "x.tar", 0)


def test_what_is_added_may_keep_its_owner(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`keep` says that who owns it on the host does matter."""
    built(capsys, "--add", "conf:/c", "--add", "app:/app", "--owner", "keep")
    user = (os.getuid(), os.getgid())
    for number, name in enumerate(("c/app.conf", "app")):
        found = layer_members(workplace / "x.tar", number)[name]
        assert (found.uid, found.gid) == user


def test_maps_are_for_a_rootfs_and_what_is_added_belongs_to_root(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would else fail for whoever adds a file to a tree of somebody else."""
    maps = ["--uid-map", f"7:{os.getuid()}:1", "--gid-map", f"8:{os.getgid()}:1"]
    built(capsys, "--rootfs", "rootfs", "--add", "conf:/c", "--add", "app:/app", *maps)
    for number, owner in enumerate([(7, 8), (0, 0), (0, 0)]):
        found = layer_members(workplace / "x.tar", number).values()
        assert {(member.uid, member.gid) for member in found} == {owner}


@pytest.mark.parametrize(
    ("text", "source", "destination"),
    [
        ("a:/b", "a", "/b"),
        ("a:b:/c", "a:b", "/c"),
        ("a:/b:/c", "a:/b", "/c"),
        ("/a/b:/", "/a/b", "/"),
    ],
)
def test_a_destination_starts_at_the_last_colon_and_slash(
    text: str, source: str, destination: str
) -> None:
    """Names of sources may have colons."""
    assert Addition.parse(text) == Addition(source, destination)


def test_every_setting_is_in_the_config(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each option sets its member of the image-spec's config."""
    built(
        capsys,
        *("--rootfs", "rootfs", "--platform", "linux/arm/v7"),
        *("--entrypoint", '["/app", "a b"]', "--cmd", "--serve 'on port' 80"),
        *("--env", "A=1", "--env", "B=x=y", "--label", "k=v", "--label", "k2=a=b"),
        *("--user", "1000:1000", "--workdir", "/srv", "--port", "80", "--port", "53/udp"),
        *("--volume", "/data", "--stop-signal", "int", "--author", "Ann"),
        *("--created", "2025-04-18T19:07:30Z"),
        *("--health-cmd", "test -f /ok", "--health-interval", "1m30s"),
        *("--health-timeout", "5s", "--health-start-period", "2s", "--health-retries", "3"),
    )
    config = config_of(workplace / "x.tar")
    second = 10**9
    assert config["config"] == {
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Env": ["A=1", "B=x=y"],
        "Entrypoint": ["/app", "a b"],
        "Cmd": ["--serve", "on port", "80"],
        "Volumes": {"/data": {}},
        "WorkingDir": "/srv",
        "Labels": {"k": "v", "k2": "a=b"},
        "StopSignal": "SIGINT",
        "Healthcheck": {
            "Test": ["CMD-SHELL", "test -f /ok"],
            "Interval": 90 * second,
            "Timeout": 5 * second,
            "StartPeriod": 2 * second,
            "Retries": 3,
        },
    }
    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm", "v7")
    assert (config["created"], config["author"]) == ("2025-04-18T19:07:30Z", "Ann")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/app", ("/app",)),
        ("/app --flag 'a b'", ("/app", "--flag", "a b")),
        ('["/app", "a b"]', ("/app", "a b")),
        ("[]", ()),
        ("", ()),
    ],
)
def test_commands_are_json_arrays_or_shell_words(text: str, expected: tuple[str, ...]) -> None:
    """As in a Dockerfile, except that no shell is added."""
    assert words(text) == expected


def test_times_of_creation(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None by default; seconds, RFC 3339 or now, which is SOURCE_DATE_EPOCH where that is set."""

    def created(*arguments: str) -> str | None:
        built(capsys, "--rootfs", "rootfs", *arguments)
        text: str | None = config_of(workplace / "x.tar").get("created")
        return text

    assert created() is None
    assert created("--created", "0") == "1970-01-01T00:00:00Z"
    now = created("--created", "now")
    assert now is not None
    assert abs((datetime.now(UTC) - datetime.fromisoformat(now)).total_seconds()) < 60
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert created("--created", "now") == created() == "1970-01-02T00:00:00Z"


def test_annotations_are_on_the_manifest(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An OCI image has them, one in Docker's format cannot."""
    record = built(
        capsys, "--rootfs", "rootfs", "--annotation", "a=b", "-o", "oci:out", "-t", "x:1"
    )
    algorithm, _, encoded = record["digest"].partition(":")
    manifest = json.loads((workplace / "out" / "blobs" / algorithm / encoded).read_bytes())
    assert manifest["annotations"] == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("-", Output("stdout", "")),
        ("x.tar", Output("archive", "x.tar")),
        ("a:b.tar", Output("archive", "a:b.tar")),
        ("docker-archive:x.tar", Output("archive", "x.tar")),
        ("docker-archive:x.tar:a/b:1", Output("archive", "x.tar", name="a/b:1")),
        ("docker-archive:x.tar:b", Output("archive", "x.tar", name="b")),
        ("oci-archive:x.tar:a/b:1", Output("archive", "x.tar", name="a/b:1")),
        ("oci-archive:x.tar:1", Output("archive", "x.tar", tag="1")),
        ("oci:out", Output("layout", "out")),
        ("oci:out:1", Output("layout", "out", tag="1")),
        ("oci:out:a/b:1", Output("layout", "out", name="a/b:1")),
        ("oci:conf", Output("layout", "conf")),
    ],
)
def test_outputs_are_named_as_skopeo_names_them(text: str, output: Output) -> None:
    """Transport, path up to the first colon, name or tag."""
    assert Output.parse(text) == output


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        ([], []),
        (["-t", "a", "-t", "b:1", "-t", "a:latest"], ["a:latest", "b:1"]),
        (["-o", "docker-archive:x.tar:c"], ["c:latest"]),
        (["-t", "a:1", "-o", "docker-archive:x.tar:b:2"], ["a:1", "b:2"]),
        (["-t", "a:1", "-o", "oci-archive:x.tar:2"], ["a:1", "a:2"]),
    ],
)
def test_names_of_an_archive_are_those_of_tag_and_output(
    options: list[str], tags: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--tag` first, then the name in `--output`; a tag alone is one of the first name."""
    assert built(capsys, "--rootfs", "rootfs", *options)["tags"] == tags
    assert tags_of(workplace / "x.tar") == tags


def test_a_layout_knows_its_images_by_tag(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`oci:DIR:TAG` adds one to those of `--tag`."""
    built(capsys, "--rootfs", "rootfs", "-t", "custom/a:1", "-o", "oci:out:2")
    index = json.loads((workplace / "out" / "index.json").read_bytes())
    names = [
        manifest["annotations"]["org.opencontainers.image.ref.name"]
        for manifest in index["manifests"]
    ]
    assert names == ["1", "2"]


def test_a_layout_may_know_an_image_by_a_tag_alone(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As skopeo, buildah and umoci write it; the summary has that name."""
    assert run(["build", "--rootfs", "rootfs", "-o", "oci:out:v1"]) == 0
    title, output, *_ = capsys.readouterr().out.splitlines()
    assert (title, output) == ("v1", "  output    oci:out")
    (manifest,) = json.loads((workplace / "out" / "index.json").read_bytes())["manifests"]
    assert manifest["annotations"] == {"org.opencontainers.image.ref.name": "v1"}


def test_the_formats_have_their_media_types(capsys: pytest.CaptureFixture[str]) -> None:
    """`--format docker` is for registries and tools that know nothing else."""
    record = built(capsys, "--rootfs", "rootfs", "--format", "docker")
    assert record["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert built(capsys, "--rootfs", "rootfs")["mediaType"].startswith("application/vnd.oci.")


def test_a_pipe_gets_the_same_archive(workplace: Path) -> None:
    """`-o -` writes it to stdout, and the summary to stderr."""
    arguments = ["build", "--rootfs", "rootfs", "-t", "x:1", "-o"]
    piped = fastlayer(*arguments, "-", cwd=workplace)
    assert fastlayer(*arguments, "x.tar", cwd=workplace).status == 0
    assert piped.status == 0
    assert piped.stdout == (workplace / "x.tar").read_bytes()
    assert piped.stderr.startswith("x:1\n  output    stdout\n")


def test_stdin_is_a_source(workplace: Path) -> None:
    """`--rootfs -` reads a tar, in its place among the layers."""
    fastlayer("layer", "rootfs", "-o", "rootfs.tar", cwd=workplace)
    outcome = fastlayer(
        *("build", "--add", "app:/app", "--rootfs", "-", "-o", "x.tar", "--json"),
        cwd=workplace,
        input=(workplace / "rootfs.tar").read_bytes(),
    )
    assert [layer["entries"] for layer in outcome.record["layers"]] == [1, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "conf"], "`--output`: `conf` is a directory: write `oci:conf` for a layout"),
        (["-o", "docker-archive:conf"], "`--output`: `conf` is a directory: write `oci:conf` "),
        (["-o", "docker://x/Y"], "`--output`: invalid reference `x/Y`: "),
        (["-o", "docker-daemon:x"], "`--output`: `docker-daemon:x`: this version cannot write "),
        (["-o", "oci:"], "`--output`: `oci:` is not of the form `oci:DIR[:TAG]`"),
        (["-o", "oci-archive:x:"], "`--output`: `oci-archive:x:` is not of the form "),
        (["-o", "oci-archive:x:1"], "`oci-archive:x:1` has a tag without a name: "),
        (["-o", "-", "--json"], "`--json` and `-o -` both write to stdout: choose one of them"),
        (["-t", "Custom/Hello"], "invalid reference `Custom/Hello`: "),
        (["-t", "x:b@d"], "invalid reference `x:b@d`: "),
        (["-o", "docker-archive:x.tar:A"], "invalid reference `A`: "),
        (["--compression", "lzma"], "`--compression`: unknown compression `lzma`: "),
        (["--compression", "gzip:10"], "gzip level 10 "),
        (["--compression", "zstd", "--format", "docker"], "Docker's image format has no media "),
        (["--annotation", "a=b", "--format", "docker"], "Docker's image format has no annotation"),
        (["--platform", "linux"], "invalid platform `linux`: "),
        (["--add", "app"], "`--add`: `app` is not of the form `SOURCE:/DESTINATION`, such as "),
        (["--add", "app:app"], "`--add`: `app:app` is not of the form "),
        (["--add", ":/app"], "`--add`: `:/app` is not of the form "),
        (["--add", "app:/../x"], "`--add`: `app:/../x`: the destination has a `..`"),
        (["--rootfs", "-", "--rootfs", "-"], "`-` is given twice, but stdin can be read once"),
        (["--label", "x"], "`--label`: `x` is not of the form `KEY=VALUE`"),
        (["--label", "=x"], "`--label`: `=x` is not of the form `KEY=VALUE`"),
        (["--env", "x"], "`--env`: `x` has no `=`"),
        (["--workdir", "x"], "`--workdir`: `x` is not an absolute path"),
        (["--port", "0"], "`--port`: `0` is not a port such as "),
        (["--volume", "x"], "`--volume`: `x` is not an absolute path"),
        (["--stop-signal", "x"], "`--stop-signal`: `x` is not a signal such as `SIGTERM`"),
        (["--created", "x"], "`--created`: `x` is not RFC 3339, such as "),
        (["--cmd", "["], "`--cmd`: `[` is not a JSON array: "),
        (["--cmd", "[1]"], "`--cmd`: `[1]` has items that are not text"),
        (["--cmd", "'"], "`--cmd`: `'`: no closing quotation"),
        (["--health-retries", "1"], "the options of a health check need `--health-cmd`"),
        (
            ["--health-cmd", "x", "--health-timeout", "1"],
            "health check: `timeout`: `1` is not a duration such as `1m30s`",
        ),
    ],
)
def test_bad_values_fail_before_any_work(
    options: list[str], message: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, one line that names the value, nothing written."""
    before = tree(workplace)
    output = [] if "-o" in options else ["-o", "x.tar"]
    assert run(["build", "--rootfs", "rootfs", *output, *options]) == 2
    stdout, stderr = capsys.readouterr()
    (line,) = stderr.splitlines()
    assert line.startswith(f"fastlayer: error: {message}")
    assert (stdout, tree(workplace)) == ("", before)


def test_nothing_to_build_from_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """An image needs a layer."""
    assert run(["build", "-o", "x.tar"]) == 2
    assert capsys.readouterr().err == (
        "fastlayer: error: nothing to build from: give `--rootfs`, `--add`, `--from`, or a "
        "Dockerfile's CONTEXT\n"
    )


@pytest.mark.parametrize("option", ["--uid-map", "--gid-map"])
def test_maps_without_a_rootfs_are_bad_usage(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """There would be nothing that they do."""
    assert run(["build", "--add", "app:/app", option, "0:1:2", "-o", "x.tar"]) == 2
    assert capsys.readouterr().err == (
        "fastlayer: error: `--uid-map` and `--gid-map` are for `--rootfs`: what is added belongs "
        "to root\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rootfs", "missing", "-o", "x.tar"], "`missing`: No such file or directory"),
        (["--add", "missing:/x", "-o", "x.tar"], "`missing`: No such file or directory"),
        (["--rootfs", "rootfs", "-o", "no/x.tar"], "`no`: No such file or directory"),
        (["--rootfs", "rootfs", "-o", "oci:no/x"], "`no/x`: No such file or directory"),
        (["--rootfs", "rootfs", "-o", "oci:conf"], "`conf` is neither empty nor an OCI layout: "),
        (["--rootfs", "app", "-o", "x.tar"], "malformed archive `app`: "),
        (["--rootfs", "app", "-o", "oci:out"], "malformed archive `app`: "),
        (
            ["--rootfs", "rootfs", "-o", "rootfs/x.tar"],
            "the output `rootfs/x.tar` is inside the tree",
        ),
        (["--rootfs", "rootfs", "--add", "missing:/x", "-o", "x.tar"], "`missing`: No such "),
    ],
)
def test_failures_leave_nothing_behind(arguments: list[str], message: str, workplace: Path) -> None:
    """Status 1, one line that names what failed and why."""
    before = tree(workplace)
    outcome = fastlayer("build", *arguments, cwd=workplace)
    assert outcome.status == 1
    assert outcome.error.startswith(message)
    assert (outcome.stdout, tree(workplace)) == (b"", before)
