"""Who is measured: each contestant is a value that says how to run it and where its layer lands."""

import shlex
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from platform import python_version
from typing import Literal

Family = Literal["fastlayer", "python", "tool", "pipeline"]
Compression = Literal["gzip", "zstd", "none"]
Command = tuple[str, ...]

HERE = Path(__file__).parent
VERSION_TIMEOUT = 30  # seconds a program may take to say its version


@dataclass(frozen=True)
class Job:
    """What one run is asked to do: read the tree, write below the empty folder `out`."""

    tree: Path
    out: Path
    threads: int


@dataclass(frozen=True)
class Contestant:
    """One way to make a layer.

    `prepare` makes commands that run before the clock starts and don't touch the tree. `output` is
    the layer's file, or an OCI layout that holds it, relative to the folder of the job. A
    contestant that can't run here has the reason in `absent`, and is reported with it.
    """

    name: str
    title: str
    family: Family
    compression: Compression
    command: Callable[[Job], Command]
    output: str
    version: str
    absent: str = ""
    prepare: Callable[[Job], Sequence[Command]] = lambda _: ()

    def shown(self, threads: int) -> str:
        """Return the commands as a reader may type them, with `TREE` and `OUT` for the folders."""
        job = Job(Path("TREE"), Path("OUT"), threads)
        commands = [shown_command(one) for one in (*self.prepare(job), self.command(job))]
        return "\n".join(commands).replace(sys.executable, "python").replace(f"{HERE}/", "")


def shown_command(command: Command) -> str:
    """Return one command; a bash script is its own text with the arguments filled in."""
    if command[:2] != BASH:
        return shlex.join(command)
    script = command[2]
    for number, argument in enumerate(command[4:], start=1):
        script = script.replace(f'"${number}"', argument)
    return script


def first_line(command: Command) -> str:
    """Return the first line a program prints; raise `OSError` if it fails, with its reason."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=VERSION_TIMEOUT
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise OSError(said[-1].replace(sys.executable, "python"))
    return (done.stdout.strip() or done.stderr.strip()).splitlines()[0]


@cache
def probe(*programs: Command) -> tuple[str, str]:
    """Return the programs' versions, and why they can't be used (nothing if they can)."""
    versions, reasons = [], []
    for command in programs:
        if shutil.which(command[0]) is None:
            reasons.append(f"no `{command[0]}` on the PATH")
            continue
        try:
            versions.append(first_line(command).strip("* "))
        except (OSError, subprocess.TimeoutExpired) as error:
            reasons.append(str(error))
    return "; ".join(versions), "; ".join(reasons)


def fastlayer(option: str, title: str, compression: Compression) -> Contestant:
    """Return fastlayer through its command line, with one value of `--compression`."""
    version, absent = probe((sys.executable, "-m", "fastlayer", "--version"))
    name = "fastlayer-" + option.replace(":", "-")
    program = (sys.executable, "-m", "fastlayer", "layer")

    def command(job: Job) -> Command:
        output = str(job.out / "layer")
        options = ("--compression", option, "--json", "--threads", str(job.threads))
        return (*program, str(job.tree), "-o", output, *options)

    return Contestant(name, title, "fastlayer", compression, command, "layer", version, absent)


def pure_python(level: int) -> Contestant:
    """Return Python's own library in a single pass, at one level of gzip."""
    title = f"Python tarfile + gzip {level} + hashlib"
    version = f"Python {python_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}"

    def command(job: Job) -> Command:
        script, output = str(HERE / "pure_python.py"), str(job.out / "layer")
        return (sys.executable, script, str(job.tree), output, str(level))

    return Contestant(f"python-{level}", title, "python", "gzip", command, "layer", version)


def umoci() -> Contestant:
    """Return `umoci insert` of the tree into a fresh image of an OCI layout."""
    version, absent = probe(("umoci", "--version"))

    def prepare(job: Job) -> Sequence[Command]:
        layout = str(job.out / "layout")
        return ("umoci", "init", "--layout", layout), ("umoci", "new", "--image", f"{layout}:x")

    def command(job: Job) -> Command:
        return ("umoci", "insert", "--image", f"{job.out / 'layout'}:x", str(job.tree), "/")

    return Contestant(
        "umoci", "umoci insert", "tool", "gzip", command, "layout", version, absent, prepare
    )


BASH = ("bash", "-c")


def buildah() -> Contestant:
    """Return `buildah copy` and `commit` to an OCI layout, in a storage root of its own.

    The vfs driver needs no mounts, so it runs wherever the others do.
    """
    version, absent = probe(("bash", "--version"), ("buildah", "--version"))

    def program(out: str) -> str:
        return f"buildah --root {out}/root --runroot {out}/run --storage-driver vfs"

    def prepare(job: Job) -> Sequence[Command]:
        return ((*BASH, program('"$1"') + " from --name x scratch", "bash", str(job.out)),)

    def command(job: Job) -> Command:
        buildah = program('"$2"')
        script = (
            f'{buildah} copy --quiet x "$1" / &&\n'
            f'{buildah} commit --quiet --disable-compression=false x oci:"$2"/layout:x'
        )
        return (*BASH, script, "bash", str(job.tree), str(job.out))

    title = "buildah copy + commit"
    return Contestant("buildah", title, "tool", "gzip", command, "layout", version, absent, prepare)


def pipeline(name: str, title: str, compressor: str, compression: Compression) -> Contestant:
    """Return the shell's way: GNU tar, a compressor, and OpenSSL for both digests.

    `{threads}` in the compressor is filled in. The digests go to files: left on the standard
    output, the first one would run into the compressor.
    """
    program = compressor.partition(" ")[0]
    version, absent = probe(
        ("bash", "--version"),
        ("tar", "--version"),
        (program, "--version"),
        ("openssl", "version"),
    )

    def command(job: Job) -> Command:
        script = (
            "set -o pipefail\n"
            'tar --sort=name --numeric-owner -C "$1" -cf - . |\n'
            '  tee >(openssl dgst -sha256 -out "$2"/diff_id) |\n'
            f"  {compressor.format(threads=job.threads)} |\n"
            '  tee >(openssl dgst -sha256 -out "$2"/digest) > "$2"/layer'
        )
        return (*BASH, script, "bash", str(job.tree), str(job.out))

    title = f"tar | {title} | openssl"
    return Contestant(name, title, "pipeline", compression, command, "layer", version, absent)


def all_contestants() -> list[Contestant]:
    """Return every contestant, also those that can't run here, in the order of the rounds."""
    return [
        fastlayer("gzip:1", "fastlayer gzip:1", "gzip"),
        fastlayer("gzip:6", "fastlayer gzip:6", "gzip"),
        fastlayer("gzip", "fastlayer gzip (default level)", "gzip"),
        fastlayer("zstd:1", "fastlayer zstd:1", "zstd"),
        fastlayer("zstd:3", "fastlayer zstd:3", "zstd"),
        fastlayer("none", "fastlayer none", "none"),
        pure_python(1),
        pure_python(6),
        umoci(),
        buildah(),
        pipeline("pigz-1", "pigz -1", "pigz -1 -p{threads}", "gzip"),
        pipeline("igzip-1", "igzip -1", "igzip -1", "gzip"),
        pipeline("zstd-3", "zstd -3", "zstd -3 -T{threads}", "zstd"),
    ]
