"""Recipes of real things: a Debian made slim, Ubuntu's edits as a shell makes them, packages."""

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import fastlayer as fl
from fastlayer import recipes

from .cli import fastlayer
from .engines import Engine
from .peers import call, call_bytes, find
from .test_containers import LIMITS
from .tree import Record, Tree, assert_trees_equal, snapshot

KEEP = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--delay-directory-restore")

# What Debian's slim images leave out and take back (debuerreotype), and directories that stay.
EXCLUDED = [
    *("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/linda/*", "/usr/share/locale/*"),
    *("/usr/share/lintian/overrides/*", "/usr/share/man/*"),
]
INCLUDED = ["/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias"]

# What the Dockerfile of Ubuntu's images ran, but for the removal of lists, until 2022:
# https://github.com/tianon/docker-brew-ubuntu-core
UBUNTU = r"""
set -e
echo '#!/bin/sh' > /usr/sbin/policy-rc.d
echo 'exit 101' >> /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
dpkg-divert --local --rename --add /sbin/initctl
cp -a /usr/sbin/policy-rc.d /sbin/initctl
sed -i 's/^exit.*/exit 0/' /sbin/initctl
echo 'force-unsafe-io' > /etc/dpkg/dpkg.cfg.d/docker-apt-speedup
cd /etc/apt/apt.conf.d
clean='"rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb'
clean="$clean /var/cache/apt/*.bin || true\"; };"
echo "DPkg::Post-Invoke { $clean" > docker-clean
echo "APT::Update::Post-Invoke { $clean" >> docker-clean
echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' >> docker-clean
echo 'Acquire::Languages "none";' > docker-no-languages
echo 'Acquire::GzipIndexes "true"; Acquire::CompressionTypes::Order:: "gz";' > docker-gzip-indexes
echo 'Apt::AutoRemove::SuggestsImportant "false";' > docker-autoremove-suggests
rm -rf /var/lib/apt/lists/*
sed -i 's/^#\s*\(deb.*universe\)$/\1/g' /etc/apt/sources.list
mkdir -p /run/systemd && echo 'docker' > /run/systemd/container
"""


def pack(tree: Path, archive: Path) -> Path:
    """Make an archive as a distribution does."""
    call([find("tar"), *KEEP[:3], "--auto-compress", "-cf", archive, "-C", tree, "."])
    return archive


def unpack(layer: Path, folder: Path) -> Tree:
    """Give what GNU tar makes of a layer."""
    folder.mkdir()
    call([find("tar"), "-xpf", layer, "-C", folder, *KEEP])
    return snapshot(folder)


def exported(image: Path, folder: Path) -> Tree:
    """Give what is in an image."""
    fastlayer("export", image, "-o", folder / "export.tar")
    return unpack(folder / "export.tar", folder / "exported")


@pytest.fixture(scope="module")
def packed(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Debian as an archive."""
    return pack(rootfs, tmp_path_factory.mktemp("packed") / "rootfs.tar.gz")


@pytest.fixture(scope="module")
def slim(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the slim image of it."""
    image = tmp_path_factory.mktemp("slim") / "slim.tar"
    options = ("--rootfs", packed, "-t", "slim:12", "--set", "suite=bookworm")
    fastlayer("build", "--recipe", "debian-slim", *options, "-o", image)
    return image


def is_left_out(path: str, record: Record) -> bool:
    """Say what the recipe's tweaks name."""
    place = f"/{path}"
    if any(fnmatch.fnmatchcase(place, pattern) for pattern in INCLUDED):
        return False
    if any(fnmatch.fnmatchcase(place, pattern) for pattern in EXCLUDED):
        kept_link = record.kind == "symlink" and path.startswith("usr/share/doc/")
        return not (kept_link or fnmatch.fnmatchcase(path, "usr/share/man/man[0-9]"))
    parents = ("dev/", "proc/", "sys/", "var/lib/apt/lists/", "var/cache/apt/", "run/mount")
    logs = ("alternatives.log", "apt/history.log", "apt/term.log", "bootstrap.log", "dpkg.log")
    others = {f"var/log/{name}" for name in logs} | {"var/cache/ldconfig/aux-cache"}
    return path.startswith(parents) or path in others


def without_what_is_left_out(tree: Mapping[str, Record]) -> Tree:
    kept = {path for path, record in tree.items() if not is_left_out(path, record)}
    kept |= {str(parent) for path in kept for parent in Path(path).parents} & tree.keys()
    return {path: tree[path] for path in kept}


def test_a_slim_debian_lacks_what_the_rules_name_and_nothing_else(
    slim: Path, rootfs: Path, tmp_path: Path
) -> None:
    """Path by path, with all metadata; what is put is all that is new."""
    before, found = snapshot(rootfs), exported(slim, tmp_path)
    expected = without_what_is_left_out(before)
    tweaks = recipes.RECIPES["debian-slim"].tweaks
    assert tweaks is not None
    put = {edit.terms[1].decode() for edit in tweaks.edits if edit.terms[0] == "put"}
    # What is left of a file that had two names has one.
    compared = found.keys() - put - {"etc/machine-id"}
    assert compared == expected.keys() - put - {"etc/machine-id"}
    assert_trees_equal(
        {path: replace(found[path], names=()) for path in compared},
        {path: replace(expected[path], names=()) for path in compared},
    )
    assert put <= found.keys()
    assert found["usr/sbin/policy-rc.d"].mode == 0o755
    lost = sum(before[path].size or 0 for path in before.keys() - found.keys())
    assert lost > 40_000_000
    assert "usr/share/doc/libgcc-s1" in found
    assert "usr/share/man/man1" in found


def test_a_slim_debian_is_the_same_every_time(packed: Path, rootfs: Path, tmp_path: Path) -> None:
    """To the byte, on any number of threads, of whatever compression the archive is."""
    archives = [packed, packed, pack(rootfs, tmp_path / "rootfs.tar.gz.zst")]
    (tmp_path / "other").mkdir()
    archives[2] = archives[2].rename(tmp_path / "other" / packed.name)
    images = []
    for number, archive in enumerate(archives):
        image = recipes.debian_slim(archive, created=1700000000, threads=number + 1)
        image.save(tmp_path / "slim.tar", tags=["slim:12"])
        images.append((tmp_path / "slim.tar").read_bytes())
    assert images[0] == images[1] == images[2]


@pytest.fixture(scope="module")
def running(podman: Engine, slim: Path) -> Iterator[str]:
    """Load the slim image into podman."""
    podman("load", "--quiet", "--input", slim)
    yield "slim:12"
    podman("rmi", "--force", "slim:12")


def test_a_slim_debian_runs(podman: Engine, running: str) -> None:
    """Its programs, its package manager, and what that knows of the rules."""
    script = (
        "set -e; dpkg --audit; apt-config dump | grep -F SuggestsImportant; "
        "dpkg-query -W dpkg; perl -e 'print qq(perl\\n)'; apt-get check; "
        "grep -c path- /etc/dpkg/dpkg.cfg.d/docker; [ ! -s /etc/machine-id ]"
    )
    said = podman("run", "--rm", "--network=none", *LIMITS, running, "sh", "-c", script)
    assert 'APT::AutoRemove::SuggestsImportant "false";' in said
    assert "perl\n" in said
    assert said.endswith("\n18\n")


def diverted(tree: Tree, folder: Path) -> set[str]:
    """Take dpkg's records out of a tree: it writes them in an order of its own."""
    for name in ("diversions", "diversions-old"):
        tree.pop(f"var/lib/dpkg/{name}", None)
    lines = (folder / "var/lib/dpkg/diversions").read_text().splitlines()
    return {"\n".join(lines[at : at + 3]) for at in range(0, len(lines), 3)}


def timeless(tree: Tree) -> Tree:
    """Forget times: a shell's are those of the moment."""
    return {path: replace(record, mtime=0) for path, record in tree.items()}


@pytest.mark.parametrize("upstart", [False, True])
def test_ubuntu_is_what_the_shell_of_its_dockerfile_makes(
    upstart: bool,  # noqa: FBT001 (a case of the test)
    rootfs: Path,
    tmp_path: Path,
) -> None:
    """In a real Debian, with upstart's program or without, and with a line of universe."""
    shell = tmp_path / "shell"
    call([find("cp"), "--archive", "--reflink=auto", rootfs, shell])
    sources = shell / "etc/apt/sources.list"
    sources.write_text(sources.read_text() + "# deb http://example.org focal universe\n")
    (shell / "var/lib/apt/lists/partial").mkdir(exist_ok=True)
    if upstart:
        (shell / "usr/sbin/initctl").write_bytes(b"\x7fELF")
        (shell / "usr/sbin/initctl").chmod(0o751)
    archive = pack(shell, tmp_path / "ubuntu.tar.gz")
    call([find("chroot"), shell, "/bin/sh", "-c", UBUNTU])
    recipes.ubuntu(archive).save(tmp_path / "image.tar", tags=["ubuntu:1"])
    found = exported(tmp_path / "image.tar", tmp_path)
    expected = snapshot(shell)
    assert diverted(found, tmp_path / "exported") == diverted(expected, shell)
    assert_trees_equal(timeless(found), timeless(expected))
    assert ("usr/sbin/initctl.distrib" in found) == upstart


def test_a_diversion_where_sbin_is_a_directory(tmp_path: Path) -> None:
    """dpkg-divert makes the same of a tree from before the merge of /usr."""
    tree = tmp_path / "tree"
    for folder in ("sbin", "usr/sbin", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (tree / folder).mkdir(parents=True)
    (tree / "sbin/initctl").write_text("upstart")
    (tree / "var/lib/dpkg/diversions").write_text("/bin/sh\n/bin/sh.distrib\ndash\n")
    (tree / "var/lib/dpkg/status").touch()
    archive = pack(tree, tmp_path / "tree.tar")
    program = find("dpkg-divert")
    call([program, f"--root={tree}", "--local", "--rename", "--add", "/sbin/initctl"])
    (tree / "sbin/initctl").write_text("#!/bin/sh\nexit 0\n")
    (tree / "sbin/initctl").chmod(0o755)
    edits = recipes.tweaks.initctl_divert(merged_usr=False).edits
    fl.Layer.from_archive(archive, edits=edits).save(tmp_path / "layer.tar.gz")
    found = unpack(tmp_path / "layer.tar.gz", tmp_path / "found")
    expected = snapshot(tree)
    assert diverted(found, tmp_path / "found") == diverted(expected, tree)
    assert_trees_equal(timeless(found), timeless(expected))


@pytest.fixture(scope="module")
def distroless(debs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an image of real packages."""
    image = tmp_path_factory.mktemp("distroless") / "image.tar"
    options = ("--rootfs", debs, "-t", "distroless:1", "--set", "user=nonroot")
    fastlayer("build", "--recipe", "distroless", *options, "-o", image)
    return image


def test_packages_are_what_dpkg_unpacks(distroless: Path, debs: Path, tmp_path: Path) -> None:
    """One upon the other, where /bin, /lib and /sbin are links; made files are all that is new."""
    tree = tmp_path / "tree"
    for name in ("bin", "lib", "lib64", "sbin"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for path in sorted(debs.glob("*.deb")):
        files = tmp_path / "files.tar"
        files.write_bytes(call_bytes([find("dpkg-deb"), "--fsys-tarfile", path]))
        call([find("tar"), "-xpf", files, "-C", tree, "--keep-directory-symlink", *KEEP[:3]])
    found, expected = exported(distroless, tmp_path), snapshot(tree)
    directories = {path for path, record in expected.items() if record.kind == "directory"}
    made = {"usr/lib/os-release", "etc/os-release"}
    compared = expected.keys() - directories - made - {"lib64"}
    assert_trees_equal(
        timeless({path: found[path] for path in compared}),
        timeless({path: expected[path] for path in compared}),
    )
    assert directories <= found.keys()
    new = found.keys() - expected.keys()
    packages = {path for path in new if path.startswith("var/lib/dpkg/status.d")}
    assert {f"var/lib/dpkg/status.d/{name}" for name in ("libc6", "perl-base")} <= packages
    assert new - packages == {
        *("etc/passwd", "etc/group", "etc/nsswitch.conf", "home/nonroot"),
        "etc/ssl/certs/ca-certificates.crt",
    }


def test_a_program_of_packages_runs_as_nonroot(podman: Engine, distroless: Path) -> None:
    """It has a name, a home and a place for temporary files, and finds what it needs."""
    podman("load", "--quiet", "--input", distroless)
    code = (
        "print join q( ), (getpwuid $<)[0], $<, $ENV{SSL_CERT_FILE}, -s $ENV{SSL_CERT_FILE} > 1e5,"
        "(-e q(/bin/perl)) + (-e q(/usr/share/zoneinfo/UTC)), (getservbyname qw(https tcp))[2],"
        "open(F, q(>), q(/tmp/x)) + open(F, q(>), q(x)), -e q(/bin/sh) ? 1 : 0"
    )
    said = podman("run", "--rm", "--network=none", *LIMITS, "distroless:1", "perl", "-e", code)
    expected = "nonroot 65532 /etc/ssl/certs/ca-certificates.crt 1 2 443 2 0"
    assert said == expected
    (image,) = json.loads(podman("image", "inspect", "distroless:1"))
    assert (image["Config"]["User"], image["Config"]["WorkingDir"]) == ("65532", "/home/nonroot")
