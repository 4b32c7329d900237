"""Manifests, indexes and configs that parsers do not agree on, or that lie."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from archives import LAYERS, Members, Sample, blob_name, digest, dumps, index, layout
from fastlayer.media_type import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from hostile.case import Family, Files
from hostile.doors import IMAGE

DOCUMENTS = Family("documents", *IMAGE)

Json = dict[str, Any]


def placed(members: Members) -> Files:
    """The files of a layout, in the folder `image`."""
    return {f"image/{name}": content for name, content in members.items()}


def _descriptor(kind: str, content: bytes, **more: object) -> Json:
    return {"mediaType": kind, "digest": digest(content), "size": len(content), **more}


def with_manifest(manifest: bytes, *others: bytes, **entry: object) -> Files:
    """A layout with one manifest, whatever its bytes are, and more blobs."""
    sample = Sample()
    members = layout(sample) | {blob_name(blob): blob for blob in (manifest, *others)}
    kind = _descriptor(OCI_MANIFEST, manifest) | entry
    return placed(members | {"index.json": index(kind)})


def with_config(config: bytes, kind: str = OCI_CONFIG) -> Files:
    """A layout whose config is these bytes."""
    manifest = json.loads(Sample().manifest) | {"config": _descriptor(kind, config)}
    return with_manifest(dumps(manifest), config)


def with_settings(changes: Json) -> Files:
    """A layout whose config has other members."""
    return with_config(dumps(json.loads(Sample().config) | changes))


def with_index(content: bytes) -> Files:
    """A layout whose `index.json` is these bytes."""
    return placed(layout(Sample()) | {"index.json": content})


def with_changes(**changes: object) -> Files:
    """A layout whose manifest has other members."""
    return with_manifest(dumps(json.loads(Sample().manifest) | changes))


_DEEP = b"[" * 10_000 + b"]" * 10_000

# What is no document of any kind.
_NONE: dict[str, tuple[str, bytes]] = {
    "null": ("`null` in place of a document (ggcr #2304: a panic)", b"null"),
    "array": ("an array in place of a document", b"[]"),
    "text": ("text in place of a document", b'"manifest"'),
    "number": ("a number in place of a document", b"1"),
    "nothing": ("nothing in place of a document", b""),
    "object-of-nothing": ("an object without members", b"{}"),
    "deep": ("arrays ten thousand deep (CVE-2022-21698 kind: a stack that ends)", _DEEP),
    "deep-in-a-member": ("an unknown member ten thousand deep", b'{"x":' + _DEEP + b"}"),
    "byte-order-mark": ("a byte order mark in front", b"\xef\xbb\xbf{}"),
    "utf-16": ("UTF-16", "{}".encode("utf-16")),
    "not-utf8": ("bytes that are not UTF-8", b'{"x":"\xff"}'),
    "nul": ("a NUL byte between", b"{\0}"),
    "two-documents": ("two documents in a row", b"{}{}"),
    "trailing-comma": ("a comma too many", b'{"a":1,}'),
    "comment": ("a comment", b'{/* */"a":1}'),
    "escape-in-text": ("a raw control character in text", b'{"\x1b[31m":1}'),
    "key-with-escapes": (
        "a repeated key with terminal escapes",
        b'{"\\u001b[2J":1,"\\u001b[2J":2}',
    ),
    "nan": ("NaN, which JSON has not", b'{"schemaVersion":NaN}'),
    "infinity": ("Infinity, which JSON has not", b'{"schemaVersion":-Infinity}'),
    "lone-surrogate": ("half of a surrogate pair", b'{"x":"\\ud800"}'),
    "huge-number": ("a number of a million digits", b'{"x":' + b"9" * 1_000_000 + b"}"),
    "huge-exponent": ("a number with an exponent of nine digits", b'{"x":1e999999999}'),
    "many-keys": (
        "fifty thousand members",
        b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b"}",
    ),
    "above-4-mib": ("a document of 5 MiB", b'{"x":"' + b"a" * (5 << 20) + b'"}'),
    "html": ("an HTML page", b"<!DOCTYPE html><html></html>"),
}
for _name, (_what, _content) in _NONE.items():
    DOCUMENTS.add(
        f"manifest-{_name}",
        _what,
        partial(with_manifest, _content),
        "refused",
        doors=("inspect", "validate", "copy", "unpack"),
    )
for _name in (
    "null",
    "array",
    "nothing",
    "deep",
    "not-utf8",
    "lone-surrogate",
    "nan",
    "huge-number",
    "above-4-mib",
):
    _what, _content = _NONE[_name]
    DOCUMENTS.add(
        f"config-{_name}",
        _what,
        partial(with_config, _content),
        "refused",
        doors=("inspect", "validate", "copy", "unpack"),
    )
    DOCUMENTS.add(
        f"index-{_name}",
        _what,
        partial(with_index, _content),
        "refused",
        doors=("inspect", "validate", "copy", "unpack"),
    )


def _twice(document: bytes, name: str, value: object) -> bytes:
    """A document in which one member is given twice, first with another value."""
    return b"{" + json.dumps(name).encode() + b":" + dumps(value) + b"," + document[1:]


_MANIFEST = Sample().manifest
DOCUMENTS.add(
    "manifest-two-configs",
    "a config given twice: Go takes the last, others the first",
    lambda: with_manifest(_twice(_MANIFEST, "config", _descriptor(OCI_CONFIG, b"{}"))),
    "refused",
)
DOCUMENTS.add(
    "manifest-other-case",
    "a `Layers` beside `layers`: Go takes both for one",
    lambda: with_manifest(_twice(_MANIFEST, "Layers", [])),
    "refused",
)
DOCUMENTS.add(
    "manifest-folded-case",
    "`layer\u017f`, which Go's folding takes for `layers`",
    lambda: with_manifest(_twice(_MANIFEST, "layer\u017f", [])),
    "refused",
)
DOCUMENTS.add(
    "manifest-and-index",
    "a manifest that is an index too (CVE-2021-41190)",
    lambda: with_changes(manifests=[_descriptor(OCI_MANIFEST, _MANIFEST)]),
    "refused",
)
DOCUMENTS.add(
    "manifest-says-index",
    "a manifest whose media type is an index's (CVE-2021-41190)",
    lambda: with_changes(mediaType=OCI_INDEX),
    "refused",
)
DOCUMENTS.add(
    "descriptor-says-index",
    "a manifest that its descriptor calls an index",
    lambda: with_manifest(_MANIFEST, mediaType=OCI_INDEX),
    "refused",
)
DOCUMENTS.add(
    "index-says-manifest",
    "an index that its descriptor calls a manifest",
    lambda: with_manifest(index(_descriptor(OCI_MANIFEST, _MANIFEST)), _MANIFEST),
    "refused",
)
DOCUMENTS.add(
    "schema-1",
    "a manifest of schema 1, with signatures",
    lambda: with_manifest(
        dumps(
            {
                "schemaVersion": 1,
                "name": "a",
                "tag": "1",
                "fsLayers": [],
                "history": [],
                "signatures": [],
            }
        ),
        mediaType="application/vnd.docker.distribution.manifest.v1+prettyjws",
    ),
    "refused",
)
for _name, _value in {
    "3": 3,
    "text": "2",
    "float": 2.0,
    "true": True,
    "null": None,
    "huge": 1 << 70,
}.items():
    DOCUMENTS.add(
        f"schema-version-{_name}",
        "a schema version that is not 2",
        partial(with_changes, schemaVersion=_value),
        "refused",
        doors=("inspect", "validate", "copy"),
    )


def _layer(**changes: object) -> Files:
    layers = [layer.descriptor for layer in LAYERS]
    return with_changes(layers=[layers[0] | changes, *layers[1:]])


for _name, _size in {
    "negative": -1,
    "too-large": 1 << 20,
    "too-small": 3,
    "zero": 0,
    "2-63": 1 << 63,
    "2-64": 1 << 64,
    "float": 1.5,
    "text": "10",
    "exponent": 1e300,
    "null": None,
}.items():
    DOCUMENTS.add(
        f"layer-size-{_name}",
        "a layer that has another size than its descriptor says",
        partial(_layer, size=_size),
        "refused",
        doors=("inspect", "validate", "copy", "save", "unpack", "export"),
    )

_WRONG = digest(b"other")
for _name, _digest in {
    "of-another": _WRONG,
    "up": "sha256:../../../canary/passwd",
    "path": "sha256:" + "/" * 64,
    "algorithm-up": "../../canary:" + "0" * 64,
    "md5": "md5:" + "0" * 32,
    "unknown-algorithm": "blake9:" + "0" * 64,
    "sha512-too-short": "sha512:" + "0" * 64,
    "upper-case": _WRONG.upper().replace("SHA256", "sha256"),
    "no-algorithm": "0" * 64,
    "empty": "",
    "no-hex": "sha256:" + "g" * 64,
    "with-a-line-break": _WRONG + "\n",
    "with-an-escape": "sha256:\x1b[31m" + "0" * 59,
    "with-a-nul": _WRONG[:-1] + "\0",
    "of-a-megabyte": "sha256:" + "0" * 1_000_000,
    "null": None,
    "number": 7,
}.items():
    DOCUMENTS.add(
        f"layer-digest-{_name}",
        "a digest that is no digest, or another's (a path is built of it)",
        partial(_layer, digest=_digest),
        "refused",
        doors=("inspect", "validate", "copy", "unpack")
        if _name != "of-another"
        else ("validate", "copy", "unpack", "export"),
    )

DOCUMENTS.add(
    "layer-data-lies",
    "a `data` field that is other content",
    lambda: _layer(data="bGllcw=="),
    "refused",
    doors=("validate", "copy", "unpack"),
)
DOCUMENTS.add(
    "layer-data-no-base64",
    "a `data` field that is no base64",
    lambda: _layer(data="***"),
    "refused",
    doors=("validate", "copy"),
)
DOCUMENTS.add(
    "layer-urls",
    "a layer with `urls` on a private network: nothing is fetched from there (CVE-2020-15157)",
    lambda: _layer(urls=["http://169.254.169.254/latest/meta-data"]),
    "read",
)
DOCUMENTS.add(
    "layer-foreign-and-absent",
    "a foreign layer that is not there, only its address",
    lambda: _layer(
        mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        digest=_WRONG,
        urls=["https://example.invalid/layer"],
    ),
    "refused",
)
for _name, _kind in {
    "unknown": "application/vnd.example.layer",
    "encrypted": "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
    "other-compression": "application/vnd.oci.image.layer.v1.tar+zstd",
    "plain": "application/vnd.oci.image.layer.v1.tar",
    "manifest": OCI_MANIFEST,
    "empty": "",
    "with-an-escape": "\x1b[2Japplication/x",
    "null": None,
}.items():
    DOCUMENTS.add(
        f"layer-type-{_name}",
        "a layer whose media type is another's",
        partial(_layer, mediaType=_kind),
        "read"
        if _name in ("unknown", "encrypted", "other-compression", "plain", "manifest")
        else "refused",
        doors=("inspect", "validate", "copy", "unpack"),
    )

_CONFIG: Json = json.loads(Sample().config)
_ROOTFS = _CONFIG["rootfs"]
for _name, _what, _changes in (
    (
        "fewer-diff-ids",
        "fewer diff_ids than layers",
        {"rootfs": _ROOTFS | {"diff_ids": _ROOTFS["diff_ids"][:1]}},
    ),
    (
        "more-diff-ids",
        "more diff_ids than layers",
        {"rootfs": _ROOTFS | {"diff_ids": _ROOTFS["diff_ids"] * 2}},
    ),
    ("no-diff-ids", "no diff_ids", {"rootfs": {"type": "layers", "diff_ids": []}}),
    ("null-diff-ids", "`null` for diff_ids", {"rootfs": {"type": "layers", "diff_ids": None}}),
    ("no-rootfs", "no rootfs (ggcr #2371: a panic)", {"rootfs": None}),
    (
        "bad-diff-id",
        "a diff_id that is a path",
        {"rootfs": _ROOTFS | {"diff_ids": ["sha256:../../x", _WRONG]}},
    ),
):
    DOCUMENTS.add(
        f"config-{_name}",
        _what,
        partial(with_settings, _changes),
        "refused",
        doors=("inspect", "validate", "copy", "unpack", "flatten"),
    )
DOCUMENTS.add(
    "config-wrong-diff-id",
    "a diff_id that is another's: whoever checks digests of blobs alone takes the layer",
    lambda: with_config(
        dumps(_CONFIG | {"rootfs": _ROOTFS | {"diff_ids": [_WRONG, _ROOTFS["diff_ids"][1]]}})
    ),
    "refused",
    doors=("validate", "unpack", "export", "flatten"),
)
DOCUMENTS.add(
    "config-swapped-diff-ids",
    "diff_ids in another order than the layers",
    lambda: with_config(
        dumps(_CONFIG | {"rootfs": _ROOTFS | {"diff_ids": _ROOTFS["diff_ids"][::-1]}})
    ),
    "refused",
    doors=("validate", "unpack", "export", "flatten"),
)
DOCUMENTS.add(
    "config-history-of-more",
    "a history of more layers than there are",
    lambda: with_config(dumps(_CONFIG | {"history": [{"created_by": "x"}] * 9})),
    "refused",
    doors=("inspect", "validate", "copy", "append"),
)
DOCUMENTS.add(
    "config-with-escapes",
    "a config whose values are terminal escapes and line breaks",
    lambda: with_config(
        dumps(
            _CONFIG
            | {
                "author": "\x1b]0;owned\x07\nfastlayer: error: forged",
                "os": "linux\x1b[31m",
                "config": {
                    "Env": ["A=\x1b[2J"],
                    "Labels": {"\x1b[1A": "\r"},
                    "Cmd": ["\u202e\u2028"],
                },
                "history": [{"created_by": "\x1b[2J\nRUN x"}, {"created_by": "y"}],
            }
        )
    ),
    "read",
)
DOCUMENTS.add(
    "config-with-escapes-in-settings",
    "the same in settings alone, which are anybody's text",
    lambda: with_config(
        dumps(
            _CONFIG
            | {
                "author": "\x1b]0;owned\x07\nfastlayer: error: forged",
                "config": {
                    "Env": ["A=\x1b[2J"],
                    "Labels": {"\x1b[1A": "\r"},
                    "Cmd": ["\u202e\u2028"],
                },
                "history": [{"created_by": "\x1b[2J\nRUN x"}, {"created_by": "y"}],
            }
        )
    ),
    "read",
)
for _name, _settings in {
    "env-null": {"Env": None},
    "env-of-numbers": {"Env": [1]},
    "env-without-name": {"Env": ["=x"]},
    "env-with-a-nul": {"Env": ["A=\0"]},
    "cmd-text": {"Cmd": "rm -rf /"},
    "user-up": {"User": "../../canary"},
    "workdir-up": {"WorkingDir": "../../canary"},
    "volumes-up": {"Volumes": {"/../../canary": {}}},
    "ports-garbage": {"ExposedPorts": {"99999999/tcp": {}}},
    "on-build": {"OnBuild": ["ONBUILD FROM scratch", "COPY --from=/etc/passwd x /"]},
    "stop-signal": {"StopSignal": "SIG\x1b[31m"},
}.items():
    DOCUMENTS.add(
        f"settings-{_name}",
        "a setting of containers that is none, or leads out",
        partial(with_settings, {"config": _settings}),
        "refused" if _name in ("env-of-numbers", "cmd-text") else "read",
        doors=("inspect", "validate", "copy", "append", "from"),
    )


def _nested(width: int, depth: int, inner: bytes | None = None) -> Files:
    members: Members = layout(Sample())
    content = inner or index(_descriptor(OCI_MANIFEST, _MANIFEST))
    for _ in range(depth):
        members[blob_name(content)] = content
        content = index(*[_descriptor(OCI_INDEX, content)] * width)
    return placed(members | {"index.json": content})


DOCUMENTS.add("indexes-deep", "indexes in indexes, ten deep", lambda: _nested(1, 10), "refused")
DOCUMENTS.add(
    "indexes-wide",
    "indexes that multiply to a thousand millions",
    lambda: _nested(1000, 3),
    "refused",
    doors=("inspect", "validate", "copy"),
)
DOCUMENTS.add(
    "index-of-itself",
    "an index that says it holds itself, which no digest allows",
    lambda: placed(
        layout(Sample())
        | {"index.json": index({"mediaType": OCI_INDEX, "digest": _WRONG, "size": 5})}
    ),
    "refused",
)


def _listed(**more: object) -> Files:
    return with_index(index(_descriptor(OCI_MANIFEST, _MANIFEST, **more)))


def _named(name: str) -> Files:
    return _listed(
        annotations={
            "org.opencontainers.image.ref.name": name,
            "io.containerd.image.name": name,
        }
    )


for _name, _tag in {
    "up": "../../canary/x:1",
    "with-escapes": "\x1b[2J:\n1",
    "empty": "",
    "long": "a" * 100_000,
    "url": "https://user:secret@example.com/x",
}.items():
    DOCUMENTS.add(
        f"tag-{_name}",
        "a tag that is no name",
        partial(_named, _tag),
        "read",
        doors=("inspect", "validate", "copy", "save", "from"),
    )
for _name, _platform in {
    "null": None,
    "text": "linux/amd64",
    "with-escapes": {"os": "\x1b[31m", "architecture": "amd64"},
    "numbers": {"os": 1, "architecture": 2},
    "of-another": {"os": "plan9", "architecture": "mips"},
}.items():
    DOCUMENTS.add(
        f"platform-{_name}",
        "a platform that is none, or another than the config's",
        partial(_listed, platform=_platform),
        "refused" if _name in ("text", "numbers") else "read",
        doors=("inspect", "validate", "copy"),
    )
DOCUMENTS.add(
    "unknown-members",
    "members that nobody knows, with numbers that no float holds: they are kept",
    lambda: with_manifest(_MANIFEST[:-1] + b',"x":[12345678901234567890123,1.10,{"a":null}]}'),
    "read",
)
