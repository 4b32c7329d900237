"""What Debian calls the architectures that Go has other names for (dpkg-architecture(1))."""

from __future__ import annotations

from typing import Final

from fastlayer.platform import Platform

__all__ = ["PLATFORMS", "debian_name"]

PLATFORMS: Final = {
    "amd64": "linux/amd64",
    "arm64": "linux/arm64/v8",
    "armel": "linux/arm/v5",
    "armhf": "linux/arm/v7",
    "i386": "linux/386",
    "loong64": "linux/loong64",
    "mips": "linux/mips",
    "mips64el": "linux/mips64le",
    "mipsel": "linux/mipsle",
    "ppc64": "linux/ppc64",
    "ppc64el": "linux/ppc64le",
    "riscv64": "linux/riscv64",
    "s390x": "linux/s390x",
}
"""The platforms of Debian's architectures."""

# Of two that are one of Go's, the later one stands for variants that no row has: `armhf` for
# `arm/v6`, as Raspberry Pi OS has it.
_NAMES: Final = {Platform.parse(text).architecture: name for name, text in PLATFORMS.items()}


def debian_name(platform: Platform) -> str:
    """Say what Debian calls the architecture, or what Go does if Debian has none."""
    known = platform.normalized()
    if (known.architecture, known.variant) == ("arm", "v5"):
        return "armel"
    return _NAMES.get(known.architecture, known.architecture)
