"""What a layer is made of, as the core takes it: a kind, and what goes with that."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from fastlayer.items import terms_of
from fastlayer.stored.blob import verified_layer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from fastlayer.store import LayerStretch
    from fastlayer.stored.image import StoredLayer

__all__ = ["LayerSource"]

_Derived = Literal["transcode", "rewrite", "flatten"]
_Own = Literal[
    "directory", "diff", "overlay", "files", "mtree", "archive", "part", "stream", "copy"
]
_Kind = _Own | _Derived


@dataclass(frozen=True, slots=True)
class LayerSource:
    """A source of a layer. Derived ones are made of stored layers."""

    kind: _Kind
    what: Any

    @property
    def repeatable(self) -> bool:
        """Whether it can be read more than once: a stream or pipe is gone when it was read."""
        if self.kind == "archive":
            return os.path.isfile(self.what)  # noqa: PTH113 (text, as the user wrote it)
        return self.kind != "stream"

    def opened(self, files: ExitStack) -> Any:
        """Give it as the core takes it; stored layers are verified, and open as long as `files`."""

        def opened(layers: Sequence[StoredLayer]) -> list[LayerStretch]:
            return [files.enter_context(verified_layer(layer)) for layer in layers]

        if self.kind == "copy":
            layers, items = terms_of(self.what)
            return opened(layers), items
        if self.kind not in get_args(_Derived):
            return self.what
        return opened(self.what) if self.kind == "flatten" else opened(self.what)[0]
