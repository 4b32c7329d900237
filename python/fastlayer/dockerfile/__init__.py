"""Dockerfiles, evaluated to images.

    with fl.dockerfile.evaluate("Dockerfile", context=".", build_args={"V": "1"}) as image:
        image.save("app.tar", tags=["app:1"])

`RunEngine` is what executes RUN. Both are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastlayer.dockerfile.evaluation import evaluate
    from fastlayer.dockerfile.run import RunEngine
else:

    def __getattr__(name: str) -> object:
        match name:
            case "evaluate":
                from fastlayer.dockerfile.evaluation import evaluate  # noqa: PLC0415

                return evaluate
            case "RunEngine":
                from fastlayer.dockerfile.run import RunEngine  # noqa: PLC0415

                return RunEngine
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["RunEngine", "evaluate"]
