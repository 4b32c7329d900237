"""The instructions that may have heredocs: COPY, ADD and RUN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from fastlayer.dockerfile.flags import Flags
from fastlayer.dockerfile.heredoc import check_file_name, heredoc_of
from fastlayer.dockerfile.instructions import Add, Copy, Heredoc, Run
from fastlayer.dockerfile.mount import check_mount
from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastlayer.dockerfile.source import Source

__all__ = ["read_add", "read_copy", "read_run"]

_NETWORKS: Final = ("default", "none", "host")
_SECURITIES: Final = ("insecure", "sandbox")


class _Shared(TypedDict):
    """What COPY and ADD have in common."""

    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[Heredoc, ...]
    chown: str | None
    chmod: str | None
    link: bool
    exclude: tuple[str, ...]


def _shared(source: Source, flags: Flags) -> _Shared:
    words = source.list()
    if len(words) < 2:  # noqa: PLR2004 (a source and the destination)
        raise DockerfileError(f"{source.name} needs a source and a destination")
    *sources, destination = words
    if _heredoc(destination):
        raise DockerfileError(f"the destination of {source.name} cannot be a heredoc")
    contents = {heredoc.name: heredoc.content for heredoc in source.statement.heredocs}
    heredocs = tuple(
        Heredoc(begun.name, contents.get(begun.name, ""), begun.expand, begun.chomp)
        for word in sources
        if (begun := _heredoc(word))
    )
    for heredoc in heredocs:
        check_file_name(heredoc)
    return _Shared(
        sources=tuple(word for word in sources if not _heredoc(word)),
        destination=destination,
        heredocs=heredocs,
        chown=flags.text("chown") or None,
        chmod=flags.text("chmod") or None,
        link=bool(flags.switch("link")),
        exclude=flags.list("exclude"),
    )


def _heredoc(word: str) -> Heredoc | None:
    try:
        return heredoc_of(word)
    except DockerfileError:
        return None


def read_copy(source: Source) -> Copy:
    """Read COPY. Raises `DockerfileError`."""
    flags = Flags(
        source.flags,
        texts=("from", "chown", "chmod"),
        lists=("exclude",),
        switches=("link", "parents"),
    )
    return Copy(
        *source.place,
        **_shared(source, flags),
        from_=flags.text("from") or None,
        parents=bool(flags.switch("parents")),
    )


def read_add(source: Source) -> Add:
    """Read ADD. Raises `DockerfileError`."""
    flags = Flags(
        source.flags,
        texts=("chown", "chmod", "checksum"),
        lists=("exclude",),
        switches=("link", "keep-git-dir", "unpack"),
    )
    return Add(
        *source.place,
        **_shared(source, flags),
        checksum=flags.text("checksum") or None,
        unpack=flags.switch("unpack"),
    )


def read_run(source: Source) -> Run:
    """Read RUN. Raises `DockerfileError`."""
    flags = Flags(source.flags, texts=("network", "security"), lists=("mount",))
    mounts = flags.list("mount")
    for mount in mounts:
        check_mount(mount)
    network, security = flags.text("network"), flags.text("security")
    if network and network not in _NETWORKS:
        raise DockerfileError(f"the network {quoted(network)} is unknown: {_one_of(_NETWORKS)}")
    if security and security not in _SECURITIES:
        raise DockerfileError(f"the security {quoted(security)} is unknown: {_one_of(_SECURITIES)}")
    command, heredocs = source.command(), source.statement.heredocs
    # One alone may be a program, which is put into a file of its name.
    if heredocs and _heredoc(command.words[0]) and heredocs[0].content.startswith("#!"):
        check_file_name(heredocs[0])
    return Run(*source.place, command, heredocs, mounts, network, security)


def _one_of(words: Sequence[str]) -> str:
    return f"expected {', '.join(map(quoted, words))}"
