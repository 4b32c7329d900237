"""Images of Debian packages and nothing else: no shell, no package manager.

As of https://github.com/GoogleContainerTools/distroless: a layer for each package, with its control
data where scanners look for it, and one of what the scripts of packages would have made.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, get_args

from fastlayer import edit
from fastlayer.config import DEFAULT_PATH, History
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.image import Image
from fastlayer.layer import Layer
from fastlayer.options import Recipe
from fastlayer.platform import Platform
from fastlayer.recipes.architectures import PLATFORMS, debian_name
from fastlayer.recipes.deb import Deb, read_debs
from fastlayer.recipes.rootfs import MAX_LINKS
from fastlayer.recipes.tweak import Tweaks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from fastlayer.edit import Edit
    from fastlayer.options import LayerOptions
    from fastlayer.recipes.rootfs import Created

__all__ = ["ACCOUNTS", "BUNDLE", "User", "distroless", "distroless_settings"]

User = Literal["root", "nonroot"]

_NONROOT: Final = 65532

ACCOUNTS: Final = Tweaks.of(
    "accounts",
    "what the scripts of packages would have made: users, homes, /tmp, and where names come from",
    edit.put(
        "etc/passwd",
        b"root:x:0:0:root:/root:/sbin/nologin\n"
        b"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
        b"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    ),
    edit.put(
        "etc/group",
        b"root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n",
    ),
    edit.put(
        "etc/nsswitch.conf",
        b"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
        b"protocols: files\nservices: files\nethers: files\nrpc: files\n",
    ),
    edit.symlink("etc/os-release", "../usr/lib/os-release"),
    edit.directory("root", mode=0o700),
    edit.directory("home"),
    edit.directory("home/nonroot", mode=0o700, owner=(_NONROOT, _NONROOT)),
    edit.directory("tmp", mode=0o1777),
)

# Directories that are links into /usr, where all programs and libraries are since Debian 12
# (the package usrmerge). `lib64` has the loader of these architectures. The others move only where
# base-files has a link, as nobody else makes one.
_MERGED: Final = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_LINKED: Final = ("bin", "lib", "sbin")
_LINKED_64: Final = frozenset({"amd64", "loong64", "mips64el", "ppc64el"})

# Edits that are there whatever they meet: done in one layer, they are done in the image.
_MAKING: Final = frozenset({"put", "directory", "symlink"})

BUNDLE: Final = "etc/ssl/certs/ca-certificates.crt"
_OS_RELEASE: Final = "usr/lib/os-release"
# Bytes of certificates, and of an os-release: Debian's have 220 kB and 300 bytes.
_MAX_BUNDLE: Final = 16 << 20
_MAX_OS_RELEASE: Final = 64 << 10


def distroless(
    folder: str | os.PathLike[str],
    *,
    user: User = "root",
    source: str | None = None,
    merged_usr: bool = True,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe an image of the packages in `folder`, a layer for each .deb file by its name.

    No script of a package runs. Data is read in place when a sink runs, control data at once; each
    becomes `/var/lib/dpkg/status.d/NAME`. `user` is who runs by default, by number. With
    `merged_usr`, what packages have in /bin, /lib and /sbin goes to /usr, to which links lead.
    `source` is a URL for the annotation `org.opencontainers.image.source`. The platform is that of
    the packages. Edits that put or make something are done in the last layer, others in each, where
    nobody is told of one that meets nothing.

    Raises `MalformedArchiveError`, which names the file, `InvalidArgumentError` if the packages are
    not for `platform`, and `OSError`.
    """
    if user not in get_args(User):
        raise InvalidArgumentError(f"`user` is {quoted(user)}: expected `root` or `nonroot`")
    if not isinstance(folder, str | os.PathLike):
        raise InvalidArgumentError("`folder` must be a folder of .deb files, got a stream")
    options = {**options, "edits": _optional(options)}
    debs = read_debs(folder)
    image = Image.scratch(platform=_platform(debs, platform))
    if created is not None:
        image = image.with_config(created=created)
    linked = _links(debs) if merged_usr else {}
    for deb in debs:
        step = History(created_by=f"deb {deb.name} {deb.version}", comment="fastlayer distroless")
        image = image.append(_layer(deb, linked, options), history=step)
    made = {**_bundle(debs), _OS_RELEASE: _os_release(debs)}
    missing = {name: target for name, target in linked.items() if target is not None}
    image = image.append(
        _made_layer(made, missing, options),
        history=History(created_by="accounts", comment="fastlayer distroless"),
    )
    image = distroless_settings(image, user, certificates=BUNDLE in made)
    if source is None:
        return image
    return image.with_annotations({"org.opencontainers.image.source": source})


def distroless_settings(image: Image, user: User = "root", *, certificates: bool = True) -> Image:
    """Return the image with variables, user and directory as distroless has them."""
    env = {"PATH": DEFAULT_PATH}
    if certificates:
        env["SSL_CERT_FILE"] = f"/{BUNDLE}"
    nonroot = user == "nonroot"
    return image.with_config(
        env=env,
        user=str(_NONROOT if nonroot else 0),
        working_dir="/home/nonroot" if nonroot else "/",
    )


def _optional(options: LayerOptions) -> tuple[Edit, ...]:
    """Give the edits of the caller, those of them optional that are done in more than one layer.

    Raises `InvalidArgumentError` for one of those if it must meet something.
    """
    recipe = Recipe.of(options)
    for one in recipe.edits:
        if recipe.unmatched == "error" and not (one.optional or _is_made(one)):
            raise InvalidArgumentError(
                f"`unmatched` is `error`, but the edit {quoted(one)} is done in each layer, and in "
                "most it meets nothing: only what puts or makes something goes with that"
            )
    return tuple(one if _is_made(one) else replace(one, optional=True) for one in recipe.edits)


def _is_made(one: Edit) -> bool:
    return one.terms[0] in _MAKING


def _platform(debs: Sequence[Deb], given: Platform | str | None) -> Platform:
    """Tell it by the packages. Raises `InvalidArgumentError` if that cannot be."""
    found = {deb.architecture: deb for deb in debs if deb.architecture != "all"}
    if len(found) > 1:
        one, other, *_ = found.values()
        raise InvalidArgumentError(
            f"{quoted(one.path)} is for {quoted(one.architecture)}, {quoted(other.path)} for "
            f"{quoted(other.architecture)}: make an image for each, and an index of them"
        )
    platform = Platform.parse(given) if isinstance(given, str) else given
    if not found:
        return platform or Platform.host()
    ((name, deb),) = found.items()
    if platform is None:
        return Platform.parse(PLATFORMS[name])
    if (platform.normalized().os, debian_name(platform)) != ("linux", name):
        raise InvalidArgumentError(
            f"{quoted(deb.path)} is for {quoted(name)}, which is not {quoted(platform)}"
        )
    return platform


def _links(debs: Sequence[Deb]) -> dict[str, str | None]:
    """List the directories that move to /usr, each with the target of the link to be made.

    There is none to be made, `None`, where the package base-files has it.
    """
    architectures = {deb.architecture for deb in debs}
    names = (*_LINKED, *(["lib64"] if architectures & _LINKED_64 else ()))
    links: dict[str, str | None] = {name: f"usr/{name}" for name in names}
    for deb in debs:
        if deb.name == "base-files":
            for member, _ in deb.pick(*_MERGED, limit=MAX_LINKS):
                if member.kind == "symlink":
                    links[os.fsdecode(member.path)] = None
    return links


def _layer(deb: Deb, linked: Mapping[str, str | None], options: LayerOptions) -> Layer:
    status = f"var/lib/dpkg/status.d/{deb.name}"
    own = [edit.put(status, deb.control)]
    if deb.md5sums is not None:
        own.append(edit.put(f"{status}.md5sums", deb.md5sums))
    moves = _moves(deb, linked)
    given = (one for one in options.get("edits", ()) if not _is_made(one))
    edits = (*moves, *own, *given)
    placed: LayerOptions = {**options, "edits": edits}
    return Layer.from_part(deb.path, deb.data.offset, deb.data.size, **placed)


def _moves(deb: Deb, linked: Mapping[str, str | None]) -> Sequence[Edit]:
    """Move what is in directories that are links; links of base-files stay where they are."""
    names = [name for name, target in linked.items() if target or deb.name != "base-files"]
    moves = Tweaks.of("", "", *(edit.rename(name, f"usr/{name}") for name in names))
    return moves.edits


def _made_layer(
    files: Mapping[str, bytes], links: Mapping[str, str], options: LayerOptions
) -> Layer:
    """Describe the layer of what is in no package."""
    made = [*ACCOUNTS.edits, *(edit.symlink(name, target) for name, target in links.items())]
    placed: LayerOptions = {**options, "edits": (*made, *options.get("edits", ()))}
    return Layer.from_files(dict(sorted(files.items())), **placed)


def _bundle(debs: Sequence[Deb]) -> dict[str, bytes]:
    """Join the certificates of the package ca-certificates, in the order of their paths."""
    found = [
        member
        for deb in debs
        if deb.name == "ca-certificates"
        for member in deb.pick("usr/share/ca-certificates/**/*.crt", limit=_MAX_BUNDLE)
    ]
    found.sort(key=lambda member: member[0].path)
    joined = b"".join(content.rstrip(b"\n") + b"\n" for _, content in found)
    return {BUNDLE: joined} if found else {}


def _os_release(debs: Sequence[Deb]) -> bytes:
    """Give that of the package base-files, under another name (os-release(5))."""
    found = [
        content
        for deb in debs
        if deb.name == "base-files"
        for _, content in deb.pick(_OS_RELEASE, limit=_MAX_OS_RELEASE)
    ]
    known = found[0] if found else b'NAME="Debian GNU/Linux"\nID=debian\n'
    others = re.sub(rb"(?m)^PRETTY_NAME=.*\n?", b"", known)
    return b'PRETTY_NAME="Distroless"\n' + others
