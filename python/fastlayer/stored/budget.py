"""How often documents are read: a small image cannot have a large one read for each line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastlayer.errors import InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Budget"]

# Bytes that may be read again: some for whatever there is, and so much for each byte that is there.
_FREE: Final = 16 << 20
_FACTOR: Final = 2


class Budget:
    """Bytes of documents of one place. Each is free once; again, there is a limit for all."""

    def __init__(self) -> None:
        self._read: set[Hashable] = set()
        self._left = _FREE

    def take(self, document: Hashable, size: int, *, what: str) -> None:
        """Count a document of `size` bytes; messages call it `what`.

        Raises `InvalidImageError` if that is too much by now.
        """
        if document in self._read:
            self._left -= size
        else:
            self._read.add(document)
            self._left += _FACTOR * size
        if self._left < 0:
            raise InvalidImageError(f"{what}: too many documents lead to it and others like it")
