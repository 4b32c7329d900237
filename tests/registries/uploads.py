"""Upload sessions of a test registry, as strict as the distribution-spec allows ("Pushing")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .contents import Upload, is_digest_of
from .exchange import Answer, Request, error

if TYPE_CHECKING:
    from .routes import Routes


def begin(routes: Routes, request: Request, body: bytes, repository: str) -> Answer:
    """POST: a mount, a whole blob at once, or a new session."""
    if request.method != "POST":
        return error(405, "UNSUPPORTED")
    mount, source = request.value("mount"), request.value("from")
    if mount and source and routes.rules.mounts and (source, mount) in routes.contents.blobs:
        routes.contents.blobs[repository, mount] = routes.contents.blobs[source, mount]
        return _created(repository, mount)
    digest = request.value("digest")
    if digest is not None and body:
        return _kept(routes, repository, digest, body)
    name = routes.contents.begin(repository)
    return _state(routes, name, 202)


def go_on(routes: Routes, request: Request, body: bytes, repository: str, name: str) -> Answer:
    """Everything that is asked of a session."""
    upload = routes.contents.uploads.get(name)
    if upload is None or upload.repository != repository:
        return error(404, "BLOB_UPLOAD_UNKNOWN")
    if not routes.rules.resumes and request.value("_state") != str(upload.state):
        del routes.contents.uploads[name]
        return error(404, "BLOB_UPLOAD_INVALID")
    if request.method == "GET":
        return _state(routes, name, 204)
    if request.method == "DELETE":
        del routes.contents.uploads[name]
        return Answer(204)
    return _written(routes, request, name, body)


def _written(routes: Routes, request: Request, name: str, body: bytes) -> Answer:
    """PATCH and PUT: what comes next, and with PUT the end of it."""
    upload = routes.contents.uploads[name]
    refused = _refused(routes, request, upload, name, body)
    if refused is not None:
        return refused
    add(routes, request, upload, body)
    if request.method == "PATCH":
        return _state(routes, name, 202)
    del routes.contents.uploads[name]
    digest = request.value("digest") or ""
    return _kept(routes, upload.repository, digest, bytes(upload.content))


def add(routes: Routes, request: Request, upload: Upload, body: bytes) -> None:
    """Append what came, if it is what comes next."""
    start = _start(request)
    if start is None or start == len(upload.content):
        upload.content += body
        upload.state += bool(body)
        minimum = routes.rules.min_chunk or 0
        upload.is_short = start is not None and len(body) < minimum


def _refused(
    routes: Routes, request: Request, upload: Upload, name: str, body: bytes
) -> Answer | None:
    if routes.rules.strict and request.value("_state") != str(upload.state):
        return error(400, "BLOB_UPLOAD_INVALID", "not the last Location")
    start = _start(request)
    if start is None and request.method == "PATCH" and not routes.rules.streams:
        return error(400, "UNSUPPORTED", "no chunk without a range")
    if start is not None and start != len(upload.content):
        return _state(routes, name, 416)
    if start is not None and request.headers["Content-Range"] != f"{start}-{start + len(body) - 1}":
        return error(400, "SIZE_INVALID", "the chunk is not as long as it says")
    if body and upload.is_short:
        return error(400, "SIZE_INVALID", "an earlier chunk is too short")
    return None


def _start(request: Request) -> int | None:
    """Where a chunk begins, by its Content-Range of two numbers."""
    found = re.fullmatch(r"(\d+)-(\d+)", request.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _state(routes: Routes, name: str, status: int) -> Answer:
    upload = routes.contents.uploads[name]
    path = f"/v2/{upload.repository}/blobs/uploads/{name}?_state={upload.state}"
    headers = {
        "Location": (routes.rules.absolute or "") + path,
        "Range": f"0-{max(len(upload.content) - 1, 0)}",
        "Docker-Upload-UUID": name,
    }
    if routes.rules.min_chunk is not None:
        headers["OCI-Chunk-Min-Length"] = str(routes.rules.min_chunk)
    return Answer(status, headers)


def _kept(routes: Routes, repository: str, digest: str, content: bytes) -> Answer:
    if not is_digest_of(digest, content):
        return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
    routes.contents.blobs[repository, digest] = content
    return _created(repository, digest)


def _created(repository: str, digest: str) -> Answer:
    location = f"/v2/{repository}/blobs/{digest}"
    return Answer(201, {"Location": location, "Docker-Content-Digest": digest})
