"""Build arguments: those given, those that are always there, and those before the first FROM."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from fastlayer import setting
from fastlayer.dockerfile.instructions import Arg
from fastlayer.dockerfile.text import MAX_LENGTH
from fastlayer.errors import DockerfileError, DockerfileWarning, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastlayer.dockerfile.reading import Dockerfile
    from fastlayer.dockerfile.words import Lexer
    from fastlayer.platform import Platform

__all__ = ["Arguments", "warn_of_unused"]

_PROXIES: Final = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
# Docker's builder reads these itself.
_EPOCH: Final = "SOURCE_DATE_EPOCH"
_OWN: Final = ("BUILDKIT_", _EPOCH)


class Arguments:
    """What an ARG can get its value from.

    `given` are the values from outside; `variables` is what FROM sees: the platforms, and what ARG
    before the first FROM says.

    Raises `InvalidConfigError` for values that are no text, or that no process can be given.
    """

    def __init__(self, given: Mapping[str, str], build: Platform, target: Platform) -> None:
        for name, value in given.items():
            setting.plain_text(f"build argument {name}", value)
        self.given = dict(given)
        self._declared = 0
        self.scope: dict[str, str | None] = {
            **_platform("BUILD", build),
            **_platform("TARGET", target),
        }
        self.scope |= {name: value for name, value in given.items() if name in self.scope}

    @property
    def variables(self) -> dict[str, str]:
        """The variables that FROM can use; one without a value is empty."""
        return {name: value or "" for name, value in self.scope.items()}

    def declare(self, instruction: Arg, lexer: Lexer) -> None:
        """Take an ARG from before the first FROM. Raises `DockerfileError`."""
        for argument in instruction.arguments:
            value = self.given.get(argument.key)
            if value is None and argument.value is not None:
                value = lexer.expand(argument.value, self.variables)
            self._declared += len(value or "")
            if self._declared > MAX_LENGTH:
                raise DockerfileError(f"all ARGs come to more than {MAX_LENGTH} characters")
            self.scope[argument.key] = value

    def value(self, key: str, default: str | None) -> str | None:
        """Return the value of an ARG in a stage, whose own default is `default`."""
        value = self.given.get(key, default)
        return self.scope.get(key) if value is None else value

    def proxies(self) -> dict[str, str]:
        """Return the variables of proxies, which each RUN has, in capitals and not."""
        found = {
            name.lower(): value for name, value in self.given.items() if name.lower() in _PROXIES
        }
        return found | {name.upper(): value for name, value in found.items()}


def _platform(prefix: str, platform: Platform) -> dict[str, str]:
    text = "/".join(filter(None, (platform.os, platform.architecture, platform.variant)))
    return {
        f"{prefix}PLATFORM": text,
        f"{prefix}OS": platform.os,
        f"{prefix}ARCH": platform.architecture,
        f"{prefix}VARIANT": platform.variant,
    }


def warn_of_unused(given: Mapping[str, str], dockerfile: Dockerfile, arguments: Arguments) -> None:
    """Warn of build arguments that no ARG asks for, in any stage, and of one that does less here.

    `SOURCE_DATE_EPOCH` is for all layers and images of a process, so it comes from outside alone.
    """
    if _EPOCH in given:
        warnings.warn(
            f"the build argument {quoted(_EPOCH)} changes no times: set the environment variable",
            DockerfileWarning,
            stacklevel=2,
        )
    steps = [*dockerfile.arguments, *(step for stage in dockerfile.stages for step in stage.steps)]
    declared = {
        argument.key for step in steps if isinstance(step, Arg) for argument in step.arguments
    }
    for name in given:
        known = name in arguments.scope or name.lower() in _PROXIES or name.startswith(_OWN)
        if name not in declared and not known:
            warnings.warn(
                f"nothing in {quoted(dockerfile.file)} uses the build argument {quoted(name)}",
                DockerfileWarning,
                stacklevel=2,
            )
