"""COPY, ADD and WORKDIR, at random, are what `docker build` makes of them, or are refused too."""

import random
from pathlib import Path

import pytest

from .cases import batches
from .cli import fastlayer
from .dockerfile_cases import base
from .dockers import Docker
from .files import write_archive, write_files
from .peers import need_root
from .random_dockerfiles import dockerfile, ignore, tree
from .same_image import assert_same_image

SIZE = 10
TAG = "demo/random:1"


@pytest.mark.parametrize("seeds", batches(20, SIZE), ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_the_files_are_dockers(seeds: range, newer_docker: Docker, tmp_path: Path) -> None:
    need_root("contexts with owners")
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            _compare(random.Random(seed), newer_docker, folder)
        except AssertionError as error:
            text = (folder / "Dockerfile").read_text()
            raise AssertionError(f"seed {seed}: {error}\n{text}") from error


def _compare(chance: random.Random, docker: Docker, folder: Path) -> None:
    files = tree(chance, links=chance.random() < 0.7)
    unpacked = tree(chance, links=chance.random() < 0.3)
    hidden = {".dockerignore": ignore(chance)} if chance.random() < 0.4 else {}
    context, path = folder / "context", folder / "Dockerfile"
    write_files(context, {**files, **hidden, "base.tar": "", "x.tar": ""})
    write_archive(context / "base.tar", base())
    write_archive(context / "x.tar", unpacked)
    path.write_text(dockerfile(chance, files))
    theirs, ours = folder / "docker.tar", folder / "fastlayer.tar"
    build = ("build", f"--file={path}", context, f"--output={ours}", f"--tag={TAG}")
    try:
        docker.build(context, path, TAG)
    except AssertionError:
        with pytest.raises(AssertionError, match="Dockerfile`:"):
            fastlayer(*build)
        return
    docker.engine("save", f"--output={theirs}", TAG)
    fastlayer(*build, "--compression=none")
    assert_same_image(ours, theirs, docker.version)
