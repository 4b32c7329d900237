"""Dockerfiles for tests, evaluated without a context unless one is given."""

from collections.abc import Callable
from typing import Any

import pytest

import fastlayer as fl
from fastlayer.dockerfile.instructions import StageInstruction
from fastlayer.dockerfile.reading import read_dockerfile

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def evaluated(text: str, **settings: Any) -> fl.Image:
    """The image of a Dockerfile, for those who look at its documents only."""
    with fl.dockerfile.evaluate(text.encode(), **settings) as image:
        return image


def config_of(body: str, **settings: Any) -> Any:
    """The settings of an image that begins with nothing."""
    return evaluated(f"FROM scratch\n{body}", **settings).config.config


def history_of(body: str, **settings: Any) -> list[str]:
    """What the history of such an image says."""
    config = evaluated(f"FROM scratch\n{body}", **settings).config
    return [step.created_by for step in config.history]


def step_of(text: str) -> StageInstruction:
    """The one instruction behind FROM."""
    (stage,) = read_dockerfile(f"FROM scratch\n{text}\n".encode(), file="Dockerfile").stages
    (step,) = stage.steps
    return step


def refusal(act: Callable[[], object]) -> str:
    """The message of the `DockerfileError` that `act` raises, and nothing else does."""
    with pytest.raises(fl.DockerfileError) as caught:
        act()
    return str(caught.value)
