"""What is in an image archive, an image layout or a layer: facts for people and programs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from fastlayer.archive.contents import scan_layer_file
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, quoted
from fastlayer.location import find_place
from fastlayer.media_type import for_layer
from fastlayer.stored.blob import scan_blob

if TYPE_CHECKING:
    from fastlayer.config import Healthcheck, History, ImageConfig
    from fastlayer.engine import MemberRecord, ScanRecord
    from fastlayer.media_type import Compression
    from fastlayer.platform import Platform
    from fastlayer.registries import Registries
    from fastlayer.stored.image import StoredImage, StoredLayer

__all__ = ["ImageFacts", "Inspection", "LayerFacts", "inspect"]


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer. Sizes are in bytes; what only a look inside tells is `None` without one.

    `entries` counts the members of the tar, `files` lists them in their order.
    """

    media_type: str
    digest: Digest
    size: int
    diff_id: Digest
    uncompressed_size: int | None = None
    entries: int | None = None
    files: tuple[MemberRecord, ...] | None = None

    def record(self) -> dict[str, Any]:
        """Return plain JSON values.

        `mediaType`, `digest`, `size`, `diffID`; after a look inside also `uncompressedSize` and
        `entries`; and if they were asked for, `files`, each with `path`, `type` (`file`,
        `directory`, `symlink`, `hardlink`, `fifo`, `char`, `block`), `mode` (octal text), `uid`,
        `gid`, `size`, `mtime` (seconds since 1970), and where there are any `link`, `device`
        (major and minor) and `xattrs` (names). Bytes that are not UTF-8 become surrogates, as in
        Python's file names.
        """
        record: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
            "diffID": str(self.diff_id),
        }
        if self.entries is not None:
            record["uncompressedSize"] = self.uncompressed_size
            record["entries"] = self.entries
        if self.files is not None:
            record["files"] = [_file_record(file) for file in self.files]
        return record


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image. `digest` and `media_type` are its manifest's, `None` where it has no manifest."""

    tags: tuple[str, ...]
    digest: Digest | None
    media_type: str | None
    config_digest: Digest
    config_size: int
    config: ImageConfig
    layers: tuple[LayerFacts, ...]

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return self.config.platform

    def record(self) -> dict[str, Any]:
        """Return plain JSON values.

        `digest` and `mediaType` (or null), `tags`, `platform`, `created`, `author`; `config` with
        `digest`, `size` and what containers run; `history`; `layers` as of `LayerFacts.record`.
        """
        return {
            "digest": self.digest and str(self.digest),
            "mediaType": self.media_type,
            "tags": list(self.tags),
            "platform": str(self.platform),
            "created": self.config.created,
            "author": self.config.author,
            "config": {
                "digest": str(self.config_digest),
                "size": self.config_size,
                **_run_record(self.config),
            },
            "history": [_step_record(step) for step in self.config.history],
            "layers": [layer.record() for layer in self.layers],
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found at `path`: images, or one bare layer."""

    path: str
    images: tuple[ImageFacts, ...] = ()
    layer: LayerFacts | None = None

    def record(self) -> dict[str, Any]:
        """Return plain JSON values: `path`, and `images` (a list) or `layer`."""
        if self.layer is not None:
            return {"path": self.path, "layer": self.layer.record()}
        return {"path": self.path, "images": [image.record() for image in self.images]}


def inspect(
    path: str | os.PathLike[str], *, files: bool = False, registries: Registries | None = None
) -> Inspection:
    """Tell what an image archive, an image layout or a bare layer file holds.

    `path` is what `Image.load` takes, or a layer: a tar, plain or compressed with gzip or zstd.
    Documents are verified; with `files`, layers of images are read too, and verified.
    `fastlayer.validate` looks at everything.

    Raises `InvalidImageError` for what is none of these or is broken, `MalformedArchiveError` for
    a layer that is no whole tar, and `OSError`.
    """
    name = os.fsdecode(path)
    contents = find_place(path, registries)
    if contents is None:
        return Inspection(name, layer=_bare_layer(scan_layer_file(path), files=files))
    return Inspection(name, tuple(_image_facts(image, files=files) for image in contents.images()))


def _image_facts(image: StoredImage, *, files: bool) -> ImageFacts:
    read = _read_layer if files else _stated_layer
    return ImageFacts(
        tags=image.tags,
        digest=None if image.descriptor is None else image.descriptor.digest,
        media_type=None if image.descriptor is None else image.descriptor.media_type,
        config_digest=image.config_descriptor.digest,
        config_size=image.config_descriptor.size,
        config=image.config,
        layers=tuple(read(layer) for layer in image.layers),
    )


def _stated_layer(layer: StoredLayer) -> LayerFacts:
    descriptor = layer.descriptor
    return LayerFacts(descriptor.media_type, descriptor.digest, descriptor.size, layer.diff_id)


def _read_layer(layer: StoredLayer) -> LayerFacts:
    record = scan_blob(layer.blob, members=True)
    for stated, found in (
        (layer.descriptor.digest, record.digest),
        (layer.diff_id, record.diff_id),
    ):
        # Of the digests that documents may state, the core computes sha256.
        if stated.algorithm == "sha256" and stated != found:
            raise InvalidImageError(
                f"the layer {quoted(layer.blob.name)} has the digest {quoted(found)}, "
                f"expected {quoted(stated)}"
            )
    return LayerFacts(
        media_type=layer.descriptor.media_type,
        digest=layer.descriptor.digest,
        size=layer.descriptor.size,
        diff_id=layer.diff_id,
        uncompressed_size=record.uncompressed_size,
        entries=record.entries,
        files=tuple(record.members),
    )


def _bare_layer(record: ScanRecord, *, files: bool) -> LayerFacts:
    return LayerFacts(
        media_type=for_layer(cast("Compression", record.compression), "oci"),
        digest=Digest(record.digest),
        size=record.size,
        diff_id=Digest(record.diff_id),
        uncompressed_size=record.uncompressed_size,
        entries=record.entries,
        files=tuple(record.members) if files else None,
    )


def _run_record(config: ImageConfig) -> dict[str, Any]:
    run = config.config
    return {
        "user": run.user,
        "entrypoint": list(run.entrypoint),
        "cmd": list(run.cmd),
        "env": list(run.env),
        "workingDir": run.working_dir,
        "exposedPorts": list(run.exposed_ports),
        "volumes": list(run.volumes),
        "labels": dict(run.labels),
        "stopSignal": run.stop_signal,
        "shell": list(run.shell),
        "onBuild": list(run.on_build),
        "healthcheck": run.healthcheck and _healthcheck_record(run.healthcheck),
    }


def _healthcheck_record(healthcheck: Healthcheck) -> dict[str, Any]:
    """Durations are in nanoseconds, as in the config."""
    return {
        "test": list(healthcheck.test),
        "interval": healthcheck.interval,
        "timeout": healthcheck.timeout,
        "startPeriod": healthcheck.start_period,
        "startInterval": healthcheck.start_interval,
        "retries": healthcheck.retries,
    }


def _step_record(step: History) -> dict[str, Any]:
    return {
        "created": step.created,
        "createdBy": step.created_by,
        "author": step.author,
        "comment": step.comment,
        "emptyLayer": step.empty_layer,
    }


def _file_record(file: MemberRecord) -> dict[str, Any]:
    record: dict[str, Any] = {
        "path": _text(file.path) or ".",
        "type": file.kind,
        "mode": f"{file.mode:04o}",
        "uid": file.uid,
        "gid": file.gid,
        "size": file.size,
        "mtime": file.mtime,
    }
    if file.link is not None:
        record["link"] = _text(file.link)
    if file.device is not None:
        record["device"] = list(file.device)
    if file.xattrs:
        record["xattrs"] = [_text(name) for name in file.xattrs]
    return record


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
