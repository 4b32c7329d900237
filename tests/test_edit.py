"""`fastlayer.edit`: edits as values, and what they do to every kind of source."""

from __future__ import annotations

import io
import os
import re
import tarfile
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import fastlayer as fl
from fastlayer import edit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# What is in `rootfs`, as the edits' tests see it: path, mode and content.
Listing = dict[str, tuple[int, bytes]]


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """A small tree with a document, a hard link and a log."""
    root = tmp_path / "rootfs"
    for path, text in {
        "etc/hostname": "host",
        "usr/bin/tool": "tool",
        "usr/share/doc/a/copyright": "rights",
        "usr/share/doc/a/NEWS": "news",
        "usr/share/doc/b/NEWS": "news",
        "var/log/log": "log",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    os.link(root / "usr/bin/tool", root / "usr/bin/zool")
    return root


def packed(root: Path) -> Path:
    """The tree as an archive that GNU tar, or Python's, would make."""
    archive = root.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(root, ".")
    return archive


def from_directory(root: Path, **options: Any) -> fl.Layer:
    """The tree itself."""
    return fl.Layer.from_directory(root, **options)


def from_archive(root: Path, **options: Any) -> fl.Layer:
    """The tree as a file that can be read twice."""
    return fl.Layer.from_archive(packed(root), **options)


def from_stream(root: Path, **options: Any) -> fl.Layer:
    """The tree as a stream that can be read once."""
    return fl.Layer.from_stream(io.BytesIO(packed(root).read_bytes()), **options)


sources = pytest.mark.parametrize("source", [from_directory, from_archive, from_stream])


def listing(layer: fl.Layer) -> Listing:
    """Every entry but directories; a hard link shows the content of its target."""
    blob = io.BytesIO()
    layer.save(blob)
    blob.seek(0)
    with tarfile.open(fileobj=blob) as tar:
        members = tar.getmembers()
        names = [member.name for member in members]
        assert len(names) == len(set(names))
        found = {}
        for member in members:
            content = tar.extractfile(member) if member.isreg() or member.islnk() else None
            if not member.isdir():
                found[member.name] = (member.mode, content.read() if content else b"")
    return found


def made(**options: Any) -> fl.Layer:
    """A layer with options that a type checker might refuse."""
    return fl.Layer.from_files({"a": b""}, **options)


def edited(source: Callable[..., fl.Layer], root: Path, *edits: edit.Edit) -> Listing:
    """What the edits leave of the tree."""
    return listing(source(root, edits=edits, unmatched="error", compression="none"))


@sources
def test_what_is_left_out(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """`remove`, `exclude` and dpkg's rules leave out what they say, and no more."""
    rules = edit.path_rules(exclude=["/usr/share/doc/*"], include=["/usr/share/doc/*/copyright"])
    found = edited(source, rootfs, edit.remove("/etc"), edit.exclude("**/*.log", "var"), rules)
    assert set(found) == {"usr/bin/tool", "usr/bin/zool", "usr/share/doc/a/copyright"}


@sources
def test_what_is_put(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """Bytes, files, links and directories take the place of what was there."""
    script = rootfs.parent / "script"
    script.write_text("#!")
    script.chmod(0o751)
    found = edited(
        source,
        rootfs,
        edit.put("etc/hostname", b"debian\n"),
        edit.put("usr/sbin/policy-rc.d", script),
        edit.put("usr/sbin/other", script, mode=0o600),
        edit.symlink("var/log", "/tmp"),  # noqa: S108 - a link's target
        edit.directory("opt/empty", mode=0o700),
    )
    assert found["etc/hostname"] == (0o644, b"debian\n")
    assert found["usr/sbin/policy-rc.d"] == (0o751, b"#!")
    assert found["usr/sbin/other"] == (0o600, b"#!")
    assert "var/log" in found
    assert "var/log/log" not in found


@sources
def test_what_is_changed_in_place(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """Mode, owner, content and place change; later edits see the new place."""
    found = edited(
        source,
        rootfs,
        edit.rename("usr/bin", "bin"),
        edit.chmod("bin/*", 0o4755),
        edit.chown(["bin/*", "etc/**"], "7:8"),
        edit.truncate("var/log/*"),
        edit.clamp_mtime(5),
    )
    assert found["bin/tool"] == found["bin/zool"] == (0o4755, b"tool")
    assert found["var/log/log"][1] == b""


def test_a_link_to_what_is_replaced_keeps_the_old_content(rootfs: Path) -> None:
    """A file is looked at twice for that; a stream can't be, and says so."""
    replaced = edit.put("usr/bin/tool", b"new")
    for source in (from_directory, from_archive):
        found = edited(source, rootfs, replaced)
        assert found["usr/bin/tool"][1] == b"new"
        assert found["usr/bin/zool"][1] == b"tool"
        gone = edited(source, rootfs, edit.remove("usr/bin/tool"))
        assert gone["usr/bin/zool"][1] == b"tool"
    with pytest.raises(fl.UnsupportedEntryError, match=r"second look at the archive.*give files"):
        edited(from_stream, rootfs, replaced)


@sources
def test_nothing_is_put_through_a_link(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """`/sbin/x` where `sbin` is a link is an error that names the link."""
    (rootfs / "sbin").symlink_to("usr/sbin")
    with pytest.raises(fl.UnsupportedEntryError, match="`sbin`, in which it lies, is not a dir"):
        edited(source, rootfs, edit.put("sbin/x", b""))


@sources
def test_one_name_of_a_file_is_not_changed_alone(
    source: Callable[..., fl.Layer], rootfs: Path
) -> None:
    """A mode belongs to the file, whatever its names are."""
    with pytest.raises(fl.UnsupportedEntryError, match=r"same file as .* name both"):
        edited(source, rootfs, edit.chmod("usr/bin/zool", 0o700))


@sources
def test_two_entries_do_not_come_to_one_path(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """A rename onto another entry is an error, into a directory it is not."""
    with pytest.raises(fl.UnsupportedEntryError, match="two entries have this path"):
        edited(source, rootfs, edit.rename("var/log/log", "usr/bin/tool"))
    # A directory that comes before the one it is moved to: for a stream that is too late.
    if source is not from_stream:
        found = edited(source, rootfs, edit.rename("etc", "var"))
        assert {"var/hostname", "var/log/log"} <= set(found)
    found = edited(source, rootfs, edit.rename("var", "etc"))
    assert {"etc/hostname", "etc/log/log"} <= set(found)


@sources
def test_what_matched_nothing_is_told(
    source: Callable[..., fl.Layer], rootfs: Path, tmp_path: Path
) -> None:
    """As a warning, an error that leaves no file, or not at all."""
    output = tmp_path / "layer.tar"
    edits = [edit.remove("boot"), edit.remove("etc")]
    with pytest.warns(fl.SourceWarning, match="nothing matched the edit `remove boot`"):
        source(rootfs, edits=edits).save(output)
    output.unlink()
    with pytest.raises(fl.UnmatchedEditError, match="`remove boot`"):
        source(rootfs, edits=edits, unmatched="error").save(output)
    assert not output.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source(rootfs, edits=edits, unmatched="ignore").save(output)


@sources
def test_what_is_made_of_content(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """Lines, expressions and functions see what those before them made; modes stay."""
    (rootfs / "etc/hostname").chmod(0o640)
    found = edited(
        source,
        rootfs,
        edit.append("/etc/hostname", b"second\n"),
        edit.append("etc/hostname", b"third\n"),
        edit.substitute("etc/hostname", r"^(s)econd$", r"\1hort"),
        edit.rewrite("etc/hostname", bytes.upper),
        edit.put("etc/motd", b"hello\n"),
        edit.append("etc/motd", b"world\n"),
        edit.rename("var/log/log", "var/log/messages"),
        edit.append("var/log/messages", b"more\n"),
    )
    assert found["etc/hostname"] == (0o640, b"HOST\nSHORT\nTHIRD\n")
    assert found["etc/motd"] == (0o644, b"hello\nworld\n")
    assert found["var/log/messages"] == (0o644, b"log\nmore\n")


@sources
def test_what_changes_no_content_has_met_nothing(
    source: Callable[..., fl.Layer], rootfs: Path
) -> None:
    """Lines that are there, an expression that does not match, no file at all, and a link."""
    (rootfs / "etc/link").symlink_to("hostname")
    for idle in (
        edit.append("etc/hostname", b"host\n"),
        edit.substitute("etc/hostname", "^ost", "x"),
        edit.append("etc/missing", b"x\n"),
        edit.append("etc/link", b"x\n"),
    ):
        lines = edit.put("etc/hostname", b"host\n")
        with pytest.raises(fl.UnmatchedEditError, match=r"nothing matched the edit `(app|sub)"):
            edited(source, rootfs, lines, idle)
        with warnings.catch_warnings(action="error"):
            edited(source, rootfs, lines, replace(idle, optional=True))


@sources
def test_what_a_function_raises_is_what_the_build_raises(
    source: Callable[..., fl.Layer], rootfs: Path
) -> None:
    """As it is; a function that gives no bytes is an error too."""

    def failing(content: bytes) -> bytes:
        raise LookupError(content.decode())

    with pytest.raises(LookupError, match="host"):
        edited(source, rootfs, edit.rewrite("etc/hostname", failing))
    with pytest.raises(fl.InvalidArgumentError, match=r"`etc/hostname` gave a `ellipsis`"):
        edited(source, rootfs, edit.rewrite("etc/hostname", lambda _: ...))  # type: ignore[arg-type,return-value]


@sources
def test_lines_are_added_whole(source: Callable[..., fl.Layer], rootfs: Path) -> None:
    """A line that only begins like one that is there is another one, with its own line break."""
    found = edited(
        source,
        rootfs,
        edit.put("etc/motd", b"hello\nlast"),
        edit.append("etc/motd", b"hell"),
        edit.append("etc/motd", b"las"),
    )
    assert found["etc/motd"][1] == b"hello\nlast\nhell\nlas\n"
    assert edit.append("a", b"b") == edit.append("a", b"b\n")
    assert edit.append("a", b"b").terms[2](b"a\nb") == b"a\nb"


def test_replacing_stops_at_the_limit(rootfs: Path) -> None:
    """Nobody waits, or pays in memory, for what would be refused; the path is named."""
    content = b"a" * (4 << 20)
    for pattern, replacement in (("a", "b" * 300), (r"(a+)", r"\1" * 300), ("", "bb")):
        function = edit.substitute("etc/motd", pattern, replacement).terms[2]
        assert len(content) < len(function(content)) <= 2 * len(content)
    edits = (edit.put("etc/motd", content), edit.substitute("etc/motd", "a", "aa"))
    with pytest.raises(
        fl.UnsupportedEntryError, match=r"`etc/motd` .* takes at most 4194304 bytes"
    ):
        edited(from_directory, rootfs, *edits)
    fits = edited(from_directory, rootfs, edits[0], edit.substitute("etc/motd", "a", "b"))
    assert fits["etc/motd"][1] == b"b" * (4 << 20)


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"(?P<x>b)|(c)?", r"<\g<x>\2\\\n>"),
        (r"x*", "-"),
        (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", r"\11\1\0601"),
        (r"^(.)", "\\1é\n"),
        (r"$", ""),
    ],
)
def test_replacements_are_those_of_re(pattern: str, replacement: str) -> None:
    """Groups by number and name, escapes, and empty matches."""
    content = b"abcdefghijkl\nbxxc\n\nxb"
    expected = re.sub(pattern.encode(), replacement.encode(), content, flags=re.MULTILINE)
    assert edit.substitute("a", pattern, replacement).terms[2](content) == expected


def test_new_content_of_all_files_has_a_limit(rootfs: Path) -> None:
    """It is held in memory until the layer is made."""
    files = {f"{number:02}": b"a" * (4 << 20) for number in range(17)}
    edits = [edit.append(path, b"a\n") for path in files]
    with pytest.raises(fl.UnsupportedEntryError, match=r"`00` .* at most 4194304 bytes"):
        fl.Layer.from_files(files, edits=edits).save(rootfs / "out")
    for path in files:
        files[path] = b"a" * ((4 << 20) - 3)
    with pytest.raises(fl.UnsupportedEntryError, match=r"`16` .* more than 67108864 bytes"):
        fl.Layer.from_files(files, edits=edits).save(rootfs / "out")
    fl.Layer.from_files(files, edits=edits[1:], threads=1).save(rootfs / "out")


@sources
def test_a_file_with_two_names_is_not_rewritten(
    source: Callable[..., fl.Layer], rootfs: Path
) -> None:
    """Its other name would be another file then."""
    with pytest.raises(fl.UnsupportedEntryError, match="same file"):
        edited(source, rootfs, edit.append("usr/bin/tool", b"x\n"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: edit.append("a", b""), "`lines` is `b''`: expected bytes"),
        (lambda: edit.append("/", b"a"), "`/` is the root"),
        (lambda: edit.substitute("a", "(", ""), "the expression `\\(`"),
        (lambda: edit.substitute("a", "a", r"\1"), "the expression `a`"),
        (lambda: edit.substitute("a", "(" * 5000, ""), r"the expression `\(\(\("),
        (lambda: edit.substitute("a", "a{99999999999999999999}", ""), "the expression `a"),
        (lambda: edit.substitute("a", b"a", "b"), "`pattern` must be text"),  # type: ignore[arg-type]
        (lambda: edit.substitute("a", "a", b"b"), "`replacement` must be text"),  # type: ignore[arg-type]
        (lambda: edit.rewrite("a", "b"), "`function` is a `str`"),  # type: ignore[arg-type]
        (lambda: edit.remove("/"), "`/` is the root"),
        (lambda: edit.remove("../etc"), "`..` part"),
        (lambda: edit.rename("usr", "usr/lib"), "lies in itself"),
        (edit.exclude, "at least one pattern"),
        (lambda: edit.exclude("[a"), "bad exclusion pattern"),
        (lambda: edit.path_rules("exclude=/x"), "expected `path-exclude=PATTERN`"),
        (lambda: edit.path_rules(exclude=["usr"]), "it can match nothing"),
        (lambda: edit.chmod("a", 0o10000), "`mode` is `0o10000`"),
        (lambda: edit.chown("a", "root"), "expected numbers"),
        (lambda: edit.symlink("a", ""), "target of the link `a` is no path"),
        (lambda: edit.symlink("a", "b\0"), "target of the link `a` is no path"),
        (lambda: made(edits=["remove"]), "holds a `str`"),
        (lambda: made(unmatched="no"), "`unmatched` is `no`"),
    ],
)
def test_a_wrong_edit_is_refused_at_once(make: Callable[[], object], message: str) -> None:
    """Before anything is read."""
    with pytest.raises(fl.InvalidArgumentError, match=message):
        make()


def test_an_edit_shows_itself() -> None:
    """As a person would write it, without its content."""
    shown: Sequence[edit.Edit] = [
        edit.put("a", b"secret"),
        edit.put("a", "file"),
        edit.chmod(["a", "b"], 0o755),
        edit.chown("a", (1, 2)),
        edit.path_rules("path-exclude=/a", include=["/a/b"]),
        edit.append("a", b"secret"),
        edit.substitute("a", "b", "c"),
        edit.rewrite("a", bytes.upper),
    ]
    assert [str(one) for one in shown] == [
        "put a …",
        "put a file",
        "chmod a b 0o755",
        "chown a 1:2",
        "path_rules path-exclude=/a path-include=/a/b",
        "append a …",
        "substitute a b c",
        "rewrite a upper",
    ]
