"""What scenarios do side by side; processes that are spawned import it."""

import hashlib
import io
import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import fastlayer as fl

if TYPE_CHECKING:
    from fastlayer.media_type import Compression

_DOCKERFILE = b"FROM scratch AS a\nCOPY . /a\nFROM scratch\nCOPY --from=a /a/text /b\nCOPY d1 /d\n"
_REF_NAME = "org.opencontainers.image.ref.name"
VARIANTS = ("archive", "zstd", "plain", "layout", "stream", "dockerfile", "unpack")


def make_tree(root: Path) -> Path:
    """Make a tree of 4 MB, so that a layer has several blocks."""
    noise = random.Random(11)
    for number in range(60):
        folder = root / f"d{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_bytes(noise.randbytes(1000) * (number % 5))
    (root / "text").write_bytes(
        b"".join(b"line %d\n" % noise.randrange(999) for _ in range(1 << 18))
    )
    (root / "noise").write_bytes(noise.randbytes(700_000))
    return root


def image(tree: Path, *extra: fl.Layer) -> fl.Image:
    """Give an image of two layers."""
    layers = (fl.Layer.from_directory(tree), fl.Layer.from_files({"f": tree / "text"}), *extra)
    return fl.Image.scratch(platform="linux/amd64").append(*layers)


def build(task: tuple[Path, Path, str]) -> str:
    """Build one variant of an image below a folder of its own; return a digest of the bytes."""
    tree, folder, variant = task
    folder.mkdir(parents=True)
    match variant:
        case "archive":
            image(tree).save(folder / "x.tar", tags=["x:1"])
        case "zstd" | "plain":
            compression: Compression = "zstd" if variant == "zstd" else "none"
            fl.Layer.from_directory(tree, compression=compression, verify=True).save(folder / "x")
        case "layout":
            image(tree).write_layout(folder / "layout", tags=["x:1"])
        case "stream":
            stream = io.BytesIO()
            image(tree).save(stream)
            (folder / "x.tar").write_bytes(stream.getvalue())
        case "dockerfile":
            evaluated = fl.dockerfile.evaluate(_DOCKERFILE, context=tree, platform="linux/amd64")
            with evaluated as made:
                made.save(folder / "x.tar")
        case "unpack":
            image(tree).save(folder / "x.tar")
            fl.Image.load(folder / "x.tar").unpack(folder / "rootfs")
    return digest(folder)


def digest(folder: Path) -> str:
    """Digest all names and bytes below a folder."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state.update(os.fsencode(path.relative_to(folder)) + b"\0")
        if path.is_file() and not path.is_symlink():
            state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


def write(task: tuple[Path, int]) -> None:
    """Add an image with a tag of its own to a layout that others write to."""
    layout, number = task
    own = fl.Layer.from_files({"number": b"%d\n" % number})
    common = fl.Layer.from_files({"common": b"the same for all\n" * 20_000})
    made = fl.Image.scratch(platform="linux/amd64").append(common, own)
    made.write_layout(layout, tags=[f"x:{number}"])


def tags(layout: Path) -> list[str]:
    """List the tags of a layout."""
    index = json.loads((layout / "index.json").read_bytes())
    return [entry["annotations"][_REF_NAME] for entry in index["manifests"]]
