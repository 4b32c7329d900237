"""What is published: everything it is made of is locked, and its licences are told."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from release import dist, licences

from conformance.peers import find

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"

PIN = re.compile(
    r"^([a-z0-9.-]+)==([^ ;\\]+)(?: ;[^\\]*)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$"
)


def wanted(group: str) -> list[Requirement]:
    """Return what pyproject.toml asks for in a group, or to run."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = project["dependency-groups"].get(group) or project["project"]["dependencies"]
    return [Requirement(line) for line in lines]


def pins(lock: Path) -> dict[str, str]:
    """Return what a locked file has, with the version; every line of it is understood."""
    text = re.sub(r"^ *#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    found = {}
    for entry in re.split(r"\n(?=[a-z])", text.strip()):
        match = PIN.match(entry)
        assert match, entry
        found[match[1]] = match[2]
    return found


def packages(lock: Path) -> list[dict[str, Any]]:
    """Return what a Cargo.lock has that is not of this repository."""
    found = tomllib.loads(lock.read_text())["package"]
    return [one for one in found if not one["name"].startswith("fastlayer")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.stem))
def test_every_package_is_locked_by_hash(lock: Path) -> None:
    """No file names a host, and each has what pyproject.toml asks for, in an allowed version."""
    assert "//" not in lock.read_text()
    locked = pins(lock)
    for requirement in wanted(lock.stem):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_every_group_has_a_file() -> None:
    """What is asked for without a lock would be installed without one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert {lock.stem for lock in LOCKS} == {"run", *project["dependency-groups"]}
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


def test_files_that_are_installed_together_agree() -> None:
    """pip would refuse two versions of one package, or install the one after the other."""
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in pins(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("lock", ["Cargo.lock", "rust/fuzz/Cargo.lock"])
def test_every_crate_is_of_one_registry_and_locked_by_checksum(lock: str) -> None:
    """Nothing comes from a repository, which may change, or from elsewhere."""
    for package in packages(ROOT / lock):
        assert package["source"] == CRATES_IO, package
        assert re.fullmatch("[0-9a-f]{64}", package["checksum"]), package


def test_a_fuzzer_tries_the_crates_that_are_published() -> None:
    """Both locks have the same version of what both have."""
    published = {(one["name"], one["version"]) for one in packages(ROOT / "Cargo.lock")}
    names = {name for name, _ in published}
    fuzzed = {(one["name"], one["version"]) for one in packages(ROOT / "rust/fuzz/Cargo.lock")}
    assert {one for one in fuzzed if one[0] in names} <= published


def test_the_licences_are_those_of_what_is_linked() -> None:
    """THIRD-PARTY.md is what `make licences` writes; deny.toml allows each; nothing is twice."""
    find("cargo")
    linked = licences.parts()
    assert len({part.name for part in linked}) == len(linked)
    assert [one for one in linked if not licences.allowed(one.licence, licences.policy())] == []
    assert licences.FILE.read_text() == licences.document(linked)


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", True),
        ("GPL-2.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("MIT/Apache-2.0", True),
        ("MIT AND GPL-2.0-only", False),
        ("GPL-2.0-only OR MIT AND Zlib", True),
        ("Apache-2.0 WITH LLVM-exception", False),
    ],
)
def test_one_licence_of_several_is_enough(licence: str, *, expected: bool) -> None:
    """An exception is another licence."""
    assert licences.allowed(licence, frozenset({"MIT", "Zlib", "Apache-2.0"})) is expected


@pytest.mark.parametrize(
    "name",
    [
        "fastlayer_oci-1-cp311-cp311-manylinux_2_34_x86_64.whl",
        "fastlayer_oci-1-cp311-abi3-linux_x86_64_x_x.whl",
        "fastlayer_oci-1-cp311-abi3-manylinux_2_99_x86_64.whl",
    ],
)
def test_a_wheel_for_less_is_refused(name: str) -> None:
    """One Python, one machine, or a Linux that hardly anybody has."""
    with pytest.raises(ValueError, match=r"manylinux|newer"):
        dist.check_tag(name)


def test_a_wheel_has_what_it_needs_and_nothing_else() -> None:
    """Tests are not for users."""
    dist.compare(Path("x.whl"), {"a", "b"}, ["a"])
    with pytest.raises(ValueError, match=r"x\.whl lacks \['c'\] and has \['tests/t\.py'\]"):
        dist.compare(Path("x.whl"), {"a", "tests/t.py"}, ["a", "c"])
