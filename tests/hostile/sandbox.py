"""The folder in which commands meet one case, with a canary beside it."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from archives import Sample, SampleLayer, layout, tar, write_folder
from hostile.doors import ADD, FROM

if TYPE_CHECKING:
    from pathlib import Path

    from hostile.case import Case

State = Mapping[str, tuple[int | bytes, ...]]

NOBODY = 65534


class Sandbox:
    """`work` is where commands run and write into `out`; nothing else may change, ever."""

    def __init__(self, top: Path, case: Case) -> None:
        """Make the folders and the files of the case in `top`, which is new."""
        self.top = top
        self.work = top / "work"
        self.out = self.work / "out"
        canary = top / "canary"
        for folder in (self.work, self.out, self.work / "void", top / "tmp", canary, canary / "d"):
            folder.mkdir(parents=True)
        # Names that the cases aim at.
        for name in ("passwd", "d/inner", "d/.wh.inner"):
            (canary / name).write_text("untouched")
        (canary / "link").symlink_to("passwd")
        for name, content in (("add", ADD), ("from", FROM)):
            (self.work / f"{name}.Dockerfile").write_bytes(content)
        (self.work / "good.tar").write_bytes(tar({"etc/": b"", "etc/motd": b"hello\n"}))
        case.write(self.work)
        layers = [self.work / name for name in ("0.tar", "1.tar", "2.tar", "in.tar")]
        self.layers = [path.read_bytes() for path in layers if path.is_file()]
        if self.layers and not (self.work / "image").exists():
            self.layers += _make_image(self.work / "image", self.layers)
        # What is copied as it is has its time.
        for path in self.work.rglob("*"):
            os.utime(path, (0, 0), follow_symlinks=False)

    def give_away(self) -> None:
        """Let nobody own all of it: what can be damaged then is damaged if it is touched."""
        for folder, folders, files in os.walk(self.top):
            for name in (".", *folders, *files):
                os.lchown(f"{folder}/{name}", NOBODY, NOBODY)

    def state(self) -> State:
        """Tell all of what lies beside the output, times of change included."""
        own = str(self.out)
        found: dict[str, tuple[int | bytes, ...]] = {}
        for folder, folders, files in os.walk(self.top):
            folders[:] = [name for name in folders if f"{folder}/{name}" != own]
            for name in (".", *folders, *files):
                path = f"{folder}/{name}"
                found[path] = _facts(os.lstat(path), is_top=path == f"{self.work}/.")
        return found

    def empty(self) -> None:
        """Remove the output, however deep it is."""
        _remove(self.out)
        self.out.mkdir()
        if os.geteuid() == 0 and self.top.stat().st_uid == NOBODY:
            os.chown(self.out, NOBODY, NOBODY)

    @staticmethod
    def remove_at(top: Path) -> None:
        """Remove all of a sandbox."""
        _remove(top)


def _facts(status: os.stat_result, *, is_top: bool) -> tuple[int, ...]:
    stable = (status.st_ino, status.st_mode, status.st_uid, status.st_gid)
    # `out` is made anew in the working folder for each command, which changes that one's times.
    if is_top:
        return stable
    return (*stable, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_nlink)


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except (OSError, RecursionError):
        subprocess.run(["chmod", "-R", "u+rwX", path], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", path], check=True)


def _make_image(place: Path, layers: list[bytes]) -> list[bytes]:
    """Make an OCI layout in which all but the layers is right; return these without compression."""
    samples = [_Blob(layer) for layer in layers]
    write_folder(place, layout(Sample(layers=samples, tags=("a:1",), changes={"history": []})))
    return [sample.tar for sample in samples]


class _Blob(SampleLayer):
    """A layer as it came. Of what cannot be decoded the diff_id is that of the blob."""

    def __init__(self, content: bytes) -> None:
        # The dataclass is frozen, and has no such field.
        object.__setattr__(self, "content", content)
        kind = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(content[:2], "none")
        super().__init__(_DECODE[kind](content), kind)

    @property
    def blob(self) -> bytes:
        content: bytes = self.__dict__["content"]
        return content


def _from_gzip(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content


def _from_zstd(content: bytes) -> bytes:
    """Decode frames of blocks that are stored (RFC 8878, section 3.1.1), as the cases have them."""
    pieces, rest = [], content
    while len(rest) > 8:
        if rest[1:4] == b"\x2a\x4d\x18":
            rest = rest[8 + int.from_bytes(rest[4:8], "little") :]
            continue
        # A window of one byte, or a size of eight.
        rest, last = rest[6 if rest[4] == 0 else 13 :], False
        while not last and len(rest) > 2:
            head = int.from_bytes(rest[:3], "little")
            last, size = bool(head & 1), head >> 3
            piece, rest = rest[3 : 3 + size], rest[3 + size :]
            pieces.append(piece)
    return b"".join(pieces)


_DECODE: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": _from_gzip,
    "zstd": _from_zstd,
}
