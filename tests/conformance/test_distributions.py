"""The Dockerfiles that CentOS, Alpine and Ubuntu publish, with archives of a real file system.

The archives have the distributions' names, and hold a Debian: those of others are not Debian's to
fetch. Ubuntu's has its commands, which crun runs here and docker's builder there.
"""

from pathlib import Path

import pytest

from .cli import fastlayer
from .dockers import Docker
from .peers import call, find
from .same_image import assert_same_image

FOLDER = Path(__file__).parent / "distributions"

# The archive that a Dockerfile adds, and how it is compressed: at the fastest level.
ARCHIVES = {
    "alpine": ("alpine-minirootfs-3.13.5-x86_64.tar.gz", "gzip -1"),
    "centos": ("centos-7-x86_64-docker.tar.xz", "xz -0 --threads=2"),
    "ubuntu": ("ubuntu-focal-core-cloudimg-amd64-root.tar.gz", "gzip -1"),
}
COMMANDS = {"alpine": ["/bin/sh"], "centos": ["/bin/bash"], "ubuntu": ["/bin/bash"]}

# All but what is many megabytes and only data: it would go through both builders three times.
LARGE = ("doc", "locale", "zoneinfo")
PACK = (
    *("--numeric-owner", "--xattrs", "--xattrs-include=*"),
    "--exclude=./usr/lib/*/gconv/*",
    *(f"--exclude=./usr/share/{name}/*" for name in LARGE),
)


@pytest.mark.parametrize("name", sorted(ARCHIVES))
def test_the_image_is_dockers_and_runs(
    name: str, rootfs: Path, newer_docker: Docker, tmp_path: Path
) -> None:
    """Labels, command, history and files are those that docker gives for the same file."""
    context = tmp_path / "context"
    context.mkdir()
    archive, compress = ARCHIVES[name]
    program = f"--use-compress-program={compress}"
    call([find("tar"), *PACK, program, "-cf", context / archive, "-C", rootfs, "."])
    dockerfile = FOLDER / name / "Dockerfile"
    theirs, ours = tmp_path / "docker.tar", tmp_path / "fastlayer.tar"
    docker = newer_docker.engine

    newer_docker.build(context, dockerfile, f"docker/{name}:1")
    docker("save", f"--output={theirs}", f"docker/{name}:1")
    build = ("build", f"--file={dockerfile}", context, f"--output={ours}", "--compression=none")
    run = ("--run-engine=crun", "--network=none") if name == "ubuntu" else ()
    fastlayer(*build, *run, f"--tag=fastlayer/{name}:1")
    assert_same_image(ours, theirs, newer_docker.version)

    docker("load", f"--input={ours}")
    shown = [
        docker("image", "inspect", "--format={{json .Config.Labels}} {{json .Config.Cmd}}", image)
        + docker("history", "--no-trunc", "--format={{.CreatedBy}}", image)
        for image in (f"fastlayer/{name}:1", f"docker/{name}:1")
    ]
    assert shown[0] == shown[1]
    start = ("run", "--rm", "--network=none", f"fastlayer/{name}:1")
    assert docker(*start) == ""  # the image's own shell, with nothing to read
    assert "bookworm" in docker(*start, *COMMANDS[name], "-c", "cat /etc/os-release")
    if name == "ubuntu":
        diverted = docker(*start, "dpkg-divert", "--list", "/sbin/initctl")
        assert diverted == "local diversion of /sbin/initctl to /sbin/initctl.distrib\n"
