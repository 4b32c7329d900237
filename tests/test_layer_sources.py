"""Layers made of layers: compressed anew, rewritten, and several merged into one."""

import bz2
import errno
import gzip
import hashlib
import io
import os
import random
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from archives import Link, tar, zstd
from fastlayer import edit, engine
from fastlayer.policy import Policy
from vectors import cases

Stretch = tuple[int, int, int, str, str | None]
Tar = Sequence[tuple[str, bytes | Link]] | Mapping[str, bytes | Link]

OPAQUE = "/.wh..wh..opq"
KEEP = Policy()


@contextmanager
def stretches(folder: Path, *blobs: bytes) -> Iterator[list[Stretch]]:
    """Blobs one after the other in one file, and something before each."""
    path = folder / "blobs"
    found: list[Stretch] = []
    with path.open("w+b") as file:
        for number, blob in enumerate(blobs):
            file.write(b"between")
            found.append((file.fileno(), file.tell(), len(blob), f"layer-{number}", None))
            file.write(blob)
        file.flush()
        yield found


def make(
    kind: str,
    source: Any,
    output: Path,
    *,
    compression: str = "none",
    threads: int = 2,
    progress: engine.Progress | None = None,
    policy: Policy = KEEP,
    edits: Sequence[edit.Edit] = (),
) -> tuple[engine.LayerRecord, bytes]:
    """One layer of a queue, and its blob."""
    with closing(engine.LayerQueue([])) as queue, output.open("w+b") as sink:
        queue.add(
            kind,
            source,
            policy,
            [change.terms for change in edits],
            compression=compression,
            level=None,
            threads=threads,
            verify=False,
        )
        record = queue.make(sink.fileno(), sink_name=str(output), progress=progress)
    blob = output.read_bytes()
    assert record.digest == digest(blob)
    assert record.size == len(blob)
    return record, blob


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def listed(blob: bytes) -> list[tuple[str, bytes | Link]]:
    """The members of a plain tar, in the form that makes one."""
    found: list[tuple[str, bytes | Link]] = []
    assert blob.endswith(bytes(1024))
    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
        for member in archive:
            if member.isdir():
                found.append((f"{member.name}/", b""))
            elif member.islnk() or member.issym():
                found.append((member.name, Link(member.linkname, hard=member.islnk())))
            else:
                content = archive.extractfile(member)
                found.append((member.name, content.read() if content else b""))
    return found


def flat(
    folder: Path, *layers: Tar, policy: Policy = KEEP, edits: Sequence[edit.Edit] = ()
) -> list[tuple[str, bytes | Link]]:
    """What there is when all layers are applied, each in another compression."""
    packed = [
        (bytes, gzip.compress, zstd, bz2.compress)[number % 4](tar(layer))
        for number, layer in enumerate(layers)
    ]
    with stretches(folder, *packed) as source:
        return listed(make("flatten", source, folder / "out", policy=policy, edits=edits)[1])


def sample() -> bytes:
    """A tar of some MiB with bytes behind its end."""
    noise = random.Random(7)
    members: Tar = {
        "etc/": b"",
        "etc/.wh.gone": b"",
        "etc/motd": b"hello\n" * 100_000,
        "noise": noise.randbytes(1_300_001),
        "again": Link("noise", hard=True),
        "n" * 300: b"long",
    }
    return tar(members) + b"what follows the end"


class Trickle(io.BytesIO):
    """A stream that gives little at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 5000))


def test_a_blob_gets_every_compression_and_keeps_its_tar(tmp_path: Path) -> None:
    """From gzip to zstd to none to gzip: the diff_id stays that of the first tar."""
    content = sample()
    halves = [gzip.compress(content[:700_000]), gzip.compress(content[700_000:])]
    blob = b"".join(halves)
    for compression in ("zstd", "none", "gzip"):
        with stretches(tmp_path, blob) as (source,):
            record, blob = make("transcode", source, tmp_path / "out", compression=compression)
            assert record.diff_id == digest(content)
            assert (record.uncompressed_size, record.entries) == (len(content), 6)
        if compression == "none":
            assert blob == content
    assert gzip.decompress(blob) == content
    streamed = make("transcode", Trickle(blob), tmp_path / "out")[1]
    assert streamed == content


@pytest.mark.parametrize("kind", ["transcode", "rewrite", "flatten"])
def test_a_descriptor_may_be_closed_once_the_layer_is_added(kind: str, tmp_path: Path) -> None:
    """The queue has its own, and leaves the position of the caller's alone."""
    (tmp_path / "blob").write_bytes(tar({"a": b"1"}))
    number = os.open(tmp_path / "blob", os.O_RDONLY)
    source: Any = (number, 0, (tmp_path / "blob").stat().st_size, "blob", None)
    with closing(engine.LayerQueue([])) as queue, (tmp_path / "out").open("w+b") as sink:
        queue.add(
            kind,
            [source] if kind == "flatten" else source,
            KEEP,
            [],
            compression="none",
            level=None,
            threads=1,
            verify=False,
        )
        assert os.lseek(number, 0, os.SEEK_CUR) == 0
        os.close(number)
        assert queue.make(sink.fileno(), sink_name="out").entries == 1
    assert listed((tmp_path / "out").read_bytes()) == [("a", b"1")]
    for missing in ((1_000_000, *source[1:]), (-1, *source[1:])):
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            make(kind, [missing] if kind == "flatten" else missing, tmp_path / "out")
        assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("kind", ["transcode", "rewrite", "flatten"])
@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "malformed archive `layer-0`: it is empty"),
        (b"no tar", "malformed archive `layer-0`"),
        (gzip.compress(tar({"a": b"1"}))[:-1], "malformed archive `layer-0`.*gzip: the input ends"),
        (tar({"a": bytes(5000)})[:3000], "malformed archive `layer-0` at `a`: the input ends"),
        (b"PK\3\4" + bytes(600), "unsupported compression `zip`"),
    ],
)
def test_what_is_no_whole_tar_is_refused_by_its_name(
    kind: str, blob: bytes, message: str, tmp_path: Path
) -> None:
    """A blob that engines would not read whole, in one line."""
    with (
        stretches(tmp_path, blob) as source,
        pytest.raises(fl.MalformedArchiveError, match=message) as caught,
    ):
        make(kind, source if kind == "flatten" else source[0], tmp_path / "out")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["transcode", "rewrite", "flatten"])
def test_a_file_that_ends_before_the_blob_is_told(kind: str, tmp_path: Path) -> None:
    """Also where the tar could end there."""
    content = tar({"a": b"1"})
    with stretches(tmp_path, content) as ((number, start, size, *rest),):
        source = (number, start, size + 1, *rest)
        with pytest.raises(fl.MalformedArchiveError, match=r"`layer-0`.*the file ends 1 bytes"):
            make(kind, [source] if kind == "flatten" else source, tmp_path / "out")


@pytest.mark.parametrize(
    ("policy", "edits"),
    [
        (Policy(mtime=5), []),
        (Policy(clamp_mtime=5), []),
        (Policy(prefix=b"opt"), []),
        (Policy(owner=(0, 0)), []),
        (Policy(mode=0o644), []),
        (Policy(drop_xattrs=True), []),
        (Policy(exclude=(b"a",)), []),
        (KEEP, [edit.remove("a")]),
    ],
)
def test_a_blob_that_keeps_its_tar_takes_no_option_that_changes_it(
    policy: Policy, edits: list[edit.Edit], tmp_path: Path
) -> None:
    """The error comes when the layer is added, before anything is read."""
    with pytest.raises(fl.InvalidArgumentError, match="keeps its entries as they are"):
        make("transcode", io.BytesIO(), tmp_path / "out", policy=policy, edits=edits)


def test_a_rewritten_layer_has_other_times_and_owners_and_its_whiteouts(tmp_path: Path) -> None:
    """As a stretch and as a stream; nothing is put in that the layer did not have."""
    members: list[tuple[str, bytes | Link]] = [
        ("d/x", b"1"),
        ("d/.wh.y", b""),
        ("e" + OPAQUE, b""),
        ("l", Link("d/x", hard=True)),
    ]
    policy, edits = Policy(mtime=77, owner=(3, 4)), [edit.rename("l", "k")]
    content = tar(members)
    with stretches(tmp_path, gzip.compress(content)) as (source,):
        stretch = make("rewrite", source, tmp_path / "out", policy=policy, edits=edits)
    stream = make("rewrite", io.BytesIO(content), tmp_path / "out", policy=policy, edits=edits)
    assert stretch[0].diff_id == stream[0].diff_id
    assert listed(stretch[1]) == [*members[:3], ("k", Link("d/x", hard=True))]
    with tarfile.open(fileobj=io.BytesIO(stretch[1])) as archive:
        owners = {member.name: (member.uid, member.gid, member.mtime) for member in archive}
    # Whiteouts are never seen in a file system, so nobody owns them.
    assert owners == {
        "d/x": (3, 4, 77),
        "d/.wh.y": (0, 0, 77),
        "e" + OPAQUE: (0, 0, 77),
        "k": (3, 4, 77),
    }


def test_a_layer_out_of_order_is_rewritten_from_a_file_only(tmp_path: Path) -> None:
    """It takes a second look, which leaves one entry for each path."""
    content = tar([("a", b"1"), (".wh.b", b""), ("a", b"2"), (".wh.b", b"")])
    with stretches(tmp_path, content) as (source,):
        found = listed(make("rewrite", source, tmp_path / "out")[1])
    assert found == [("a", b"2"), (".wh.b", b"")]
    with pytest.raises(fl.UnsupportedEntryError, match=r"`a`.*twice.*a second look"):
        make("rewrite", io.BytesIO(content), tmp_path / "out")


def test_a_link_to_a_lower_layer_is_no_part_of_the_layer_that_is_rewritten(tmp_path: Path) -> None:
    """What it leads to is not known there."""
    content = tar({"b": Link("a", hard=True)})
    with (
        stretches(tmp_path, content) as (source,),
        pytest.raises(fl.UnsupportedEntryError, match=r"`b`.*does not hold \(in `layer-0`\)"),
    ):
        make("rewrite", source, tmp_path / "out")


def test_a_link_carries_the_content_of_a_file_that_is_gone(tmp_path: Path) -> None:
    """crane leaves a link to nothing here, or to another file."""
    base: Tar = {"a": b"old", "b": Link("a", hard=True)}
    assert flat(tmp_path, base, {".wh.a": b""}) == [("b", b"old")]
    assert flat(tmp_path, base, {"a": b"new"}) == [("b", b"old"), ("a", b"new")]
    whole: Tar = {"c": b"3", "b": Link("c", hard=True)}
    assert flat(tmp_path, base, whole) == [("a", b"old"), ("b", b"3"), ("c", Link("b", hard=True))]


def test_links_lead_across_layers(tmp_path: Path) -> None:
    """All names of one file stay one file, each in a tar that can be unpacked in order."""
    found = flat(
        tmp_path,
        {"d/": b"", "d/file": b"1"},
        {"link": Link("d/file", hard=True)},
        {"d/": b"", f"d{OPAQUE}": b"", "d/other": Link("link", hard=True)},
    )
    assert found == [("d/", b""), ("d/other", b"1"), ("link", Link("d/other", hard=True))]
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-C", unpacked, "-xf", tmp_path / "out"], check=True)
    assert (unpacked / "link").samefile(unpacked / "d" / "other")


def test_directories_are_emptied_replaced_and_brought_back(tmp_path: Path) -> None:
    """Whiteouts hide lower layers only, whatever their order in their own."""
    base: Tar = {"d/": b"", "d/a": b"1", "d/e/": b"", "d/e/f": b"2", "x": b"3"}
    assert flat(tmp_path, base, {"d/n": b"4", f"d{OPAQUE}": b""}) == [
        ("d/", b""),
        ("x", b"3"),
        ("d/n", b"4"),
    ]
    assert flat(tmp_path, base, [("x", b"5"), (".wh.x", b"")])[-1] == ("x", b"5")
    link: Tar = {"d": Link("x")}
    assert flat(tmp_path, base, link) == [("x", b"3"), ("d", Link("x"))]
    assert flat(tmp_path, base, link, {"d/": b"", "d/g": b"6"}) == [
        ("x", b"3"),
        ("d/", b""),
        ("d/g", b"6"),
    ]


def test_what_lies_in_a_link_of_a_lower_layer_is_refused(tmp_path: Path) -> None:
    """Some engines follow the link, others put a directory in its place."""
    with pytest.raises(
        fl.UnsupportedEntryError, match=r"^`lib/x` .*: `lib`, in .* no.* directory \(in `layer-1`\)"
    ):
        flat(tmp_path, {"lib": Link("usr/lib")}, {"lib/x": b"1"})


def test_policy_and_edits_are_those_of_a_tree(tmp_path: Path) -> None:
    """As if the directory had been packed that the layers make."""
    found = flat(
        tmp_path,
        {"a": b"1", "b": Link("a", hard=True), "d/": b"", "d/x": b"2"},
        {".wh.c": b"", "e": b"3"},
        policy=Policy(prefix=b"opt", exclude=(b"a",)),
        edits=[edit.rename("opt/d", "opt/n"), edit.put("opt/new", b"4")],
    )
    assert found == [
        ("opt/", b""),
        ("opt/b", b"1"),
        ("opt/n/", b""),
        ("opt/n/x", b"2"),
        ("opt/e", b"3"),
        ("opt/new", b"4"),
    ]


@pytest.mark.parametrize("steps", [cases("whiteouts.json", "apply_in_order")])
def test_layers_leave_what_other_engines_say(steps: list[Any], tmp_path: Path) -> None:
    """The table of moby: the files after each of its layers."""
    layers: list[dict[str, bytes]] = []
    for step in steps:
        row = step.values[0] if hasattr(step, "values") else step
        if row is None:
            pytest.skip("conformance vectors are absent: set FASTLAYER_VECTORS")
        layers.append(dict.fromkeys(row["change"], b""))
        names = [name for name, _ in flat(tmp_path, *layers)]
        assert sorted(names) == sorted(row["expected"])


def test_the_bytes_do_not_depend_on_threads_and_progress_knows_the_size(tmp_path: Path) -> None:
    """Content of several blocks from two layers, of which the upper one hides some."""
    told: list[tuple[int, int | None]] = []
    noise = random.Random(3)
    layers: list[Tar] = [
        {f"f{number}": noise.randbytes(900_000) for number in range(6)},
        {"f1": b"new", ".wh.f3": b"", "g": Link("f5", hard=True)},
    ]
    blobs = [gzip.compress(tar(layer), 1) for layer in layers]
    made = set()
    for threads in (1, 4):
        with stretches(tmp_path, *blobs) as source:
            record, _ = make(
                "flatten",
                source,
                tmp_path / "out",
                compression="gzip",
                threads=threads,
                progress=lambda done, total: told.append((done, total)),
            )
        made.add((record.digest, record.diff_id))
        size = record.uncompressed_size
        assert told[-1] == (size, size)
    assert len(made) == 1
    content = gzip.decompress((tmp_path / "out").read_bytes())
    assert [name for name, _ in listed(content)] == ["f0", "f2", "f4", "f5", "g", "f1"]


def test_a_queue_takes_them_among_others(tmp_path: Path) -> None:
    """They wait for their turn, and the layers about them come out as ever."""
    content = sample()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(b"x" * 3_000_000)
    with stretches(tmp_path, content) as (source,), closing(engine.LayerQueue([])) as queue:
        tree = str(tmp_path / "tree")
        kinds: list[tuple[str, Any]] = [
            ("directory", tree),
            ("transcode", source),
            ("directory", tree),
            ("flatten", [source]),
            ("rewrite", source),
            ("directory", tree),
        ]
        for kind, described in kinds:
            queue.add(
                kind,
                described,
                KEEP,
                [],
                compression="gzip",
                level=1,
                threads=3,
                verify=True,
            )
        records = []
        for number in range(len(kinds)):
            with (tmp_path / f"out-{number}").open("w+b") as sink:
                records.append(queue.make(sink.fileno(), sink_name=f"out-{number}"))
    assert records[1].diff_id == digest(content)
    assert len({records[number].digest for number in (0, 2, 5)}) == 1
    assert [record.entries for record in records[1:5]] == [6, 2, 5, 6]


class StoppedError(Exception):
    """Raised by a callback."""


@pytest.mark.parametrize("kind", ["transcode", "rewrite", "flatten"])
def test_a_callback_that_raises_ends_it(kind: str, tmp_path: Path) -> None:
    """At once, also while headers are read."""
    content = gzip.compress(tar({f"f{number}": bytes(40_000_000) for number in range(5)}), 1)

    def stop(done: int, total: int | None) -> None:
        raise StoppedError

    with stretches(tmp_path, content) as source, pytest.raises(StoppedError):
        make(
            kind,
            source if kind == "flatten" else source[0],
            tmp_path / "out",
            progress=stop,
        )
