"""Where images go, as people write it: by the names that skopeo's users know."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from fastlayer.archive.docker import save_archive
from fastlayer.archive.layout import write_layout
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.location import reference_in
from fastlayer.reference import Reference
from fastlayer.tags import check_ref_name, parse_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.built import Buildable, BuiltT
    from fastlayer.media_type import Format
    from fastlayer.registries import Registries

__all__ = ["STDOUT", "Output", "check_file", "stdout"]

STDOUT: Final = "-"

_NOT_YET: Final = {
    "docker-daemon:": "this version cannot write there: write an archive and `docker load` it",
    "containers-storage:": "this version cannot write there: write an archive and `podman load` it",
    "dir:": "this version does not write that form: use `oci:DIR`",
}

# Transports with the form of what is written there.
_FORMS: Final = {
    "docker-archive": "docker-archive:FILE[:NAME:TAG]",
    "oci-archive": "oci-archive:FILE[:NAME:TAG]",
    "oci": "oci:DIR[:TAG]",
}


@dataclass(frozen=True, slots=True)
class Output:
    """Where an image goes, and a further name for it there: a whole one, or the tag alone."""

    kind: Literal["archive", "layout", "registry", "stdout"]
    path: str
    name: str = ""
    tag: str = ""
    reference: Reference | None = None

    @classmethod
    def parse(cls, text: str, folder: str = "") -> Output:
        """Read `-o`; files and directories are relative to `folder`.

        Raises `InvalidArgumentError`.
        """
        if text == STDOUT:
            return cls("stdout", "")
        reference = reference_in(text)
        if reference is not None:
            name, tag = reference.familiar, reference.tag or ""
            return cls("registry", text, name=name, tag=tag, reference=reference)
        for transport, reason in _NOT_YET.items():
            if text.startswith(transport):
                raise InvalidArgumentError(f"{quoted(text)}: {reason}")
        transport, colon, rest = text.partition(":")
        if colon and transport in _FORMS:
            return cls._of_transport(transport, rest, folder)
        return cls("archive", _file(text, folder))

    @classmethod
    def _of_transport(cls, transport: str, rest: str, folder: str) -> Output:
        path, colon, name = rest.partition(":")
        if not path or (colon and not name):
            raise InvalidArgumentError(
                f"{quoted(f'{transport}:{rest}')} is not of the form `{_FORMS[transport]}`"
            )
        # A word alone is an image for Docker, but the tag of one where OCI has the say.
        is_tag = transport != "docker-archive" and not set(name) & set("/:")
        return cls(
            "layout" if transport == "oci" else "archive",
            _in(folder, path) if transport == "oci" else _file(path, folder),
            name="" if is_tag else name,
            tag=name if is_tag else "",
        )

    def __str__(self) -> str:
        """Show it as `fastlayer inspect` takes it."""
        if self.kind == "stdout":
            return "stdout"
        return f"oci:{self.path}" if self.kind == "layout" else self.path

    def taken(self, tags: Sequence[str]) -> list[str]:
        """List those of the tags that an image can have here: a registry has some only.

        Raises `InvalidReferenceError`.
        """
        repository = None if self.reference is None else self.reference.repository
        return [tag for tag in tags if repository in (None, Reference.parse(tag).repository)]

    def check(self, tags: Sequence[str]) -> None:
        """Raise `InvalidArgumentError` for tags, or names of its own, that cannot be here."""
        parse_tags([*tags, *self._names(tags)])
        if self.kind == "layout" and self.tag:
            check_ref_name(self.tag)

    def write(
        self,
        image: Buildable[BuiltT],
        tags: Sequence[str],
        format: Format | None,  # noqa: A002
        registries: Registries,
        names: Sequence[str] = (),
    ) -> BuiltT:
        """Build the image or index there; `names` are for layouts only.

        Raises what its sink raises.
        """
        if self.reference is not None:
            from fastlayer.registry.sink import push  # noqa: PLC0415 (its client is large)

            return push(self.reference, image, tags=tags, registries=registries, format=format)
        tags = [*tags, *self._names(tags)]
        if self.kind == "layout":
            own = [self.tag] if self.tag else []
            return write_layout(self.path, image, tags=tags, names=[*own, *names], format=format)
        target = self.path if self.kind == "archive" else stdout()
        return save_archive(target, [(image, tags)], format=format)[0]

    def write_all(
        self,
        items: Sequence[tuple[Buildable[BuiltT], Sequence[str], Sequence[str]]],
        format: Format | None,  # noqa: A002
        registries: Registries,
    ) -> list[BuiltT]:
        """Build several there, each with its tags and names. Raises what `write` raises."""
        if len(items) == 1 or self.kind == "layout":
            return [
                self.write(item, tags, format, registries, names) for item, tags, names in items
            ]
        target = self.path if self.kind == "archive" else stdout()
        return save_archive(target, [(item, tags) for item, tags, _ in items], format=format)

    def _names(self, tags: Sequence[str]) -> list[str]:
        """List the further name, if any: a tag alone is one more tag of the first `--tag`."""
        if self.tag and tags:
            return [str(Reference.parse(tags[0]).with_tag(self.tag))]
        if self.tag and self.kind == "archive":
            raise InvalidArgumentError(
                f"`oci-archive:{self.path}:{self.tag}` has a tag without a name: "
                f"write `oci-archive:{self.path}:NAME:{self.tag}`"
            )
        return [self.name] if self.name else []


def _file(path: str, folder: str) -> str:
    placed = path and _in(folder, path)
    check_file(placed, f"write `oci:{path}` for a layout")
    return placed


def _in(folder: str, path: str) -> str:
    """Place a relative path; all else stays as it was written."""
    return os.path.join(folder, path)  # noqa: PTH118


def check_file(path: str, advice: str) -> None:
    """Refuse what is no file, before any work. Raises `InvalidArgumentError`."""
    if not path:
        raise InvalidArgumentError("the name of a file is missing")
    if os.path.isdir(path):  # noqa: PTH112 (`False` for what the system refuses)
        raise InvalidArgumentError(f"{quoted(path)} is a directory: {advice}")


def stdout() -> BinaryIO:
    """Give standard output as bytes. Raises `OSError` if there is none."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "<stdout>")
    sys.stdout.flush()
    return sys.stdout.buffer
