"""What fastlayer does, each on small inputs, and how it is seen whether it did it."""

import gzip
import lzma
import os
import random
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import fastlayer as fl
from fastlayer.mtree import describe
from registries import Registry

REPOSITORY = "team/demo"
REGISTRY = "REGISTRY"
"""Stands for the domain of the registry in arguments."""


@dataclass(frozen=True)
class Operation:
    """A command line in a `workplace`; what it makes is in `out`, or printed."""

    name: str
    line: str
    failed: int = 1
    """The exit status of a failure."""

    def __str__(self) -> str:
        return self.name

    @property
    def uses_registry(self) -> bool:
        return REGISTRY in self.line

    def on(self, domain: str) -> list[str]:
        """The arguments, with the domain of a registry in them."""
        return self.line.replace(REGISTRY, domain).split()

    @property
    def names(self) -> set[str]:
        """The files that the user named, and the folders they are in."""
        found = {"<stdout>"}
        for argument in self.line.split():
            path = argument.rpartition("docker-archive:")[2].rpartition("oci-archive:")[2]
            path = path.removeprefix("oci:").partition(":")[0]
            if "/" in path and not path.startswith("docker"):
                found |= {f"`{path}", f"/{path}", f"`{path.rpartition('/')[0]}`"}
        return found


IMAGE = "in/image.tar -t a:1 -o out/x.tar"
OPERATIONS = [
    Operation("layer, gzip", "layer in/tree -o out/x.tar.gz"),
    Operation("layer, zstd", "layer in/tree -o out/x.tar.zst"),
    Operation("layer, plain, verified", "layer in/tree -o out/x.tar --verify"),
    Operation("layer from mtree", "layer in/tree.mtree --base in/tree -o out/x.tar"),
    Operation("layer to stdout", "layer in/tree -o -"),
    Operation(
        "build to an archive", "build --rootfs in/tree --add in/tree/a:/app -t a:1 -o out/x.tar"
    ),
    Operation("build to oci-archive", "build --rootfs in/tree -o oci-archive:out/x.tar:a:1"),
    Operation("build to a layout", "build --rootfs in/tree -o oci:out/layout:2"),
    Operation("build to a new layout", "build --rootfs in/tree -o oci:out/new:2"),
    Operation(
        "build from tar.gz, edited",
        "build --rootfs in/tree.tar.gz --put in/tree/a:/b/ --remove /a -t a:1 -o out/x.tar",
    ),
    Operation("build from tar.xz", "build --rootfs in/tree.tar.xz -t a:1 -o out/x.tar"),
    Operation("build from a Dockerfile", "build in -t a:1 -o out/x.tar"),
    Operation(
        "build on an image", "build --from in/image.tar --add in/tree/a:/c -t a:2 -o out/x.tar"
    ),
    Operation("copy to a layout", "copy in/image.tar oci:out/layout:3"),
    Operation("copy from a layout", "copy oci:in/layout:1 out/x.tar"),
    Operation("unpack", "unpack in/image.tar out/root"),
    Operation("flatten", f"flatten {IMAGE}"),
    Operation("recompress", f"recompress --compression zstd {IMAGE}"),
    Operation("rewrite", f"rewrite --mtime 0 {IMAGE}"),
    Operation("export", "export in/image.tar -o out/x.tar"),
    Operation("push", f"push in/image.tar {REGISTRY}/{REPOSITORY}:1"),
    Operation(
        "build into a registry", f"build --rootfs in/tree -o docker://{REGISTRY}/{REPOSITORY}:1"
    ),
    Operation("mtree of a directory", "mtree in/tree"),
    Operation("mtree of an archive", "mtree in/tree.tar.gz"),
    Operation("inspect", "inspect --json in/image.tar"),
    Operation("validate", "validate --json oci:in/layout"),
    Operation("diff", "diff --json in/tree in/tree", failed=2),
]


def make_inputs(folder: Path) -> None:
    """Make what the operations read, in `in`, and what is there before them, in `before`."""
    tree = folder / "in" / "tree"
    (tree / "d" / "e").mkdir(parents=True)
    noise = random.Random(0)
    (tree / "a").write_bytes(b"content\n")
    (tree / "d" / "noise").write_bytes(noise.randbytes(700_000))
    (tree / "d" / "text").write_bytes(b"".join(b"line %d\n" % number for number in range(150_000)))
    (tree / "d" / "e" / "f").write_bytes(b"f")
    (tree / "d" / "hard").hardlink_to(tree / "a")
    (tree / "d" / "link").symlink_to("../a")
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
        os.utime(path, (1, 1), follow_symlinks=False)
    with suppress(OSError):  # not every file system has such
        os.setxattr(tree / "a", "user.a", b"value")
    with tarfile.open(folder / "in" / "tree.tar", "w") as archive:
        archive.add(tree, ".")
    plain = (folder / "in" / "tree.tar").read_bytes()
    (folder / "in" / "tree.tar.gz").write_bytes(gzip.compress(plain, 1))
    (folder / "in" / "tree.tar.xz").write_bytes(lzma.compress(plain, preset=0))
    (folder / "in" / "tree.mtree").write_text(describe(tree))
    (folder / "in" / "Dockerfile").write_text('FROM scratch\nCOPY tree /app\nCMD ["/app/a"]\n')
    image = fl.Image.scratch(platform="linux/amd64").append(
        fl.Layer.from_directory(tree), fl.Layer.from_files({"d/noise": tree / "a"})
    )
    image.save(folder / "in" / "image.tar", tags=["a:1"])
    image.write_layout(folder / "in" / "layout", tags=["a:1"])
    (folder / "before").mkdir()
    for name in ("x.tar", "x.tar.gz", "x.tar.zst"):
        (folder / "before" / name).write_bytes(b"old")
    image.write_layout(folder / "before" / "layout", tags=["a:1"])


def renew_outputs(folder: Path) -> None:
    """Have in `out` what was there before, and nothing in `tmp`."""
    for name in ("out", "tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(folder / "before", folder / "out", symlinks=True)
    (folder / "tmp").mkdir()


@contextmanager
def registry_with_old() -> Iterator[Registry]:
    """A registry in which another image has the name."""
    with Registry() as registry:
        old = fl.Layer.from_files({"old": b"old"})
        image = fl.Image.scratch(platform="linux/amd64").append(old)
        image.push(f"{registry.domain}/{REPOSITORY}:1")
        yield registry
