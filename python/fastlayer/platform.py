"""Platforms: the operating system and processor an image is for.

Members: image-spec, image-index.md and config.md. The text form and its normalisation are those
of containerd, which Docker's `--platform` follows too: `os[(version+feature…)]/arch[/variant]`.
"""

import platform
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote, unquote

import msgspec

from fastlayer.errors import InvalidPlatformError, quoted

__all__ = ["Platform"]

_OPTION: Final = r"(?:[A-Za-z0-9_.-]|%[0-9A-Fa-f]{2})"
_SPECIFIER: Final = re.compile(
    r"(?P<os>[A-Za-z0-9_-]+)"
    rf"(?:\((?P<version>{_OPTION}*)(?P<features>(?:\+{_OPTION}+)*)\))?"
    r"/(?P<architecture>[A-Za-z0-9_.-]+)"
    r"(?:/(?P<variant>[A-Za-z0-9_.-]+))?"
)

# What Go calls the architectures that people and `uname -m` give other names; the variant is
# given where the name says it, and else left as it is.
_ARCHITECTURES: Final[dict[str, tuple[str, str | None]]] = {
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armel": ("arm", "v6"),
    "armhf": ("arm", "v7"),
    "armv5tel": ("arm", "v5"),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv8l": ("arm", "v8"),
    "loongarch64": ("loong64", None),
}

# Variants that are another spelling, or the default, of one that is written differently.
_VARIANTS: Final[dict[tuple[str, str], str]] = {
    ("amd64", "v1"): "",
    ("arm", ""): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "7"): "v7",
    ("arm", "8"): "v8",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm64", "v8.0"): "",
    ("arm64", "9"): "v9",
    ("arm64", "9.0"): "v9",
    ("arm64", "v9.0"): "v9",
}

# A word alone is an architecture only if it is one of these: a slip of the pen is not an image.
_KNOWN_ARCHITECTURES: Final = frozenset(
    {"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle"}
    | {"ppc64", "ppc64le", "riscv64", "s390x", "wasm"}
)


class Platform(
    msgspec.Struct,
    frozen=True,
    rename={"os_version": "os.version", "os_features": "os.features"},
):
    """An operating system and an architecture, in Go's names, as a document or a person states it.

    `variant` is that of the processor (`v7` for arm, `v3` for amd64); `os_version` and
    `os_features` matter for Windows. `unknown` holds a document's members that are not these.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    unknown: Mapping[str, Any] = {}

    # Arguments come as people say them, members of the document as Go writes them.
    member_order: ClassVar = ("architecture", "os", "os_version", "os_features", "variant")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a platform: `linux/arm64/v8`, `Linux/x86_64`, or `amd64` alone.

        An architecture alone is one for Linux, whatever the host: what is built never depends
        on the machine it is built on. For the same reason an operating system alone is refused.

        Raises `InvalidPlatformError`.
        """
        alone = _normalize(text, "")[0] in _KNOWN_ARCHITECTURES
        match = _SPECIFIER.fullmatch(f"linux/{text}" if alone else text)
        if match is None:
            raise InvalidPlatformError(
                f"invalid platform {quoted(text)}: expected `os/architecture[/variant]`, "
                "such as `linux/amd64`"
            )
        stated = match["variant"] or ""
        architecture, variant = _normalize(match["architecture"], stated)
        # The usual variant is left out, as other tools do, unless it is asked for by name.
        if architecture == "arm" and variant == "v7" and not stated:
            variant = ""
        elif architecture == "arm64" and stated and not variant:
            variant = "v8"
        features = (match["features"] or "").split("+")[1:]
        return cls(
            _normalize_os(match["os"]),
            architecture,
            variant,
            os_version=unquote(match["version"] or ""),
            os_features=tuple(map(unquote, features)),
        )

    @classmethod
    def host(cls) -> Self:
        """Return the platform of containers on this machine: Linux on its processor."""
        return cls.parse(f"linux/{platform.machine()}")

    def __str__(self) -> str:
        options = "+".join(
            _escaped(option) for option in (self.os_version, *sorted(self.os_features))
        )
        system = f"{self.os}({options})" if options else self.os or "unknown"
        return "/".join(filter(None, (system, self.architecture, self.variant)))

    def __hash__(self) -> int:
        return hash((self.os, self.architecture, self.variant, self.os_version, self.os_features))

    def normalized(self) -> Self:
        """Return the canonical spelling: `arm` becomes `arm/v7`, and `arm64/v8` `arm64`."""
        architecture, variant = _normalize(self.architecture, self.variant)
        return msgspec.structs.replace(
            self,
            os=_normalize_os(self.os),
            architecture=architecture,
            variant=variant,
            os_features=tuple(sorted(set(self.os_features))),
        )

    def matches(self, other: Self) -> bool:
        """Whether an image for `other` is one for exactly this platform, however it is spelled.

        Versions are compared for Windows only, where both state one; the features that `other`
        needs must be among those of this platform.
        """
        wanted, found = self.normalized(), other.normalized()
        return (
            (wanted.os, wanted.architecture, wanted.variant)
            == (found.os, found.architecture, found.variant)
            and (wanted.os != "windows" or _same_build(wanted.os_version, found.os_version))
            and set(found.os_features) <= set(wanted.os_features)
        )

    def runs(self, other: Self) -> bool:
        """Whether this platform can run an image for `other`: the same, or one of `fallbacks`."""
        return any(own.matches(other) for own in (self, *self.fallbacks()))

    def fallbacks(self) -> tuple[Self, ...]:
        """List the other platforms whose images this one can run, best first.

        Older variants of the same architecture, and the 32-bit architecture of a 64-bit one.
        """
        own = self.normalized()
        return tuple(
            msgspec.structs.replace(own, architecture=architecture, variant=variant)
            for architecture, variant in _older(own.architecture, own.variant)
        )


def _escaped(option: str) -> str:
    """Write a version or feature so that `_OPTION` matches it."""
    return quote(option, safe="", errors="replace").replace("~", "%7E")


def _normalize_os(os: str) -> str:
    os = os.lower()
    return "darwin" if os == "macos" else os


def _normalize(architecture: str, variant: str) -> tuple[str, str]:
    """Give an architecture and its variant the names that Go has for them."""
    architecture, variant = architecture.lower(), variant.lower()
    name, implied = _ARCHITECTURES.get(architecture, (architecture, None))
    variant = variant if implied is None else implied
    return name, _VARIANTS.get((name, variant), variant)


def _same_build(wanted: str, found: str) -> bool:
    """Whether two versions of Windows share the build, which is what its containers need."""
    return not wanted or not found or wanted.split(".")[:3] == found.split(".")[:3]


def _older(architecture: str, variant: str) -> Iterator[tuple[str, str]]:
    """List what a processor, given in canonical spelling, runs besides its own."""
    match architecture:
        case "amd64":
            for version in _below(variant, 1):
                yield "amd64", f"v{version}"
            yield "386", ""
        case "arm":
            for version in _below(variant, 5):
                yield "arm", f"v{version}"
        case "arm64":
            for older in _older_arm64(variant or "v8"):
                yield "arm64", older
            yield "arm", "v8"
            yield from _older("arm", "v8")


def _below(variant: str, lowest: int) -> range:
    """List the numbers under that of a variant such as `v3`, down to `lowest`."""
    number = re.fullmatch(r"v(\d)", variant)
    return range(int(number[1]) - 1 if number else 0, lowest - 1, -1)


def _older_arm64(variant: str) -> Iterator[str]:
    number = re.fullmatch(r"v([89])(?:\.(\d))?", variant)
    if number is None:
        return
    generation, minor = number[1], int(number[2] or 0)
    if generation == "9":
        yield from (f"v9.{older}" for older in range(minor - 1, 0, -1))
        if minor:
            yield "v9"
        # v9.0 holds all of v8.5, v9.1 all of v8.6 and so on; the last of the v8 line is v8.9.
        minor = min(minor + 5, 9) + 1
    yield from (f"v8.{older}" for older in range(minor - 1, 0, -1))
    if generation == "9" or minor:
        yield "v8"
