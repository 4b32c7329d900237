"""What the parsers that are written in Python do with any bytes.

Each module of `targets` has a function `check`, which holds what must be true for every input, and
a folder of `seeds`. `make fuzz` gives them what atheris makes (`python -m fuzz`), the tests what
hypothesis makes.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

__all__ = ["SEEDS", "TARGETS", "check_of"]

_HERE = Path(__file__).parent

SEEDS = _HERE / "seeds"
TARGETS = sorted(path.stem for path in (_HERE / "targets").glob("[a-z]*.py"))


def check_of(target: str) -> Callable[[bytes], None]:
    """The function that is given any bytes, and fails where something is wrong."""
    check: Callable[[bytes], None] = importlib.import_module(f"fuzz.targets.{target}").check
    return check
