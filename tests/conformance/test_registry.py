"""A real registry: Debian's `docker-registry`, and skopeo and podman on its other side."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from fastlayer.built_layer import BuiltLayer
from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.document import encode
from fastlayer.errors import RegistryAuthError, RegistryError
from fastlayer.manifest import Manifest
from fastlayer.media_type import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from fastlayer.registry import connect
from fastlayer.registry.feed import CHUNK_IN_THE_MAKING as CHUNK
from fastlayer.registry.push import RegistryStore
from fastlayer.registry.repository import Repository
from fastlayer.registry.session import Session
from registries import CuttingProxy
from registries.client import Pauses, fill

from .engines import Engine
from .peers import call, call_bytes, find
from .registry import PASSWORD, USER, RealRegistry

# Some chunks long, and nothing that compresses.
NOISE = random.Random(21).randbytes(2 * CHUNK + 4321)
USERS: Any = {"username": USER, "password": PASSWORD}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests."""
    path = tmp_path / "auth.json"
    path.write_text("{}")  # podman wants a file
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))


@pytest.fixture
def session(open_registry: RealRegistry) -> Iterator[Session]:
    """Give a session with the registry for everybody."""
    with connect(open_registry.domain) as session:
        yield session


def layer() -> fl.Layer:
    """A layer that is sent while it is made."""
    return fl.Layer.from_files({"etc/motd": b"hello\n", "noise": NOISE}, compression="none")


def push(repository: Repository, tag: str) -> tuple[Descriptor, BuiltLayer]:
    """Send an image of one layer; its manifest goes last."""
    with RegistryStore(repository) as store:
        built = layer().build(store)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [built.diff_id]},
        }
        content = json.dumps(config).encode()
        store.put(content)
        store.finish()
    of_config = Descriptor(OCI_CONFIG, Digest.of(content), len(content))
    document = encode(
        Manifest(media_type=OCI_MANIFEST, config=of_config, layers=(built.descriptor,))
    )
    digest = repository.put_manifest(document, OCI_MANIFEST, tag)
    return Descriptor(OCI_MANIFEST, digest, len(document)), built


def read(repository: Repository, descriptor: Descriptor) -> bytes:
    return b"".join(repository.blob(descriptor).chunks())


def test_skopeo_reads_what_is_pushed(session: Session, tmp_path: Path) -> None:
    """skopeo copies the image, and checks each digest on the way."""
    pushed, built = push(session.repository("pushed/here"), "one")
    skopeo, source = find("skopeo"), f"docker://{session.domain}/pushed/here:one"
    raw = call_bytes([skopeo, "inspect", "--tls-verify=false", "--raw", source])
    assert Digest.of(raw) == pushed.digest
    target = tmp_path / "copy"
    call([skopeo, "copy", "--quiet", "--src-tls-verify=false", source, f"dir:{target}"])
    assert Digest.of((target / built.digest.encoded).read_bytes()) == built.digest


def test_podman_pulls_what_is_pushed(session: Session, podman: Engine) -> None:
    """podman pulls the image and has the layer's diff_id."""
    pushed, built = push(session.repository("pulled/by-podman"), "one")
    name = f"{session.domain}/pulled/by-podman:one"
    podman("pull", "--quiet", "--tls-verify=false", name)
    try:
        (image,) = json.loads(podman("image", "inspect", name))
        assert image["Digest"] == pushed.digest
        assert image["RootFS"]["Layers"] == [built.diff_id]
    finally:
        podman("rmi", "--force", name)


def test_what_skopeo_pushes_is_read(session: Session, tmp_path: Path) -> None:
    """Manifest, config and layers come as they are in the layout that skopeo sent."""
    layout = tmp_path / "layout"
    image = fl.Image.scratch(platform="linux/amd64").append(layer())
    built = image.write_layout(layout, tags=["demo:1"])
    target = f"docker://{session.domain}/by/skopeo:1"
    options = ("--quiet", "--preserve-digests", "--dest-tls-verify=false")
    call([find("skopeo"), "copy", *options, f"oci:{layout}:1", target])
    repository = session.repository("by/skopeo")
    descriptor, content = repository.manifest("1")
    assert descriptor == built.descriptor
    assert repository.manifest(descriptor.digest) == (descriptor, content)
    assert repository.head_manifest("1") == descriptor
    blobs = layout / "blobs" / "sha256"
    for blob in (built.config, *(made.descriptor for made in built.layers)):
        assert read(repository, blob) == (blobs / blob.digest.encoded).read_bytes()


def test_a_blob_of_another_repository_is_mounted(
    session: Session, open_registry: RealRegistry
) -> None:
    """No byte of it is sent or fetched."""
    _, built = push(session.repository("mount/source"), "one")
    target = session.repository("mount/target")
    with RegistryStore(target) as store:
        store.copy(built.descriptor, session.repository("mount/source").blob(built.descriptor))
        store.finish()
    assert target.has_blob(built.digest)
    asked = [line.split()[0] for line in open_registry.asked(".* /v2/mount/target/")]
    assert asked == ["HEAD", "POST", "HEAD"]
    assert open_registry.asked("GET /v2/mount/source/blobs/") == []


def test_nothing_is_sent_twice(session: Session, open_registry: RealRegistry) -> None:
    """The second push of a stored blob asks once."""
    repository = session.repository("sent/once")
    _, built = push(repository, "one")
    before = len(open_registry.asked(".* /v2/sent/once/"))
    with RegistryStore(repository) as store:
        store.copy(built.descriptor, repository.blob(built.descriptor))
        store.finish()
    (asked,) = open_registry.asked(".* /v2/sent/once/")[before:]
    assert asked.startswith("HEAD ")


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_blobs_of_any_size(session: Session, size: int) -> None:
    """Also what is empty, and what ends with a chunk."""
    content = NOISE[:size]
    descriptor = Descriptor(OCI_LAYER, Digest.of(content), size)
    repository = session.repository("any/size")
    send(repository, content)
    assert read(repository, descriptor) == content


def test_tags_and_deletion(session: Session) -> None:
    """Tags are listed, and gone with their manifest."""
    repository = session.repository("some/tags")
    pushed, _ = push(repository, "b")
    push(repository, "a")
    assert sorted(repository.tags()) == ["a", "b"]
    repository.delete_manifest(pushed.digest)
    assert repository.head_manifest("a") is None
    with pytest.raises(RegistryError, match="404 `MANIFEST_UNKNOWN`"):
        repository.manifest("a")


def test_a_password_and_tls(locked_registry: RealRegistry) -> None:
    """With the right authority and password only."""
    authority = locked_registry.authority
    assert authority is not None
    domain, ca_file = locked_registry.domain, authority.ca_file
    with (
        connect(domain, **USERS) as session,
        pytest.raises(RegistryError, match="certificate is not trusted"),
    ):
        session.ping()
    for user in ({}, {**USERS, "password": "wrong"}):
        with (
            connect(domain, ca_file=ca_file, **user) as session,
            pytest.raises(RegistryAuthError, match="401"),
        ):
            session.ping()
    with connect(domain, ca_file=ca_file, **USERS) as session:
        pushed, _ = push(session.repository("locked/up"), "one")
    folder = authority.ca_file.parent / "certs.d"
    folder.mkdir(exist_ok=True)
    (folder / "ca.crt").write_bytes(ca_file.read_bytes())
    options = ("--cert-dir", folder, "--creds", f"{USER}:{PASSWORD}", "--raw")
    raw = call_bytes([find("skopeo"), "inspect", *options, f"docker://{domain}/locked/up:one"])
    assert Digest.of(raw) == pushed.digest


def send(repository: Repository, content: bytes, *, spool: bool = False) -> None:
    with RegistryStore(repository, spool=spool) as store:
        with store.blob() as sink:
            for start in range(0, len(content), 1 << 20):
                fill(sink.target, content[start : start + (1 << 20)])
            sink.commit(Digest.of(content), len(content))
        store.finish()


@pytest.mark.parametrize("spool", [True, False])
def test_a_line_that_breaks(open_registry: RealRegistry, *, spool: bool) -> None:
    """This registry forgets an upload that is cut in a chunk: late, only a copy helps."""
    content = random.Random(f"cut {spool}").randbytes(3 * CHUNK)
    late = [CHUNK // 2, CHUNK, 2 * CHUNK + CHUNK // 2]
    with (
        CuttingProxy(open_registry.domain, late) as proxy,
        connect(proxy.domain, plain_http=True, retrying=Pauses().retrying()) as session,
    ):
        repository = session.repository(f"cut/{spool}".lower())
        if spool:
            send(repository, content, spool=True)
            assert repository.has_blob(Digest.of(content))
        else:
            with pytest.raises(RegistryError, match="`--spool`"):
                send(repository, content)
        assert proxy.cuts_left == 0
