"""Layout folders and image archives whose files are not what they seem."""

from __future__ import annotations

import json
from functools import partial

from archives import LAYERS, Link, Members, Sample, blob_name, combined, docker_save, dumps, layout
from archives import tar as archive
from hostile.case import Family, Files, Special
from hostile.doors import IMAGE

LAYOUTS = Family("layouts", *IMAGE)
# A Dockerfile takes layouts only.
_ARCHIVE = (*(door for door in IMAGE if door != "from"), "append", "export")
ARCHIVES = Family("archives", *_ARCHIVE)

_SAMPLE = Sample()
_LAYER = f"image/{blob_name(LAYERS[0].blob)}"
_CONFIG = f"image/{blob_name(_SAMPLE.config)}"
_MANIFEST = f"image/{blob_name(_SAMPLE.manifest)}"


def _placed(**changes: bytes | Link | Special | None) -> Files:
    """A layout with other files: absent ones are `None`, `layer` and others stand for blobs."""
    names = {
        "layer": _LAYER,
        "config": _CONFIG,
        "manifest": _MANIFEST,
        "index": "image/index.json",
        "layout": "image/oci-layout",
    }
    files: dict[str, bytes | Link | Special] = {
        f"image/{name}": content for name, content in layout(_SAMPLE).items()
    }
    for name, content in changes.items():
        if content is None:
            del files[names[name]]
        else:
            files[names[name]] = content
    return files


_OTHER = b"x" * len(LAYERS[0].blob)

for _part in ("layer", "config", "manifest", "index", "layout"):
    _doors = (
        IMAGE if _part != "layer" else ("validate", "copy", "save", "unpack", "export", "flatten")
    )
    for _name, _what, _content in (
        (
            "link-out",
            "a symbolic link that leads out, to the same bytes even (ggcr #2306)",
            Link("/etc/passwd"),
        ),
        ("link-to-nothing", "a symbolic link to nothing", Link("nowhere")),
        (
            "link-to-itself",
            "a symbolic link to itself",
            Link(
                "index.json"
                if _part == "index"
                else "oci-layout"
                if _part == "layout"
                else _LAYER.rpartition("/")[2]
            ),
        ),
        ("fifo", "a pipe, at which a reader waits for ever", Special("fifo")),
        ("folder", "a directory", Special("folder")),
        ("absent", "nothing", None),
        ("empty", "an empty file", b""),
        ("cut", "a file that is cut", b"{"),
    ):
        LAYOUTS.add(
            f"{_part}-{_name}",
            f"in place of the {_part}: {_what}",
            partial(_placed, **{_part: _content}),
            "refused",
            doors=_doors,
        )
LAYOUTS.add(
    "layer-other-content",
    "a layer of the right size with other content",
    lambda: _placed(layer=_OTHER),
    "refused",
    doors=("validate", "copy", "save", "unpack", "export", "flatten", "append"),
)
LAYOUTS.add(
    "layer-longer",
    "a layer with bytes behind it",
    lambda: _placed(layer=LAYERS[0].blob + b"x"),
    "refused",
    doors=("validate", "copy", "save", "unpack", "export", "flatten"),
)
LAYOUTS.add(
    "config-other-content",
    "a config of the right size with other content",
    lambda: _placed(config=_SAMPLE.config.replace(b"amd64", b"arm64")),
    "refused",
)
LAYOUTS.add(
    "manifest-other-content",
    "a manifest of the right size with other content",
    lambda: _placed(manifest=_SAMPLE.manifest.replace(b"schemaVersion", b"SchemaVersion")),
    "refused",
)
LAYOUTS.add(
    "version-2",
    "a layout of a version that is not known",
    lambda: _placed(layout=b'{"imageLayoutVersion":"2.0.0"}'),
    "refused",
)
LAYOUTS.add(
    "version-null",
    "a layout without a version",
    lambda: _placed(layout=b'{"imageLayoutVersion":null}'),
    "refused",
)
LAYOUTS.add(
    "version-twice",
    "a layout with two versions",
    lambda: _placed(layout=b'{"imageLayoutVersion":"1.0.0","imageLayoutVersion":"2.0.0"}'),
    "refused",
)


def _blobs_elsewhere(link: str) -> Files:
    files = {
        f"image/{name}": content for name, content in layout(_SAMPLE).items() if "blobs" not in name
    }
    moved = {
        f"elsewhere/{name.removeprefix('blobs/')}": content
        for name, content in _SAMPLE.blobs.items()
    }
    return {
        **files,
        **moved,
        link: Link("../elsewhere" if link == "image/blobs" else "../../elsewhere/sha256"),
    }


LAYOUTS.add(
    "blobs-link",
    "`blobs` as a symbolic link to another folder",
    lambda: _blobs_elsewhere("image/blobs"),
    "refused",
)
LAYOUTS.add(
    "sha256-link",
    "`blobs/sha256` as a symbolic link to another folder",
    lambda: _blobs_elsewhere("image/blobs/sha256"),
    "refused",
)
LAYOUTS.add(
    "more-files",
    "files, links and pipes that no layout has: they are passed over",
    lambda: {
        **_placed(),
        "image/link": Link("/etc"),
        "image/blobs/sha256/garbage\x1b[31m": b"x",
        "image/blobs/sha256/pipe": Special("fifo"),
        "image/blobs/md5/x": b"x",
        "image/.lock": Link("/canary"),
    },
    "read",
)
LAYOUTS.add(
    "device",
    "a device without an end in place of a layer",
    lambda: _placed(layer=Special("device")),
    "refused",
    doors=("validate", "copy", "unpack"),
)


# Archives of `docker save`, and layouts in a tar.


def _row(**changes: object) -> Members:
    members = docker_save(_SAMPLE)
    rows = json.loads(members["manifest.json"])  # type: ignore[arg-type]
    return members | {"manifest.json": dumps([rows[0] | changes])}


def _packed(members: Members) -> Files:
    return {"image": archive(members)}


def _described(**changes: object) -> Files:
    return _packed(_row(**changes))


def _saved(name: str, content: bytes | Link) -> Files:
    return _packed(docker_save(_SAMPLE) | {name: content})


_FIRST = json.loads(docker_save(_SAMPLE)["manifest.json"])[0]["Layers"]  # type: ignore[arg-type]

for _name, _what, _changes in (
    ("config-up", "a config's name with `..`", {"Config": "../../canary/passwd"}),
    ("config-absolute", "an absolute config's name", {"Config": "/etc/passwd"}),
    ("config-null", "no config", {"Config": None}),
    ("config-number", "a number for the config's name", {"Config": 7}),
    ("config-with-escapes", "a config's name of escapes", {"Config": "\x1b[2J\n"}),
    ("config-is-a-layer", "a layer in place of the config", {"Config": _FIRST[0]}),
    ("config-is-the-list", "`manifest.json` itself as the config", {"Config": "manifest.json"}),
    ("layers-null", "`null` for the layers", {"Layers": None}),
    ("layers-up", "layers' names with `..`", {"Layers": ["../../canary/passwd", _FIRST[1]]}),
    ("layers-absolute", "absolute layers' names", {"Layers": ["/etc/passwd", "/dev/zero"]}),
    ("layers-fewer", "fewer layers than the config has", {"Layers": _FIRST[:1]}),
    ("layers-twice", "a layer twice", {"Layers": [_FIRST[0], _FIRST[0]]}),
    ("layers-swapped", "layers in another order", {"Layers": _FIRST[::-1]}),
    (
        "layers-folder",
        "a folder in place of a layer",
        {"Layers": [_FIRST[0].rpartition("/")[0], _FIRST[1]]},
    ),
    ("layers-text", "text in place of the layers", {"Layers": "layer.tar"}),
):
    ARCHIVES.add(
        f"docker-{_name}",
        _what,
        partial(_described, **_changes),
        "refused",
        doors=("validate", "copy", "save", "unpack", "export")
        if _name in ("layers-twice", "layers-swapped")
        else _ARCHIVE,
    )
for _name, _tags in {
    "up": ["../../canary:1"],
    "escapes": ["\x1b[2J:1"],
    "number": [1],
    "text": "a:1",
    "long": ["a" * 100_000],
}.items():
    ARCHIVES.add(
        f"docker-tags-{_name}",
        "names of an image that are none",
        partial(_described, RepoTags=_tags),
        "refused" if _name in ("number", "text") else "read",
        doors=("inspect", "validate", "copy", "save"),
    )
for _name, _what, _content in (
    ("null", "`null` for the list", b"null"),
    ("empty", "an empty list", b"[]"),
    ("nothing", "an empty `manifest.json`", b""),
    ("deep", "a list ten thousand deep", b"[" * 10_000 + b"]" * 10_000),
    ("above-1-mib", "a list of 2 MiB", b"[" + b" " * (2 << 20) + b"]"),
    ("twice-a-member", "a config twice in a row", b'[{"Config":"a","Config":"b","Layers":[]}]'),
):
    ARCHIVES.add(
        f"docker-list-{_name}",
        _what,
        partial(_saved, "manifest.json", _content),
        "refused",
    )
for _name, _target, _hard in (
    ("up", "../../../canary/passwd", False),
    ("absolute", "/etc/passwd", False),
    ("itself", "layer.tar", False),
    ("nowhere", "nowhere", False),
    ("folder", ".", False),
    ("hard-up", "../../canary/passwd", True),
    ("hard-absolute", "/etc/passwd", True),
):
    ARCHIVES.add(
        f"docker-layer-link-{_name}",
        "a layer that is a link out of the archive, in a circle, or to nothing",
        partial(_saved, _FIRST[0], Link(_target, hard=_hard)),
        "refused",
    )
ARCHIVES.add(
    "docker-layer-links-in-a-circle",
    "two links to each other",
    lambda: _packed(docker_save(_SAMPLE) | {_FIRST[0]: Link("../a"), "a": Link(_FIRST[0])}),
    "refused",
)
ARCHIVES.add(
    "docker-layer-links-in-a-row",
    "a hundred links in a row, of which Linux follows forty",
    lambda: _packed(
        docker_save(_SAMPLE)
        | {_FIRST[0]: Link("../0")}
        | {f"{n}": Link(f"{n + 1}") for n in range(100)}
        | {"100": LAYERS[0].blob}
    ),
    "refused",
)
ARCHIVES.add(
    "docker-layer-linked",
    "a layer that is a link to another member, as docker once wrote it (containerd #12890)",
    lambda: _packed(
        docker_save(_SAMPLE) | {_FIRST[0]: Link("../elsewhere"), "elsewhere": LAYERS[0].blob}
    ),
    "read",
)


def _member_twice(name: str, content: bytes) -> Files:
    return {"image": archive([*combined(_SAMPLE).items(), (name, content)])}


for _name in (
    "index.json",
    "oci-layout",
    "manifest.json",
    blob_name(LAYERS[0].blob),
    f"./{blob_name(_SAMPLE.config)}",
):
    _short = {"blobs": "layer", ".": "config"}.get(_name.partition("/")[0], _name)
    ARCHIVES.add(
        f"twice-{_short}",
        "a member of the archive twice: of two readers, each takes another",
        partial(_member_twice, _name, b"{}"),
        "read" if _name == "manifest.json" else "refused",
        doors=("inspect", "validate", "copy", "unpack"),
    )
ARCHIVES.add(
    "member-up",
    "a member whose name has `..`",
    lambda: _packed({**combined(_SAMPLE), "../canary/passwd": b"evil"}),
    "refused",
)
ARCHIVES.add(
    "cut",
    "an image archive that is cut",
    lambda: {"image": archive(combined(_SAMPLE))[:-3000]},
    "refused",
)
ARCHIVES.add("garbage", "a file that is nothing", lambda: {"image": b"garbage" * 1000}, "refused")
ARCHIVES.add("empty", "an empty file", lambda: {"image": b""}, "refused")
ARCHIVES.add(
    "lists-differ",
    "an archive whose two lists describe two images",
    lambda: _packed(
        layout(_SAMPLE)
        | _row()
        | {
            "manifest.json": dumps([Sample(tags=("other:1",), architecture="arm64").row]),
            **Sample(tags=("other:1",), architecture="arm64").blobs,
        }
    ),
    "read",
    doors=("inspect", "validate"),
)
ARCHIVES.add(
    "many-members",
    "thirty thousand members that nobody needs",
    lambda: _packed({**combined(_SAMPLE), **{f"x/{n}": b"" for n in range(30_000)}}),
    "read",
    doors=("inspect", "validate", "copy"),
)
