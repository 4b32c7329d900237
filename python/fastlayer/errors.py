"""The exceptions and warnings of fastlayer.

    FastlayerError
    ├── InvalidArgumentError (also a ValueError)   an argument is wrong; nothing was done
    │   ├── InvalidReferenceError                  a repository, tag or whole reference
    │   ├── InvalidDigestError                     a digest
    │   ├── InvalidPlatformError                   a platform
    │   └── InvalidConfigError                     a setting of an image config
    ├── SourceError                                the files or the archive a layer is made of
    │   ├── SourceChangedError                     a file changed while it was read
    │   ├── UnsupportedEntryError                  an entry that a layer cannot hold
    │   │   └── OutOfOrderError                    it could, if the archive were read twice
    │   ├── MalformedArchiveError                  an archive that is cut short or broken
    │   ├── MtreeError                             a line of an mtree file
    │   └── UnmatchedEditError                     an edit found nothing to edit
    ├── DockerfileError                            a line of a Dockerfile
    ├── InvalidImageError                          a document, archive or layout that was read
    ├── RegistryError                              a registry refused, failed or was not reached
    │   └── RegistryAuthError                      it does not let us, or not as who we are
    ├── NotBuiltError                              a digest or size was asked for too early
    └── InternalError                              a defect of fastlayer itself

    DockerfileWarning (a UserWarning)              something in a Dockerfile that is hardly meant
    SourceWarning (a UserWarning)                  something was left out of a layer, or not met
    RegistryWarning (a UserWarning)                something that not every registry takes

Failures of the operating system stay what they are: an `OSError` with `errno` and `filename`.

A message is one line, its values in backticks, and has no full stop.
"""

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = [
    "DockerfileError",
    "DockerfileWarning",
    "FastlayerError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidConfigError",
    "InvalidDigestError",
    "InvalidImageError",
    "InvalidPlatformError",
    "InvalidReferenceError",
    "MalformedArchiveError",
    "MtreeError",
    "NotBuiltError",
    "OutOfOrderError",
    "RegistryAuthError",
    "RegistryError",
    "RegistryWarning",
    "SourceChangedError",
    "SourceError",
    "SourceWarning",
    "UnmatchedEditError",
    "UnsupportedEntryError",
    "named",
    "printable",
    "quoted",
    "warn_of",
]

# A message has at most this many characters: two whole paths, and what is said of them. Names in
# archives have up to 1 MiB.
_MESSAGE_CHARACTERS = 9000

# A message shows at most this many characters of one value: enough for a sha512 digest.
_QUOTED_CHARACTERS = 140


def quoted(value: object) -> str:
    """`value` in backticks as a message shows it: a long one is cut and ends in `…`."""
    try:
        text = str(value)
    except ValueError:
        # A whole number with more digits than Python writes in decimals.
        text = hex(value) if isinstance(value, int) else type(value).__name__
    if len(text) > _QUOTED_CHARACTERS:
        text = text[: _QUOTED_CHARACTERS - 1] + "…"
    return f"`{text}`"


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the name of a file into an `OSError` of a call that only knew a descriptor."""
    try:
        yield
    except OSError as error:
        # Some calls put the descriptor there.
        unnamed = error.filename is None or isinstance(error.filename, int)
        if unnamed and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def printable(text: str) -> str:
    """`text` with line breaks, terminal escapes and undecodable bytes as backslash escapes.

    Names in messages come from archives and documents of strangers.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


class FastlayerError(Exception):
    """Everything that fastlayer raises on purpose, apart from `OSError` and `KeyboardInterrupt`."""

    def __init__(self, message: str) -> None:
        shown = printable(message)
        if len(shown) > _MESSAGE_CHARACTERS:
            # What is wrong is said at the end.
            half = _MESSAGE_CHARACTERS // 2
            shown = f"{shown[:half]}…{shown[-half:]}"
        super().__init__(shown)


class InvalidArgumentError(FastlayerError, ValueError):
    """An argument is wrong. It is raised before any work is done."""


class InvalidReferenceError(InvalidArgumentError):
    """The text is not an image reference."""


class InvalidDigestError(InvalidArgumentError):
    """The text is not a digest, or its algorithm is not supported."""


class InvalidPlatformError(InvalidArgumentError):
    """The text is not a platform."""


class InvalidConfigError(InvalidArgumentError):
    """A setting of an image config is wrong."""


class SourceError(FastlayerError):
    """The input of a layer is wrong; `path` names the file or entry where that is known."""

    path: str | None

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class SourceChangedError(SourceError):
    """A file grew, shrank, vanished or was replaced while it was read."""


class UnsupportedEntryError(SourceError):
    """An entry that a layer cannot represent."""


class OutOfOrderError(UnsupportedEntryError):
    """An entry asks for a second look at the archive, which a stream or pipe does not allow."""


class MalformedArchiveError(SourceError):
    """An input archive is truncated, broken or ambiguous."""


class MtreeError(SourceError):
    """A line of an mtree file cannot be read, or does not fit what it describes."""


class UnmatchedEditError(SourceError):
    """An edit matched nothing in its source, where that is not allowed."""


class DockerfileError(FastlayerError):
    """A Dockerfile that cannot be read, or an instruction that cannot be done as it says.

    `file` and `line` (from 1) say where, once that is known; the message begins with them:
    "`Dockerfile`:12: …".
    """

    file: str | None
    line: int | None

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        place = (
            ""
            if file is None
            else f"{quoted(file)}: "
            if line is None
            else f"{quoted(file)}:{line}: "
        )
        super().__init__(place + message)
        self.file = file
        self.line = line


class InvalidImageError(FastlayerError):
    """A document, archive or layout that was read is wrong."""


class RegistryError(FastlayerError):
    """A registry refused something, answered wrongly or not at all.

    `status` is that of its HTTP answer, if there was one, and `code` what it calls the failure,
    such as `MANIFEST_UNKNOWN` (distribution-spec, "Error Codes"). No message has credentials in it.
    """

    status: int | None
    code: str | None

    def __init__(self, message: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class RegistryAuthError(RegistryError):
    """A registry does not let us, or there is something wrong with the credentials for it."""


class NotBuiltError(FastlayerError):
    """A layer or image was asked for something that is known only once it is built."""


class InternalError(FastlayerError):
    """A defect of fastlayer itself: please report it."""


class DockerfileWarning(UserWarning):
    """Something in or for a Dockerfile has no effect, or one that is hardly meant."""


class SourceWarning(UserWarning):
    """Something in the input was left out of a layer, which the message names."""


class RegistryWarning(UserWarning):
    """Something goes to a registry that others would not take."""


def warn_of(warned: Iterable[tuple[str, str]]) -> None:
    """Issue a `SourceWarning` for each path and sentence, in the name of the caller's caller."""
    for path, message in warned:
        warnings.warn(f"{quoted(path)} {message}", SourceWarning, stacklevel=3)
