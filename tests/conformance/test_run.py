"""RUN by crun and runc: what a container has, what its layer is, and that nothing is left."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import fastlayer as fl
from fastlayer.dockerfile.instructions import Mount
from fastlayer.dockerfile.run import Mounted, RunEngine, RunStep, Script, run_step

from .daemon import private_folder
from .engines import Engine
from .peers import absent, find, need_root
from .test_user_namespace import ENTER, START
from .tree import snapshot

SHELL = ("/bin/sh", "-c")
MARK = "86399"  # seconds that nothing else sleeps


@pytest.fixture(scope="module", params=["crun", "runc"])
def program(request: pytest.FixtureRequest) -> str:
    """Give each runtime."""
    need_root("overlays without a user namespace")
    return find(request.param)


@pytest.fixture(scope="module")
def engine(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunEngine]:
    """Give an engine whose folder is gone when the tests end."""
    folder = tmp_path_factory.mktemp("run")
    with RunEngine(program, folder=folder) as engine:
        yield engine
    assert list(folder.iterdir()) == []
    assert str(folder) not in Path("/proc/mounts").read_text()


@pytest.fixture(scope="module")
def base_path(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Debian as a file that is a layer."""
    path = tmp_path_factory.mktemp("base") / "layer.tar"
    fl.Layer.from_directory(rootfs, compression="none").save(path)
    return path


@pytest.fixture(scope="module")
def base(base_path: Path) -> fl.StoredLayer:
    """Give that layer."""
    return fl.StoredLayer.load(base_path)


class Stage:
    """Layers that grow by steps."""

    def __init__(self, engine: RunEngine, base: fl.StoredLayer, folder: Path) -> None:
        self.engine, self.layers, self.folder = engine, [base], folder

    def run(self, text: str, *, user: str = "", cwd: str = "/", **more: object) -> list[str]:
        """Run a shell command and return what its layer has, but the root."""
        return self.execute(RunStep([*SHELL, text], user=user, cwd=cwd, text=text, **more))  # type: ignore[arg-type]

    def execute(self, step: RunStep) -> list[str]:
        """Run a step, keep its layer, and list what that has, but the root."""
        layer = run_step(self.layers, step, self.engine)
        return [] if layer is None else self.add(layer)

    def add(self, layer: fl.Layer) -> list[str]:
        """Put a layer on top."""
        path = self.folder / f"{len(self.layers)}.tar"
        layer.save(path)
        self.layers.append(fl.StoredLayer.load(path))
        with tarfile.open(path) as tar:
            return [name for name in tar.getnames() if name != "."]


@pytest.fixture
def stage(engine: RunEngine, base: fl.StoredLayer, tmp_path: Path) -> Stage:
    """Give a stage of the Debian."""
    return Stage(engine, base, tmp_path)


def test_a_layer_is_what_was_changed(stage: Stage) -> None:
    """Files, whiteouts and nothing that a container needs; each step sees those before it."""
    assert stage.run("true") == []
    changed = stage.run("echo 1 >/x; rm /etc/motd; rm -r /opt; mkdir -p /opt/a; chmod 1700 /opt/a")
    assert [path for path in changed if not path.startswith("opt/.wh.")] == [
        *("etc", "etc/.wh.motd", "opt", "opt/a", "x"),
    ]
    assert stage.run("test $(cat /x) = 1 && ! test -e /etc/motd && stat -c %a /opt/a >/y") == ["y"]
    # A layer that was made in another way comes in between.
    stage.add(fl.Layer.from_files({"etc/new": b"2", "x": b"3"}))
    assert stage.run("cat /x /etc/new >/z; ls -A /opt >>/z; cat /y >>/z") == ["z"]
    with tarfile.open(stage.folder / f"{len(stage.layers) - 1}.tar") as tar:
        file = tar.extractfile("z")
        assert file is not None
        assert file.read() == b"32a\n1700\n"


def test_the_examples_of_the_guides_run(base_path: Path, tmp_path: Path) -> None:
    """Those with a runtime, as root."""
    need_root("overlays without a user namespace")
    find("crun")
    guides = (Path(__file__).parents[2] / "docs").glob("*.md")
    command = re.compile(r"^    (?:sudo )?(fastlayer .*--run-engine.*)$", re.MULTILINE)
    found = [line for guide in guides for line in command.findall(guide.read_text())]
    assert len(found) == 2
    os.link(base_path, tmp_path / "rootfs.tar")  # a link would lead out of the context
    (tmp_path / "Dockerfile").write_text("FROM scratch\nADD rootfs.tar /\nRUN echo hi >/hi\n")
    for line in found:
        words = [sys.executable, "-m", *shlex.split(line)]
        subprocess.run(words, cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
        built = fl.Image.load(tmp_path / "app.tar")
        assert [step.created_by for step in built.config.history][-1] == (
            "RUN /bin/sh -c echo hi >/hi # buildkit"
        )
        (tmp_path / "app.tar").unlink()


def test_what_fails_is_told(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """Output goes to stderr; the status, a signal and a missing program are in the message."""
    with pytest.raises(fl.DockerfileError) as caught:
        stage.run("echo out; echo err >&2; exit 7")
    text = "echo out; echo err >&2; exit 7"
    assert str(caught.value) == f"the command `{text}` ended with status 7"
    out, err = capfd.readouterr()
    assert (out, sorted(err.split())) == ("", ["err", "out"])
    with pytest.raises(fl.DockerfileError, match="ended with status 137, as by the signal SIGKILL"):
        stage.run("sh -c 'kill -9 $$'")
    with pytest.raises(fl.DockerfileError, match=r"cannot run `nosuch`: .*not found"):
        stage.execute(RunStep(["nosuch"]))
    with pytest.raises(fl.DockerfileError, match="`--security=insecure`"):
        stage.run("true", security="insecure")


def test_a_container_is_as_docker_has_it(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """Capabilities, groups, environment, limits of /proc and /sys, and no network."""
    stage.run("grep -e Cap -e Groups -e Umask -e NoNewPrivs /proc/self/status; env; hostname")
    found = capfd.readouterr().err.split("\n")
    made = "00000000a00425fb" if stage.engine.is_crun else "00000000a80425fb"
    assert {
        "Umask:\t0022",
        "Groups:\t0 ",
        "CapInh:\t0000000000000000",
        f"CapPrm:\t{made}",
        f"CapEff:\t{made}",
        f"CapBnd:\t{made}",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t0",
        "HOME=/root",
        "PWD=/",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "buildkitsandbox",
        "",
    } == {*found}
    stage.run("id; pwd; echo $HOME $A; grep CapEff /proc/self/status", user="www-data", cwd="/n/m")
    user = "uid=33(www-data) gid=33(www-data) groups=33(www-data)"
    expected = [user, "/n/m", "/var/www", "CapEff:\t0000000000000000"]
    assert capfd.readouterr().err.splitlines() == expected
    stage.run("ls /sys/class/net; cat /proc/keys; echo >/proc/sys/kernel/domainname; true")
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "lo"
    assert all("ead-only file system" in line for line in lines[1:])


def test_keys_and_new_namespaces_are_refused(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    """Keys are root's, wherever it is; processes and threads come as always."""
    assert stage.engine.can_filter
    stage.run("grep '^Seccomp:' /proc/self/status; ! unshare -U true; unshare -u true || (echo $?)")
    mode, *refused, status = capfd.readouterr().err.splitlines()
    assert (mode, status) == ("Seccomp:\t2", "1")
    assert len(refused) == 2
    assert all(line.endswith("Operation not permitted") for line in refused)


def test_devices_of_the_host_are_out_of_reach(stage: Stage) -> None:
    """Neither one that root makes in a container, nor one that an image brings along, opens."""
    device = tarfile.TarInfo("brought")
    device.type, device.devmajor, device.devminor, device.mode = tarfile.CHRTYPE, 1, 3, 0o666
    stage.layers.append(_layer_of(device, stage.folder))
    for place in ("/", "/dev/", "/dev/shm/", "/tmp/"):  # noqa: S108
        stage.run(f"mknod {place}b c 1 3; ! head -c0 {place}b")
    stage.run("! head -c0 /brought && head -c0 /dev/null && head -c4 /dev/zero >/dev/null")


def test_mounts(stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Binds, caches and memory are there for a step, and leave no trace in its layer."""
    tree = tmp_path / "tree"
    (tree / "con,text:1" / "sub").mkdir(parents=True)
    (tree / "con,text:1" / "sub" / "file").write_text("content")
    (tree / "link").symlink_to("/con,text:1/sub")
    fl.Layer.from_directory(tree).save(tmp_path / "context.tar")
    context = [fl.StoredLayer.load(tmp_path / "context.tar")]
    mounts = [
        Mounted(Mount(target="/ctx", source="link"), context),
        Mounted(Mount(target="rw", source="con,text:1", read_only=False), context),
        Mounted(Mount(target="/one", source="etc/passwd"), stage.layers[:1]),
        Mounted(Mount(kind="cache", target="/root/.cache/pip", read_only=False, mode=0o700)),
        Mounted(Mount(kind="tmpfs", target="/var/t", size=1 << 20)),
        Mounted(Mount(kind="secret", id="x")),
    ]
    text = """
        cat /ctx/file /opt/rw/sub/file; cmp /one /etc/passwd; stat -c %a /root/.cache/pip
        touch /root/.cache/pip/kept /var/t/lost /opt/rw/lost
        ! touch /ctx/x 2>/dev/null; ! touch /one 2>/dev/null
    """
    assert stage.run(text, mounts=mounts, cwd="/opt") == []
    assert capfd.readouterr().err == "contentcontent700\n"
    again = Mounted(Mount(target="/rw", source="con,text:1"), context)
    assert stage.run("ls /rw", mounts=[again]) == []
    assert capfd.readouterr().err == "sub\n"
    found = stage.run(
        "ls /root/.cache/pip; ls -d /ctx /opt/rw /var/t; touch /z", mounts=mounts[3:4]
    )
    assert found == ["z"]
    assert capfd.readouterr().err.splitlines()[0] == "kept"
    for mount, reason in [
        (Mounted(Mount(kind="secret", required=True)), "no secrets"),
        (Mounted(Mount(target="/x", source="../../nope"), context), "is not there"),
        (Mounted(Mount(target="/")), "needs a `target`"),
    ]:
        with pytest.raises(fl.DockerfileError, match=reason):
            stage.run("true", mounts=[mount])


def test_a_script_is_a_program(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """A heredoc with `#!` runs by its own interpreter, from a place that is not in the layer."""
    script = Script("EOF", b'#!/usr/bin/perl\nprint "$0\\n";\n')
    assert stage.execute(RunStep([*SHELL, script.path], script=script)) == []
    assert capfd.readouterr().err == "/dev/pipes/EOF\n"


def test_a_link_in_the_place_of_a_file_of_the_network(stage: Stage) -> None:
    """`/etc/resolv.conf` may lead to where nothing is: then nothing is made there either."""
    link = tarfile.TarInfo("etc/resolv.conf")
    link.type, link.linkname = tarfile.SYMTYPE, "../run/systemd/resolve/stub.conf"
    # This layer has no entry for `etc`, which therefore has to stay as it is.
    stage.layers.append(_layer_of(link, stage.folder))
    assert stage.run("test $(stat -c %a /etc) = 755 && test -L /etc/resolv.conf") == []
    assert stage.run("cat /etc/resolv.conf; touch /x") == ["x"]
    assert stage.run("touch /run/y") == ["run", "run/y"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_ends_early(
    number: signal.Signals, program: str, base_path: Path, tmp_path: Path
) -> None:
    """Ctrl-C and its kin end the container, whatever that does; the next build removes the rest."""
    folder = tmp_path / "run"
    folder.mkdir()
    code = f"""
import signal
import fastlayer as fl
from fastlayer.cli import interrupt
from fastlayer.dockerfile.run import RunEngine, RunStep, run_step
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
interrupt.install()
text = "mkdir -m 0 /none; trap '' TERM INT; echo up; (sleep {MARK} & sleep {MARK}); sleep {MARK}"
with RunEngine({program!r}, folder={str(folder)!r}) as engine:
    run_step([fl.StoredLayer.load({str(base_path)!r})], RunStep(["sh", "-c", text]), engine)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.readline() == b"up\n"
    process.send_signal(number)
    expected = -number if number == signal.SIGKILL else 128 + number
    assert process.wait(60) == expected
    process.stderr.close()
    deadline = time.monotonic() + 20
    while _sleepers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _sleepers()
    if number == signal.SIGKILL:
        (left,) = folder.iterdir()
        os.utime(left, (0, 0))
        with RunEngine(program, folder=folder) as engine:
            assert not left.exists(), engine
    assert list(folder.iterdir()) == []
    assert not list(Path("/sys/fs/cgroup").glob("**/fastlayer-*"))


def test_root_of_a_user_namespace_will_do(program: str, base_path: Path) -> None:
    """What an ordinary user has: no device and no right on the host, but owners and whiteouts."""
    with private_folder() as folder:
        shutil.copyfile(base_path, folder / "base.tar")
        os.chown(folder, START, START)
        code = f"""
import fastlayer as fl
import fastlayer.archive.layer_file
from fastlayer.dockerfile.run import RunEngine, RunStep, run_step
layers = [fl.StoredLayer.load("base.tar")]
{ENTER}
with RunEngine({program!r}, folder=".") as engine:
    for text, user in [
        ("chown 7:8 /etc/passwd; rm -r /opt; mkdir /opt; mkdir -m 0 /none; touch /none/x", ""),
        ("test -z $(ls -A /opt) && stat -c %u:%g /etc/passwd && ! mknod /x c 1 3", ""),
        ("id", "www-data"),
    ]:
        layer = run_step(layers, RunStep(["sh", "-c", text], user=user), engine)
        if layer is not None:
            layer.save("next.tar")
            layers.append(fl.StoredLayer.load("next.tar"))
"""
        process = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, check=False
        )
        error = process.stderr.decode()
        if "no user namespaces here" in error:
            absent("there are no user namespaces here")
        assert process.returncode == 0, error
        assert "7:8\n" in error
        assert "uid=33(www-data) gid=33(www-data)" in error
        with tarfile.open(folder / "next.tar") as tar:
            passwd = tar.getmember("etc/passwd")
            assert (passwd.uid, passwd.gid) == (7, 8)
            assert tar.getmember("none").mode == 0
        assert sorted(path.name for path in folder.iterdir()) == ["base.tar", "next.tar"]


def _layer_of(member: tarfile.TarInfo, folder: Path) -> fl.StoredLayer:
    """Make a layer of one entry and nothing else."""
    path = folder / "one.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(member)
    return fl.StoredLayer.load(path)


def _sleepers() -> list[Path]:
    """Processes that sleep as long as nobody else does."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended in between
            if path.read_bytes() == f"sleep\0{MARK}\0".encode():
                found.append(path)
    return found


def test_docker_makes_the_same(
    stage: Stage,
    docker: Engine,
    base: fl.StoredLayer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same commands, by `docker build`: equal file systems but for times."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")
    image = fl.Image.scratch(platform="linux/amd64").append(base)
    image.save(tmp_path / "base.tar", tags=["demo/run-base:1"])
    docker("load", "--input", tmp_path / "base.tar")
    commands = [
        "useradd --create-home app && echo hi >/home/app/x && chown -R app: /home/app",
        "rm -rf /usr/share/doc /var/cache && mkdir /var/cache && ln /etc/passwd /etc/passwd2",
        "chmod 4755 /usr/bin/env; mkfifo /pipe; ln -s nowhere /link; mv /usr/share/man /man",
        "echo $HOME; id >/id; env | sort >/env; pwd >>/env; umask >>/env",
    ]
    text = ["FROM demo/run-base:1", *(f"RUN {command}" for command in commands)]
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("\n".join(text))
    try:
        docker("build", "--network=none", "-t", "demo/run:1", tmp_path / "context")
        docker("save", "--output", tmp_path / "docker.tar", "demo/run:1")
    finally:
        docker("rmi", "--force", "demo/run:1", "demo/run-base:1")
    for command in commands:
        stage.run(command)
    fl.Image.load(tmp_path / "docker.tar").unpack(tmp_path / "theirs")
    fl.Image.scratch(platform="linux/amd64").append(*stage.layers).unpack(tmp_path / "ours")
    facts = [
        {
            path: (record.kind, record.mode, record.uid, record.gid, record.target, record.names)
            for path, record in snapshot(tmp_path / name).items()
            if path != "."
        }
        for name in ("theirs", "ours")
    ]
    assert facts[0] == facts[1]
    for name in ("id", "env", "etc/passwd", "home/app/x"):
        ours, theirs = (tmp_path / side / name for side in ("ours", "theirs"))
        assert ours.read_bytes() == theirs.read_bytes(), name
