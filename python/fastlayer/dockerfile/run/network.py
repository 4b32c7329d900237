"""The network of a step, and the files about it that a container is given."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from fastlayer.errors import DockerfileError, InvalidArgumentError, quoted

__all__ = ["HOSTNAME", "HOSTS", "Network", "check_network", "network_of", "resolv_conf"]

Network: TypeAlias = Literal["none", "host"]

HOSTNAME: Final = "buildkitsandbox"
"""What BuildKit calls the machine, so that nothing depends on where an image is built."""

HOSTS: Final = (
    f"127.0.0.1\tlocalhost {HOSTNAME}\n::1\tlocalhost ip6-localhost ip6-loopback\n".encode()
)


def check_network(network: str) -> Network:
    """Return `network`, or raise `InvalidArgumentError`."""
    for known in get_args(Network):
        if network == known:
            return known  # type: ignore[no-any-return]
    raise InvalidArgumentError(f"the network is {quoted(network)}: expected `none` or `host`")


def network_of(flag: str, usual: Network) -> Network:
    """Return what `--network` of an instruction means where `usual` is allowed.

    Raises `DockerfileError` for an unknown one, and for the host's where that is not allowed.
    """
    if flag in ("", "default"):
        return usual
    if flag == "none":
        return "none"
    if flag != "host":
        raise DockerfileError(f"`--network={flag}`: expected `default`, `none` or `host`")
    if usual != "host":
        raise DockerfileError("`--network=host` has to be allowed: build with `--network host`")
    return "host"


def resolv_conf(network: Network) -> bytes:
    """Return the name servers of the host; those on it are out of reach without its network."""
    try:
        lines = Path("/etc/resolv.conf").read_bytes().splitlines(keepends=True)
    except OSError:
        return b""
    return b"".join(line for line in lines if network == "host" or not _is_local(line))


def _is_local(line: bytes) -> bool:
    name, _, address = line.partition(b" ")
    return name == b"nameserver" and (
        address.startswith(b"127.") or address.strip().split(b"%")[0] == b"::1"
    )
