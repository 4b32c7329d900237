"""Small Debian packages, made by Python alone and easy to damage."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from archives import Link, tar

CONTROL = "Package: {}\nVersion: 1-2\nArchitecture: {}\nDescription: a package\n of two lines\n"

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def ar(members: Mapping[str, bytes]) -> bytes:
    """An ar archive."""
    out = bytearray(b"!<arch>\n")
    for name, content in members.items():
        out += f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        out += content + b"\n" * (len(content) % 2)
    return bytes(out)


def deb(
    name: str,
    files: Mapping[str, bytes | Link],
    *,
    architecture: str = "amd64",
    suffix: str = ".xz",
    md5sums: bytes | None = b"d41d8cd98f00b204e9800998ecf8427e  usr/x\n",
) -> bytes:
    """A package with these files."""
    control = {"./control": CONTROL.format(name, architecture).encode()}
    if md5sums is not None:
        control["./md5sums"] = md5sums
    compress = COMPRESSIONS[suffix]
    return ar(
        {
            "debian-binary": b"2.0\n",
            f"control.tar{suffix}": compress(tar({"./": b"", "./postinst": b"#!", **control})),
            f"data.tar{suffix}": compress(tar({f"./{path}": file for path, file in files.items()})),
        }
    )


def folder_of(folder: Path, *debs: bytes) -> Path:
    """A folder with these packages, whose file names say nothing."""
    folder.mkdir()
    for number, content in enumerate(debs):
        (folder / f"{9 - number}.deb").write_bytes(content)
    return folder


def names(blob: bytes) -> list[str]:
    """The paths in a tar."""
    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
        return archive.getnames()
