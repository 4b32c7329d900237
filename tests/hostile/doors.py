"""Commands that take hostile input, and what each leaves behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    """A way in: a command line, run in the folder of the case.

    Its output is what `out` holds then, else what it prints. `image` says that it takes the case's
    archive as a layer of an image, or the case's own image; `stdin` that it reads the archive
    from a pipe.
    """

    arguments: tuple[str, ...]
    image: bool = False
    stdin: bool = False


def _door(arguments: str, *, image: bool = False, stdin: bool = False) -> Door:
    return Door(tuple(arguments.split()), image, stdin)


DOORS = {
    # An archive.
    "layer": _door("layer in.tar -o out/layer.tar --threads 2"),
    "pipe": _door("layer - -o out/layer.tar --threads 2", stdin=True),
    "gzip": _door("layer in.tar -o out/layer.tar.gz --threads 2 --verify"),
    "edited": _door("layer in.tar -o out/layer.tar --threads 2 --remove /none --owner 1:1"),
    "build": _door("build --rootfs in.tar -o out/image.tar --threads 2"),
    "add": _door("build -f add.Dockerfile . -o out/image.tar --threads 2"),
    "mtree": _door("mtree in.tar"),
    "diff": _door("diff in.tar void"),
    "bare": _door("validate in.tar"),
    # The same as a layer of an image, or an image.
    "inspect": _door("inspect --files image", image=True),
    "validate": _door("validate image", image=True),
    "unpack": _door("unpack image out/tree", image=True),
    "export": _door("export image -o out/rootfs.tar", image=True),
    "flatten": _door("flatten image -o out/flat.tar --threads 2", image=True),
    "rewrite": _door("rewrite image --owner 1:1 -o out/image.tar --threads 2", image=True),
    "recompress": _door(
        "recompress image --compression gzip:1 -o out/image.tar --threads 2", image=True
    ),
    "copy": _door("copy --all image oci:out/copy", image=True),
    "save": _door("copy image out/image.tar -t a:1", image=True),
    "append": _door("build --from image --add add.Dockerfile:/d -o out/image.tar", image=True),
    "from": _door(
        "build -f from.Dockerfile --build-context base=oci:image . -o out/image.tar", image=True
    ),
    # Texts.
    "dockerfile": _door("build -f Dockerfile . -o out/image.tar --threads 2"),
    "described": _door("layer in.mtree --base . -o out/layer.tar --threads 2"),
    "edits": _door("layer good.tar --edits edits.toml -o out/layer.tar --threads 2"),
    "image-file": _door("build image.toml -o out/image.tar"),
}

ARCHIVE = ("layer", "pipe", "edited", "add", "mtree", "bare")
LAYER = ("validate", "unpack", "flatten", "rewrite", "from")
IMAGE = ("inspect", "validate", "copy", "save", "unpack", "from")

FURTHER = {
    frozenset(ARCHIVE): ("gzip", "build", "diff"),
    frozenset(LAYER): ("inspect", "export", "recompress"),
    frozenset(IMAGE): ("export", "flatten", "append"),
}
"""What else is tried of a case that has all of these."""

ADD = b"FROM scratch\nADD in.tar /\n"
FROM = b"FROM base\nCOPY --from=base / /copied\n"
