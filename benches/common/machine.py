"""What a reader must know of the machine to judge the figures."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from .arguments import available_cores

# The instructions that decide how fast digests and compressors are.
TELLING_FLAGS = ("sha_ni", "sha2", "pclmulqdq", "avx2", "avx512f")


@dataclass(frozen=True)
class Machine:
    """The processor, the cores this process may use, and the kernel."""

    cpu: str
    instructions: tuple[str, ...]
    cores: int
    memory_bytes: int
    kernel: str

    @property
    def short(self) -> str:
        return f"{self.cpu}, {self.cores} core" + "s" * (self.cores != 1)

    @property
    def line(self) -> str:
        return f"{self.short}, Linux {self.kernel}"


def this_machine() -> Machine:
    """Return the facts of the machine this process runs on."""
    facts = cpu_facts(Path("/proc/cpuinfo").read_text())
    flags = facts.get("flags", facts.get("Features", "")).split()
    return Machine(
        cpu=facts.get("model name", platform.machine()),
        instructions=tuple(flag for flag in TELLING_FLAGS if flag in flags),
        cores=available_cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
    )


def cpu_facts(cpuinfo: str) -> dict[str, str]:
    """Return the `name: value` pairs of the first processor in `/proc/cpuinfo`."""
    first = cpuinfo.strip().split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
