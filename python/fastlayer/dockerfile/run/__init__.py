"""RUN: a command executed by an OCI runtime, on top of layers and for one more."""

from fastlayer.dockerfile.run.engine import RunEngine, run_step
from fastlayer.dockerfile.run.machine import enter_user_namespace
from fastlayer.dockerfile.run.step import Mounted, MountSource, RunStep, Script

__all__ = [
    "MountSource",
    "Mounted",
    "RunEngine",
    "RunStep",
    "Script",
    "enter_user_namespace",
    "run_step",
]
