"""What fastlayer makes of a Dockerfile is what `docker build` makes of it.

Each folder of `dockerfiles/` is built by fastlayer and by real Dockers: a newer one, and this
Debian's too where `case.toml` does not ask for more than that one can.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from .cli import fastlayer
from .dockerfile_cases import Case, load, names
from .dockers import NEWER, OLDER, Docker
from .peers import need_root
from .same_image import assert_same_image


class Builds:
    """The images of this session, each built once."""

    def __init__(self, folder: Path, docker_of: Callable[[int], Docker]) -> None:
        self._folder = folder
        self._docker_of = docker_of
        self._made: dict[tuple[str, str], Path] = {}

    def docker(self, case: Case, version: int) -> Path:
        """Return the archive that `docker save` writes of the case's image."""
        return self._once(case, f"docker-{version}", lambda path: self._docker(case, version, path))

    def fastlayer(self, case: Case, version: int) -> Path:
        """Return fastlayer's archive; only of a base image does the version of Docker matter."""
        name = f"fastlayer-{version}" if case.image else "fastlayer"
        return self._once(case, name, lambda path: self._fastlayer(case, version, path))

    def _docker(self, case: Case, version: int, path: Path) -> None:
        docker = self._docker_of(version)
        options = list(case.options)
        if case.image is not None:
            self.docker(load(case.image), version)
            options.append(f"--build-arg=BASE={_tag(case.image)}")
        docker.build(self._context(case), case.dockerfile, _tag(case.name), *options)
        docker.engine("save", f"--output={path}", _tag(case.name))

    def _fastlayer(self, case: Case, version: int, path: Path) -> None:
        options = [*case.options, f"--tag={_tag(case.name)}", "--compression=none"]
        if case.image is not None:
            base = self.docker(load(case.image), version)
            options.append(f"--build-arg=BASE=docker-archive:{base}")
        if case.run:
            options += ["--run-engine=runc", "--network=none"]
        where = (f"--file={case.dockerfile}", self._context(case), f"--output={path}")
        fastlayer("build", *options, *where)

    def _context(self, case: Case) -> Path:
        return self._once(case, "context", case.write_context)

    def _once(self, case: Case, name: str, make: Callable[[Path], None]) -> Path:
        key = (case.name, name)
        if key not in self._made:
            path = self._folder / f"{case.name}.{name}"
            make(path)
            self._made[key] = path
        return self._made[key]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Builds:
    """Keep what was built; a daemon starts with the first test that needs it."""
    need_root("contexts with owners and devices")
    fixtures = {OLDER: "older_docker", NEWER: "newer_docker"}
    folder = tmp_path_factory.mktemp("dockerfiles")
    return Builds(folder, lambda version: request.getfixturevalue(fixtures[version]))


CASES = [load(name) for name in names()]


@pytest.mark.parametrize(
    ("case", "version"),
    [
        pytest.param(case, version, id=f"{case.name}-{version}")
        for case in CASES
        for version in (NEWER, OLDER)
        if version >= case.docker
    ],
)
def test_the_image_is_dockers(case: Case, version: int, builds: Builds) -> None:
    """Config, history, layers and files are equal."""
    theirs = builds.docker(case, version)
    assert_same_image(builds.fastlayer(case, version), theirs, version)


def _tag(name: str) -> str:
    return f"demo/{name}:1"
