"""Sample images as the members of archives and layouts: made by Python alone, easy to damage."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastlayer.media_type import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, for_layer

IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


@dataclass(frozen=True)
class Link:
    """A member that is a link, symbolic or hard."""

    target: str
    hard: bool = False


Members = dict[str, bytes | Link]
Json = dict[str, Any]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob_name(content: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def dumps(document: object) -> bytes:
    return json.dumps(document).encode()


def tar(members: Mapping[str, bytes | Link] | Sequence[tuple[str, bytes | Link]]) -> bytes:
    """A plain tar; a sequence may hold a name twice."""
    pairs = list(members.items()) if isinstance(members, Mapping) else list(members)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in pairs:
            member = tarfile.TarInfo(name)
            if isinstance(content, Link):
                member.type = tarfile.LNKTYPE if content.hard else tarfile.SYMTYPE
                member.linkname = content.target
                archive.addfile(member)
            elif name.endswith("/"):
                member.type = tarfile.DIRTYPE
                member.mode = 0o755
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zstd(content: bytes) -> bytes:
    """One zstd frame of raw blocks (RFC 8878, section 3.1.1): Python 3.11 has no zstd."""
    pieces = [content[i : i + 65536] for i in range(0, len(content), 65536)] or [b""]
    blocks = b"".join(
        struct.pack("<I", len(piece) << 3 | (number == len(pieces)))[:3] + piece
        for number, piece in enumerate(pieces, 1)
    )
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", len(content)) + blocks


PACK: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zstd": zstd,
}


@dataclass(frozen=True)
class SampleLayer:
    """A layer blob with the tar it is made of."""

    tar: bytes
    compression: Any = "gzip"

    @property
    def blob(self) -> bytes:
        return PACK[self.compression](self.tar)

    @property
    def descriptor(self) -> Json:
        media_type = for_layer(self.compression, "oci")
        return {"mediaType": media_type, "digest": digest(self.blob), "size": len(self.blob)}


LAYERS = (
    SampleLayer(tar({"etc/": b"", "etc/motd": b"hello\n"})),
    SampleLayer(tar({"app": b"\x7fELF" * 100, "run": Link("app")}), "none"),
)


@dataclass(frozen=True)
class Sample:
    """An image. `changes` and `manifest_changes` go into its config and its manifest."""

    layers: Sequence[SampleLayer] = LAYERS
    tags: Sequence[str] = ("custom/hello:latest",)
    architecture: str = "amd64"
    changes: Json | None = None
    manifest_changes: Json | None = None

    @property
    def config(self) -> bytes:
        config = {
            "created": "2025-04-18T19:07:30Z",
            "architecture": self.architecture,
            "os": "linux",
            "config": {"Entrypoint": ["/app"], "Env": ["A=b c"], "Labels": {"k": "v"}},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer.tar) for layer in self.layers]},
            "history": [{"created_by": "test"}, {"created_by": "ENV A", "empty_layer": True}],
        }
        return dumps(config | (self.changes or {}))

    @property
    def manifest(self) -> bytes:
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": OCI_CONFIG,
                "digest": digest(self.config),
                "size": len(self.config),
            },
            "layers": [layer.descriptor for layer in self.layers],
        }
        return dumps(manifest | (self.manifest_changes or {}))

    @property
    def descriptors(self) -> list[Json]:
        """The entries of `index.json`, one for each tag."""
        descriptor = {
            "mediaType": OCI_MANIFEST,
            "digest": digest(self.manifest),
            "size": len(self.manifest),
            "platform": {"os": "linux", "architecture": self.architecture},
        }
        named = [
            {IMAGE_NAME: f"docker.io/{tag}", REF_NAME: tag.rpartition(":")[2]} for tag in self.tags
        ]
        return [descriptor | {"annotations": names} for names in named] or [descriptor]

    @property
    def blobs(self) -> Members:
        contents = (*(layer.blob for layer in self.layers), self.config, self.manifest)
        return {blob_name(content): content for content in contents}

    @property
    def row(self) -> Json:
        """The row of a `manifest.json` that shares the blobs of the layout."""
        return {
            "Config": blob_name(self.config),
            "RepoTags": list(self.tags),
            "Layers": [blob_name(layer.blob) for layer in self.layers],
        }


def index(*descriptors: Json) -> bytes:
    return dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(descriptors)})


def layout(*samples: Sample) -> Members:
    """The files of an OCI layout."""
    blobs: Members = {}
    for sample in samples:
        blobs |= sample.blobs
    entries = [entry for sample in samples for entry in sample.descriptors]
    return {**blobs, "oci-layout": LAYOUT, "index.json": index(*entries)}


def combined(*samples: Sample) -> Members:
    """The archive that loads everywhere."""
    return {**layout(*samples), "manifest.json": dumps([sample.row for sample in samples])}


def docker_save(*samples: Sample) -> Members:
    """What `docker save` wrote before it knew OCI layouts: a folder for each layer."""
    members: Members = {}
    rows = []
    for sample in samples:
        name = f"{digest(sample.config)[7:]}.json"
        members[name] = sample.config
        layers = []
        for number, layer in enumerate(sample.layers):
            folder = hashlib.sha256(b"%d" % number + layer.tar).hexdigest()
            members |= {f"{folder}/": b"", f"{folder}/VERSION": b"1.0"}
            members[f"{folder}/layer.tar"] = layer.blob
            layers.append(f"{folder}/layer.tar")
        rows.append({"Config": name, "RepoTags": list(sample.tags) or None, "Layers": layers})
    return {**members, "manifest.json": dumps(rows), "repositories": b"{}"}


def write_archive(path: Path, members: Mapping[str, bytes | Link]) -> Path:
    path.write_bytes(tar(members))
    return path


def write_folder(path: Path, members: Mapping[str, bytes | Link]) -> Path:
    for name, content in members.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            target.symlink_to(content.target)
        else:
            target.write_bytes(content)
    return path
