"""`fastlayer.recipes`: base images as distributions make them."""

from __future__ import annotations

import io
import json
import os
import tarfile
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import debs
import fastlayer as fl
from archives import Link, tar
from commands import config_of, fastlayer, layer_members
from fastlayer import edit, recipes
from fastlayer.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MOMENT = "2025-04-18T19:07:30Z"
SECONDS = 1745003250
RECORD = "/sbin/initctl\n/sbin/initctl.distrib\n:\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A root file system with a few files that recipes change."""
    path = tmp_path / "rootfs.tar"
    members: dict[str, bytes | Link] = {
        "sbin": Link("usr/sbin"),
        "usr/sbin/": b"",
        "etc/machine-id": b"0123",
        "usr/share/man/man1/a.1": b"",
        "var/lib/dpkg/diversions": b"",
    }
    path.write_bytes(tar(members))
    return path


def saved(image: fl.Image, folder: Path) -> dict[str, Any]:
    """The config of an image as it is stored."""
    image.save(folder / "image.tar", tags=["x:1"])
    return config_of(folder / "image.tar")


def steps(config: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """The history, without times."""
    return [
        (step["created_by"], step["comment"], step.get("empty_layer", False))
        for step in config["history"]
    ]


def test_debian_says_who_made_it_and_when(archive: Path, tmp_path: Path) -> None:
    """As the images of debuerreotype do; no time in the layer is later."""
    os.utime(archive)
    image = recipes.debian(
        archive,
        suite="bookworm",
        version="0.15",
        created=MOMENT,
        platform="linux/arm/v7",
        edits=[edit.put("etc/new", archive)],
    )
    config = saved(image, tmp_path)
    assert config["config"] == {"Env": [PATH], "Cmd": ["bash"]}
    assert config["created"] == MOMENT
    made = f"# debian.sh --arch 'armhf' out/ 'bookworm' '@{SECONDS}'"
    assert steps(config) == [(made, "debuerreotype 0.15", False)]
    members = layer_members(tmp_path / "image.tar")
    assert max(member.mtime for member in members.values()) == SECONDS
    assert members["etc/machine-id"].size == 0
    assert "usr/share/man/man1/a.1" in members
    assert members["usr/sbin/policy-rc.d"].mode == 0o755


def test_debian_without_a_time_has_none(archive: Path, tmp_path: Path) -> None:
    """But that of the environment."""
    config = saved(recipes.debian(archive, platform="linux/amd64"), tmp_path)
    assert steps(config) == [("# debian.sh --arch 'amd64' out/ 'stable'", "fastlayer", False)]
    assert "created" not in config


def test_the_environment_s_time_is_told(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had been given."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(SECONDS))
    image = recipes.debian_slim(archive, platform="linux/amd64")
    config = saved(image, tmp_path)
    assert config["created"] == MOMENT
    assert config["history"][0]["created_by"].endswith(f" '@{SECONDS}'")
    assert "usr/share/man/man1/a.1" not in layer_members(tmp_path / "image.tar")


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux/386", "i386"),
        ("linux/arm64", "arm64"),
        ("linux/ppc64le", "ppc64el"),
        ("linux/arm/v5", "armel"),
        ("linux/arm/v6", "armhf"),
        ("linux/wasm", "wasm"),
    ],
)
def test_debian_s_names_of_architectures(archive: Path, platform: str, name: str) -> None:
    """Which are not Go's."""
    (step,) = recipes.debian(archive, platform=platform).config.history
    assert f"--arch '{name}'" in step.created_by


def test_ubuntu_of_a_cloud_image(archive: Path, tmp_path: Path) -> None:
    """The files of its Dockerfile, and the settings of today's images."""
    config = saved(recipes.ubuntu(archive, version="24.04", created=0), tmp_path)
    labels = {
        "org.opencontainers.image.ref.name": "ubuntu",
        "org.opencontainers.image.version": "24.04",
    }
    settings = {"Env": [PATH], "Cmd": ["/bin/bash"], "WorkingDir": "/", "ArgsEscaped": True}
    assert config["config"] == {**settings, "Labels": labels}
    buildkit = "buildkit.dockerfile.v0"
    assert steps(config) == [
        ("LABEL org.opencontainers.image.ref.name=ubuntu", buildkit, True),
        ("LABEL org.opencontainers.image.version=24.04", buildkit, True),
        ("ADD rootfs.tar / # buildkit", buildkit, False),
        ('CMD ["/bin/bash"]', buildkit, True),
    ]
    members = layer_members(tmp_path / "image.tar")
    assert members["var/lib/dpkg/diversions"].size == len(RECORD)
    assert members["usr/sbin/initctl"].mode == 0o755
    assert "run/systemd/container" in members


def test_ubuntu_where_sbin_is_a_directory(tmp_path: Path) -> None:
    """It is looked up, in an archive and in a tree; a stream is taken for one of today."""
    members: dict[str, bytes | Link] = {"sbin/": b"", "usr/sbin/": b"", "x": b""}
    path = tmp_path / "rootfs.tar"
    path.write_bytes(tar(members))
    saved(recipes.ubuntu(path), tmp_path)
    assert "sbin/initctl" in layer_members(tmp_path / "image.tar")
    (tmp_path / "tree/sbin").mkdir(parents=True)
    saved(recipes.ubuntu(tmp_path / "tree"), tmp_path)
    assert "sbin/initctl" in layer_members(tmp_path / "image.tar")
    with path.open("rb") as stream:
        saved(recipes.ubuntu(stream), tmp_path)
    assert "usr/sbin/initctl" in layer_members(tmp_path / "image.tar")
    with path.open("rb") as stream:
        saved(recipes.ubuntu(stream, merged_usr=False), tmp_path)
    assert "sbin/initctl" in layer_members(tmp_path / "image.tar")


def test_ubuntu_that_is_prepared_stays_as_it_is(archive: Path, tmp_path: Path) -> None:
    """Its own archives for containers have all edits already."""
    config = saved(recipes.ubuntu(archive, prepared=True), tmp_path)
    assert "Labels" not in config["config"]
    assert "usr/sbin/initctl" not in layer_members(tmp_path / "image.tar")


def test_alpine_and_fedora_change_nothing(archive: Path, tmp_path: Path) -> None:
    """They have a command, and Fedora its variables."""
    config = saved(recipes.alpine(archive), tmp_path)
    plain = fl.Layer.from_archive(archive).save(tmp_path / "layer")
    assert config["rootfs"]["diff_ids"] == [str(plain.diff_id)]
    settings = {"Env": [PATH], "Cmd": ["/bin/sh"], "WorkingDir": "/", "ArgsEscaped": True}
    assert config["config"] == settings
    config = saved(recipes.fedora(archive, version="45"), tmp_path)
    assert config["rootfs"]["diff_ids"] == [str(plain.diff_id)]
    variables = ["DISTTAG=f45container", "FGC=f45", "FBR=f45"]
    assert config["config"]["Env"] == [PATH, *variables]
    assert steps(config)[0][0] == "ENV DISTTAG=f45container FGC=f45 FBR=f45"


@pytest.mark.parametrize(
    ("recipe", "given", "instructions"),
    [
        (recipes.alpine, {}, 'ADD rootfs.tar /\nCMD ["/bin/sh"]'),
        (
            recipes.fedora,
            {"version": "42"},
            'ENV DISTTAG=f42container FGC=f42 FBR=f42\nADD rootfs.tar /\nCMD ["/bin/bash"]',
        ),
        (
            recipes.ubuntu,
            {"version": "24.04", "prepared": True},
            "LABEL org.opencontainers.image.ref.name=ubuntu\n"
            'LABEL org.opencontainers.image.version=24.04\nADD rootfs.tar /\nCMD ["/bin/bash"]',
        ),
        (
            recipes.centos,
            {},
            'ADD rootfs.tar /\nLABEL org.label-schema.schema-version="1.0" '
            'org.label-schema.name="CentOS Base Image" org.label-schema.vendor="CentOS" '
            'org.label-schema.license="GPLv2" org.label-schema.build-date="20250418" '
            'org.opencontainers.image.title="CentOS Base Image" '
            'org.opencontainers.image.vendor="CentOS" '
            'org.opencontainers.image.licenses="GPL-2.0-only" '
            'org.opencontainers.image.created="2025-04-18 00:00:00+00:00"\nCMD ["/bin/bash"]',
        ),
    ],
    ids=["alpine", "fedora", "ubuntu", "centos"],
)
def test_config_and_history_are_those_of_the_dockerfile(
    recipe: Callable[..., fl.Image], given: dict[str, Any], instructions: str, archive: Path
) -> None:
    """What Docker makes of the distribution's own Dockerfile is what the recipe makes."""
    content = f"FROM scratch\n{instructions}\n".encode()
    with fl.dockerfile.evaluate(content, context=archive.parent, platform="linux/amd64") as image:
        expected = image.with_config(created=MOMENT).config
    assert recipe(archive, created=MOMENT, platform="linux/amd64", **given).config == expected


def test_centos_has_its_labels(archive: Path, tmp_path: Path) -> None:
    """Those of the Dockerfile, in its order; the day is that of its creation."""
    config = saved(recipes.centos(archive, created="2020-11-13T00:00:00Z"), tmp_path)
    labels = config["config"]["Labels"]
    assert labels["org.label-schema.build-date"] == "20201113"
    assert labels["org.opencontainers.image.created"] == "2020-11-13 00:00:00+00:00"
    assert len(labels) == 9
    assert steps(config)[1][0].startswith(
        "LABEL org.label-schema.schema-version=1.0 org.label-schema.name=CentOS Base Image "
    )
    assert config["config"]["Cmd"] == ["/bin/bash"]
    undated = recipes.centos(archive).config.config.labels
    assert len(undated) == 7


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "distroless"])
def test_options_of_layers_and_edits_come_after_the_recipe_s(
    name: str, archive: Path, tmp_path: Path
) -> None:
    """And each recipe gives the same bytes twice."""
    make: Callable[..., fl.Image] = RECIPES[name].make
    more = {"edits": [edit.put("etc/apt/apt.conf.d/docker-clean", b"mine")]}
    image = make(archive, compression="zstd", platform="linux/amd64", created=0, **more)
    first = image.save(tmp_path / "1.tar", tags=["x:1"])
    assert image.save(tmp_path / "2.tar", tags=["x:1"]).digest == first.digest
    assert first.layers[0].media_type.endswith("zstd")
    layer = io.BytesIO()
    fl.Image.load(tmp_path / "1.tar").export(layer)
    layer.seek(0)
    with tarfile.open(fileobj=layer) as exported:
        file = exported.extractfile("etc/apt/apt.conf.d/docker-clean")
        assert file is not None
        assert file.read() == b"mine"


def test_every_function_is_listed() -> None:
    """By its name with hyphens; each shows itself as a file of edits with comments."""
    assert {recipe.make for recipe in RECIPES.values()} == {
        getattr(recipes, name.replace("-", "_")) for name in RECIPES
    }
    for name, recipe in RECIPES.items():
        lines = str(recipe).splitlines()
        assert lines[0] == f"# {name}: {recipe.why}"
        assert f"# env {PATH}" in lines


@pytest.mark.parametrize("epoch", ["1", "abc"])
def test_what_is_shown_is_the_same_at_any_time(epoch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the environment is read."""
    shown = [str(recipe) for recipe in RECIPES.values()]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert [str(recipe) for recipe in RECIPES.values()] == shown


def test_what_is_shown_is_what_is_set(archive: Path, tmp_path: Path) -> None:
    """Variables, labels, directory and command; and what no edit says is told."""
    for name in ("debian", "debian-slim", "ubuntu", "alpine", "centos", "fedora"):
        recipe = RECIPES[name]
        made = recipe.make(archive).config.config
        shown = str(recipe).splitlines()
        assert f"# cmd {json.dumps(made.cmd)}" in shown
        assert (f"# workdir {made.working_dir}" in shown) == bool(made.working_dir)
        labels = [f"# label {key}={value}" for key, value in made.labels.items()]
        assert [line for line in shown if line.startswith("# label")] == labels
    for path in ("/var/lib/dpkg/status.d", "/usr/lib/os-release", "/lib64", "/etc/ssl/certs/"):
        assert path in str(RECIPES["distroless"])


def test_an_mtree_file_is_refused(tmp_path: Path) -> None:
    """Its contents are elsewhere, and a recipe is told of no place."""
    (tmp_path / "m").write_bytes(b"#mtree\n. type=dir\n")
    message = "`.*m` is an mtree file: a recipe takes a directory or an archive"
    with pytest.raises(fl.InvalidArgumentError, match=message):
        recipes.debian(tmp_path / "m")
    built = fastlayer(
        *("build", "--recipe", "alpine", "--rootfs", "m", "-t", "x:1", "-o", "x.tar"), cwd=tmp_path
    )
    assert built.status != 0
    assert "`m` is an mtree file" in built.error


def packages() -> tuple[bytes, ...]:
    """Four packages, with a library in /lib, and certificates that lack a line break."""
    return (
        debs.deb("zlib", {"lib/": b"", "lib/x/": b"", "lib/x/libz.so": b"z"}, suffix=".gz"),
        debs.deb(
            "base-files",
            {
                "bin/": b"",
                "etc/": b"",
                "lib/": b"",
                "usr/lib/os-release": b'PRETTY_NAME="Debian 12"\nID=debian\n',
                "etc/os-release": Link("../usr/lib/os-release"),
            },
        ),
        debs.deb(
            "ca-certificates",
            {
                "usr/share/ca-certificates/mozilla/B.crt": b"BBB",
                "usr/share/ca-certificates/mozilla/A.crt": b"AAA\n\n",
                "usr/share/ca-certificates/mozilla/README": b"no",
            },
            architecture="all",
            md5sums=None,
        ),
    )


def contents(image: Path) -> list[dict[str, bytes]]:
    """The files of each layer, with their content, and links with their targets."""
    found = []
    for stored in fl.Image.load(image).layers:
        assert isinstance(stored, fl.StoredLayer)
        blob = io.BytesIO(b"".join(stored.blob.chunks()))
        with tarfile.open(fileobj=blob) as layer:
            files = {}
            for member in layer:
                file = layer.extractfile(member) if member.isreg() else None
                files[member.name] = file.read() if file else member.linkname.encode()
            found.append(files)
    return found


def test_distroless_has_a_layer_for_each_package(tmp_path: Path) -> None:
    """By name, with control data, below one of what no package has."""
    folder = debs.folder_of(tmp_path / "debs", *packages())
    image = recipes.distroless(folder, user="nonroot", source="https://example.org/x", created=0)
    built = image.save(tmp_path / "image.tar", tags=["x:1"])
    base, certificates, zlib, made = contents(tmp_path / "image.tar")
    status = "var/lib/dpkg/status.d"
    assert base[f"{status}/base-files"].startswith(b"Package: base-files\n")
    assert base[f"{status}/base-files.md5sums"].endswith(b"usr/x\n")
    assert f"{status}/ca-certificates.md5sums" not in certificates
    assert zlib["usr/lib/x/libz.so"] == b"z"
    assert not any(path.startswith(("lib", "bin")) for path in (*base, *zlib))
    assert (made["lib"], made["lib64"], made["bin"]) == (b"usr/lib", b"usr/lib64", b"usr/bin")
    assert made["etc/ssl/certs/ca-certificates.crt"] == b"AAA\nBBB\n"
    assert made["usr/lib/os-release"] == b'PRETTY_NAME="Distroless"\nID=debian\n'
    assert b"nonroot:x:65532:65532:" in made["etc/passwd"]
    config = config_of(tmp_path / "image.tar")
    assert config["config"] == {
        "Env": [PATH, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
        "User": "65532",
        "WorkingDir": "/home/nonroot",
    }
    assert config["architecture"] == "amd64"
    assert [step["created_by"] for step in config["history"]] == [
        "deb base-files 1-2",
        "deb ca-certificates 1-2",
        "deb zlib 1-2",
        "accounts",
    ]
    assert image.annotations == {"org.opencontainers.image.source": "https://example.org/x"}
    members = layer_members(tmp_path / "image.tar", 3)
    home, tmp = members["home/nonroot"], members["tmp"]
    assert (home.mode, home.uid, home.gid, tmp.mode) == (0o700, 65532, 65532, 0o1777)
    # Neither names of files nor their order make a difference.
    other = debs.folder_of(tmp_path / "other", *reversed(packages()))
    again = recipes.distroless(other, user="nonroot", source="https://example.org/x", created=0)
    assert again.save(tmp_path / "again.tar", tags=["x:1"]).digest == built.digest


def test_distroless_takes_the_links_of_base_files(tmp_path: Path) -> None:
    """Since Debian 13 that package has them; then nobody else makes them."""
    links: dict[str, bytes | Link] = {"bin": Link("usr/bin"), "lib": Link("usr/lib"), "usr/": b""}
    folder = debs.folder_of(
        tmp_path / "debs", debs.deb("base-files", links), debs.deb("aa", {"lib/a": b"a"})
    )
    recipes.distroless(folder).save(tmp_path / "image.tar", tags=["x:1"])
    package, base, made = contents(tmp_path / "image.tar")
    assert package["usr/lib/a"] == b"a"
    assert base["lib"] == b"usr/lib"
    assert "lib" not in made
    assert made["sbin"] == b"usr/sbin"


def test_distroless_may_leave_packages_as_they_are(tmp_path: Path) -> None:
    """And is root's by default; without certificates nothing leads to them."""
    folder = debs.folder_of(tmp_path / "debs", packages()[0])
    image = recipes.distroless(folder, merged_usr=False, platform="linux/amd64/v2")
    config = saved(image, tmp_path)
    zlib, made = contents(tmp_path / "image.tar")
    assert zlib["lib/x/libz.so"] == b"z"
    assert "lib" not in made
    assert config["config"] == {"Env": [PATH], "User": "0", "WorkingDir": "/"}
    assert (config["architecture"], config["variant"]) == ("amd64", "v2")
    assert made["usr/lib/os-release"].startswith(b'PRETTY_NAME="Distroless"\nNAME=')


def test_distroless_refuses_two_architectures_and_strangers(tmp_path: Path) -> None:
    """An image is for one platform."""
    one, other = (debs.deb(name, {}, architecture=name) for name in ("arm64", "s390x"))
    folder = debs.folder_of(tmp_path / "debs", one, other)
    with pytest.raises(fl.InvalidArgumentError, match=r"`.*9\.deb` is for `arm64`, .* an index"):
        recipes.distroless(folder)
    with pytest.raises(fl.InvalidArgumentError, match="an index of them"):
        recipes.distroless(folder, platform="linux/arm64")
    with pytest.raises(fl.InvalidArgumentError, match="`user` is `me`"):
        recipes.distroless(folder, user="me")  # type: ignore[arg-type]
    with pytest.raises(fl.InvalidArgumentError, match="a folder of"):
        recipes.distroless(io.BytesIO())  # type: ignore[arg-type]
    with pytest.raises(NotADirectoryError):
        recipes.distroless(folder / "9.deb")


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [("arm64", "linux/arm64/v8"), ("armel", "linux/arm/v5"), ("riscv64", "linux/riscv64")],
)
def test_distroless_is_for_the_platform_of_its_packages(
    architecture: str, platform: str, tmp_path: Path
) -> None:
    """However that is spelled; another one is refused."""
    folder = debs.folder_of(tmp_path / "debs", debs.deb("aa", {}, architecture=architecture))
    for given in (None, platform, fl.Platform.parse(platform).normalized()):
        made = fl.Platform.parse(platform)
        assert recipes.distroless(folder, platform=given).platform.matches(made)
    for wrong in ("linux/s390x", platform.replace("linux", "windows"), "linux/arm/v7"):
        message = rf"9\.deb` is for `{architecture}`, which is not `{wrong}`"
        with pytest.raises(fl.InvalidArgumentError, match=message):
            recipes.distroless(folder, platform=wrong)


def test_distroless_moves_only_what_a_link_leads_to(tmp_path: Path) -> None:
    """Nobody makes one for /lib32, but a base-files that has it."""
    links: dict[str, bytes | Link] = {"libx32": Link("usr/libx32"), "usr/libx32/": b""}
    folder = debs.folder_of(
        tmp_path / "debs",
        debs.deb("aa", {"lib32/a": b"a", "lib64/a": b"a", "libx32/a": b"a"}, architecture="i386"),
        debs.deb("base-files", links, architecture="i386"),
    )
    recipes.distroless(folder).save(tmp_path / "image.tar", tags=["x:1"])
    package, base, made = contents(tmp_path / "image.tar")
    assert {"lib32/a", "lib64/a", "usr/libx32/a"} <= set(package)
    assert base["libx32"] == b"usr/libx32"
    assert {"lib32", "lib64", "libx32"}.isdisjoint(made)


def test_distroless_makes_what_is_asked_for_once(tmp_path: Path) -> None:
    """In the last layer; what is changed or left out is so wherever it is, and told of nowhere."""
    folder = debs.folder_of(tmp_path / "debs", *packages())
    edits = [
        edit.put("etc/motd", b"hello\n"),
        edit.directory("srv"),
        edit.symlink("x", "srv"),
        edit.remove("usr/lib/x"),
        edit.append("etc/passwd", b"me:x:1:1::/:\n"),
        edit.remove("etc/group"),
    ]
    with warnings.catch_warnings(action="error"):
        image = recipes.distroless(folder, edits=edits)
        image.save(tmp_path / "image.tar", tags=["x:1"])
    *below, made = contents(tmp_path / "image.tar")
    assert (made["etc/motd"], made["x"]) == (b"hello\n", b"srv")
    assert made["etc/passwd"].endswith(b"me:x:1:1::/:\n")
    assert "etc/group" not in made
    assert "srv" in made
    for layer in below:
        assert {"etc/motd", "srv", "x", "usr/lib/x/libz.so"}.isdisjoint(layer)


def test_distroless_cannot_tell_of_edits_that_meet_nothing(tmp_path: Path) -> None:
    """So it takes none that must; what is no edit is refused as elsewhere."""
    folder = debs.folder_of(tmp_path / "debs", packages()[0])
    recipes.distroless(folder, edits=[edit.put("a", b"")], unmatched="error")
    message = "`unmatched` is `error`, but the edit `remove a` is done in each layer"
    with pytest.raises(fl.InvalidArgumentError, match=message):
        recipes.distroless(folder, edits=[edit.remove("a")], unmatched="error")
    with pytest.raises(fl.InvalidArgumentError, match="`edits` holds a `int`"):
        recipes.distroless(folder, edits=[1])  # type: ignore[list-item]


def test_the_command_line_follows_recipes(archive: Path, tmp_path: Path) -> None:
    """What is said besides comes after them."""
    options = ("--created", MOMENT, "--platform", "linux/amd64")
    given = ("--set", "suite=bookworm", *options)
    built = fastlayer(
        *("build", "--recipe", "debian-slim", "--rootfs", archive, "-t", "x:1", "-o", "a.tar"),
        *(*given, "--label", "a=b", "--env", "A=B", "--cmd", "sh", "--remove", "/etc/hostname"),
        *("--unmatched", "error", "--json"),
        cwd=tmp_path,
    )
    assert built.status == 0, built.stderr
    config = config_of(tmp_path / "a.tar")
    assert config["config"] == {"Env": [PATH, "A=B"], "Cmd": ["sh"], "Labels": {"a": "b"}}
    assert steps(config)[0][0].endswith(f"out/ 'bookworm' '@{SECONDS}'")
    assert "etc/hostname" not in layer_members(tmp_path / "a.tar")
    with archive.open("rb") as stream:
        read = fastlayer(
            *("build", "--recipe", "debian-slim", "--rootfs", "-", "-t", "x:1", "-o", "b.tar"),
            *given,
            cwd=tmp_path,
            stdin=stream,
        )
    assert read.status == 0, read.stderr
    image = recipes.debian_slim(archive, suite="bookworm", created=MOMENT, platform="linux/amd64")
    assert config_of(tmp_path / "b.tar") == saved(image, tmp_path)


def test_the_command_line_takes_packages(tmp_path: Path) -> None:
    """A folder of them is their root file system; more layers go on top."""
    debs.folder_of(tmp_path / "debs", *packages())
    (tmp_path / "app").touch()
    built = fastlayer(
        *("build", "--recipe", "distroless", "--rootfs", "debs", "--set", "user=nonroot"),
        *("--set", "merged_usr=false", "--add", "app:/app", "-t", "x:1", "-o", "x.tar", "--json"),
        cwd=tmp_path,
    )
    assert len(built.record["layers"]) == 5
    assert config_of(tmp_path / "x.tar")["config"]["User"] == "65532"


def test_recipes_are_listed_and_shown(archive: Path, tmp_path: Path) -> None:
    """What is shown makes the same layer as the recipe."""
    listed = fastlayer("recipe", "list", cwd=tmp_path).stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == list(RECIPES)
    shown = fastlayer("recipe", "show", "ubuntu", cwd=tmp_path).stdout
    (tmp_path / "edits.toml").write_bytes(shown)
    options = ("--rootfs", archive, "-t", "x:1", "--json", "-o")
    plain = fastlayer("build", "--edits", "edits.toml", *options, "1.tar", cwd=tmp_path).record
    followed = fastlayer("build", "--recipe", "ubuntu", *options, "2.tar", cwd=tmp_path).record
    assert json.dumps(plain["layers"]) == json.dumps(followed["layers"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "a=b"], "`--set` is for a recipe, and there is none: give `--recipe`"),
        (["--recipe", "debian", "--set", "a=b"], "`--set`: the recipe `debian` has no `a`: it "),
        (["--recipe", "alpine", "--set", "a=b"], "`--set`: the recipe `alpine` has no `a`: it "),
        (
            ["--recipe", "ubuntu", "--set", "prepared=1"],
            "`--set`: `prepared` is `1`: expected `true` or `false`",
        ),
        (["--recipe", "debian", "--rootfs", "x"], "`--recipe` needs one `--rootfs`, before any "),
        (["--recipe", "debian", "--from", "x"], "`--recipe` begins with nothing, `--from` with "),
        (["--recipe", "gentoo"], "`--recipe`: `gentoo` is not one of `debian`, "),
    ],
)
def test_bad_usage_is_told(
    arguments: list[str], message: str, archive: Path, tmp_path: Path
) -> None:
    """With status 2, before any work."""
    outcome = fastlayer(
        "build", "--rootfs", archive, "-t", "x:1", "-o", "x.tar", *arguments, cwd=tmp_path
    )
    assert outcome.status == 2
    assert message in outcome.error
    assert not (tmp_path / "x.tar").exists()
