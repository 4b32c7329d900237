"""`fastlayer build image.toml`: what the file says, and what the command line says instead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from fastlayer.cli.command import Option
from fastlayer.cli.output import check_stdout
from fastlayer.cli.progress import meter
from fastlayer.cli.registry import registries_of
from fastlayer.cli.result import show
from fastlayer.cli.settings import with_options
from fastlayer.errors import quoted
from fastlayer.image import Image
from fastlayer.image_file import read_image_file
from fastlayer.image_index import Index
from fastlayer.options import Recipe
from fastlayer.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastlayer.destination import Output
    from fastlayer.image_file import ImageFile
    from fastlayer.options import PackOptions

__all__ = ["build_image_file", "is_image_file"]

_SUFFIX: Final = ".toml"

# Sections whose options say what is in an image, and those of them that do not.
_CONTENT: Final = ("Layers", "Edits", "Dockerfile")
_PACKING: Final = ("compression", "threads", "verify")


def is_image_file(source: str | None) -> bool:
    """Whether an argument is an image file, by its name."""
    return source is not None and source.endswith(_SUFFIX)


def build_image_file(context: click.Context, given: Mapping[str, Any]) -> None:
    """Build what a file describes, and show what came out, a record for each output.

    Raises `click.UsageError` for options that the file would have to say.
    """
    path: str = given["source"]
    _refuse_content(context, path)
    file = _with_options(read_image_file(path), given)
    check_stdout(used=any(one.kind == "stdout" for one in file.outputs), as_json=given["as_json"])
    registries = registries_of(given)
    with meter(given["progress"]) as shown:
        described = file.images(
            registries=registries,
            follow=shown.follow,
            change=lambda image: with_options(image, given),
        )
        if isinstance(described, Index):
            described = described.with_annotations(dict(given["annotation"]))
        built = file.write(described, registries=registries)
    for output, one in zip(file.outputs, built, strict=True):
        show(one, {**given, "output": output})


def _refuse_content(context: click.Context, path: str) -> None:
    for param in context.command.params:
        name = param.name or ""
        is_given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        is_content = isinstance(param, Option) and param.section in _CONTENT
        if is_given and is_content and name not in _PACKING:
            raise click.UsageError(
                f"`{max(param.opts, key=len)}` is for {quoted(path)} to say: write it there"
            )


def _with_options(file: ImageFile, given: Mapping[str, Any]) -> ImageFile:
    """Return the file with what the command line says in its place."""
    packing: PackOptions = {}
    if given["compression"] is not None:
        packing["compression"], packing["level"] = given["compression"]
    if given["threads"] is not None:
        packing["threads"] = given["threads"]
    if given["verify"]:
        packing["verify"] = True
    outputs = file.outputs if given["output"] is None else (given["output"],)
    _check_tags(given["tags"], outputs)
    # What is wrong with these is in no line of the file.
    Recipe.packing(packing)
    with_options(Image.scratch(), given)
    return replace(
        file,
        platforms=_platforms(file, given["platform"]),
        tags=given["tags"] or file.tags,
        outputs=outputs,
        format=given["format"] or file.format,
        created=file.created if given["created"] is None else given["created"],
        packing=packing,
    )


def _check_tags(tags: Sequence[str], outputs: Sequence[Output]) -> None:
    """Refuse a tag that no output takes; those of the file need not be for a registry."""
    for tag in tags:
        if outputs and not any(output.taken([tag]) for output in outputs):
            raise click.UsageError(f"the tag {quoted(tag)} is of another repository")


def _platforms(file: ImageFile, text: str | None) -> tuple[Platform, ...]:
    """Choose some of the file's platforms, of which it has any if it names none."""
    if text is None:
        return file.platforms
    chosen = tuple(map(Platform.parse, text.split(",")))
    if not file.platforms:
        return chosen
    for platform in chosen:
        if not any(platform.matches(known) for known in file.platforms):
            known = ", ".join(quoted(one) for one in file.platforms)
            raise click.UsageError(
                f"`--platform`: {quoted(platform)} is none of the file's: {known}"
            )
    return tuple(one for one in file.platforms if any(own.matches(one) for own in chosen))
