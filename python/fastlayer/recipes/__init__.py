"""Recipes: base images as distributions make them, out of tweaks that people can read.

    from fastlayer import recipes

    image = recipes.debian_slim("rootfs.tar.xz", suite="bookworm")
    image.save("debian.tar", tags=["debian:12-slim"])

A recipe is a function of a directory, an archive or a stream to an `Image`. `tweaks` has the parts,
`base_image` makes a recipe of yours out of them, and `RECIPES` lists all by the names that
`fastlayer build --recipe` takes. `docs/recipes.md` is the guide.
"""

from fastlayer.recipes import tweaks
from fastlayer.recipes.distributions import alpine, centos, debian, debian_slim, fedora, ubuntu
from fastlayer.recipes.distroless import distroless
from fastlayer.recipes.listing import RECIPES, Recipe
from fastlayer.recipes.rootfs import base_image
from fastlayer.recipes.tweak import Tweaks

__all__ = [
    "RECIPES",
    "Recipe",
    "Tweaks",
    "alpine",
    "base_image",
    "centos",
    "debian",
    "debian_slim",
    "distroless",
    "fedora",
    "tweaks",
    "ubuntu",
]
