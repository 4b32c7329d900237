"""Runs a piece of Python in a process of its own and says what it read, wrote and held."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

MIB = 1 << 20

SAVE = """
level = None if sys.argv[4] == "None" else int(sys.argv[4])
layer = fl.Layer.from_directory(sys.argv[1], compression=sys.argv[3], level=level, threads=2)
image = fl.Image.scratch(platform="linux/amd64").append(layer)
built = image.save(sys.argv[2], tags=["a:1"]).layers[0]
"""
"""Saves the directory as an image: arguments are directory, output, compression and level."""

# Peak memory is reset before the work, so that it shows the work and not the imports.
_PROLOGUE = """
import json, os, sys
import fastlayer as fl

def status(name, key):
    for line in open(f"/proc/self/{name}"):
        if line.startswith(key + ":"):
            return int(line.split()[1])

open("/proc/self/clear_refs", "w").write("5")
idle, read, written = status("status", "VmRSS"), status("io", "rchar"), status("io", "wchar")
"""
_EPILOGUE = """
print(json.dumps({
    "read": status("io", "rchar") - read,
    "written": status("io", "wchar") - written,
    "peak": (status("status", "VmHWM") - idle) * 1024,
    "sizes": [built.uncompressed_size, built.size, built.entries],
}))
"""


@dataclass(frozen=True)
class Cost:
    """Bytes that system calls read and wrote, bytes of memory over an idle process."""

    read: int
    written: int
    peak: int
    sizes: list[int]
    """Uncompressed size, size and entries of the layer `built`."""


def cost(code: str, *arguments: object) -> Cost:
    """Run `code`, which has `fl` and `sys.argv` and leaves a layer in `built`."""
    command = [sys.executable, "-c", _PROLOGUE + code + _EPILOGUE, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(**json.loads(result.stdout))
