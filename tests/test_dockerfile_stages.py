"""Stages: their bases, arguments, names and targets, and what is done for a base on its child."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from dockerfiles import PATH, config_of, evaluated, refusal
from registries import Registry
from registries.client import sent_to


@pytest.fixture
def base(tmp_path: Path) -> str:
    """An image with a history, a layer and what a child inherits, as a transport names it."""
    image = (
        fl.Image.scratch(platform="linux/arm64")
        .append(
            fl.Layer.from_files({"etc/base": b"x"}),
            history=fl.History(created_by="base", created="2001-01-01T00:00:00Z"),
        )
        .with_config(
            env=["A=1"],
            cmd=["x"],
            labels={"l": "1"},
            user="u",
            working_dir="/w",
            author="me",
            created="2001-01-01T00:00:00Z",
            on_build=["LABEL on=$A", "ENV B=$A"],
        )
    )
    path = tmp_path / "base.tar"
    image.save(path, tags=["base:1"])
    return f"oci-archive:{path}"


def labels(text: str, **settings: Any) -> dict[str, str]:
    """The labels of an image."""
    return dict(evaluated(text, **settings).config.config.labels)


def test_arguments_before_from_are_for_from() -> None:
    """A stage has those that it names again, with another default or without."""
    text = (
        "ARG a=1\nARG b=${a}2 c\nARG d=$c-$TARGETARCH e='scratch'\nFROM ${e}\n"
        "ARG a\nARG b=9\nARG c\nARG d\nLABEL r=$a,$b,${c-unset},$d,${e-unset}\n"
    )
    assert labels(text, platform="linux/s390x") == {"r": "1,9,unset,-s390x,unset"}


def test_given_arguments_come_first() -> None:
    """Before any default; what nobody declares is not seen."""
    text = "ARG a=1\nFROM scratch\nARG a\nARG b=2\nARG e=x\nLABEL r=$a$b,$c,$e\n"
    given = {"a": "A", "b": "$B", "e": ""}
    assert labels(text, build_args=given) == {"r": "A$B,,"}


def test_platforms_are_arguments() -> None:
    """Of what is built for, and of this machine; a variant is one of them."""
    text = "FROM scratch\nARG TARGETPLATFORM\nARG TARGETOS TARGETVARIANT\nARG BUILDPLATFORM\n"
    text += "LABEL r=$TARGETPLATFORM,$TARGETOS,$TARGETVARIANT b=$BUILDPLATFORM n=$TARGETARCH\n"
    found = labels(text, platform="linux/arm/v7")
    assert found == {"r": "linux/arm/v7,linux,v7", "b": str(fl.Platform.host()), "n": ""}
    given = {"TARGETARCH": "mine"}
    assert labels("FROM scratch\nARG TARGETARCH\nLABEL r=$TARGETARCH\n", build_args=given) == {
        "r": "mine"
    }


def test_arguments_are_inherited_but_no_part_of_the_image() -> None:
    """By stages on top; the environment of the image wins there."""
    text = "FROM scratch AS a\nARG x=1\nENV y=2\nARG y=3\nFROM a\nLABEL r=$x$y\nARG x\nLABEL s=$x\n"
    image = evaluated(text)
    assert image.config.config.labels == {"r": "12", "s": "1"}
    assert image.config.config.env == (PATH, "y=2")


def test_proxies_are_arguments_only_if_they_are_declared() -> None:
    """They are for RUN, and leave no trace."""
    given = {"HTTP_PROXY": "p"}
    assert labels("FROM scratch\nLABEL r=$HTTP_PROXY\n", build_args=given) == {"r": ""}
    text = "FROM scratch\nARG HTTP_PROXY\nLABEL r=$HTTP_PROXY\n"
    assert labels(text, build_args=given) == {"r": "p"}


def test_the_last_stage_is_the_image() -> None:
    """Or that of a name in any case, or of a number; of two with a name the later."""
    text = "FROM scratch AS One\nLABEL s=1\nFROM scratch AS two\nLABEL s=2\n"
    text += "FROM one AS two\nLABEL t=3\n"
    assert labels(text) == {"s": "1", "t": "3"}
    assert labels(text, target="oNE") == {"s": "1"}
    assert labels(text, target="TWO") == {"s": "1", "t": "3"}
    assert labels(text, target="1") == {"s": "2"}
    message = refusal(lambda: evaluated(text, target="three"))
    assert message == "`Dockerfile`: there is no stage `three`: it has `one`, `two`, `two`"
    assert "none has a name" in refusal(lambda: evaluated("FROM scratch\n", target="7"))


def test_stages_that_nothing_needs_are_not_evaluated() -> None:
    """Their base need not exist, nor what they copy; but they are read."""
    text = "FROM no.registry.example/x AS a\nRUN y\nFROM scratch AS b\nLABEL b=1\nFROM b\n"
    assert labels(text) == {"b": "1"}
    assert "unknown instruction" in refusal(lambda: evaluated(text.replace("RUN", "RNU")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a AS a\n", None),
        ("FROM scratch AS a\nCOPY --from=a x y\n", "`Dockerfile`:1: the stage a needs itself"),
        ("FROM scratch\nCOPY --from=0 x y\n", "`Dockerfile`:1: the stage 0 needs itself"),
        (
            "FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b\nFROM a\n",
            "`Dockerfile`:2: the stage `b` comes later: `--from` takes those above",
        ),
        (
            "FROM scratch\nCOPY --from=1 x y\nFROM scratch\nFROM scratch\nCOPY --from=0 a b\n",
            "`Dockerfile`:2: the stage `1` comes later",
        ),
        ("FROM scratch\nCOPY --from=5 x y\n", "`Dockerfile`:2: there is no stage 5: the last is 0"),
        (
            "FROM scratch\nCOPY --from=$x a b\n",
            "`Dockerfile`:2: `--from=$x` takes no variables: name a stage whose FROM has them",
        ),
        ("FROM $u\n", "`Dockerfile`:1: the base `$u` is empty"),
        ("FROM --platform=$u scratch\n", "`Dockerfile`:1: the platform `$u` is empty"),
        ("FROM --platform=a/b/c/d scratch\n", "`Dockerfile`:1: invalid platform `a/b/c/d`"),
        ("ARG a=${b:?no}\nFROM scratch\n", "`Dockerfile`:1: `${b:?no}`: b: no"),
        (
            "FROM Bad\n",
            "`Dockerfile`:1: `Bad` is neither a stage above nor the name of an image: invalid "
            "reference `Bad`",
        ),
    ],
)
def test_wrong_bases_and_sources_are_told(text: str, message: str | None) -> None:
    """With the line of the FROM or COPY. A name that is no stage above is an image."""
    if message is not None:
        assert refusal(lambda: evaluated(text)).startswith(message)
        return
    with pytest.raises((fl.RegistryError, fl.DockerfileError)):
        evaluated(text, build_contexts={"z": "docker://no.registry.example/x"})


def test_too_many_stages_on_each_other_are_refused() -> None:
    """A thousand are not a crash."""
    stages = "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(2000))
    text = f"FROM scratch AS s0\n{stages}"
    assert "more than 200 stages need each other" in refusal(lambda: evaluated(text))


def test_a_base_is_inherited(base: str) -> None:
    """Its settings, history, author and platform; not its time, nor what it wanted done."""
    image = evaluated(f"FROM {base}\nLABEL own=1\n")
    config = image.config
    assert (config.author, config.architecture, config.created) == ("me", "arm64", "")
    assert config.config.env == ("A=1", PATH, "B=1")
    assert config.config.labels == {"l": "1", "on": "1", "own": "1"}
    assert (config.config.user, config.config.working_dir) == ("u", "/w")
    assert config.config.on_build == ()
    first, *others = config.history
    assert (first.created_by, first.created) == ("base", "2001-01-01T00:00:00Z")
    assert [step.created_by for step in others] == ["LABEL on=1", "ENV B=1", "LABEL own=1"]
    assert len(image.layers) == 1


def test_a_platform_that_is_asked_for_is_that_of_the_image(base: str) -> None:
    """What a base is for counts only if nothing is asked for."""
    assert str(evaluated(f"FROM {base}\n", platform="linux/arm64/v8").platform) == "linux/arm64/v8"
    with pytest.raises(fl.InvalidImageError, match="no image for `linux/s390x`"):
        evaluated(f"FROM {base}\n", platform="linux/s390x")
    with pytest.raises(fl.InvalidImageError, match="no image for `linux/riscv64`"):
        evaluated(f"FROM --platform=linux/riscv64 {base}\n")


def test_what_a_stage_wants_is_done_on_its_child_only() -> None:
    """Before the child's own instructions, with the variables that it inherits."""
    text = (
        'FROM scratch AS a\nARG A=1\nONBUILD LABEL d=$A\nONBUILD CMD ["x"]\n'
        "FROM a AS b\nARG A=2\nLABEL e=$A\nONBUILD LABEL z=1\nFROM b AS c\n"
    )
    assert evaluated(text, target="a").config.config.on_build == ("LABEL d=$A", 'CMD ["x"]')
    assert labels(text, target="b") == {"d": "1", "e": "2"}
    assert labels(text) == {"d": "1", "e": "2", "z": "1"}
    assert evaluated(text).config.config.on_build == ()


def test_what_is_wanted_and_wrong_is_told_at_the_from() -> None:
    """Nobody looked at it before."""
    escaping = "FROM scratch AS a\nONBUILD RUN <<../x\n#!/bin/sh\n../x\nFROM a\n"
    assert refusal(lambda: evaluated(escaping)).startswith("`Dockerfile`:5: ONBUILD `RUN <<../x")
    message = refusal(lambda: evaluated("FROM scratch AS a\nONBUILD FOO x\nFROM a\n"))
    assert message == "`Dockerfile`:3: ONBUILD `FOO x` of the base: unknown instruction `FOO`"


@pytest.mark.parametrize(
    "trigger",
    ["COPY --from={} /etc /x", "RUN --mount=from={},target=/x y"],
)
def test_a_base_names_no_file_of_this_machine(tmp_path: Path, base: str, trigger: str) -> None:
    """An image comes from anywhere. What a stage of the same file says is the file's own word."""
    fl.Image.load(base).write_layout(tmp_path / "layout", tags=["x:1"])
    for place in (f"oci:{tmp_path / 'layout'}", base, "oci-archive:x.tar"):
        given = trigger.format(place)
        asking = fl.Image.load(base).with_config(on_build=[given])
        asking.write_layout(tmp_path / "asking", tags=["x:1"])
        text = f"FROM oci:{tmp_path / 'asking'}:1\n"
        message = refusal(lambda text=text: evaluated(text))  # type: ignore[misc]
        assert message.endswith("names a file of this machine: only the Dockerfile itself may")
    own = f"FROM scratch AS a\nONBUILD COPY --from={base} /etc /x\nFROM a\n"
    assert len(evaluated(own).layers) == 1


def test_build_contexts_are_images(base: str) -> None:
    """They stand in for bases, whatever way these are written, and for stages."""
    for name in ("debian", "debian:latest", "docker.io/library/debian"):
        image = evaluated("FROM debian\n", build_contexts={name: base})
        assert image.config.config.labels == {"l": "1", "on": "1"}
    text = "FROM scratch AS a\nLABEL not=this\nFROM a\n"
    assert "l" in labels(text, build_contexts={"a": base})
    assert labels(text, target="a", build_contexts={"a": base}) == {"l": "1"}
    later = "FROM scratch AS a\nCOPY --from=b /etc /x\nFROM scratch AS b\n"
    assert len(evaluated(later, target="a", build_contexts={"b": base}).layers) == 1
    nothing = {"debian": "docker-image://scratch"}
    assert labels("FROM debian\nLABEL a=b\n", build_contexts=nothing) == {"a": "b"}


def test_build_contexts_are_directories_or_layouts(tmp_path: Path, base: str) -> None:
    """To copy from; a FROM needs an image."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("f")
    fl.Image.load(base).write_layout(tmp_path / "layout", tags=["x:1"])
    contexts = {"d": tmp_path / "d", "l": f"oci-layout://{tmp_path / 'layout'}:1"}
    text = "FROM l\nCOPY --from=d f /f\n"
    assert len(evaluated(text, build_contexts=contexts).layers) == 2
    message = refusal(lambda: evaluated("FROM d\n", build_contexts=contexts))
    assert "the build context `d` is a directory" in message


def test_other_names_are_those_of_registries(base: str, tmp_path: Path) -> None:
    """For FROM and `--from` alike; what is read more than once is fetched once."""
    with Registry() as registry:
        name = f"{registry.domain}/some/base:1"
        fl.Image.load(base).push(name)
        text = f"FROM {name}\nCOPY --from={name} /etc /x\nCOPY --from={name} /etc /y\n"
        before = len(sent_to(registry))
        with fl.dockerfile.evaluate(text.encode()) as image:
            image.save(tmp_path / "child.tar")
        (layer,) = fl.Image.load(base).layers
        assert isinstance(layer, fl.StoredLayer)
        asked = [request.path for request in sent_to(registry)[before:] if request.method == "GET"]
        # To be read here, and for the image.
        assert sum(layer.descriptor.digest in path for path in asked) == 2
    names = [step.created_by for step in fl.Image.load(tmp_path / "child.tar").config.history]
    assert names[-2:] == ["COPY /etc /x # buildkit", "COPY /etc /y # buildkit"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a", "nowhere", "expected a directory"),
        ("a", "https://x/y.git", "fetch it first"),
        ("A B", ".", "invalid reference"),
        ("scratch", ".", "cannot have the name `scratch`"),
    ],
)
def test_wrong_build_contexts_are_refused(name: str, value: str, message: str) -> None:
    """Before anything is read."""
    with pytest.raises(fl.InvalidArgumentError, match=message):
        evaluated("FROM scratch\n", build_contexts={name: value})


@contextmanager
def _made(**settings: Any) -> Iterator[fl.Image]:
    with fl.dockerfile.evaluate(b"FROM scratch\nLABEL a=b\n", **settings) as image:
        yield image


def test_wrong_options_are_refused_at_once() -> None:
    """As everywhere."""
    with pytest.raises(fl.InvalidArgumentError), _made(compression="lzma"):
        pass
    with pytest.raises(TypeError), _made(colour="red"):
        pass
    with pytest.raises(fl.InvalidPlatformError), _made(platform="a/b/c/d"):
        pass
    nul = {"a": "\0"}
    with pytest.raises(fl.InvalidConfigError, match="build argument a"), _made(build_args=nul):
        pass


def test_a_docker_archive_of_old_has_nothing_of_its_makers(tmp_path: Path, base: str) -> None:
    """Members that only described the container it was committed from do not go on."""
    path = tmp_path / "old.tar"
    image = fl.Image.load(base)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "docker_version": "1.2",
        "container_config": {"Hostname": "x"},
        "config": {"Hostname": "x", "Env": ["A=1"], "Image": "sha256:0"},
        "rootfs": {"type": "layers", "diff_ids": [str(image.config.rootfs.diff_ids[0])]},
    }
    _docker_archive(path, config, image)
    child = evaluated(f"FROM docker-archive:{path}\n")
    assert not child.config.unknown
    assert not child.config.config.unknown
    assert child.config.config.env == ("A=1", PATH)


def _docker_archive(path: Path, config: dict[str, Any], image: fl.Image) -> None:
    from archives import tar  # noqa: PLC0415 (only here)

    (layer,) = image.layers
    assert isinstance(layer, fl.StoredLayer)
    content = gzip.decompress(b"".join(layer.blob.chunks()))
    manifest = [{"Config": "c.json", "RepoTags": ["old:1"], "Layers": ["l/layer.tar"]}]
    path.write_bytes(
        tar(
            {
                "manifest.json": json.dumps(manifest).encode(),
                "c.json": json.dumps(config).encode(),
                "l/layer.tar": content,
            }
        )
    )


def test_nothing_else_than_stages_is_in_lower_case() -> None:
    """A FROM finds a stage by its name as it is kept, as docker does."""
    assert config_of("LABEL a=b").labels == {"a": "b"}
    message = refusal(lambda: evaluated("FROM scratch AS Base\nFROM Base\n"))
    assert "`Base` is neither a stage above nor the name of an image" in message
