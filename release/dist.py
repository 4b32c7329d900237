"""Makes the sdist and the wheel, and checks both as they would be published: `make dist`.

The sdist is made of a copy without git, and the wheel of what is in the sdist, each twice in
folders of other names: the bytes are the same. All else that is installed is in requirements/.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS = ROOT / "target" / "dist"
REQUIREMENTS = ROOT / "requirements"
BINARIES = Path(sys.executable).parent

# A file of 2025: who releases sets the time of the commit.
EPOCH = "1735689600"

# The newest Linux that the wheel may ask for, by the version of its C library.
NEWEST_GLIBC = (2, 36)
IN_WHEEL = ("fastlayer/py.typed", "fastlayer/_core.pyi", "fastlayer/_core.abi3.so")
IN_SDIST = ("Cargo.lock", "LICENSE", "THIRD-PARTY.md", "pyproject.toml", "PKG-INFO")
LICENCES = ("LICENSE", "THIRD-PARTY.md")
FOREIGN = ("tests/", "benches/", "release/", "docs/", "rust/fuzz/", ".")


def main(argv: Sequence[str]) -> int:
    """Make, check and install; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m release.dist", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "dist", metavar="DIR")
    parser.add_argument(
        "--python",
        action="append",
        metavar="PROGRAM",
        help="install for this interpreter (default: the one that runs this)",
    )
    arguments = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="fastlayer-dist-") as folder:
            made = make(Path(folder))
            check(*made)
            for number, python in enumerate(arguments.python or [sys.executable]):
                install(python, made, Path(folder) / f"install-{number}")
            arguments.out.mkdir(parents=True, exist_ok=True)
            for file in made:
                say(f"{shutil.copyfile(file, arguments.out / file.name)} is ready")
    except ValueError as error:
        parser.exit(1, f"fastlayer: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(1, f"fastlayer: exit status {error.returncode} from `{error.cmd[0]}`\n")
    return 0


def make(folder: Path) -> tuple[Path, Path]:
    """Return the sdist and the wheel, after making each twice."""
    names = ("one", "another")
    sdists = []
    for name in names:
        checkout = folder / name / "checkout"
        copy_sources(checkout)
        sdists.append(maturin("sdist", checkout, folder / name / "sdist"))
    same(*sdists)
    wheels = []
    for name, sdist in zip(names, sdists, strict=True):
        source = unpacked(sdist, folder / name / "source")
        # A compiler that finds what the other one made would make nothing.
        options = ("--release", "--locked", "--target-dir", str(TARGETS / name))
        wheels.append(maturin("build", source, folder / name / "wheel", *options))
    same(*wheels)
    return sdists[0], wheels[0]


def same(one: Path, other: Path) -> None:
    """Raise `ValueError` unless both files have one name and the same bytes."""
    if one.name != other.name or one.read_bytes() != other.read_bytes():
        raise ValueError(f"`{one}` and `{other}` are not the same, but should be")
    say(f"{one.name}: twice the same {one.stat().st_size:,} bytes")


def copy_sources(target: Path) -> None:
    """Copy the files that git knows, as they are now, to a folder that git doesn't know."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in os.fsdecode(listed.stdout).split("\0")[:-1]:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def maturin(command: str, source: Path, out: Path, *options: str) -> Path:
    """Let maturin make something of a source, and return it."""
    run([str(BINARIES / "maturin"), command, "--out", str(out), *options], source)
    (made,) = out.iterdir()
    return made


def unpacked(sdist: Path, folder: Path) -> Path:
    """Return the one folder that is in the sdist."""
    with tarfile.open(sdist) as tar:
        tar.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def check(sdist: Path, wheel: Path) -> None:
    """Raise `ValueError` or `CalledProcessError` for something that should not be published."""
    with tarfile.open(sdist) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        compare(sdist, names, IN_SDIST)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name for name in names if name.endswith("/METADATA")).partition("/")[0]
        compare(wheel, names, [*IN_WHEEL, *(f"{info}/licenses/{name}" for name in LICENCES)])
        for name in names:
            content = archive.read(name)
            if any(bytes(place) in content for place in (ROOT, cargo_home())):
                raise ValueError(f"`{name}` of {wheel.name} has a path of this machine in it")
    check_tag(wheel.name)
    run([str(BINARIES / "twine"), "check", "--strict", str(sdist), str(wheel)])
    run([str(BINARIES / "check-wheel-contents"), str(wheel)])
    run([str(BINARIES / "abi3audit"), "--strict", str(wheel)])


def compare(file: Path, names: set[str], wanted: Sequence[str]) -> None:
    """Raise `ValueError` if a file lacks one that is wanted, or has one that is not for users."""
    missing = [name for name in wanted if name not in names]
    foreign = [name for name in names if name.startswith(FOREIGN)]
    if missing or foreign:
        raise ValueError(f"{file.name} lacks {missing} and has {foreign[:5]}, which it should not")


def check_tag(name: str) -> None:
    """Raise `ValueError` unless the wheel is for any Python from 3.11 on, on any usual Linux."""
    _, _, python, abi, platform = name.removesuffix(".whl").split("-")
    kind, major, minor, *_ = platform.split("_")
    if (python, abi, kind) != ("cp311", "abi3", "manylinux"):
        raise ValueError(f"`{name}` is not a wheel of cp311-abi3-manylinux")
    if (int(major), int(minor)) > NEWEST_GLIBC:
        raise ValueError(f"`{name}` asks for a newer C library than {NEWEST_GLIBC}")


def install(python: str, files: Sequence[Path], folder: Path) -> None:
    """Install each file into an empty environment of its own, and build an image there."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    (tree / "file").write_text("content\n", encoding="utf-8")
    for file in files:
        environment = folder / file.suffix.removeprefix(".")
        run([python, "-m", "venv", str(environment)])
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        locked = ["run.txt"] if file.suffix == ".whl" else ["run.txt", "build.txt"]
        chosen = [word for name in locked for word in ("-r", str(REQUIREMENTS / name))]
        run([*pip, "--require-hashes", *chosen])
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        run([*pip, "--no-index", "--no-deps", "--no-build-isolation", str(file)], PATH=path)
        image = str(folder / f"{environment.name}.tar")
        for words in (
            ["--help"],
            ["build", "--rootfs", str(tree), "-o", image],
            ["validate", image],
        ):
            run([str(environment / "bin" / "fastlayer"), *words], folder)
        say(f"{file.name}: installed and used by {python}")


def run(argv: Sequence[str], folder: Path = ROOT, **more: str) -> None:
    """Run a command; its output is shown if it fails."""
    done = subprocess.run(
        argv,
        cwd=folder,
        env={**environment(), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise subprocess.CalledProcessError(done.returncode, list(argv))


def environment() -> Mapping[str, str]:
    """Return the environment, and what makes bytes depend on nothing in it."""
    return {
        "SOURCE_DATE_EPOCH": EPOCH,
        **os.environ,
        "CARGO_TARGET_DIR": str(TARGETS / "installed"),
        # Where a crate lay is in the texts of its panics.
        "RUSTFLAGS": f"--remap-path-prefix={cargo_home()}=/cargo",
    }


def cargo_home() -> Path:
    """Return where cargo keeps the sources of crates."""
    return Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


def say(line: str) -> None:
    """Print a line at once: what follows takes minutes."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
