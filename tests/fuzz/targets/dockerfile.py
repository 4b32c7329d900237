"""Dockerfiles with their context: evaluated twice they are the same image, or refused by line."""

from functools import cache
from pathlib import Path

import fastlayer as fl
from fastlayer.config import ImageConfig
from fastlayer.dockerfile.reading import read_dockerfile
from fastlayer.document import decode, encode
from fastlayer.errors import RegistryError
from fastlayer.registry.session import Session
from fuzz.held import folder, value_of


class _Nowhere(fl.Registries):
    """No registry is asked."""

    def session(self, domain: str) -> Session:
        raise RegistryError(f"`{domain}` is not reached")


def check(content: bytes) -> None:
    if value_of(lambda: read_dockerfile(content, file="Dockerfile"), _check_place) is None:
        return
    image = value_of(lambda: _image(content))
    if image is None:
        return
    written = encode(image.config)
    assert decode(written, ImageConfig, what="the config") == image.config
    assert _image(content).config == image.config


def _check_place(message: str) -> None:
    assert message.startswith("`Dockerfile`"), message


def _image(content: bytes) -> fl.Image:
    with fl.dockerfile.evaluate(content, context=_context(), registries=_Nowhere()) as image:
        # RUN is refused, and without it time comes from nowhere but here.
        return image.with_config(created=0)


@cache
def _context() -> Path:
    """Files to copy, and of each kind one that is special."""
    context = folder() / "context"
    (context / "d" / "e").mkdir(parents=True)
    for name in ("a", "b.txt", "d/c", "d/e/[x]"):
        (context / name).write_text(name)
    (context / "l").symlink_to("d")
    (context / "loop").symlink_to("loop")
    (context / ".dockerignore").write_text("b*\n!b.txt\n")
    return context
