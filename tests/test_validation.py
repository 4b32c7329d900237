"""Validation: what is whole has no problems; each kind of damage is found and named."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archives import (
    IMAGE_NAME,
    LAYERS,
    LAYOUT,
    Link,
    Members,
    Sample,
    SampleLayer,
    blob_name,
    combined,
    digest,
    docker_save,
    dumps,
    index,
    layout,
    tar,
    write_archive,
    write_folder,
)
from fastlayer.errors import InvalidImageError
from fastlayer.media_type import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_ZSTD
from fastlayer.validation import Report, validate

SAMPLE = Sample()
FIRST, SECOND = (blob_name(layer.blob) for layer in LAYERS)


def report(tmp_path: Path, members: Members) -> Report:
    return validate(write_archive(tmp_path / "image.tar", members))


def problems(tmp_path: Path, members: Members) -> list[tuple[str, str]]:
    return [(found.where, found.message) for found in report(tmp_path, members).problems]


def only_problem(tmp_path: Path, members: Members) -> tuple[str, str]:
    [found] = problems(tmp_path, members)
    return found


@pytest.mark.parametrize("make", [layout, combined, docker_save])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_whole_image(make: Callable[..., Members], compression: str, tmp_path: Path) -> None:
    """Every kind of archive in every compression, with all that was looked at counted."""
    layer = SampleLayer(LAYERS[0].tar, compression)
    sample = Sample(layers=[layer, layer], tags=("a/b:1", "a/b:2"))
    found = report(tmp_path, make(sample))
    assert (found.problems, found.notes, found.ok) == ((), (), True)
    assert found.checked.images == 1
    documents = [sample.config] if make is docker_save else [sample.config, sample.manifest]
    # An old archive has a copy of the layer in each folder.
    layers = [layer.blob] * (2 if make is docker_save else 1)
    assert found.checked.blobs == len(documents + layers)
    assert found.checked.bytes == sum(map(len, documents + layers))


def test_a_layout_directory(tmp_path: Path) -> None:
    """A layout with two images that share their layers."""
    other = Sample(architecture="arm64", tags=())
    found = validate(write_folder(tmp_path, layout(SAMPLE, other)))
    assert found.ok
    assert (found.checked.images, found.checked.blobs) == (2, 6)


def test_the_record(tmp_path: Path) -> None:
    """The report as plain JSON."""
    path = write_archive(tmp_path / "image.tar", layout(SAMPLE) | {FIRST: b""})
    record = validate(path).record()
    assert record == json.loads(json.dumps(record))
    assert record["path"] == str(path)
    assert record["ok"] is False
    assert record["checked"].keys() == {"images", "blobs", "bytes"}
    assert record["problems"][0].keys() == {"where", "message"}
    assert record["notes"] == []


def test_progress(tmp_path: Path) -> None:
    """It counts the bytes of all layers, up to the last one."""
    calls: list[tuple[int, int | None]] = []
    validate(
        write_archive(tmp_path / "image.tar", layout(SAMPLE)),
        progress=lambda done, total: calls.append((done, total)),
    )
    total = sum(len(layer.blob) for layer in LAYERS)
    assert {total for _, total in calls} == {total}
    assert calls == sorted(calls)
    assert calls[-1] == (total, total)


def test_a_flipped_byte_in_a_plain_layer(tmp_path: Path) -> None:
    """The blob has another digest, and the tar another diff_id."""
    damaged = LAYERS[1].blob.replace(b"ELF", b"elf", 1)
    found = problems(tmp_path, layout(SAMPLE) | {SECOND: damaged})
    assert found == [
        (SECOND, f"has the digest `{digest(damaged)}`"),
        (
            "image `custom/hello:latest`, layer 2",
            f"the diff_id is `{digest(damaged)}`, the config says `{digest(LAYERS[1].tar)}`",
        ),
    ]


@pytest.mark.parametrize("position", [20, -6, -1])
def test_a_flipped_byte_in_a_compressed_layer(position: int, tmp_path: Path) -> None:
    """What no longer unpacks is told, and that the digest is wrong too; the rest is checked."""
    damaged = bytearray(LAYERS[0].blob)
    damaged[position] ^= 0xFF
    found = problems(tmp_path, layout(SAMPLE) | {FIRST: bytes(damaged)})
    assert (FIRST, f"has the digest `{digest(bytes(damaged))}`") in found
    assert len(found) == 2
    assert "malformed archive" in found[0][1]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        (FIRST, "image `custom/hello:latest`, layer 1"),
        (blob_name(SAMPLE.config), "image `custom/hello:latest`"),
        (blob_name(SAMPLE.manifest), f"manifest `{digest(SAMPLE.manifest)}`"),
    ],
)
def test_a_missing_blob(name: str, where: str, tmp_path: Path) -> None:
    """Whatever an index leads to must exist."""
    members = layout(SAMPLE)
    del members[name]
    found = only_problem(tmp_path, members)
    assert found == (where, f"`{name}` is missing in `{tmp_path / 'image.tar'}`")


def test_wrong_sizes(tmp_path: Path) -> None:
    """The size of a layer is compared even if its digest is right."""
    entries = [layer.descriptor for layer in LAYERS]
    entries[0]["size"] += 1
    found = only_problem(tmp_path, layout(Sample(manifest_changes={"layers": entries})))
    size = len(LAYERS[0].blob)
    assert found[1] == f"`{FIRST}` has {size} bytes, expected {size + 1}"
    [entry] = SAMPLE.descriptors
    members = layout(SAMPLE) | {"index.json": index(entry | {"size": 1})}
    found = only_problem(tmp_path, members)
    assert found[1].endswith(f"has {len(SAMPLE.manifest)} bytes, expected 1")


@pytest.mark.parametrize("make", [layout, docker_save])
def test_a_wrong_diff_id(make: Callable[..., Members], tmp_path: Path) -> None:
    """The diff_id is computed anew in every kind of archive."""
    rootfs = {"type": "layers", "diff_ids": [digest(LAYERS[0].tar), digest(b"")]}
    found = only_problem(tmp_path, make(Sample(changes={"rootfs": rootfs})))
    assert found == (
        "image `custom/hello:latest`, layer 2",
        f"the diff_id is `{digest(LAYERS[1].tar)}`, the config says `{digest(b'')}`",
    )


@pytest.mark.parametrize(
    "settings",
    [{"Env": ["A=b\0c"]}, {"Cmd": ["\0"]}, {"Entrypoint": ["/x\0"]}, {"WorkingDir": "\0"}],
)
def test_what_no_process_can_be_given(settings: dict[str, object], tmp_path: Path) -> None:
    """A string of a process ends at its first NUL, so runtimes refuse it."""
    found = only_problem(tmp_path, layout(Sample(changes={"config": settings})))
    assert found[0] == "image `custom/hello:latest`"
    assert found[1].startswith("no process can be given `")


def test_equal_paths_in_a_layer(tmp_path: Path) -> None:
    """A layer has one entry for each path, and is told once however many images have it."""
    layer = SampleLayer(tar([("a", b"1"), ("b", b""), ("a", b"2"), ("b", b"")]))
    samples = (Sample(layers=[layer]), Sample(layers=[layer], architecture="arm64", tags=()))
    found = only_problem(tmp_path, combined(*samples))
    assert found[0] == blob_name(layer.blob)
    assert found[1].startswith("entries with the same path: `")
    assert found[1].endswith("` and 1 more")


@pytest.mark.parametrize("make", [layout, docker_save])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"rootfs": {"type": "layers", "diff_ids": [digest(LAYERS[0].tar)]}},
            "the config has 1 diff_ids for 2 layers",
        ),
        (
            {
                "rootfs": {
                    "type": "layers",
                    "diff_ids": [*(digest(layer.tar) for layer in LAYERS), digest(b"")],
                }
            },
            "the config has 3 diff_ids for 2 layers",
        ),
        ({"history": [{}] * 3}, "the config has the history of 3 layers for 2"),
        ({"os": ""}, "the config has an empty `os`"),
        ({"architecture": ""}, "the config has an empty `architecture`"),
    ],
)
def test_a_config_that_does_not_fit(
    make: Callable[..., Members], changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Counts agree, and the platform is there."""
    members = make(Sample(changes=changes))
    found = [text for _, text in problems(tmp_path, members) if not text.startswith("the index")]
    assert found == [message]


@pytest.mark.parametrize("changes", [{"rootfs": None}, {"os": None}, {"created": "yesterday"}])
def test_a_config_that_breaks_the_schema(changes: dict[str, Any], tmp_path: Path) -> None:
    """Required members and the form of values are those of the specification."""
    sample = Sample(changes=changes)
    found = only_problem(tmp_path, layout(sample))
    assert found[0] == f"config `{digest(sample.config)}`"
    assert not found[1].startswith("config")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schemaVersion": 1}, "unsupported `schemaVersion` `1`"),
        ({"layers": []}, "at least one layer"),
        ({"config": None}, "config"),
        ({"mediaType": OCI_INDEX}, "is not that of a manifest"),
    ],
)
def test_a_manifest_that_breaks_the_schema(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    """The manifest is a typed document too."""
    sample = Sample(manifest_changes=changes)
    where, message = only_problem(tmp_path, layout(sample))
    assert where == f"manifest `{digest(sample.manifest)}`"
    assert reason in message


def test_media_types_and_bytes(tmp_path: Path) -> None:
    """The media type of a layer says how it really is compressed."""
    entries = [layer.descriptor for layer in LAYERS]
    entries[0]["mediaType"] = OCI_LAYER
    entries[1]["mediaType"] = OCI_LAYER_ZSTD
    found = problems(tmp_path, layout(Sample(manifest_changes={"layers": entries})))
    assert [message for _, message in found] == [
        f"`{OCI_LAYER}` is wrong: the layer is compressed with gzip",
        f"`{OCI_LAYER_ZSTD}` is wrong: the layer is compressed not at all",
    ]
    # Some tools invented this one.
    entries[0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.zstd"
    entries[1]["mediaType"] = OCI_LAYER
    found = problems(tmp_path, layout(Sample(manifest_changes={"layers": entries})))
    assert [message for _, message in found] == [
        f"`{entries[0]['mediaType']}` is not the media type of a layer"
    ]


def test_a_manifest_of_another_media_type(tmp_path: Path) -> None:
    """Descriptor and document agree on what the document is."""
    [entry] = SAMPLE.descriptors
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    members = layout(SAMPLE) | {"index.json": index(entry | {"mediaType": docker})}
    assert "the index says `application/vnd.docker" in only_problem(tmp_path, members)[1]


def test_a_platform_that_differs(tmp_path: Path) -> None:
    """Index and config agree on the platform; a variant may be left out."""
    [entry] = SAMPLE.descriptors
    for platform, expected in (
        ({"os": "linux", "architecture": "arm64"}, ["linux/arm64"]),
        ({"os": "linux", "architecture": "amd64", "variant": "v2"}, []),
    ):
        members = layout(SAMPLE) | {"index.json": index(entry | {"platform": platform})}
        assert [message for _, message in problems(tmp_path, members)] == [
            f"the index says `{name}`, the config `linux/amd64`" for name in expected
        ]


def test_documents_without_a_media_type(tmp_path: Path) -> None:
    """The specification asks for it, and allows to leave it out: that is noted."""
    document = json.loads(index(*SAMPLE.descriptors))
    del document["mediaType"]
    found = report(tmp_path, layout(SAMPLE) | {"index.json": dumps(document)})
    assert found.ok
    assert [(note.where, note.message) for note in found.notes] == [
        ("index.json", "has no `mediaType`")
    ]


def test_blobs_that_nobody_needs(tmp_path: Path) -> None:
    """They are noted; indexes in indexes and artifacts are needed."""
    inner = index(*SAMPLE.descriptors)
    entry = {"mediaType": OCI_INDEX, "digest": digest(inner), "size": len(inner)}
    members = layout(SAMPLE) | {blob_name(inner): inner, "index.json": index(entry)}
    found = report(tmp_path, members | {blob_name(b"old"): b"old"})
    assert found.ok
    assert [(note.where, note.message) for note in found.notes] == [
        (blob_name(b"old"), "nothing refers to this blob")
    ]
    # Nobody knows what a broken document would have needed.
    assert report(tmp_path, members | {blob_name(SAMPLE.manifest): b"{}"}).notes == ()


def test_artifacts(tmp_path: Path) -> None:
    """The blobs of an artifact are compared with their digests, not read as layers."""
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}
    chart = {"mediaType": "application/vnd.example", "digest": digest(b"chart"), "size": 5}
    artifact = Sample(manifest_changes={"config": empty, "layers": [chart]})
    members = layout(artifact) | {blob_name(b"{}"): b"{}", blob_name(b"chart"): b"chart"}
    for blob in (artifact.config, *(layer.blob for layer in LAYERS)):
        del members[blob_name(blob)]
    found = report(tmp_path, members)
    assert found.ok
    assert (found.checked.images, found.checked.blobs) == (0, 3)
    found = report(tmp_path, members | {blob_name(b"chart"): b"tahrc"})
    assert [problem.where for problem in found.problems] == [blob_name(b"chart")]


def test_an_empty_layout(tmp_path: Path) -> None:
    """It is whole, which is worth a note."""
    found = report(tmp_path, {"oci-layout": LAYOUT, "index.json": index()})
    assert found.ok
    assert [note.message for note in found.notes] == ["lists no image"]


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("oci-layout", b'{"imageLayoutVersion":"2"}', "index.json"),
        ("index.json", b"null", "index.json"),
        ("index.json", b'{"schemaVersion":2,"schemaVersion":2,"manifests":[]}', "index.json"),
        ("index.json", b" " * (4 << 20) + b"{}", "index.json"),
        ("manifest.json", b"null", "manifest.json"),
        ("manifest.json", b"[]", "manifest.json"),
        ("manifest.json", b'[{"Config":"nowhere","Layers":[]}]', "image `nowhere`"),
    ],
)
def test_a_broken_list(name: str, content: bytes, where: str, tmp_path: Path) -> None:
    """One list being broken, the other is still checked."""
    found = problems(tmp_path, combined(SAMPLE) | {name: content, SECOND: LAYERS[1].blob[:-1]})
    assert where in [place for place, _ in found]
    assert SECOND in [place for place, _ in found]


def test_an_index_that_is_missing(tmp_path: Path) -> None:
    """What a nested index would have said is unknown; the rest is checked."""
    entry = {"mediaType": OCI_INDEX, "digest": digest(b"x"), "size": 1}
    members = layout(SAMPLE) | {"index.json": index(entry, *SAMPLE.descriptors)}
    found = report(tmp_path, members)
    assert [problem.where for problem in found.problems] == ["index.json"]
    assert found.checked.images == 1


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("x", "`x` is not of the form `repository:tag`"),
        ("Upper:1", "must be lower-case"),
        ("a:b:c", "invalid reference"),
        (f"a@{digest(b'')}", "is not of the form `repository:tag`"),
    ],
)
def test_tags_of_rows(tag: str, reason: str, tmp_path: Path) -> None:
    """Docker wants a lower-case repository and a tag."""
    where, message = only_problem(tmp_path, docker_save(Sample(tags=(tag,))))
    assert where == "manifest.json"
    assert reason in message


def test_one_tag_for_two_images(tmp_path: Path) -> None:
    """A tag that is given twice loads one image only; for two platforms it may be."""
    other = Sample(changes={"author": "other"})
    found = problems(tmp_path, docker_save(SAMPLE, other))
    message = "the tag `custom/hello:latest` is given to two images"
    assert found == [("manifest.json", message)]
    assert problems(tmp_path, layout(SAMPLE, other)) == [("index.json", message)]
    assert problems(tmp_path, layout(SAMPLE, Sample(architecture="arm64"))) == []


def test_lists_that_differ(tmp_path: Path) -> None:
    """What docker loads by a name is what containerd loads."""
    other = Sample(tags=("a/b:1",), layers=LAYERS[:1])
    members = combined(SAMPLE, other)
    rows = [SAMPLE.row, other.row | {"RepoTags": ["a/b:2"]}]
    assert sorted(problems(tmp_path, members | {"manifest.json": dumps(rows)})) == [
        ("index.json", "the tag `docker.io/a/b:1` is not in `manifest.json`"),
        ("manifest.json", "the tag `docker.io/a/b:2` is not in `index.json`"),
    ]
    rows = [SAMPLE.row | {"RepoTags": other.tags}, other.row | {"RepoTags": SAMPLE.tags}]
    found = problems(tmp_path, members | {"manifest.json": dumps(rows)})
    assert sorted(found) == [
        (
            "manifest.json",
            f"the tag `docker.io/{tag}` has another config or other layers in `index.json`",
        )
        for tag in ("a/b:1", "custom/hello:latest")
    ]


def test_lists_with_layers_in_another_order(tmp_path: Path) -> None:
    """The same config on other layers is another image."""
    row = SAMPLE.row
    members = combined(SAMPLE) | {"manifest.json": dumps([row | {"Layers": row["Layers"][::-1]}])}
    assert (
        "manifest.json",
        "the tag `docker.io/custom/hello:latest` has another config or other layers in "
        "`index.json`",
    ) in problems(tmp_path, members)


def test_images_without_tags_in_one_list(tmp_path: Path) -> None:
    """An image without a tag is found by its config."""
    other = Sample(tags=(), architecture="arm64")
    assert problems(tmp_path, combined(SAMPLE, other)) == []
    message = f"the image with the config `{digest(other.config)}` is not in "
    members = combined(SAMPLE, other)
    assert problems(tmp_path, members | {"manifest.json": dumps([SAMPLE.row])}) == [
        ("index.json", f"{message}`manifest.json`")
    ]
    assert problems(tmp_path, members | {"index.json": index(*SAMPLE.descriptors)}) == [
        ("manifest.json", f"{message}`index.json`")
    ]


def test_a_copy_is_the_same_layer(tmp_path: Path) -> None:
    """Lists may name different members, as long as their bytes are the same."""
    row = SAMPLE.row
    layers = ["copy.tar.gz", "link.tar"]
    members = combined(SAMPLE) | {
        "manifest.json": dumps([row | {"Layers": layers}]),
        "copy.tar.gz": LAYERS[0].blob,
        "link.tar": Link(SECOND),
    }
    assert problems(tmp_path, members) == []


def test_a_config_under_a_wrong_name(tmp_path: Path) -> None:
    """An old archive names the config after its digest."""
    members = docker_save(SAMPLE)
    name = f"{digest(SAMPLE.config)[7:]}.json"
    members[name] = SAMPLE.config.replace(b"/app", b"/App")
    assert only_problem(tmp_path, members)[1].endswith("does not have the digest it is named by")


def test_a_symbolic_link_for_a_blob(tmp_path: Path) -> None:
    """In a layout directory, a linked blob is a problem."""
    write_folder(tmp_path / "layout", layout(SAMPLE))
    (tmp_path / "layout" / FIRST).rename(tmp_path / "elsewhere")
    (tmp_path / "layout" / FIRST).symlink_to(tmp_path / "elsewhere")
    [found] = validate(tmp_path / "layout").problems
    assert "is not a regular file (links are not followed)" in found.message


def test_digests_that_cannot_be_checked(tmp_path: Path) -> None:
    """sha512 is computed; what nobody here can compute is noted."""
    entries = [layer.descriptor for layer in LAYERS]
    names = [hashlib.sha512(layer.blob).hexdigest() for layer in LAYERS]
    entries[0]["digest"] = f"sha512:{names[0]}"
    entries[1]["digest"] = "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"
    sample = Sample(
        manifest_changes={"layers": entries},
        changes={
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha512:{names[0]}", digest(LAYERS[1].tar)],
            }
        },
    )
    members = layout(sample)
    members[f"blobs/{entries[1]['digest'].replace(':', '/')}"] = members.pop(SECOND)
    members[f"blobs/sha512/{names[0]}"] = members.pop(FIRST)
    found = report(tmp_path, members)
    assert found.ok
    assert [note.message for note in found.notes] == [
        f"the diff_id `sha512:{names[0]}` was not checked",
        f"the digest `{entries[1]['digest']}` was not checked",
    ]
    members[f"blobs/sha512/{names[0]}"] = SampleLayer(LAYERS[1].tar, "gzip").blob
    assert "has the digest `sha512:" in str(report(tmp_path, members).problems)


def test_several_gzip_members(tmp_path: Path) -> None:
    """They are read as gzip does, and noted, since some readers stop after the first."""
    content = LAYERS[0].tar
    blob = gzip.compress(content[:600]) + gzip.compress(content[600:])
    (tmp_path / "layer.tar.gz").write_bytes(blob)
    found = validate(tmp_path / "layer.tar.gz")
    assert found.ok
    assert [note.message for note in found.notes] == [
        "made of 2 gzip members: some readers see the first only"
    ]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_bare_layer(compression: str, tmp_path: Path) -> None:
    """A layer file is whole when it can be read to its end."""
    layer = SampleLayer(LAYERS[0].tar, compression)
    path = tmp_path / "layer"
    path.write_bytes(layer.blob)
    found = validate(path)
    assert found.ok
    assert (found.checked.images, found.checked.blobs) == (0, 1)
    assert found.checked.bytes == len(layer.blob)
    path.write_bytes(SampleLayer(tar([("a", b""), ("a", b"")]), compression).blob)
    assert [problem.message for problem in validate(path).problems] == [
        "entries with the same path: `a`"
    ]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_broken_layer(compression: str, tmp_path: Path) -> None:
    """One that is cut short has a problem."""
    path = tmp_path / "layer"
    path.write_bytes(SampleLayer(LAYERS[0].tar, compression).blob[:-9])
    [problem] = validate(path).problems
    assert problem.where == str(path)
    assert "malformed archive" in problem.message


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    """What is neither image nor layer is an error, not a report."""
    (tmp_path / "garbage").write_bytes(b"garbage" * 1000)
    for path in (tmp_path, tmp_path / "garbage"):
        with pytest.raises(InvalidImageError):
            validate(path)
    with pytest.raises(FileNotFoundError):
        validate(tmp_path / "missing")
    write_archive(tmp_path / "cut.tar", combined(SAMPLE))
    content = (tmp_path / "cut.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(content[:3000])
    with pytest.raises(InvalidImageError, match="malformed archive"):
        validate(tmp_path / "cut.tar")


@pytest.mark.parametrize("name", sorted(layout(SAMPLE)))
def test_any_flipped_byte_is_noticed(name: str, tmp_path: Path) -> None:
    """No byte of a blob or of a list can change without a problem or a refusal."""
    members = layout(SAMPLE)
    content = members[name]
    assert isinstance(content, bytes)
    for position in range(0, len(content), 997 if name == SECOND else 41):
        damaged = bytearray(content)
        damaged[position] ^= 0x80
        assert problems(tmp_path, members | {name: bytes(damaged)}), position


def test_a_name_of_containerd_only_for_the_tag(tmp_path: Path) -> None:
    """Tags are compared as references: docker's short form is the same name."""
    sample = Sample(tags=("library/x:1",))
    [entry] = sample.descriptors
    entry["annotations"] = {IMAGE_NAME: "docker.io/library/x:1"}
    members = combined(sample) | {
        "index.json": index(entry),
        "manifest.json": dumps([sample.row | {"RepoTags": ["x:1"]}]),
    }
    assert problems(tmp_path, members) == []


def test_a_config_with_another_descriptor(tmp_path: Path) -> None:
    """A config that changed keeps neither size nor digest."""
    config = {"mediaType": OCI_CONFIG, "digest": digest(SAMPLE.config), "size": 1}
    where, message = only_problem(tmp_path, layout(Sample(manifest_changes={"config": config})))
    assert where == "image `custom/hello:latest`"
    assert message.endswith(f"has {len(SAMPLE.config)} bytes, expected 1")
