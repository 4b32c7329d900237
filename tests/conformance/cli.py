"""The `fastlayer` command as a user runs it, and the parts of its record that tests look at."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .peers import call

# One name everywhere, so that what one engine shows can be compared with another.
NAME = "demo/debian:12"

Json = Any

# How each variant of the archive is asked for. `docker` means Docker's schema 2 media types.
VARIANTS = {
    "gzip": ("--compression", "gzip"),
    "zstd": ("--compression", "zstd"),
    "none": ("--compression", "none"),
    "docker": ("--format", "docker"),
}


@dataclass(frozen=True)
class Built:
    """An image on disk and the record that `fastlayer build --json` printed about it."""

    path: Path
    record: Json

    @property
    def config_digest(self) -> str:
        return str(self.record["config"]["digest"])

    @property
    def manifest_digest(self) -> str:
        return str(self.record["digest"])

    @property
    def is_zstd(self) -> bool:
        return any(layer["mediaType"].endswith("+zstd") for layer in self.record["layers"])

    @property
    def is_docker(self) -> bool:
        return "docker" in self.record["mediaType"]

    @property
    def diff_ids(self) -> list[str]:
        return [layer["diffID"] for layer in self.record["layers"]]


def fastlayer(*arguments: str | Path) -> str:
    """Run the command and return its stdout."""
    # A date in the environment would rewrite the times that the tests compare.
    env = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    return call([sys.executable, "-m", "fastlayer", *arguments], env=env)


def build(output: Path, *arguments: str | Path, transport: str = "") -> Built:
    """Build an image to `output`, named with the prefix `transport` where it needs one."""
    stdout = fastlayer("build", *arguments, "-o", f"{transport}{output}", "--json")
    return Built(output, json.loads(stdout))
