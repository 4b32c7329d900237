"""Every kind of output and every tool that reads such: all of them find the same image.

What a tool is known not to read is held to its refusal: the table says so until that changes.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from faults.amount import ALL
from tally import tally
from vectors import check_schema

from .dockers import NEWER, OLDER, Docker
from .engines import Engine
from .outputs import COMPRESSIONS, CONTENT, FILE, MAKERS, OUTPUTS, TAG, Output, Written
from .peers import call, call_bytes, find, need_root

Json = Any
Read = Callable[[pytest.FixtureRequest, Written, Path], None]


@dataclass(frozen=True)
class Refusal:
    """What a tool is known not to read, what it says then, and why."""

    of: Callable[[Output], bool]
    saying: str
    why: str


@dataclass(frozen=True)
class Tool:
    """A way to read outputs: what it is called, its package, and what it refuses."""

    title: str
    package: str
    forms: tuple[str, ...]
    read: Read
    refusals: tuple[Refusal, ...] = ()

    def refusal(self, output: Output) -> Refusal | None:
        return next((one for one in self.refusals if one.of(output)), None)


def load_older(request: pytest.FixtureRequest, written: Written, _folder: Path) -> None:
    docker: Docker = request.getfixturevalue("older_docker")
    load(docker.engine, written)


def load_newer(request: pytest.FixtureRequest, written: Written, _folder: Path) -> None:
    docker: Docker = request.getfixturevalue("newer_docker")
    load(docker.engine, written)


def load(docker: Engine, written: Written) -> None:
    """Docker checks every diff_id as it unpacks; each tag names the image by its config."""
    with loaded(docker, written):
        for tag in written.output.tags:
            (image,) = json.loads(docker("image", "inspect", tag))
            assert image["Id"] == str(written.image.config.digest)
            assert image["RootFS"]["Layers"] == written.diff_ids


@contextmanager
def loaded(docker: Engine, written: Written) -> Iterator[None]:
    docker("load", "--input", written.path)
    try:
        yield
    finally:
        docker("rmi", "--force", *written.output.tags)


def import_(request: pytest.FixtureRequest, written: Written, folder: Path) -> None:
    """containerd has every blob by its digest, and unpacks the layers for this platform."""
    containerd: Engine = request.getfixturevalue("containerd")
    path = written.path
    if path.is_dir():
        path = folder / "layout.tar"
        call([find("tar"), "-cf", path, "-C", written.path, "."])
    containerd("images", "import", path)
    names = containerd("images", "list", "--quiet").split()
    try:
        assert len(names) == len(written.output.tags)
        for line in containerd("images", "check").splitlines()[1:]:
            _name, _type, digest, status, *_rest, unpacked = line.split()
            assert digest == str(written.built.digest)
            # Layers of platforms that are not this one's are not unpacked, but are there.
            assert (status, unpacked) == ("complete", "true")
    finally:
        containerd("images", "remove", "--sync", *names)


def podman_load(request: pytest.FixtureRequest, written: Written, _folder: Path) -> None:
    podman: Engine = request.getfixturevalue("podman")
    if written.output.is_archive:
        podman("load", "--quiet", "--input", written.path)
    else:
        podman("pull", "--quiet", layout_name(written))
    try:
        (image,) = json.loads(podman("image", "inspect", *podman("images", "--quiet").split()[:1]))
        assert f"sha256:{image['Id']}" == str(written.image.config.digest)
        assert image["RootFS"]["Layers"] == written.diff_ids
    finally:
        podman("rmi", "--all", "--force")


def buildah_from(request: pytest.FixtureRequest, written: Written, _folder: Path) -> None:
    """The file is there with its content, in a container that is mounted."""
    buildah: Engine = request.getfixturevalue("buildah")
    archive = f"docker-archive:{written.path}"
    source = archive if written.output.is_archive else layout_name(written)
    container = buildah("from", "--quiet", source).strip()
    try:
        seen = json.loads(buildah("inspect", container))
        assert f"sha256:{seen['FromImageID']}" == str(written.image.config.digest)
        assert (Path(buildah("mount", container).strip()) / FILE).read_bytes() == CONTENT
    finally:
        buildah("rm", container)
        buildah("rmi", "--force", "--all")


def copy_docker_archive(_request: pytest.FixtureRequest, written: Written, folder: Path) -> None:
    copied(f"docker-archive:{written.path}", written, folder)


def copy_oci(_request: pytest.FixtureRequest, written: Written, folder: Path) -> None:
    """A copy that may not change anything keeps the manifest, byte for byte."""
    copied(layout_name(written), written, folder, "--preserve-digests")
    manifest = (folder / "copy" / "manifest.json").read_bytes()
    assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == str(written.image.digest)


def copied(source: str, written: Written, folder: Path, *options: str) -> None:
    target = f"dir:{folder}/copy"
    call([find("skopeo"), "copy", "--quiet", *options, source, target])
    config = call_bytes([find("skopeo"), "inspect", "--config", "--raw", target])
    assert f"sha256:{hashlib.sha256(config).hexdigest()}" == str(written.image.config.digest)


def layout_name(written: Written) -> str:
    """Name an image for the tools on containers/image, which know tags of OCI manifests only."""
    kind = "oci-archive" if written.output.is_archive else "oci"
    tag = "" if written.output.maker == "docker" else f":{TAG}"
    return f"{kind}:{written.path}{tag}"


def umoci_unpack(_request: pytest.FixtureRequest, written: Written, folder: Path) -> None:
    need_root("umoci with owners")
    call([find("umoci"), "unpack", "--image", f"{written.path}:{TAG}", folder / "bundle"])
    assert (folder / "bundle" / "rootfs" / FILE).read_bytes() == CONTENT


def satisfy_schemas(_request: pytest.FixtureRequest, written: Written, folder: Path) -> None:
    """Each document of the layout satisfies image-spec's schema of its media type."""
    root = written.path
    if written.output.is_archive:
        root = folder / "unpacked"
        root.mkdir()
        call([find("tar"), "-xf", written.path, "-C", root])
    check_schema((root / "oci-layout").read_bytes(), "image-layout-schema.json")
    documents = [("index.json", "index")]
    for path, kind in documents:  # grows as it goes
        content = (root / path).read_bytes()
        check_schema(content, SCHEMAS[kind])
        document: Json = json.loads(content)
        for one in (*document.get("manifests", ()), document.get("config")):
            if kind != "config" and one is not None:
                below = one["mediaType"].split(".")[-2] if "manifests" in document else "config"
                documents.append((f"blobs/{one['digest'].replace(':', '/')}", below))


SCHEMAS = {
    "index": "image-index-schema.json",
    "manifest": "image-manifest-schema.json",
    "config": "config-schema.json",
}

BOTH = ("archive", "layout")
TOOLS = {
    "docker-older": Tool(
        "docker load",
        f"docker {OLDER}",
        ("archive",),
        load_older,
        (
            Refusal(
                lambda output: output.is_zstd,
                "invalid tar header|unexpected EOF",
                "zstd, which Docker reads since 23.0",
            ),
        ),
    ),
    "docker-newer": Tool("docker load", f"docker {NEWER}", ("archive",), load_newer),
    "containerd": Tool("ctr images import", "containerd", BOTH, import_),
    "podman": Tool("podman load, podman pull oci:", "podman", BOTH, podman_load),
    "buildah": Tool("buildah from", "buildah", BOTH, buildah_from),
    "skopeo-docker": Tool("skopeo docker-archive:", "skopeo", ("archive",), copy_docker_archive),
    "skopeo-oci": Tool("skopeo oci-archive:, oci:", "skopeo", BOTH, copy_oci),
    "umoci": Tool(
        "umoci unpack",
        "umoci",
        ("layout",),
        umoci_unpack,
        (
            Refusal(lambda output: output.maker == "index", "tag is ambiguous", "indexes"),
            Refusal(
                lambda output: output.maker == "docker",
                "not implemented: application/vnd.docker",
                "Docker's media types",
            ),
            Refusal(lambda output: output.is_zstd, "is not correct mediatype", "zstd"),
        ),
    ),
    "schemas": Tool("JSON schemas", "image-spec", BOTH, satisfy_schemas),
}


def is_tried(output: Output) -> bool:
    """All in `make faults`; else each maker with one compression, and the first with each."""
    makers = list(MAKERS)
    turn = COMPRESSIONS[makers.index(output.maker) % 2]
    return ALL or output.maker == makers[0] or output.compression == turn


CELLS = [
    pytest.param(name, output, id=f"{name}-{output.name}")
    for name, tool in TOOLS.items()
    for output in OUTPUTS
    if output.form in tool.forms and is_tried(output)
]


COLUMNS = ("reader", "version", "what it is known to refuse", "outputs read", "refused as known")


@dataclass
class Figures:
    """What each tool read and refused, and which version of it that was."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    versions: dict[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[list[str | int]]:
        for name, tool in TOOLS.items():
            reasons = ", ".join(one.why for one in tool.refusals) or "-"
            numbers = (self.counts[name, "read"], self.counts[name, "refused"])
            yield [tool.title, self.versions[name], reasons, *numbers]


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """Count; when all was tried and nothing failed, the table is written."""
    counted = Figures()
    yield counted
    if ALL and counted.counts.total() == len(CELLS):
        tally("compatibility", COLUMNS, list(counted.rows()))


def version(request: pytest.FixtureRequest, name: str) -> str:
    tool = TOOLS[name]
    if name in ("docker-older", "docker-newer"):
        docker: Docker = request.getfixturevalue(name.replace("docker-", "") + "_docker")
        return "docker " + docker.engine("version", "--format={{.Server.Version}}").strip()
    if name == "schemas":
        return "image-spec 1.1"
    installed = call([find("dpkg-query"), "--show", "--showformat=${Version}", tool.package])
    return f"{tool.package} {installed}"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Output], Written]:
    """Give each output, made when it is first asked for."""
    made: dict[Output, Written] = {}

    def get(output: Output) -> Written:
        if output not in made:
            made[output] = output.make(tmp_path_factory.mktemp(output.name))
        return made[output]

    return get


@pytest.mark.parametrize(("name", "output"), CELLS)
def test_each_tool_reads_each_output(
    name: str,
    output: Output,
    *,
    written: Callable[[Output], Written],
    figures: Figures,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """The tool finds the image that was written, or says why it doesn't, as is known of it."""
    tool = TOOLS[name]
    if name not in figures.versions:
        figures.versions[name] = version(request, name)
    refusal = tool.refusal(output)
    if refusal is not None:
        with pytest.raises(AssertionError, match=refusal.saying):
            tool.read(request, written(output), tmp_path)
        figures.counts[name, "refused"] += 1
        return
    tool.read(request, written(output), tmp_path)
    figures.counts[name, "read"] += 1
