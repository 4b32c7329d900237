"""What becomes of instructions that make layers: when they are made, where, and what is left."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import fastlayer as fl
from dockerfiles import evaluated, refusal
from fastlayer import undo
from fastlayer.dockerfile.instructions import Mount
from fastlayer.dockerfile.run.step import RunStep, Script
from fastlayer.dockerfile.workshop import Workshop


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A context with an archive, a file and a directory; temporary folders are in `temporary`."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    context = tmp_path / "context"
    (context / "d" / "e").mkdir(parents=True)
    (context / "d" / "e" / "g").write_text("g")
    (context / "f").write_text("f")
    (context / ".dockerignore").write_text("ignored\n")
    (context / "ignored").write_text("x")
    with tarfile.open(context / "root.tar.xz", "w:xz") as archive:
        for name, content in (("etc/passwd", b"app:x:7:8::/:\n"), ("etc/group", b"")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left() -> list[Path]:
    """What is in the temporary folder."""
    return list(Path("temporary").iterdir())


def saved(text: str, **settings: Any) -> fl.Image:
    """Build in the context to `x.tar`, and read that."""
    evaluation = fl.dockerfile.evaluate(text.encode(), context="context", **settings)
    with evaluation as image:
        image.save("x.tar")
    assert left() == []
    return fl.Image.load("x.tar")


def members(layer: fl.StoredLayer | fl.Layer) -> dict[str, tarfile.TarInfo]:
    """The entries of a layer of an image that was read."""
    assert isinstance(layer, fl.StoredLayer)
    with tarfile.open(fileobj=io.BytesIO(b"".join(layer.blob.chunks()))) as tar:
        return {member.name: member for member in tar}


def digests(image: fl.Image) -> list[str]:
    """The digests of the layers of an image that was read."""
    return [layer.descriptor.digest for layer in image.layers if isinstance(layer, fl.StoredLayer)]


def test_one_pass_makes_all_layers() -> None:
    """Nothing is made before the image is written, where no instruction needs it."""
    text = "FROM scratch\nADD root.tar.xz /\nCOPY --chown=app f /opt/x/\nLABEL a=b\nCMD x\n"
    with fl.dockerfile.evaluate(text.encode(), context="context") as image:
        assert left() == []
        assert all(isinstance(layer, fl.Layer) for layer in image.layers)
        image.save("x.tar")
    root, copy = fl.Image.load("x.tar").layers
    assert set(members(root)) == {"etc", "etc/passwd", "etc/group"}
    found = members(copy)["opt/x/f"]
    assert (found.uid, found.gid) == (7, 8)


def test_a_file_is_read_by_its_path() -> None:
    """Relative to where the process is; messages have the path as it was given."""
    Path("context/Dockerfile").write_text("FROM scratch\nCOPY f /\n")
    with fl.dockerfile.evaluate(Path("context/Dockerfile"), context="context") as image:
        assert len(image.layers) == 1
    Path("bad").write_text("FRM scratch\n")
    with pytest.raises(fl.DockerfileError, match=r"^`bad`:1: ") as caught:
        fl.dockerfile.evaluate("bad").__enter__()
    assert (caught.value.file, caught.value.line) == ("bad", 1)
    with pytest.raises(FileNotFoundError):
        fl.dockerfile.evaluate("nowhere").__enter__()


def test_what_is_copied_from_is_made_first_and_once() -> None:
    """Without compression if it is no part of the image, and as it is there if it is."""
    text = (
        "FROM scratch AS base\nADD root.tar.xz /\nFROM scratch AS other\nCOPY d /d\n"
        "FROM base\nCOPY --from=other /d /e\nCOPY --from=base /etc /f\n"
    )
    (alone,) = digests(saved(text, target="base"))
    with fl.dockerfile.evaluate(text.encode(), context="context") as image:
        (folder,) = left()
        kinds = sorted(path.read_bytes()[:2] == b"\x1f\x8b" for path in folder.iterdir())
        assert kinds == [False, True]
        root, *copies = image.layers
        assert isinstance(root, fl.StoredLayer)
        assert all(isinstance(layer, fl.Layer) for layer in copies)
        image.save("x.tar")
    assert left() == []
    built = fl.Image.load("x.tar")
    assert digests(built)[0] == alone
    assert set(members(built.layers[1])) == {"e", "e/e", "e/e/g"}
    assert "f/passwd" in members(built.layers[2])


@pytest.mark.parametrize(("compression", "kind"), [("zstd", "tar+zstd"), ("none", "v1.tar")])
def test_options_hold_for_every_layer(compression: str, kind: str) -> None:
    """Also for those that are made before."""
    text = "FROM scratch AS a\nCOPY f /f\nFROM a\nCOPY --from=a /f /g\n"
    for layer in saved(text, compression=compression).layers:
        assert isinstance(layer, fl.StoredLayer)
        assert layer.descriptor.media_type.endswith(kind)


def test_an_image_can_be_copied_from() -> None:
    """By its transport; its layers are read where they are."""
    saved("FROM scratch\nCOPY d /d\n")
    Path("x.tar").rename("base.tar")
    image = saved("FROM scratch\nCOPY --from=oci-archive:base.tar /d /e\n")
    assert set(members(image.layers[0])) == {"e", "e/e", "e/e/g"}


def test_what_changes_nothing_is_a_layer_too() -> None:
    """So Docker has it: an empty one, and a step that is not empty."""
    image = saved("FROM scratch\nWORKDIR /a\nWORKDIR /a\n")
    assert [len(members(layer)) for layer in image.layers] == [1, 0]
    assert [step.empty_layer for step in image.config.history] == [False, False]


def test_times_are_not_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """None, or SOURCE_DATE_EPOCH; two builds are the same."""
    text = "FROM scratch\nWORKDIR /a\nCOPY <<E /b\nx\nE\nCOPY f /f\n"
    first, again = saved(text), saved(text)
    assert digests(first) == digests(again)
    assert first.config == again.config
    assert (members(first.layers[0])["a"].mtime, members(first.layers[1])["b"].mtime) == (0, 0)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    image = saved(text)
    times = {member.mtime for layer in image.layers for member in members(layer).values()}
    assert times == {1000}
    assert {step.created for step in image.config.history} == {"1970-01-01T00:16:40Z"}


def fail_with(folders: int) -> None:
    """Fail, if there is one folder."""
    assert folders == 1
    raise ZeroDivisionError


def test_nothing_is_left_when_it_fails() -> None:
    """Neither on an error, nor when a signal ends the process."""
    text = b"FROM scratch AS a\nCOPY f /f\nFROM scratch\nCOPY --from=a /f /\nCOPY nope /\n"
    with pytest.raises(fl.DockerfileError, match=":5: `nope` is not in the context"):
        fl.dockerfile.evaluate(text, context="context").__enter__()
    assert left() == []
    with pytest.raises(ZeroDivisionError), fl.dockerfile.evaluate(text[:-12], context="context"):
        fail_with(len(left()))
    assert left() == []
    with Workshop.opened() as workshop:
        workshop.stored([fl.Layer.from_files({"a": b"x"})])
        assert len(left()) == 1
        undo.take_back_all()
        assert left() == []


class Engine:
    """An engine that runs nothing; it is entered and left once."""

    network = "none"

    def __init__(self) -> None:
        self.log: list[str] = []

    def __enter__(self) -> "Engine":
        self.log.append("enter")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("exit")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Any], RunStep]]:
    """What an engine was asked to do; every second step changes nothing."""
    asked: list[tuple[list[Any], RunStep]] = []

    def run_step(layers: Sequence[fl.StoredLayer], step: RunStep, engine: Engine) -> Any:
        assert engine.log == ["enter"]
        assert all(isinstance(layer, fl.StoredLayer) for layer in layers)
        asked.append((list(layers), step))
        name = f"run{len(asked)}"
        return fl.Layer.from_files({name: b""}, **step.options) if len(asked) % 2 else None

    monkeypatch.setattr("fastlayer.dockerfile.run.run_step", run_step, raising=False)
    return asked


def test_commands_run_on_all_that_is_below(steps: list[tuple[list[Any], RunStep]]) -> None:
    """With the environment, arguments and proxies of their stage; each becomes a layer."""
    text = (
        "FROM scratch\nADD root.tar.xz /\nARG A=1\nENV E=2\nUSER app\nWORKDIR /w\n"
        'RUN echo $A\nSHELL ["bash", "-c"]\nRUN x\nRUN ["y", "z"]\n'
    )
    engine: Any = Engine()
    image = saved(text, run=engine, build_args={"A": "3", "http_proxy": "p"})
    assert engine.log == ["enter", "exit"]
    (below, first), (above, second), (_, third) = steps
    assert (len(below), len(above), len(image.layers)) == (2, 3, 5)
    assert list(first.argv) == ["/bin/sh", "-c", "echo $A"]
    assert (list(second.argv), list(third.argv)) == (["bash", "-c", "x"], ["y", "z"])
    assert (first.user, first.cwd, first.text) == ("app", "/w", "echo $A")
    chosen = {name: first.env[name] for name in ("A", "E", "HTTP_PROXY", "http_proxy")}
    assert chosen == {"A": "3", "E": "2", "HTTP_PROXY": "p", "http_proxy": "p"}
    assert first.env["PATH"].startswith("/usr/local/sbin:")
    told = [step for step in image.config.history if step.created_by.startswith("RUN")]
    assert [step.created_by for step in told] == [
        "RUN |1 A=3 /bin/sh -c echo $A # buildkit",
        "RUN |1 A=3 bash -c x # buildkit",
        "RUN |1 A=3 y z # buildkit",
    ]
    assert not any(step.empty_layer for step in told)
    assert [set(members(layer)) for layer in image.layers[2:]] == [{"run1"}, set(), {"run3"}]


@pytest.mark.parametrize(
    ("text", "argv", "script"),
    [
        ("RUN <<E\na\nb\nE", "a\nb\n", None),
        ("RUN <<-E\n\ta\nE", "a\n", None),
        ("RUN <<'E'\n#!/bin/x\ny\nE", "/dev/pipes/E", Script("E", b"#!/bin/x\ny\n")),
        ("RUN cat <<E <<F\na\nE\nb\nF", "cat <<E <<F\na\nE\nb\nF", None),
        ("RUN <<E cat\na\nE", "<<E cat\na\nE", None),
    ],
)
def test_heredocs_are_what_runs(
    text: str, argv: str, script: Script | None, steps: list[tuple[list[Any], RunStep]]
) -> None:
    """One alone is the shell's input or a program; with more, the shell reads them itself."""
    engine: Any = Engine()
    image = saved(f"FROM scratch\n{text}\n", run=engine)
    ((_, step),) = steps
    assert (list(step.argv), step.script) == (["/bin/sh", "-c", argv], script)
    (told,) = image.config.history
    assert told.created_by == f"RUN /bin/sh -c {argv} # buildkit"


def test_commands_have_mounts(steps: list[tuple[list[Any], RunStep]]) -> None:
    """Of the context, without what `.dockerignore` leaves out, of stages, and of nothing."""
    text = (
        "FROM scratch AS a\nCOPY f /f\nFROM scratch\nARG T=/t\n"
        "RUN --mount=target=$T --mount=from=a,target=/a --mount=from=c,target=/c "
        "--mount=type=cache,target=/k x\n"
    )
    engine: Any = Engine()
    found: list[set[str]] = []
    contexts = {"c": "context/d"}
    with fl.dockerfile.evaluate(
        text.encode(), context="context", run=engine, build_contexts=contexts
    ):
        ((_, step),) = steps
        for mounted in step.mounts[:3]:
            assert not isinstance(mounted.source, str | None)
            found.append({name for layer in mounted.source for name in members(layer)})
    assert step.mounts[0].mount == Mount(target="/t")
    assert (step.mounts[3].mount.kind, step.mounts[3].source) == ("cache", None)
    assert {"f", "d/e/g"} < found[0]
    assert "ignored" not in found[0]
    assert (found[1], "e/g" in found[2]) == ({"f"}, True)


def test_commands_without_an_engine_are_refused_before_any_work() -> None:
    """If their stage is needed; the message says what else can be done."""
    text = "FROM scratch AS a\nCOPY f /\nFROM scratch\nCOPY --from=a /f /\nRUN x\n"
    message = refusal(lambda: evaluated(text, context="context"))
    assert message.startswith("`Dockerfile`:5: RUN needs a running container")
    assert "`--run-engine crun`" in message
    on_build = "FROM scratch AS a\nONBUILD RUN x\nFROM a\n"
    assert refusal(lambda: evaluated(on_build)).startswith("`Dockerfile`:3: RUN needs")
    assert evaluated(on_build, target="a").config.config.on_build == ("RUN x",)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--security=insecure", "`--security=insecure`: commands run with the rights"),
        ("--network=host", "`--network=host` has to be allowed"),
        ("--mount=type=foo", "the mount `type=foo`: `type` is `foo`: expected"),
        ("--mount=type=bind", "`--mount=type=bind`: it needs a `target`"),
        ("--mount=type=cache,from=a,target=/k", "`--mount=type=cache`: a cache begins empty"),
        ("--mount=type=secret,id=x,required", "`--mount=type=secret`: there are no secrets"),
    ],
)
def test_flags_that_cannot_be_are_refused_before_any_command(
    flag: str, message: str, steps: list[tuple[list[Any], RunStep]]
) -> None:
    """The last one of a file is as soon an error as the first."""
    engine: Any = Engine()
    text = f"FROM scratch AS a\nCOPY f /\nFROM a\nRUN x\nRUN {flag} y\n"
    told = refusal(lambda: evaluated(text, context="context", run=engine))
    assert told.startswith(f"`Dockerfile`:5: {message}")
    assert (steps, engine.log) == ([], [])


def test_mounts_may_have_variables(steps: list[tuple[list[Any], RunStep]]) -> None:
    """Which are known only when the command is next."""
    engine: Any = Engine()
    text = "FROM scratch\nARG K=tmpfs S=1m\nRUN --mount=type=$K,size=$S,target=/t x\n"
    evaluated(text, run=engine)
    ((_, step),) = steps
    assert (step.mounts[0].mount.kind, step.mounts[0].mount.size) == ("tmpfs", 1 << 20)
