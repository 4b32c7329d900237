"""Writes THIRD-PARTY.md, the licences of all that is linked into a wheel: `make licences`.

What is linked is what cargo says of the extension on Linux, for the versions of Cargo.lock; macros
and build scripts leave nothing in it. The texts are those of the sources that cargo has fetched.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.common.tables import table

ROOT = Path(__file__).parents[1]
FILE = ROOT / "THIRD-PARTY.md"
POLICY = ROOT / "deny.toml"

TARGET = "x86_64-unknown-linux-gnu"
EXTENSION = "fastlayer-py"

# C libraries that are compiled into a crate: what they are, their licence, and its file there.
BUNDLED = {
    "liblzma-sys": ("liblzma, of XZ Utils", "0BSD", "xz/COPYING.0BSD"),
    "zstd-sys": ("libzstd", "BSD-3-Clause", "zstd/LICENSE"),
}

HEAD = """\
# Licences of others

fastlayer itself is under the [Apache License 2.0](LICENSE). The compiled extension in a wheel also
has in it what is listed here, and Rust's standard library (MIT OR Apache-2.0, © the Rust Project
contributors). Packages of Python are installed beside it, each with its own licence.

`make licences` writes this file of Cargo.lock and of the sources of each crate."""

# Licences that say it by reference; their one text is that of LICENSE.
APACHE = re.compile(r"^\s*Apache License\s+Version 2\.0", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """Something that is linked in: a crate, or a library that a crate brings."""

    name: str
    version: str
    licence: str
    texts: tuple[Path, ...]


def parts() -> list[Part]:
    """Return all that is linked into the extension, by name.

    Raises `subprocess.CalledProcessError` if cargo fails, after it said why.
    """
    folders = _folders()
    found = []
    for name, version, licence in sorted(set(_tree())):
        folder = folders.get((name, version))
        if folder is None:
            continue  # a crate of this workspace
        found.append(Part(name, version, licence, tuple(_texts(folder))))
        if name in BUNDLED:
            title, bundled_licence, text = BUNDLED[name]
            found.append(Part(title, f"in {name}", bundled_licence, (folder / text,)))
    return found


def document(linked: Sequence[Part]) -> str:
    """Return the text of the file: a table of the parts, then each text once."""
    rows = [[part.name, part.version, part.licence] for part in linked]
    texts: dict[str, tuple[str, list[str]]] = {}
    for part in linked:
        for path in part.texts:
            text = path.read_text(encoding="utf-8").strip()
            if "\n" not in text or (APACHE.search(text) and "LLVM" not in text):
                continue  # the name of a licence; the text that LICENSE has
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            texts.setdefault(key, (text, []))[1].append(part.name)
    chapters = [
        f"## {', '.join(dict.fromkeys(names))}\n\n{_quoted(text)}" for text, names in texts.values()
    ]
    return (
        "\n\n".join([HEAD, table(["part", "version", "licence"], rows, words=3), *chapters]) + "\n"
    )


def allowed(licence: str, names: frozenset[str]) -> bool:
    """Tell whether an SPDX expression without parentheses can be met by the licences in `names`."""
    return any(
        all(one.strip() in names for one in choice.split(" AND "))
        for choice in licence.replace("/", " OR ").split(" OR ")
    )


def policy(path: Path = POLICY) -> frozenset[str]:
    """Return the licences that may be linked in."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))["licenses"]["allow"]
    return frozenset(map(str, found))


def main(argv: Sequence[str]) -> int:
    """Write the file, or with `--check` compare it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m release.licences", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is old")
    check = parser.parse_args(argv).check
    linked = parts()
    refused = [part for part in linked if not allowed(part.licence, policy())]
    if refused:
        names = ", ".join(f"{part.name} ({part.licence})" for part in refused)
        parser.exit(1, f"fastlayer: deny.toml doesn't allow the licence of {names}\n")
    new = document(linked)
    if not check:
        FILE.write_text(new, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != new:
        parser.exit(1, f"fastlayer: {FILE.name} is older than Cargo.lock: run `make licences`\n")
    return 0


def _tree() -> Iterator[tuple[str, str, str]]:
    """Yield name, version and licence of each crate that is linked, some more than once."""
    options = ("--package", EXTENSION, "--features", "pyo3/extension-module", "--target", TARGET)
    edges = ("--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}|{l}")
    for line in _cargo("tree", "--locked", *options, *edges).splitlines():
        package, licence = line.removesuffix(" (*)").split("|")
        name, version = package.split()[:2]
        yield name, version.removeprefix("v"), licence


def _folders() -> dict[tuple[str, str], Path]:
    """Return where cargo keeps the source of each crate, but for those of this workspace."""
    options = ("--locked", "--format-version=1", "--filter-platform", TARGET)
    packages = json.loads(_cargo("metadata", *options))["packages"]
    return {
        (one["name"], one["version"]): Path(one["manifest_path"]).parent
        for one in packages
        if one["source"] is not None
    }


def _cargo(*arguments: str) -> str:
    done = subprocess.run(["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def _texts(folder: Path) -> list[Path]:
    names = ("LICEN", "COPYING", "COPYRIGHT", "NOTICE")
    return sorted(path for path in folder.iterdir() if path.name.upper().startswith(names))


def _quoted(text: str) -> str:
    """Return a text as it is: indented, so that nothing in it is Markdown."""
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
