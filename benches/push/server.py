"""A registry for the time of a run: a real server, on this machine, with a folder of its own."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benches.common.process import RunFailedError

# The server finds itself a free port and says so in its log.
CONFIG = """\
version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:0"}}
"""
PATIENCE = 10  # seconds until it listens
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running registry."""

    process: int
    address: str

    @property
    def cpu(self) -> float:
        """Return the seconds of CPU that it has used so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def serving(program: str, folder: Path) -> Iterator[Server]:
    """Run the server `program`, which is docker-registry or takes its command line."""
    config, log = folder / "config.yml", folder / "log"
    config.write_text(CONFIG.format(folder=folder))
    with log.open("wb") as file:
        try:
            process = subprocess.Popen([program, "serve", str(config)], stdout=file, stderr=file)
        except OSError as error:
            raise RunFailedError(f"{program}: {error.strerror}") from error
    try:
        yield Server(process.pid, address(log))
    finally:
        process.terminate()
        process.wait()


def address(log: Path) -> str:
    """Wait until the log tells where the server listens."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise RunFailedError(f"the registry does not listen: {log.read_text()[-200:]}")
