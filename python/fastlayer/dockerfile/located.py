"""Where an error is: the file and the line, said once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastlayer.errors import DockerfileError, InvalidArgumentError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["located"]


@contextmanager
def located(file: str, line: int) -> Iterator[None]:
    """Add the place to errors of the block that do not have one."""
    try:
        yield
    except DockerfileError as error:
        if error.file is not None:
            raise
        raise DockerfileError(str(error), file, line) from error
    except (InvalidArgumentError, SourceError) as error:
        raise DockerfileError(str(error), file, line) from error
