"""Stages and layers for tests of COPY, ADD and WORKDIR: small trees in, entries out."""

import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastlayer as fl
from fastlayer.dockerfile.context import Sources
from fastlayer.dockerfile.copying import copied
from fastlayer.dockerfile.instructions import Add, Copy, Heredoc
from fastlayer.platform import Platform
from fastlayer.tree import Tree

TIME = 1_000_000_000


@dataclass(frozen=True)
class Node:
    """An entry. Times do not count when two are compared."""

    kind: str
    mode: int
    uid: int = 0
    gid: int = 0
    content: bytes = b""
    mtime: int = field(default=TIME, compare=False)


def file(content: bytes = b"", mode: int = 0o644, uid: int = 0, gid: int = 0) -> Node:
    return Node("file", mode, uid, gid, content)


def folder(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Node:
    return Node("directory", mode, uid, gid)


def link(target: str, uid: int = 0, gid: int = 0) -> Node:
    return Node("symlink", 0o777, uid, gid, target.encode())


_TYPES = {"file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE}


def packed(nodes: Mapping[str, Node]) -> bytes:
    """A tar of these entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, node in nodes.items():
            member = tarfile.TarInfo(name)
            member.type, member.mode = _TYPES[node.kind], node.mode
            member.uid, member.gid, member.mtime = node.uid, node.gid, node.mtime
            if node.kind == "symlink":
                member.linkname = node.content.decode()
            else:
                member.size = len(node.content)
            tar.addfile(member, io.BytesIO(node.content))
    return buffer.getvalue()


def unpacked(layer: fl.Layer | None) -> dict[str, Node]:
    """The entries of a layer but the root, as Python's own reader sees them."""
    assert layer is not None
    buffer = io.BytesIO()
    layer.save(buffer)
    buffer.seek(0)
    found = {}
    kinds = {code: kind for kind, code in _TYPES.items()}
    with tarfile.open(fileobj=buffer) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            node = Node(
                kinds.get(member.type, "other"),
                member.mode,
                member.uid,
                member.gid,
                content.read() if content else member.linkname.encode(),
                int(member.mtime),
            )
            found[member.name] = node
    found.pop(".", None)
    return found


def names(layer: fl.Layer | None) -> list[str]:
    """The paths in a layer."""
    return sorted(unpacked(layer))


def described(nodes: Mapping[str, Node], tmp_path: Path) -> fl.Layer:
    """A layer of these entries."""
    path = tmp_path / f"below-{len(list(tmp_path.iterdir()))}.tar"
    path.write_bytes(packed(nodes))
    return fl.Layer.from_archive(path, compression="none")


@dataclass
class Stage:
    """A stage so far, as the evaluator has it."""

    tree: Tree = field(default_factory=Tree)
    working_dir: str = "/"
    user: str = ""
    epoch: int | None = None
    options: Any = field(default_factory=lambda: {"compression": "none"})
    image: fl.Image = field(default_factory=lambda: fl.Image.scratch(platform="linux/amd64"))
    platform: Platform = field(default_factory=lambda: Platform.parse("linux/amd64"))


@dataclass
class Build:
    """A context and what an instruction finds below it."""

    tmp_path: Path
    stage: Stage = field(default_factory=Stage)
    sources: Sources | None = None

    @property
    def context(self) -> Path:
        path = self.tmp_path / "context"
        path.mkdir(exist_ok=True)
        return path

    def below(self, nodes: Mapping[str, Node]) -> "Build":
        """Put a layer below."""
        self.stage.tree.apply(described(nodes, self.tmp_path))
        return self

    def copy(self, *words: str, **flags: Any) -> fl.Layer | None:
        """`COPY words`, from the context unless `from_` says otherwise."""
        return self._done(Copy(1, "COPY", words[:-1], words[-1], **flags))

    def add(self, *words: str, **flags: Any) -> fl.Layer | None:
        """`ADD words`."""
        return self._done(Add(1, "ADD", words[:-1], words[-1], **flags))

    def _done(self, instruction: Copy | Add) -> fl.Layer | None:
        def find(name: str) -> str:
            return str(self.tmp_path / name)

        sources = self.sources or Sources(str(self.context), None, find)
        return copied(instruction, self.stage, sources)


def write(root: Path, nodes: Mapping[str, Node]) -> None:
    """Make these entries in a directory of this machine; owners are whose they are."""
    for name, node in nodes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if node.kind == "directory":
            path.mkdir(exist_ok=True)
        elif node.kind == "symlink":
            path.symlink_to(node.content.decode())
        else:
            path.write_bytes(node.content)
        if node.kind != "symlink":
            path.chmod(node.mode)
    for name, node in reversed(list(nodes.items())):
        os.utime(root / name, (node.mtime, node.mtime), follow_symlinks=False)


def heredoc(name: str, content: str, **flags: Any) -> tuple[Heredoc, ...]:
    return (Heredoc(name, content, **flags),)
