"""What commands print when they are done: a record, or a few lines for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fastlayer import media_type
from fastlayer.cli.text import byte_count, echo, plural
from fastlayer.errors import named, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastlayer.built import BuiltImage, BuiltIndex
    from fastlayer.built_layer import BuiltLayer
    from fastlayer.destination import Output

__all__ = ["print_record", "show_image", "show_index", "show_layer"]


def print_record(record: Mapping[str, Any]) -> None:
    """Print one record as one line of JSON, in ASCII: names need not be valid Unicode."""
    echo(json.dumps(record))


def show_image(image: BuiltImage, output: Output) -> None:
    """Show what was built, where it is and what identifies it; on stderr if that is on stdout."""
    facts = [
        ("output", str(output)),
        ("platform", str(image.platform)),
        ("size", _size(image)),
        ("image ID", str(image.config.digest)),
        ("digest", str(image.digest)),
    ]
    for number, layer in enumerate(image.layers, 1):
        facts += [(f"layer {number}", _contents(layer)), ("  diff_id", str(layer.diff_id))]
    title = ", ".join(image.tags) or output.tag or "untagged image"
    _show(title, facts, to_stderr=output.kind == "stdout")


def show_index(index: BuiltIndex, output: Output) -> None:
    """Show where an index is, and its images; on stderr if that is on stdout."""
    facts = [("output", str(output)), ("digest", str(index.digest))]
    for number, image in enumerate(index.images, 1):
        facts.append((f"image {number}", f"{image.platform}, {_size(image)}"))
    title = ", ".join(index.tags) or output.tag or "untagged index"
    _show(title, facts, to_stderr=output.kind == "stdout")


def _size(image: BuiltImage) -> str:
    """Say how large all its blobs are: `12.3 MB in 2 layers`."""
    size = sum(layer.size for layer in image.layers) + image.config.size + image.size
    return f"{byte_count(size)} in {plural(len(image.layers), 'layer')}"


def show_layer(layer: BuiltLayer, output: str, *, to_stderr: bool) -> None:
    """Show where the layer is and what identifies it."""
    facts = [
        ("content", _contents(layer)),
        ("digest", str(layer.digest)),
        ("diff_id", str(layer.diff_id)),
    ]
    _show(output, facts, to_stderr=to_stderr)


def _contents(layer: BuiltLayer) -> str:
    """Say how much is in a layer, and how large that is: `30.1 MB (12.3 MB gzip), 7 entries`."""
    compression = media_type.compression_of(layer.media_type)
    if layer.uncompressed_size is None:
        return f"{byte_count(layer.size)} {compression or layer.media_type}, copied"
    size = byte_count(layer.uncompressed_size)
    if compression != "none":
        size += f" ({byte_count(layer.size)} {compression})"
    entries = "1 entry" if layer.entries == 1 else f"{layer.entries} entries"
    return f"{size}, {entries}"


def _show(title: str, facts: Iterable[tuple[str, str]], *, to_stderr: bool) -> None:
    with named("<stderr>" if to_stderr else "<stdout>"):
        click.secho(printable(title), bold=True, err=to_stderr)
        for name, value in facts:
            click.echo(f"  {name:<10}{printable(value)}", err=to_stderr)
