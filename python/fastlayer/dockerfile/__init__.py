"""Dockerfiles, evaluated to images.

    with fl.dockerfile.evaluate("Dockerfile", context=".", build_args={"V": "1"}) as image:
        image.save("app.tar", tags=["app:1"])

`RunEngine` is what executes RUN. Both are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastlayer.later import later

if TYPE_CHECKING:
    from fastlayer.dockerfile.evaluation import evaluate
    from fastlayer.dockerfile.run import RunEngine
else:
    __getattr__ = later(
        __name__,
        {"RunEngine": "fastlayer.dockerfile.run", "evaluate": "fastlayer.dockerfile.evaluation"},
    )

__all__ = ["RunEngine", "evaluate"]
