"""JSON documents of images: what is read and written is read again as the same."""

from functools import partial
from typing import Any

from fastlayer.archive.rows import ArchiveRow
from fastlayer.config import ImageConfig
from fastlayer.descriptor import Descriptor
from fastlayer.document import decode, encode
from fastlayer.index import ImageIndex, ImageLayout
from fastlayer.manifest import Manifest
from fuzz.held import value_of

_KINDS: tuple[Any, ...] = (
    Descriptor,
    Manifest,
    ImageIndex,
    ImageLayout,
    ImageConfig,
    list[ArchiveRow],
)


def check(content: bytes) -> None:
    for kind in _KINDS:
        read = value_of(partial(decode, content, kind, what="`document`"))
        if read is None:
            continue
        written = encode(read)
        again = decode(written, kind, what="what was written")
        assert again == read
        assert encode(again) == written
