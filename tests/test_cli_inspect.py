"""`fastlayer inspect` and `fastlayer validate`: what people see, and exit statuses."""

import io
import json
import re
import sys
import tarfile
from pathlib import Path

import pytest

from archives import (
    LAYERS,
    Sample,
    SampleLayer,
    blob_name,
    combined,
    digest,
    layout,
    tar,
    write_archive,
    write_folder,
)
from fastlayer.cli.run import run
from fastlayer.inspection import inspect
from fastlayer.validation import validate

HOSTILE = "evil\x1b[31m\nimage `x`\u202e[bold]"


class Terminal(io.StringIO):
    """What stdout is when people look at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return str(write_archive(tmp_path / "image.tar", combined(Sample())))


def output(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command line that says nothing on stderr."""
    assert run(arguments) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_inspect(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All facts, with whole digests and without colours: it goes into a pipe."""
    sample = Sample()
    lines = output(capsys, "inspect", archive).splitlines()
    assert lines[:11] == [
        "image       custom/hello:latest",
        f"digest      {digest(sample.manifest)}",
        "media type  application/vnd.oci.image.manifest.v1+json",
        "platform    linux/amd64",
        "created     2025-04-18T19:07:30Z",
        f"config      {digest(sample.config)} ({len(sample.config)} bytes)",
        'entrypoint  ["/app"]',
        "env         A=b c",
        "labels      k=v",
        "layers      2 (10.4 kB)",
        "",
    ]
    assert [line.split() for line in lines[12:]] == [
        [
            "1",
            str(len(LAYERS[0].blob)),
            "bytes",
            digest(LAYERS[0].blob),
            digest(LAYERS[0].tar),
            "application/vnd.oci.image.layer.v1.tar+gzip",
        ],
        [
            "2",
            "10.2",
            "kB",
            digest(LAYERS[1].blob),
            digest(LAYERS[1].tar),
            "application/vnd.oci.image.layer.v1.tar",
        ],
    ]


def test_inspect_two_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other, one of them without a tag."""
    path = write_folder(
        tmp_path / "layout", layout(Sample(), Sample(architecture="s390x", tags=()))
    )
    lines = output(capsys, "inspect", f"oci:{path}").splitlines()
    assert [line for line in lines if line.startswith(("image", "platform"))] == [
        "image       custom/hello:latest",
        "platform    linux/amd64",
        "image       no tag",
        "platform    linux/s390x",
    ]


def test_inspect_for_a_terminal(
    archive: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal gets colours and short digests in the table."""
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "100")
        patch.delenv("NO_COLOR", raising=False)
        patch.setattr(sys, "stdout", terminal)
        assert run(["inspect", archive]) == 0
    text = terminal.getvalue()
    assert "\x1b[1m" in text
    assert f"{digest(LAYERS[0].blob)[:19]}…" in text
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines())) <= 100
    assert "\x1b" not in output(capsys, "inspect", archive)


def test_inspect_as_json(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One record on one line: that of the library."""
    text = output(capsys, "inspect", "--json", "--files", archive)
    assert text.count("\n") == 1
    assert json.loads(text) == inspect(archive, files=True).record()


def test_inspect_lists_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every kind of entry, as `tar tv` shows it, in UTC."""
    path = tmp_path / "layer.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, mode, extra in (
            ("bin", tarfile.DIRTYPE, 0o1755, {}),
            ("bin/su", tarfile.REGTYPE, 0o4755, {"size": 3}),
            ("bin/sh", tarfile.SYMTYPE, 0o777, {"linkname": "su"}),
            ("bin/link", tarfile.LNKTYPE, 0o4755, {"linkname": "bin/su"}),
            ("null", tarfile.CHRTYPE, 0o666, {"devmajor": 1, "devminor": 3}),
            ("sda", tarfile.BLKTYPE, 0o660, {"devmajor": 8, "devminor": 0}),
            ("pipe", tarfile.FIFOTYPE, 0o644, {"mtime": -1}),
            ("far", tarfile.REGTYPE, 0o644, {"mtime": 1 << 40}),
            ("ping", tarfile.REGTYPE, 0o755, {"pax_headers": {"SCHILY.xattr.user.a": "b"}}),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, mode
            member.uid, member.gid, member.mtime = 1000, 100, 1745003250
            for field, value in extra.items():
                setattr(member, field, value)
            archive.addfile(member, io.BytesIO(b"abc"))
    text = output(capsys, "inspect", "--files", str(path))
    assert text.split("\n\n")[1].splitlines() == [
        "drwxr-xr-t     1000/100           0 2025-04-18T19:07:30Z bin/",
        "-rwsr-xr-x     1000/100           3 2025-04-18T19:07:30Z bin/su",
        "lrwxrwxrwx     1000/100           0 2025-04-18T19:07:30Z bin/sh -> su",
        "hrwsr-xr-x     1000/100           0 2025-04-18T19:07:30Z bin/link link to bin/su",
        "crw-rw-rw-     1000/100         1,3 2025-04-18T19:07:30Z null",
        "brw-rw----     1000/100         8,0 2025-04-18T19:07:30Z sda",
        "prw-r--r--     1000/100           0 1969-12-31T23:59:59Z pipe",
        "-rw-r--r--     1000/100           0 @1099511627776 far",
        "-rwxr-xr-x+    1000/100           0 2025-04-18T19:07:30Z ping",
    ]


def test_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, labels and links never reach the terminal raw, nor are they taken for markup."""
    layer = SampleLayer(tar({HOSTILE: b"", "caf\udce9": b""}))
    config = {"Labels": {HOSTILE: HOSTILE}, "Env": [f"A={HOSTILE}"], "Cmd": [HOSTILE]}
    sample = Sample(layers=[layer], changes={"config": config, "author": HOSTILE})
    path = str(write_archive(tmp_path / "image.tar", layout(sample)))
    text = output(capsys, "inspect", "--files", path)
    assert text.replace("\n", "").isprintable()
    assert r"evil\x1b[31m\nimage `x`\u202e[bold]" in text
    assert r"caf\udce9" in text


def test_inspect_a_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A layer file has facts of its own."""
    (tmp_path / "layer").write_bytes(LAYERS[0].blob)
    assert output(capsys, "inspect", str(tmp_path / "layer")).splitlines() == [
        f"layer       {digest(LAYERS[0].blob)}",
        "media type  application/vnd.oci.image.layer.v1.tar+gzip",
        f"size        {len(LAYERS[0].blob)} bytes",
        f"diff_id     {digest(LAYERS[0].tar)}",
        "as a tar    10.2 kB (10240 bytes)",
        "entries     2",
    ]


def test_validate(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is whole is said in one line on stdout."""
    size = sum(map(len, (Sample().config, Sample().manifest, *(x.blob for x in LAYERS))))
    expected = f"{archive}: 1 image, 4 blobs, {size / 1000:.1f} kB: no problems\n"
    assert output(capsys, "validate", archive) == expected


def test_validate_finds_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each problem and note is a line on stderr; the exit status is 1."""
    damaged = LAYERS[1].blob.replace(b"ELF", b"elf", 1)
    members = combined(Sample()) | {blob_name(LAYERS[1].blob): damaged, blob_name(b"x"): b"x"}
    path = str(write_archive(tmp_path / "image.tar", members))
    assert run(["validate", path]) == 1
    out, err = capsys.readouterr()
    assert out.endswith(": 2 problems\n")
    note, first, second = err.splitlines()
    assert note == f"note: {blob_name(b'x')}: nothing refers to this blob"
    assert first == f"problem: {blob_name(LAYERS[1].blob)}: has the digest `{digest(damaged)}`"
    assert second.startswith("problem: image `custom/hello:latest`, layer 2: the diff_id is `")
    assert json.loads(output(capsys, "validate", "--json", path, status=1)) == (
        validate(path).record()
    )


def test_validate_shows_progress(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bar is drawn on stderr if it is asked for, and gone at the end."""
    assert run(["validate", "--progress", "bar", archive]) == 0
    out, err = capsys.readouterr()
    assert out.endswith(": no problems\n")
    assert "problem" not in err


@pytest.mark.parametrize("verb", ["inspect", "validate"])
def test_failures(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read is one line and exit status 1, bad usage 2; stdout stays empty."""
    (tmp_path / "garbage").write_bytes(b"garbage" * 1000)
    for arguments, status in (
        ([str(tmp_path / "missing")], 1),
        ([str(tmp_path / "garbage")], 1),
        ([str(tmp_path)], 1),
        ([], 2),
        (["--nope", "x"], 2),
    ):
        assert run([verb, *arguments]) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1


@pytest.mark.parametrize("verb", ["inspect", "validate"])
def test_help_has_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help teaches by example."""
    text = output(capsys, verb, "--help")
    assert f"fastlayer {verb} image.tar" in text
    assert "--json" in text
