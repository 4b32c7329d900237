"""The paths of the distribution-spec, as functions of what the registry holds.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import uploads
from .contents import Contents, Manifest, digest_of, is_digest_of
from .exchange import Answer, Request, error, json_answer

MANIFEST_LIMIT = 4 << 20

BLOB_UNKNOWN = error(404, "BLOB_UNKNOWN")
MANIFEST_UNKNOWN = error(404, "MANIFEST_UNKNOWN")


@dataclass
class Rules:
    """What this registry allows, where registries differ."""

    mounts: bool = True
    deletes: bool = True
    ranges: bool = True  # parts of blobs
    page: int | None = None  # tags at once
    min_chunk: int | None = None  # OCI-Chunk-Min-Length
    streams: bool = True  # PATCH without a Content-Range
    resumes: bool = True  # False as docker-registry: what is not as its Location says is over
    strict: bool = True  # only the last Location of an upload is good
    absolute: str | None = None  # base URL of upload Locations; None: paths alone


@dataclass
class Routes:
    """Answers what is asked well; faults are the server's."""

    contents: Contents = field(default_factory=Contents)
    rules: Rules = field(default_factory=Rules)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request, body: bytes) -> Answer:
        with self.lock:
            for pattern, answer in PATHS:
                if found := re.fullmatch(pattern, request.path):
                    return answer(self, request, body, *found.groups())
        return error(404, "NAME_UNKNOWN")

    def lose_upload(self, request: Request) -> None:
        """Forget the upload session that a request is about."""
        with self.lock:
            self.contents.uploads.pop(request.path.rpartition("/")[2], None)

    def keep_part(self, request: Request, body: bytes) -> None:
        """Keep what came of a request's body until its connection was cut."""
        with self.lock:
            name = request.path.rpartition("/")[2]
            if name in self.contents.uploads:
                uploads.add(self, request, self.contents.uploads[name], body)

    def ping(self, _request: Request, _body: bytes) -> Answer:
        return json_answer(200, {}, {"Docker-Distribution-Api-Version": "registry/2.0"})

    def blob(self, request: Request, _body: bytes, name: str, digest: str) -> Answer:
        content = self.contents.blobs.get((name, digest))
        if content is None:
            return BLOB_UNKNOWN
        if request.method == "DELETE":
            return self._deleted(lambda: self.contents.blobs.pop((name, digest)))
        headers = {"Docker-Content-Digest": digest, "Content-Type": "application/octet-stream"}
        if self.rules.ranges:
            headers["Accept-Ranges"] = "bytes"
            if asked := request.headers.get("Range"):
                return part(content, asked, headers)
        return Answer(200, headers, content)

    def manifest(self, request: Request, body: bytes, name: str, reference: str) -> Answer:
        if request.method == "PUT":
            return self._put_manifest(request, body, name, reference)
        manifest = self.contents.manifest(name, reference)
        if manifest is None:
            return MANIFEST_UNKNOWN
        if request.method == "DELETE":
            return self._deleted(lambda: self._delete_manifest(name, reference))
        headers = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": digest_of(manifest.content),
        }
        return Answer(200, headers, manifest.content)

    def tags(self, request: Request, _body: bytes, name: str) -> Answer:
        tags = self.contents.tags_of(name)
        if tags is None:
            return error(404, "NAME_UNKNOWN")
        last = request.value("last") or ""
        following = [tag for tag in tags if tag > last]
        asked = request.value("n")
        sizes = [size for size in (self.rules.page, asked and int(asked)) if size]
        page = following[: min(sizes, default=len(following))]
        headers = {}
        if page and len(page) < len(following):
            link = f"/v2/{name}/tags/list?n={len(page)}&last={page[-1]}"
            headers["Link"] = f'<{link}>; rel="next"'
        return json_answer(200, {"name": name, "tags": page}, headers)

    def _put_manifest(self, request: Request, body: bytes, name: str, reference: str) -> Answer:
        if len(body) > MANIFEST_LIMIT:
            return error(413, "SIZE_INVALID", "manifest too large")
        if ":" in reference and not is_digest_of(reference, body):
            return error(400, "DIGEST_INVALID")
        for kind, digest in referred(json.loads(body)):
            held = self.contents.manifests if kind == "manifests" else self.contents.blobs
            if (name, digest) not in held:
                return error(400, "MANIFEST_BLOB_UNKNOWN", f"unknown to the registry: {digest}")
        digest = reference if ":" in reference else digest_of(body)
        media_type = request.headers.get("Content-Type", "")
        self.contents.manifests[name, digest] = Manifest(media_type, body)
        if ":" not in reference:
            self.contents.tags[name, reference] = digest
        location = f"/v2/{name}/manifests/{digest}"
        return Answer(201, {"Location": location, "Docker-Content-Digest": digest})

    def _delete_manifest(self, name: str, reference: str) -> None:
        if self.contents.tags.pop((name, reference), None) is None:
            self.contents.manifests.pop((name, reference))

    def _deleted(self, delete: Callable[[], object]) -> Answer:
        if not self.rules.deletes:
            return error(405, "UNSUPPORTED")
        delete()
        return Answer(202)


def part(content: bytes, asked: str, headers: dict[str, str]) -> Answer:
    """The bytes of one range (RFC 9110, 14.2)."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(content)), len(content) - 1)
    if start > end:
        return Answer(416, {"Content-Range": f"bytes */{len(content)}"})
    held = {**headers, "Content-Range": f"bytes {start}-{end}/{len(content)}"}
    return Answer(206, held, content[start : end + 1])


def referred(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """What a manifest cannot be without: the kind and digest of each."""
    config = [manifest["config"]] if "config" in manifest else []
    held = {**manifest, "config": config}
    return [
        (kind, descriptor["digest"])
        for kind in ("config", "layers", "manifests")
        for descriptor in held.get(kind, [])
    ]


PATHS: list[tuple[str, Callable[..., Answer]]] = [
    (r"/v2/", Routes.ping),
    (r"/v2/(.+)/blobs/uploads/", uploads.begin),
    (r"/v2/(.+)/blobs/uploads/([^/]+)", uploads.go_on),
    (r"/v2/(.+)/blobs/([^/]+)", Routes.blob),
    (r"/v2/(.+)/manifests/([^/]+)", Routes.manifest),
    (r"/v2/(.+)/tags/list", Routes.tags),
]
