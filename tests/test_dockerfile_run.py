"""What RUN knows before a container runs: views, accounts, stubs, networks, mounts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastlayer as fl
from conformance.peers import need_root
from fastlayer.dockerfile.instructions import Mount
from fastlayer.dockerfile.run.accounts import Account, account_of
from fastlayer.dockerfile.run.check import check_texts
from fastlayer.dockerfile.run.files import add_files
from fastlayer.dockerfile.run.machine import enter_user_namespace, find_runtime
from fastlayer.dockerfile.run.mounts import Mounts, Target
from fastlayer.dockerfile.run.network import Network, network_of, resolv_conf
from fastlayer.dockerfile.run.process import execute
from fastlayer.dockerfile.run.seccomp import can_filter, filter_of
from fastlayer.dockerfile.run.spec import Container, spec_of
from fastlayer.dockerfile.run.step import Mounted, RunStep, Script
from fastlayer.dockerfile.run.stubs import add_stubs
from fastlayer.dockerfile.run.view import View

ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/home/app:/bin/sh
alone:x:7:77::/al:/bin/sh
broken
::
"""
GROUP = "root:x:0:\nappg:x:1001:\nother:x:55:app,root\nmore:x:56:app\n"


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories: an upper one and a lower one."""
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    (upper / "etc").mkdir(parents=True)
    (lower / "etc").mkdir(parents=True)
    return upper, lower


def view(*directories: Path) -> View:
    """The view of directories, the highest first."""
    return View([str(directory) for directory in directories])


def test_links_stay_in_the_view(layers: tuple[Path, Path]) -> None:
    """Absolute links begin at its root, and nothing leads above that."""
    upper, lower = layers
    (lower / "etc" / "passwd").write_text("lower")
    (lower / "abs").symlink_to("/etc/passwd")
    (upper / "up").symlink_to("../../../../etc")
    (upper / "chain").symlink_to("up/passwd")
    (upper / "loop").symlink_to("loop")
    (upper / "dangling").symlink_to("no/where")
    merged = view(upper, lower)
    for path in ("abs", "/up/passwd", "chain", "up/../etc//./passwd", "../../abs"):
        assert merged.read(path, 100) == b"lower", path
    assert merged.resolve("dangling/x").names == ("no", "where", "x")
    assert not merged.resolve("dangling").found
    assert merged.resolve("..").names == ()
    with pytest.raises(fl.DockerfileError, match="links without end"):
        merged.resolve("loop")
    with pytest.raises(fl.DockerfileError, match="more than 3 bytes"):
        merged.read("abs", 3)


def test_links_have_a_length_together(layers: tuple[Path, Path]) -> None:
    """Each of them could lead through thousands of names."""
    upper, lower = layers
    (upper / "l").symlink_to("./" * 2000 + "l2")
    (upper / "l2").symlink_to("x/" * 2000)
    (upper / "l3").symlink_to("./" * 2000 + "l")
    merged = view(upper, lower)
    assert merged.resolve("l").names == ("x",) * 2000
    with pytest.raises(fl.DockerfileError, match="`l3`: the links are too long"):
        merged.resolve("l3")
    with pytest.raises(fl.DockerfileError, match="too long for a path"):
        merged.resolve("x/" * 5000)


def test_an_upper_directory_hides(layers: tuple[Path, Path]) -> None:
    """A file hides a directory and the other way round; whiteouts and opaque ones hide too."""
    upper, lower = layers
    for name in ("a", "b"):
        (lower / name).mkdir()
        (lower / name / "x").touch()
    (lower / "c").touch()
    (upper / "a").touch()
    (upper / "c").mkdir()
    assert not view(upper, lower).resolve("a/x").found
    assert view(upper, lower).resolve("c").found == (str(upper / "c"),)
    assert view(upper, lower).resolve("etc").found == (str(upper / "etc"), str(lower / "etc"))
    need_root("making whiteouts")
    os.mknod(upper / "b", 0o020000, 0)
    os.setxattr(upper / "etc", "trusted.overlay.opaque", b"y")
    assert not view(upper, lower).resolve("b").found
    assert not view(upper, lower).resolve("b/x").found
    assert view(upper, lower).resolve("etc").found == (str(upper / "etc"),)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        # As `docker build` 26.1 has them.
        ("", Account(0, 0, (0,), "/root")),
        ("app", Account(1000, 1001, (55, 56, 1001), "/home/app")),
        ("1000", Account(1000, 1001, (55, 56, 1001), "/home/app")),
        ("1234", Account(1234, 0, (0,), "/")),
        ("1234:55", Account(1234, 55, (55,), "/")),
        ("app:other", Account(1000, 55, (55,), "/home/app")),
        ("0", Account(0, 0, (55, 0), "/root")),
        ("root:root", Account(0, 0, (0,), "/root")),
        ("alone:9", Account(7, 9, (9,), "/al")),
    ],
)
def test_accounts(user: str, expected: Account, layers: tuple[Path, Path]) -> None:
    """Names, numbers and memberships mean what they mean to BuildKit."""
    _, lower = layers
    (lower / "etc" / "passwd").write_text(ACCOUNTS)
    (lower / "etc" / "group").write_text(GROUP)
    assert account_of(user, view(*layers)) == expected


@pytest.mark.parametrize("user", ["nosuch", "nosuch:0", "app:nosuch", "99999999999", "-1"])
def test_unknown_accounts_are_errors(user: str, layers: tuple[Path, Path]) -> None:
    """A name that nobody has is refused, and what is no number is a name."""
    _, lower = layers
    (lower / "etc" / "passwd").write_text(ACCOUNTS)
    with pytest.raises(fl.DockerfileError, match="is not in `/etc/"):
        account_of(user, view(*layers))


def test_only_a_line_break_ends_a_line(layers: tuple[Path, Path]) -> None:
    """What Python takes for one in text as well can stand in the name of a person."""
    _, lower = layers
    breaks = "".join(f"{character}eve:x:0:0::/:" for character in "\x0b\x0c\x1c\x85\u2028")
    (lower / "etc" / "passwd").write_text(f"app:x:1000:1001:App {breaks}:/home/app:/bin/sh\n")
    with pytest.raises(fl.DockerfileError, match="is not in `/etc/passwd`"):
        account_of("eve", view(*layers))


def test_stubs_are_made_where_nothing_is(layers: tuple[Path, Path], tmp_path: Path) -> None:
    """Directories above them are as the image has them, and links are followed."""
    upper, lower = layers
    (lower / "etc" / "hosts").touch()
    (lower / "run").mkdir(mode=0o700)
    (lower / "var").mkdir()
    (lower / "var" / "run").symlink_to("/run")
    os.utime(lower / "run", (9, 9))
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    targets = [
        Target("/etc/hosts", is_directory=False),
        Target("/var/run/a/b", is_directory=False),
        Target("/run/a", is_directory=True),
        Target("/dev/pipes", is_directory=True),
    ]
    add_stubs(str(stubs), targets, view(upper, lower))
    found = sorted(str(path.relative_to(stubs)) for path in stubs.rglob("*"))
    assert found == ["run", "run/a", "run/a/b"]
    assert (stubs / "run").stat().st_mode & 0o777 == 0o700
    assert (stubs / "run").stat().st_mtime == 9


@pytest.mark.parametrize(
    "step",
    [
        RunStep(["x\0y"]),
        RunStep(["x"], cwd="/a\0b"),
        RunStep(["x"], env={"A\0": "b"}),
        RunStep(["x"], env={"A": "b\0"}),
        RunStep(["x"], mounts=[Mounted(Mount(target="a\0b"))]),
    ],
)
def test_no_text_ends_in_the_middle(step: RunStep) -> None:
    """The config of a base may have what no Dockerfile can."""
    check_texts(RunStep(["x"], env={"A": "b"}))
    with pytest.raises(fl.DockerfileError, match="` has a NUL"):
        check_texts(step)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "s390x", "riscv64"])
def test_the_filter_names_what_reaches_outside(machine: str) -> None:
    """And all ways of a machine to call its kernel; a process is made without a user namespace."""
    written = filter_of(machine)
    assert written["defaultAction"] == "SCMP_ACT_ALLOW"
    refused, clone, clone3 = written["syscalls"]
    assert {"keyctl", "add_key", "request_key", "bpf", "unshare"} <= {*refused["names"]}
    assert (clone["names"], clone["args"][0]["index"]) == (["clone"], int(machine == "s390x"))
    assert (clone3["names"], clone3["errnoRet"]) == (["clone3"], 38)
    assert ("SCMP_ARCH_X86" in written.get("architectures", [])) == (machine == "x86_64")
    assert ("architectures" in written) == (machine != "riscv64")


@pytest.mark.parametrize(
    ("says", "filters"),
    [("crun version 1\n+CAP +SECCOMP", True), ("runc\nlibseccomp: 2.5", True), ("crun 1", False)],
)
def test_a_runtime_says_whether_it_filters(tmp_path: Path, says: str, filters: bool) -> None:  # noqa: FBT001
    """One without is used as it is."""
    program = tmp_path / "crun"
    program.write_text(f"#!/bin/sh\ncat <<E\n{says}\nE\n")
    program.chmod(0o755)
    assert can_filter(str(program)) == (filters and Path("/proc/sys/kernel/seccomp").exists())
    assert not can_filter(str(tmp_path / "none"))


@pytest.mark.parametrize("network", ["none", "host"])
@pytest.mark.parametrize("mapped", [True, False])
def test_what_is_mounted_in_the_sys_of_the_host_is_not_there(
    network: Network,
    mapped: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control groups could be written to, though `/sys` itself is read-only."""
    monkeypatch.setattr("fastlayer.dockerfile.run.spec.in_user_namespace", lambda: mapped)
    account = Account(0, 0, (), "/")
    container = Container("/r", account, network, (), devices=False, filtered=False)
    written = spec_of(RunStep(["x"]), container)
    of_host = any(mount["source"] == "/sys" for mount in written["mounts"])
    assert of_host == (mapped and network == "host")
    assert ("/sys/fs/cgroup" in written["linux"]["maskedPaths"]) == of_host
    assert "seccomp" not in written["linux"]


def test_networks() -> None:
    """A flag may take the network away, but not give what was not allowed."""
    assert network_of("", "host") == network_of("default", "host") == "host"
    assert network_of("none", "host") == network_of("", "none") == "none"
    assert network_of("host", "host") == "host"
    with pytest.raises(fl.DockerfileError, match="has to be allowed"):
        network_of("host", "none")
    with pytest.raises(fl.DockerfileError, match="expected"):
        network_of("bridge", "host")
    assert b"nameserver 127." not in resolv_conf("none")


def test_engines_are_known_by_name() -> None:
    """Another program is an error before any work, and so is one that is not there."""
    with pytest.raises(fl.InvalidArgumentError, match="expected `crun` or `runc`"):
        find_runtime("/bin/sh")
    with pytest.raises(fl.InvalidArgumentError, match="apt-get install crun"):
        find_runtime("/nowhere/crun")


def test_an_engine_beside_the_context_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is one from here, and not from the folder that steps run in."""
    (tmp_path / "crun").write_text("#!/bin/sh\n")
    (tmp_path / "crun").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert find_runtime("./crun") == str(tmp_path / "crun")


@pytest.mark.parametrize("name", ["../../out", "/out", "a/b", ".", "..", ""])
def test_the_name_of_a_script_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    """It is what a Dockerfile says, and what is written is an executable file of root's."""
    folder = tmp_path / "folder"
    folder.mkdir()
    script = Script(name if name != "/out" else str(tmp_path / "out"), b"#!/bin/sh\n")
    with pytest.raises(fl.DockerfileError, match="is not the name of a file"):
        add_files(Mounts([]), script, str(folder), b"")
    assert list(tmp_path.iterdir()) == [folder]
    assert list((folder / "pipes").iterdir()) == []


def test_a_script_is_an_executable_file(tmp_path: Path) -> None:
    """In a directory of its own, which the container sees."""
    mounts = Mounts([])
    add_files(mounts, Script("E", b"#!/bin/sh\n"), str(tmp_path), b"")
    script = tmp_path / "pipes" / "E"
    assert (script.read_bytes(), script.stat().st_mode & 0o7777) == (b"#!/bin/sh\n", 0o755)
    assert mounts.targets[-1] == Target("/dev/pipes", is_directory=True)


class Begun(BaseException):
    """Another program took the place of this one."""


def test_no_module_comes_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What begins anew in a user namespace is this program, whatever a context has in it."""
    commands: list[list[str]] = []

    def begin(_: str, command: list[str]) -> None:
        commands.append(command)
        raise Begun

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.execvp", begin)
    monkeypatch.setattr("fastlayer.dockerfile.run.machine._namespace_options", lambda: ["unshare"])
    monkeypatch.setattr("sys.argv", ["fastlayer", "--version"])
    with pytest.raises(Begun):
        enter_user_namespace()
    for name in ("json", "click", "tempfile"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of the context')\n")
    ((start, dashes, *command),) = commands
    assert (start, dashes, command[0]) == ("unshare", "--", sys.executable)
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.startswith(b"fastlayer")


def test_a_runtime_has_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's sockets and the like are not for containers."""
    need_root("making namespaces")
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LC_MESSAGES"):
        monkeypatch.setenv(name, "1")
    assert execute(["sh", "-c", "env >env"], cwd=str(tmp_path)) == 0
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "LC_ALL"}
