"""A Debian made slim on its way from one archive to another, in one call and without unpacking."""

import fnmatch
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from .cli import fastlayer
from .peers import call, find
from .tree import Record, Tree, assert_trees_equal, snapshot

# What Debian's slim images leave out (debuerreotype's `.slimify-excludes` and `-includes`).
RULES = [
    ("exclude", "/usr/share/doc/*"),
    ("exclude", "/usr/share/info/*"),
    ("exclude", "/usr/share/lintian/overrides/*"),
    ("exclude", "/usr/share/locale/*"),
    ("exclude", "/usr/share/man/*"),
    ("include", "/usr/share/doc/*/copyright"),
]

# What Docker's `mkimage` and debuerreotype put into every Debian and Ubuntu.
APT = "etc/apt/apt.conf.d"
CACHES = "/var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin"
TWEAKS = {
    "usr/sbin/policy-rc.d": (0o755, "#!/bin/sh\nexit 101\n"),
    "usr/sbin/initctl": (0o755, "#!/bin/sh\nexit 0\n"),
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": (0o644, "force-unsafe-io\n"),
    f"{APT}/docker-clean": (0o644, f'DPkg::Post-Invoke {{ "rm -f {CACHES} || true"; }};\n'),
    f"{APT}/docker-no-languages": (0o644, 'Acquire::Languages "none";\n'),
    f"{APT}/docker-gzip-indexes": (0o644, 'Acquire::GzipIndexes "true";\n'),
    f"{APT}/docker-autoremove-suggests": (0o644, 'Apt::AutoRemove::SuggestsImportant "false";\n'),
    "run/systemd/container": (0o644, "docker\n"),
}


# What GNU tar compresses by the suffix, and a layer can be made of.
@pytest.fixture(scope="module", params=["tar.gz", "tar.bz2", "tar.xz", "tar.zst"])
def packed(
    request: pytest.FixtureRequest, rootfs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give the Debian as the archive that a distribution releases."""
    path = tmp_path_factory.mktemp("packed") / f"rootfs.{request.param}"
    options = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--auto-compress")
    call([find("tar"), *options, "-cf", path, "-C", rootfs, "."])
    return path


@pytest.fixture(scope="module")
def tweaks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the files to put, which nobody's umask has left readable."""
    folder = tmp_path_factory.mktemp("tweaks")
    for path, (_, text) in TWEAKS.items():
        file = folder / Path(path).name
        file.write_text(text)
        file.chmod(0o600)
        os.utime(file, (0, 0))
    return folder


@pytest.fixture(scope="module")
def expected(rootfs: Path) -> Tree:
    """Give what is to be in the layer: what the rules leave of the Debian, and the tweaks."""
    tree = slim(snapshot(rootfs))
    for path, (mode, text) in TWEAKS.items():
        content = text.encode()
        digest = sha256(content).hexdigest()
        tree[path] = Record("file", mode, 0, 0, 0, size=len(content), sha256=digest)
    tree["run/systemd"] = Record("directory", 0o755, 0, 0, 0)
    return tree


def slim(tree: Mapping[str, Record]) -> Tree:
    """Leave out what dpkg would: the last rule that matches decides, and `*` matches slashes."""
    kept = {path for path in tree if not left_out(f"/{path}") or is_kept_link(path, tree[path])}
    parents = {str(parent) for path in kept for parent in Path(path).parents}
    kept |= parents & tree.keys()
    slimmed = {}
    for path in kept:
        names = tuple(name for name in tree[path].names if name in kept)
        slimmed[path] = replace(tree[path], names=names if len(names) > 1 else ())
    return slimmed


def left_out(path: str) -> bool:
    kinds = [kind for kind, pattern in RULES if fnmatch.fnmatchcase(path, pattern)]
    return kinds[-1:] == ["exclude"]


def is_kept_link(path: str, record: Record) -> bool:
    """Tell a link that may lead to a copyright, which dpkg leaves where it is."""
    return record.kind == "symlink" and path.startswith("usr/share/doc")


def as_options(tweaks: Path) -> list[str]:
    """The edits on the command line."""
    rules = [f"--path-{kind}={pattern}" for kind, pattern in RULES]
    puts = [
        f"--put={tweaks / Path(path).name}:/{path}:{mode:04o}" for path, (mode, _) in TWEAKS.items()
    ]
    return [*rules, *puts]


def as_file(tweaks: Path) -> list[str]:
    """The same edits as a file, which has the content in it: its time is 0."""
    rules = [f"path-{kind}={pattern}" for kind, pattern in RULES]
    tables = [f"path_rules = {json.dumps(rules)}"]
    tables += [
        f"put = {json.dumps(path)}\ncontent = {json.dumps(text)}\nmode = '{mode:04o}'"
        for path, (mode, text) in TWEAKS.items()
    ]
    path = tweaks / "edits.toml"
    path.write_text("".join(f"[[edit]]\n{table}\n" for table in tables))
    return ["--edits", str(path)]


def test_a_debian_becomes_a_slim_base_image_in_one_call(
    packed: Path, tweaks: Path, expected: Tree, rootfs: Path, tmp_path: Path
) -> None:
    """GNU tar unpacks from the zstd layer just what is expected, with all its metadata."""
    lost = snapshot(rootfs).keys() - expected.keys()
    assert any(path.startswith("usr/share/man/man1/") for path in lost)
    assert "usr/share/doc/dpkg/copyright" in expected
    layer = tmp_path / "layer.tar.zst"
    options = ("--unmatched", "error", "--compression", "zstd")
    fastlayer("layer", packed, "-o", layer, *options, *as_options(tweaks))
    root = tmp_path / "root"
    root.mkdir()
    # What edits put comes last, when tar has already set the times of the directories before.
    keep = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--delay-directory-restore")
    call([find("tar"), "-I", find("zstd"), "-xpf", layer, "-C", root, *keep])
    assert_trees_equal(snapshot(root), expected)


def test_umoci_unpacks_the_slim_image(
    packed: Path, tweaks: Path, expected: Tree, tmp_path: Path
) -> None:
    """The same as an image, with the edits in a file; umoci 0.4 reads gzip."""
    output = f"oci:{tmp_path}/layout:12"
    fastlayer(
        *("build", "--rootfs", packed, "-o", output, "--unmatched", "error"), *as_file(tweaks)
    )
    image = f"{tmp_path}/layout:12"
    call([find("umoci"), "unpack", "--image", image, tmp_path / "bundle"])
    assert_trees_equal(snapshot(tmp_path / "bundle" / "rootfs"), expected)


def test_a_file_and_options_make_the_same_layer(packed: Path, tweaks: Path, tmp_path: Path) -> None:
    """Two ways to say the same."""
    digests = set()
    for edits in (as_options(tweaks), as_file(tweaks)):
        record = fastlayer(
            *("layer", packed, "-o", tmp_path / "layer.tar", "--unmatched", "error", "--json"),
            *edits,
        )
        digests.add(json.loads(record)["diffID"])
    assert len(digests) == 1
