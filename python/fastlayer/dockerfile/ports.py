"""What EXPOSE takes: `80`, `8000-8010/udp`; what stands before a colon is for `docker run`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fastlayer.errors import DockerfileError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["exposed"]

_RANGE: Final = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?")
_PROTOCOLS: Final = ("tcp", "udp", "sctp")
_MAX_PORT: Final = 65535


def exposed(text: str) -> Iterator[str]:
    """List the ports that a word of EXPOSE names, as a config has them: `80/tcp`.

    Raises `DockerfileError`.
    """
    *before, port = text.split(":")
    number, _, protocol = port.partition("/")
    protocol = protocol.partition("/")[0].lower() or "tcp"
    if protocol not in _PROTOCOLS:
        expected = ", ".join(map(quoted, _PROTOCOLS))
        raise DockerfileError(f"the protocol of {quoted(text)} is unknown: expected {expected}")
    ports = _numbers(number, text)
    if before and before[-1]:
        host = _numbers(before[-1], text)
        if len(ports) > 1 and len(host) != len(ports):
            raise DockerfileError(f"the two ranges of {quoted(text)} differ in length")
    for one in ports:
        yield f"{one}/{protocol}"


def _numbers(number: str, text: str) -> range:
    match = _RANGE.fullmatch(number)
    first = int(match["first"]) if match else 0
    last = int(match["last"] or first) if match else 0
    if match is None or not first <= last <= _MAX_PORT:
        raise DockerfileError(
            f"{quoted(text)} is not a port such as `80`, `53/udp` or `8000-8010/tcp`"
        )
    return range(first, last + 1)
