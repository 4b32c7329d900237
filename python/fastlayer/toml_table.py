"""The tables of a TOML file, read with checks that name file, line and key.

What is wrong is one line, such as "`image.toml`:12: layer 2: unknown key `mod`: did you mean
`mode`?".
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from fastlayer.errors import InvalidArgumentError, InvalidImageError, quoted
from fastlayer.toml_file import PlacedError, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fastlayer.toml_file import TomlFile
    from fastlayer.toml_lines import Keys

__all__ = ["Table", "one_of", "read_table"]

_VARIABLE: Final = re.compile(r"\{(\w+)\}")


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a file as one table. Raises `InvalidArgumentError` and `OSError`."""
    file, values = read_document(path)
    return Table(values, file)


def one_of(keys: Sequence[str]) -> str:
    """List keys for a message."""
    return ", ".join(f"`{key}`" for key in keys)


@dataclass(frozen=True, slots=True)
class Table:
    """The values of one table, each checked when it is asked for.

    `title` says in messages which table it is, such as `layer 2`. `variables` are what `{name}`
    stands for in `expanded` text and in paths of the host; where they are `None`, nothing does.
    """

    values: Mapping[str, Any]
    file: TomlFile
    keys: Keys = ()
    title: str = ""
    variables: Mapping[str, str] | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.values

    @property
    def folder(self) -> str:
        """Where the file is, as paths of the host are joined to it."""
        return os.path.dirname(self.file.path)  # noqa: PTH120 (empty, and not `.`, beside it)

    def with_variables(self, variables: Mapping[str, str]) -> Self:
        """Return the table with other variables."""
        return replace(self, variables=variables)

    def wrong(self, reason: str, key: str | int | None = None) -> PlacedError:
        """Make the error for `key`, or for the table as a whole."""
        return PlacedError(": ".join(filter(None, (self._place(key), self.title, reason))))

    @contextmanager
    def at(self, key: str | None = None) -> Iterator[None]:
        """Put the place of `key`, or of the table, into what is raised about its value."""
        try:
            yield
        except PlacedError:
            raise
        except InvalidArgumentError as error:
            raise self.wrong(str(error), key) from error
        except InvalidImageError as error:
            raise InvalidImageError(str(self.wrong(str(error), key))) from error
        except OSError as error:
            if error.errno is None:
                raise
            place = ", ".join(filter(None, (self._place(key), self.title)))
            reason = f"{error.strerror} ({place})"
            raise OSError(error.errno, reason, error.filename) from error

    def _place(self, key: str | int | None) -> str:
        return self.file.place(self.keys if key is None else (*self.keys, key))

    def check_keys(self, known: Sequence[str], elsewhere: Mapping[str, str] | None = None) -> None:
        """Refuse keys that are not known; `elsewhere` tells where others belong."""
        for key in self.values:
            if key not in known:
                raise self.unknown(key, known, elsewhere)

    def unknown(
        self, key: str, known: Sequence[str], elsewhere: Mapping[str, str] | None = None
    ) -> PlacedError:
        """Make the error for a key that is not known here, with what may have been meant."""
        return self.wrong(f"unknown key {quoted(key)}: {_advice(key, known, elsewhere or {})}", key)

    def text(self, key: str) -> str:
        """Text."""
        value = self.values[key]
        if not isinstance(value, str):
            raise self.wrong(f"`{key}` must be text, got `{type(value).__name__}`", key)
        return value

    def name(self, key: str) -> str:
        """Text that the kernel takes: as a path, or as where a link leads."""
        return self._named(key, self.text(key))

    def texts(self, key: str) -> list[str]:
        """Texts, of which one alone needs no brackets."""
        value = self.values[key]
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise self.wrong(f"`{key}` must be text or an array of text", key)

    def array(self, key: str) -> list[Any]:
        """Return an array of anything."""
        value = self.values[key]
        if not isinstance(value, list):
            raise self.wrong(f"`{key}` must be an array, got `{type(value).__name__}`", key)
        return value

    def integer(self, key: str) -> int:
        """Return a whole number."""
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(f"`{key}` must be a number, got `{type(value).__name__}`", key)
        return value

    def flag(self, key: str) -> bool:
        """Return `true` or `false`."""
        value = self.values[key]
        if not isinstance(value, bool):
            raise self.wrong(f"`{key}` must be `true` or `false`", key)
        return value

    def time(self, key: str) -> int | datetime:
        """Return seconds since 1970, or a time."""
        value = self.values[key]
        if not isinstance(value, int | datetime):
            raise self.wrong(
                f"`{key}` must be seconds since 1970, or a time such as "
                "`2025-04-18T19:07:30Z` without quotes",
                key,
            )
        return value

    def expanded(self, key: str) -> str:
        """Text that the kernel takes, in which variables have their values."""
        return self._expanded(key, self.name(key))

    def host_path(self, key: str) -> str:
        """Return a path of this host, which is relative to the file; variables have values."""
        return str(Path(self.folder, self.expanded(key)))

    def host_paths(self, key: str) -> list[str]:
        """Return paths of this host, of which one alone needs no brackets."""
        return [
            str(Path(self.folder, self._expanded(key, self._named(key, text))))
            for text in self.texts(key)
        ]

    def table(self, key: str) -> Table:
        """Return a table inside of this one; where there is none, an empty one."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(f"`{key}` must be a table, got `{type(value).__name__}`", key)
        return replace(self, values=value, keys=(*self.keys, key))

    def tables(self, key: str) -> list[Table]:
        """Return the tables of an array, `[[key]]`, with their numbers in their titles."""
        value = self.values.get(key, [])
        if not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            name = ".".join([*(one for one in self.keys if isinstance(one, str)), key])
            raise self.wrong(f"`{key}` must be an array of tables: write `[[{name}]]`", key)
        return [
            replace(
                self,
                values=item,
                keys=(*self.keys, key, number),
                title=": ".join(filter(None, (self.title, f"{key} {number + 1}"))),
            )
            for number, item in enumerate(value)
        ]

    def _named(self, key: str, value: str) -> str:
        if not value or "\0" in value:
            raise self.wrong(f"`{key}` is empty or has a NUL: {quoted(value)}", key)
        return value

    def _expanded(self, key: str, text: str) -> str:
        variables = self.variables
        if variables is None:
            return text
        for name in _VARIABLE.findall(text):
            if name not in variables:
                known = one_of([f"{{{known}}}" for known in variables])
                raise self.wrong(f"`{key}` has {quoted(f'{{{name}}}')}: expected {known}", key)
        return _VARIABLE.sub(lambda match: variables[match[1]], text)


def _advice(key: str, known: Sequence[str], elsewhere: Mapping[str, str]) -> str:
    if key in elsewhere:
        return f"it belongs {elsewhere[key]}"
    near = get_close_matches(key, known, n=1)
    near = near or [one for one in known if key in one.split("_")]
    if near:
        return f"did you mean `{near[0]}`?"
    return f"expected {one_of(known)}"
