"""Every kind of archive and layout that fastlayer writes, made of one small tree.

Each way to make an image with each compression in each form; with those are images of several tags
and of Docker's media types, and indexes of two platforms.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import fastlayer as fl
from fastlayer.dockerfile import evaluate

Compression = Literal["gzip", "zstd", "none"]
Built = fl.BuiltImage | fl.BuiltIndex

TAG = "1"
NAMES = (f"docker.io/demo/matrix:{TAG}", "localhost:5000/demo/matrix:again")
PLATFORM = "linux/amd64"

COMPRESSIONS: tuple[Compression, ...] = ("gzip", "zstd", "none")
FORMS = ("archive", "layout")

# What is in each image, whichever way it was made.
FILE, CONTENT = "srv/data/file", b"content\n"


@dataclass(frozen=True)
class Output:
    """One kind of output; `make` writes it into a folder."""

    maker: str
    compression: Compression
    form: str

    @property
    def name(self) -> str:
        return f"{self.maker}-{self.compression}-{self.form}"

    @property
    def tags(self) -> tuple[str, ...]:
        return NAMES if self.maker == "tags" else NAMES[:1]

    @property
    def is_archive(self) -> bool:
        return self.form == "archive"

    @property
    def is_zstd(self) -> bool:
        return self.compression == "zstd"

    def make(self, folder: Path) -> "Written":
        """Write the output below the folder, which is its own."""
        made = MAKERS[self.maker](workbench(folder), self.compression)
        path = folder / ("image.tar" if self.is_archive else "layout")
        write = made.save if self.is_archive else made.write_layout
        built = write(path, tags=self.tags, format="docker" if self.maker == "docker" else None)
        return Written(self, path, built)


@dataclass(frozen=True)
class Written:
    """An output on disk, and what is known of it."""

    output: Output
    path: Path
    built: Built

    @property
    def image(self) -> fl.BuiltImage:
        """The image for this machine: the only one, or the first of the index."""
        return self.built if isinstance(self.built, fl.BuiltImage) else self.built.images[0]

    @property
    def diff_ids(self) -> list[str]:
        return [str(layer.diff_id) for layer in self.image.layers]


def workbench(folder: Path) -> Path:
    """Return a folder with all that images are made of here."""
    bench = folder / "bench"
    data = bench / "tree" / Path(FILE).parent
    data.mkdir(parents=True)
    (data / "file").write_bytes(CONTENT)
    os.link(data / "file", data / "same")
    (data / "link").symlink_to("file")
    (data / ("long" * 40)).write_bytes(b"")
    (bench / "Dockerfile").write_text('FROM scratch\nCOPY tree /\nENV A="b c"\nCMD ["/x"]\n')
    return bench


def base(bench: Path, compression: Compression, *, more: str = "") -> fl.Image:
    """Return an image of one layer of the tree, and one of a further file."""
    layers = [fl.Layer.from_directory(bench / "tree", compression=compression)]
    if more:
        layers.append(fl.Layer.from_files({more: b"more\n"}, compression=compression))
    return fl.Image.scratch(platform=PLATFORM).append(*layers).with_config(cmd=["/x"])


def stored(bench: Path, image: fl.Image, name: str) -> fl.Image:
    """Return the image as it is read back from an archive."""
    image.save(bench / f"{name}.tar", tags=[f"{name}:1"])
    return fl.Image.load(bench / f"{name}.tar")


def append(bench: Path, compression: Compression) -> fl.Image:
    new = fl.Layer.from_files({"srv/new": b"new\n"}, compression=compression)
    return stored(bench, base(bench, compression), "old").append(new)


def rebase(bench: Path, compression: Compression) -> fl.Image:
    old = stored(bench, base(bench, compression), "old")
    new = stored(bench, base(bench, compression, more="etc/new"), "new")
    top = fl.Layer.from_files({"srv/top": b"top\n"}, compression=compression)
    return old.append(top).rebase(old, new)


def flatten(bench: Path, compression: Compression) -> fl.Image:
    return stored(bench, base(bench, "gzip", more="etc/new"), "old").flatten(
        compression=compression
    )


def recompress(bench: Path, compression: Compression) -> fl.Image:
    other: Compression = "zstd" if compression == "gzip" else "gzip"
    return stored(bench, base(bench, other), "old").recompress(compression=compression)


def dockerfile(bench: Path, compression: Compression) -> fl.Image:
    text = bench / "Dockerfile"
    # The image is written by others, later; without RUN nothing goes with the block.
    with evaluate(text, context=bench, platform=PLATFORM, compression=compression) as image:
        return image


def recipe(bench: Path, compression: Compression) -> fl.Image:
    return fl.recipes.alpine(bench / "tree", platform=PLATFORM, compression=compression)


def image_file(bench: Path, compression: Compression) -> fl.Image | fl.Index:
    file = bench / "image.toml"
    file.write_text(
        f'tags = ["x:1"]\nplatforms = ["{PLATFORM}"]\noutput = "x.tar"\n'
        f'compression = "{compression}"\n[[layer]]\ndirectory = "tree"\n'
    )
    return fl.read_image_file(file).images()


def index(bench: Path, compression: Compression) -> fl.Index:
    image = base(bench, compression)
    return fl.Index().append(image, image.with_platform("linux/arm64"))


MAKERS: dict[str, Callable[[Path, Compression], fl.Image | fl.Index]] = {
    "build": base,
    "append": append,
    "rebase": rebase,
    "flatten": flatten,
    "recompress": recompress,
    "dockerfile": dockerfile,
    "recipe": recipe,
    "image.toml": image_file,
    "docker": base,
    "tags": base,
    "index": index,
}

OUTPUTS = [
    Output(maker, compression, form)
    for maker in MAKERS
    for compression in COMPRESSIONS
    for form in FORMS
    if (maker, compression) != ("docker", "zstd")  # Docker's media types have none
]
