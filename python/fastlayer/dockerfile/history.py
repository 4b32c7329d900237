"""Steps of a history in the words of Docker's builder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastlayer.config import History
from fastlayer.dockerfile.health import written_duration
from fastlayer.dockerfile.instructions import Add, Copy
from fastlayer.dockerfile.text import quoted_rune, quoted_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fastlayer.config import Healthcheck

__all__ = ["health_text", "ports_text", "run_text", "step", "transfer_text"]

_COMMENT: Final = "buildkit.dockerfile.v0"
_OF_BUILDKIT: Final = " # buildkit"


def step(text: str, *, layer: bool = False) -> History:
    """Make a step; most make no layer."""
    return History(created_by=text, comment=_COMMENT, empty_layer=not layer)


def transfer_text(instruction: Add | Copy) -> str:
    """Write COPY or ADD with its words expanded, and some of its flags."""
    parts = ["ADD" if isinstance(instruction, Add) else "COPY"]
    if isinstance(instruction, Copy) and instruction.parents:
        parts.append("--parents")
    if instruction.chown:
        parts.append(f"--chown={instruction.chown}")
    if instruction.chmod:
        parts.append(f"--chmod={instruction.chmod}")
    parts += instruction.sources
    parts += [f"<<{heredoc.name}" for heredoc in instruction.heredocs]
    return " ".join((*parts, instruction.destination)) + _OF_BUILDKIT


def run_text(words: Sequence[str], arguments: Sequence[tuple[str, str]]) -> str:
    """Write RUN with the build arguments that it sees."""
    parts = [f"{key}={value}" for key, value in arguments]
    if parts:
        parts = [f"|{len(parts)}", *parts]
    return " ".join(("RUN", *parts, *words)) + _OF_BUILDKIT


def ports_text(ports: Iterable[str]) -> str:
    """Write EXPOSE as Go prints the map that it makes."""
    return f"EXPOSE map[{' '.join(f'{port}:{{}}' for port in sorted(set(ports)))}]"


def health_text(check: Healthcheck) -> str:
    """Write HEALTHCHECK as Go prints the record that it makes, with `%q`."""
    durations = (check.interval, check.timeout, check.start_period, check.start_interval)
    texts = " ".join(f'"{written_duration(duration)}"' for duration in durations)
    return f"HEALTHCHECK &{{{quoted_texts(check.test)} {texts} {quoted_rune(check.retries)}}}"
