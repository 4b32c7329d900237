"""The exceptions: their tree, their attributes and the form of their messages."""

import inspect
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer import errors
from fastlayer.errors import (
    FastlayerError,
    InvalidArgumentError,
    RegistryAuthError,
    RegistryError,
    SourceError,
    named,
    quoted,
)

EXCEPTIONS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, Exception)
]
SOURCE_ERRORS = [value for value in EXCEPTIONS if issubclass(value, SourceError)]


def test_the_docstring_draws_every_exception() -> None:
    """The tree that users read in the module's docstring is the whole tree."""
    assert errors.__doc__ is not None
    assert all(f" {value.__name__} " in f" {errors.__doc__}" for value in EXCEPTIONS[1:])


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_every_exception_survives_pickling(exception: type[Exception]) -> None:
    """A worker process can raise any of them through its pool."""
    copy = pickle.loads(pickle.dumps(exception("no `layer`")))  # noqa: S301 (made right here)
    assert type(copy) is exception
    assert str(copy) == "no `layer`"


@pytest.mark.parametrize("exception", SOURCE_ERRORS)
def test_a_source_error_carries_its_path_through_pickling(exception: type[SourceError]) -> None:
    """The path of a source error is an attribute, which pickling keeps."""
    copy = pickle.loads(pickle.dumps(exception("`a/b` vanished", "a/b")))  # noqa: S301
    assert copy.path == "a/b"
    assert exception("something").path is None


@pytest.mark.parametrize("exception", [RegistryError, RegistryAuthError])
def test_a_registry_error_carries_its_answer_through_pickling(
    exception: type[RegistryError],
) -> None:
    """Status and code are attributes; both are unknown where nobody answered."""
    copy = pickle.loads(pickle.dumps(exception("denied", 403, "DENIED")))  # noqa: S301
    assert (str(copy), copy.status, copy.code) == ("denied", 403, "DENIED")
    assert (exception("no answer").status, exception("no answer").code) == (None, None)


def test_bad_arguments_are_value_errors() -> None:
    """A caller who knows nothing of fastlayer catches a bad argument as `ValueError`."""
    arguments = [value for value in EXCEPTIONS if issubclass(value, InvalidArgumentError)]
    assert len(arguments) == 5
    assert all(issubclass(value, ValueError) for value in arguments)
    assert not issubclass(SourceError, ValueError)


@given(st.text())
def test_a_message_is_one_printable_line(text: str) -> None:
    """No name from an archive can break the line or steer the terminal that shows it."""
    message = str(FastlayerError(f"no {text}"))
    assert message.isprintable()
    assert len(message.splitlines()) == 1


def test_a_message_shows_undecodable_bytes_as_escapes() -> None:
    """A file name that is not UTF-8 can be told apart in a message."""
    name = b"a\xffb\n".decode("utf-8", "surrogateescape")
    assert str(FastlayerError(f"`{name}` vanished")) == r"`a\udcffb\n` vanished"


@pytest.mark.parametrize(("length", "shown"), [(139, 139), (140, 140), (141, 140), (5000, 140)])
def test_a_long_value_is_cut(length: int, shown: int) -> None:
    """A megabyte of text in a document does not become a megabyte of message."""
    assert len(quoted("a" * length)) == shown + 2


def test_a_number_of_any_size_can_be_shown() -> None:
    """Python writes no more than 4300 digits in decimals."""
    assert quoted(10**5000).startswith("`0x")
    assert len(quoted(10**5000)) < 200


def test_a_message_has_an_end() -> None:
    """Names of strangers have up to 1 MiB; what is wrong with them still is to be seen."""
    name = "\n" * 500_000
    shown = str(errors.MalformedArchiveError(f"`{name}` is no name"))
    assert shown.startswith("`\\n")
    assert shown.endswith("` is no name")
    assert "…" in shown
    assert len(shown) < 10_000


def test_a_descriptor_gets_a_name(tmp_path: Path) -> None:
    """Some calls say which descriptor it was: nobody knows that."""
    (tmp_path / "file").touch()
    with (
        (tmp_path / "file").open() as file,
        pytest.raises(NotADirectoryError) as caught,
        named("folder"),
    ):
        os.listdir(file.fileno())  # noqa: PTH208 (a descriptor has no `Path`)
    assert caught.value.filename == "folder"
