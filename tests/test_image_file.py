"""Image files: every key is what it is in Python, and every way to write a wrong one."""

import os
import re
import string
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import fastlayer as fl
from archives import Sample, combined, write_archive
from fastlayer import edit
from fastlayer.destination import Output
from fastlayer.image_file import keys
from fastlayer.layer import build_layers
from registries import Registry
from tomls import document, values, ways

GUIDE = Path(__file__).parents[1] / "docs" / "image-file.md"
NOON = datetime(2025, 4, 18, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with something of each kind to make layers of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    for folder in ("rootfs/etc", "conf", "old", "build/amd64", "build/arm64", "build/arm/v7"):
        Path(folder).mkdir(parents=True)
    for name in ("rootfs/etc/motd", "conf/app.conf", "motd"):
        Path(name).write_text(name)
    for name in ("build/amd64/app", "build/arm64/app", "build/arm/v7/app"):
        Path(name).write_text(name)
    with tarfile.open("rootfs.tar.xz", "w:xz") as archive:
        archive.add("rootfs", ".")
    with tarfile.open("runtime.tar.gz", "w:gz") as archive:
        archive.add("rootfs", "opt/runtime")
        archive.add("motd", "usr/share/doc/motd")
    Path("rootfs.mtree").write_text("#mtree\n./etc type=dir\n./etc/motd type=file\n")
    Path("slim.toml").write_text('[[edit]]\nremove = "etc/motd"\n')
    fl.Layer.from_directory("conf").save("layer.tar.gz")
    write_archive(Path("base.tar"), combined(Sample()))
    return tmp_path


def read(text: str, folder: str = "") -> fl.ImageFile:
    """The file with this text."""
    path = Path(folder, "image.toml")
    path.write_text(text)
    return fl.read_image_file(path)


def image_of(text: str) -> fl.Image:
    """What a file for one platform describes."""
    image = read(text).images()
    assert isinstance(image, fl.Image)
    return image


def layer_of(text: str) -> Any:
    """The layer of a table `[[layer]]` with this text."""
    (layer,) = image_of(f"[[layer]]\n{text}\n").layers
    return layer


OF_FILES = 'files = { a = "motd" }\n'

LAYERS = [
    ("rootfs", 'rootfs = "rootfs"', lambda: fl.Layer.from_directory("rootfs")),
    ("rootfs", 'rootfs = "rootfs.tar.xz"', lambda: fl.Layer.from_archive("rootfs.tar.xz")),
    ("rootfs", 'rootfs = "rootfs.mtree"', lambda: fl.Layer.from_mtree("rootfs.mtree")),
    (
        "base",
        'rootfs = "rootfs.mtree"\nbase = "rootfs"',
        lambda: fl.Layer.from_mtree("rootfs.mtree", base="rootfs"),
    ),
    ("archive", 'archive = "runtime.tar.gz"', lambda: fl.Layer.from_archive("runtime.tar.gz")),
    (
        "mtree",
        'mtree = "rootfs.mtree"\nbase = "rootfs"',
        lambda: fl.Layer.from_mtree("rootfs.mtree", base="rootfs"),
    ),
    ("diff", 'diff = { lower = "old", upper = "conf" }', lambda: fl.Layer.from_diff("old", "conf")),
    ("overlay", 'overlay = "conf"', lambda: fl.Layer.from_overlay("conf")),
    ("directory", 'directory = "conf"', lambda: fl.Layer.from_directory("conf", owner="0:0")),
    (
        "directory",
        'directory = "conf"\nowner = "keep"',
        lambda: fl.Layer.from_directory("conf", owner="keep"),
    ),
    (
        "uid_map",
        'directory = "conf"\nuid_map = [[0, 1000, 10]]',
        lambda: fl.Layer.from_directory("conf", uid_map=[(0, 1000, 10)]),
    ),
    (
        "gid_map",
        'directory = "conf"\ngid_map = [[0, 1000, 10], [10, 1, 2]]',
        lambda: fl.Layer.from_directory("conf", gid_map=[(0, 1000, 10), (10, 1, 2)]),
    ),
    (
        "files",
        'files = { "etc/a" = "motd", b = { content = "ü\\n" } }',
        lambda: fl.Layer.from_files({"etc/a": "motd", "b": "ü\n".encode()}),
    ),
]

OPTIONS: list[tuple[str, str, Any]] = [
    ("prefix", 'prefix = "/opt/app"', {"prefix": "/opt/app"}),
    ("owner", 'owner = "1:2"', {"owner": (1, 2)}),
    ("mode", 'mode = "u=rwX,go=rX"', {"mode": "u=rwX,go=rX"}),
    ("mode", 'mode = "0755"', {"mode": "0755"}),
    ("mtime", "mtime = 5", {"mtime": 5}),
    ("mtime", "mtime = 2025-04-18T12:00:00Z", {"mtime": NOON}),
    ("clamp_mtime", "clamp_mtime = 2025-04-18 14:00:00+02:00", {"clamp_mtime": NOON}),
    ("include", 'include = ["a", "b"]', {"include": ["a", "b"]}),
    ("exclude", 'exclude = ["*", "!b"]', {"exclude": ["*", "!b"]}),
    ("exclude", 'exclude = "a"', {"exclude": ["a"]}),
    ("xattrs", 'xattrs = "none"', {"xattrs": "none"}),
    ("xattrs", 'xattrs = ["user.*"]', {"xattrs": ["user.*"]}),
    ("compression", 'compression = "none"', {"compression": "none"}),
    ("compression", 'compression = "zstd:19"', {"compression": "zstd", "level": 19}),
    ("level", 'compression = "zstd"\nlevel = 19', {"compression": "zstd", "level": 19}),
    ("level", "level = 9", {"level": 9}),
    ("verify", "verify = true", {"verify": True}),
    ("unmatched", 'unmatched = "error"', {"unmatched": "error"}),
    ("edits", 'edits = "slim.toml"', {"edits": [edit.remove("etc/motd")]}),
    ("edits", 'edits = ["slim.toml"]', {"edits": [edit.remove("etc/motd")]}),
    (
        "edit",
        'edits = "slim.toml"\n[[layer.edit]]\nput = "a"\nfile = "motd"\n'
        '[[layer.edit]]\nremove = "b"',
        {"edits": [edit.remove("etc/motd"), edit.put("a", "motd"), edit.remove("b")]},
    ),
]


@pytest.mark.parametrize(("text", "make"), [case[1:] for case in LAYERS])
def test_each_source_is_a_layer(text: str, make: Any) -> None:
    """The one that Python makes, and that the command line makes."""
    assert layer_of(text) == make()


def test_a_blob_is_a_layer_as_it_is() -> None:
    """Whatever stands at the top."""
    image = image_of('compression = "zstd"\nmtime = 5\n[[layer]]\nblob = "layer.tar.gz"')
    (layer,) = image.layers
    assert isinstance(layer, fl.StoredLayer)
    assert layer.descriptor == fl.StoredLayer.load("layer.tar.gz").descriptor


@pytest.mark.parametrize(("text", "options"), [case[1:] for case in OPTIONS])
def test_each_option_is_that_of_a_layer(text: str, options: Any) -> None:
    """Of a root file system, as of everything else."""
    assert layer_of(f'rootfs = "rootfs"\n{text}') == fl.Layer.from_directory("rootfs", **options)


@pytest.mark.parametrize(
    ("top", "own", "options"),
    [
        ('compression = "zstd"', "", {"compression": "zstd"}),
        ('compression = "zstd:19"', 'compression = "gzip"', {"compression": "gzip"}),
        ('compression = "zstd:19"', "level = 2", {"compression": "zstd", "level": 2}),
        ('compression = "zstd"\nlevel = 19', "", {"compression": "zstd", "level": 19}),
        ("mtime = 5", "", {"mtime": 5}),
        ("mtime = 5", "mtime = 6", {"mtime": 6}),
        ("mtime = 5", "clamp_mtime = 6", {"clamp_mtime": 6}),
        ("clamp_mtime = 5", "", {"clamp_mtime": 5}),
        ("clamp_mtime = 5", "mtime = 6", {"mtime": 6}),
        ('xattrs = "none"', "", {"xattrs": "none"}),
        ('unmatched = "error"', "", {"unmatched": "error"}),
        ('unmatched = "error"', 'unmatched = "ignore"', {"unmatched": "ignore"}),
        ("threads = 2\nverify = true", "", {"threads": 2, "verify": True}),
        ("verify = true", "verify = false", {}),
    ],
)
def test_what_stands_at_the_top_holds_for_all_layers(top: str, own: str, options: Any) -> None:
    """But for those that say their own."""
    image = image_of(f'{top}\n[[layer]]\nrootfs = "rootfs"\n{own}\n')
    assert image.layers == (fl.Layer.from_directory("rootfs", **options),)


CONFIG = [
    ("entrypoint", 'entrypoint = ["/app", "-v"]', {"entrypoint": ["/app", "-v"]}),
    ("cmd", 'cmd = ["--serve"]', {"cmd": ["--serve"]}),
    ("env", 'env = { A = "1", B = "2" }', {"env": {"A": "1", "B": "2"}}),
    ("env", 'env = ["A=1"]', {"env": ["A=1"]}),
    ("labels", 'labels = { "a.b" = "c" }', {"labels": {"a.b": "c"}}),
    ("user", 'user = "1:2"', {"user": "1:2"}),
    ("working_dir", 'working_dir = "/srv"', {"working_dir": "/srv"}),
    ("exposed_ports", 'exposed_ports = [80, "53/udp"]', {"exposed_ports": [80, "53/udp"]}),
    ("volumes", 'volumes = ["/data"]', {"volumes": ["/data"]}),
    ("stop_signal", 'stop_signal = "int"', {"stop_signal": "int"}),
    ("stop_signal", "stop_signal = 9", {"stop_signal": 9}),
    (
        "healthcheck",
        'healthcheck = { test = ["CMD", "/ok"], interval = "30s", timeout = 1.5, '
        "start_period = 2, start_interval = 3, retries = 4 }",
        {
            "healthcheck": fl.Healthcheck.of(
                ["CMD", "/ok"],
                interval="30s",
                timeout=1.5,
                start_period=2,
                start_interval=3,
                retries=4,
            )
        },
    ),
    (
        "healthcheck",
        'healthcheck.test = "true || false"',
        {"healthcheck": fl.Healthcheck.of(["CMD-SHELL", "true || false"])},
    ),
    ("shell", 'shell = ["/bin/sh", "-c"]', {"shell": ["/bin/sh", "-c"]}),
    ("on_build", 'on_build = ["RUN a"]', {"on_build": ["RUN a"]}),
]


@pytest.mark.parametrize(("text", "options"), [case[1:] for case in CONFIG])
def test_each_setting_is_that_of_an_image(text: str, options: Any) -> None:
    """Under the same name."""
    image = image_of(f"[config]\n{text}\n[[layer]]\n{OF_FILES}")
    assert image.config.config == fl.Image.scratch().with_config(**options).config.config


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ('env = { NEW = "1" }', lambda base: base.with_added(env={"NEW": "1"})),
        ('labels = { a = "b" }', lambda base: base.with_added(labels={"a": "b"})),
        ('exposed_ports = ["1-2"]', lambda base: base.with_added(exposed_ports=["1-2"])),
        ('volumes = ["/v"]', lambda base: base.with_added(volumes=["/v"])),
        ('user = "u"\nentrypoint = []', lambda base: base.with_config(user="u", entrypoint=None)),
        (
            'remove = { env = ["PATH"] }\nenv = ["A=1"]',
            lambda base: base.with_removed(env=["PATH"]).with_added(env=["A=1"]),
        ),
        (
            'remove.labels = ["l"]\nremove.exposed_ports = [80]\nremove.volumes = ["/a"]',
            lambda base: base.with_removed(labels=["l"], exposed_ports=[80], volumes=["/a"]),
        ),
    ],
)
def test_settings_of_a_base_are_added_to_or_replaced(text: str, change: Any) -> None:
    """What is many, one by one; and what is there can be taken away."""
    base = fl.Image.load("base.tar").with_added(
        env=["PATH=/bin", "X=1"], labels={"l": "1"}, exposed_ports=[80], volumes=["/a"]
    )
    base.append(fl.Layer.from_files({"x": b""})).save("rich.tar", tags=["rich"])
    rich = fl.Image.load("rich.tar")
    assert image_of(f'base = "rich.tar"\n[config]\n{text}').config == change(rich).config


def test_a_recipe_makes_what_it_makes_in_python() -> None:
    """With the options of all layers, and further layers on top."""
    text = 'recipe = "debian-slim"\nrootfs = "rootfs.tar.xz"\nset = { suite = "bookworm" }\n'
    image = image_of(f'{text}created = 5\ncompression = "zstd:9"\n[[layer]]\n{OF_FILES}')
    made = fl.recipes.debian_slim(
        "rootfs.tar.xz", suite="bookworm", created=5, compression="zstd", level=9
    )
    layer = fl.Layer.from_files({"a": "motd"}, compression="zstd", level=9)
    assert image == made.append(layer)


def test_a_detail_of_a_recipe_may_be_true_or_false() -> None:
    """As it may be in Python; and platforms have root file systems of their own."""
    index = read(
        'recipe = "ubuntu"\nrootfs = "build/{arch}"\nset = { merged_usr = false }\n'
        'platforms = ["amd64", "arm64"]'
    ).images()
    assert isinstance(index, fl.Index)
    assert list(index) == [
        fl.recipes.ubuntu(f"build/{arch}", merged_usr=False, platform=arch)
        for arch in ("amd64", "arm64")
    ]


def test_what_is_said_of_the_image_itself() -> None:
    """Author, time, annotations, and who made which layer."""
    image = image_of(
        'created = 2025-04-18T12:00:00Z\nauthor = "Ann"\nannotations = { "a.b" = "c" }\n'
        f'[[layer]]\n{OF_FILES}created_by = "hand"\ncomment = "well"\n[[layer]]\n{OF_FILES}'
    )
    assert (image.config.created, image.config.author) == ("2025-04-18T12:00:00Z", "Ann")
    assert image.annotations == {"a.b": "c"}
    told = [(step.created_by, step.comment) for step in image.config.history]
    assert told == [("hand", "well"), ("fastlayer", "")]


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("", "1970-01-01T00:00:07Z"),
        ('created = "2025-04-18T12:00:00Z"', "2025-04-18T12:00:00Z"),
        ("created = 5", "1970-01-01T00:00:05Z"),
    ],
)
@pytest.mark.parametrize("base", ["", 'base = "base.tar"'])
def test_the_time_of_creation_is_the_file_s_or_else_the_environment_s(
    base: str, created: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the command line."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "7")
    assert image_of(f"{base}\n{created}\n[[layer]]\n{OF_FILES}").config.created == expected


def test_every_key_has_its_place_in_the_tests_and_in_the_guide() -> None:
    """A key that options or settings gain is one that a file can hold."""
    tested = {name for name, *_ in (*LAYERS, *OPTIONS)}
    assert tested | {"blob", "created_by", "comment"} == set(keys.LAYER)
    assert {name for name, *_ in CONFIG} | {"remove"} == set(keys.CONFIG)
    named = set(re.findall(r"`([a-z_]+)`", GUIDE.read_text()))
    assert named | {"edit"} >= {*keys.TOP, *keys.CONFIG, *keys.LAYER}


def test_a_base_is_found_beside_the_file() -> None:
    """In every form; a registry's is asked for by name."""
    Path("there").mkdir()
    base = fl.Image.load("base.tar")
    for text in ("base.tar", "docker-archive:base.tar", "oci-archive:base.tar"):
        path = text.replace("base.tar", "../base.tar")
        image = read(f'base = "{path}"', "there").images()
        assert isinstance(image, fl.Image)
        assert image.config == base.config
    base.write_layout("layout", tags=["x:1"])
    for path in ("oci:../layout:1", "../layout", f"{os.getcwd()}/base.tar"):  # noqa: PTH109
        assert read(f'base = "{path}"', "there").images().build  # it is there


def test_a_base_may_come_from_a_registry() -> None:
    """Its documents are read when images are asked for, not before."""
    with Registry() as registry:
        name = f"docker://{registry.domain}/team/base:1"
        file = read(f'base = "{name}"\noutput = "x.tar"')
        with pytest.raises(fl.RegistryError):
            file.images()
        pushed = fl.Image.load("base.tar").push(name)
        (built,) = file.build()
    assert built.digest == pushed.digest


def base_index(*platforms: str) -> fl.Index:
    return fl.Index().append(
        *(
            fl.Image.scratch(platform=one).append(fl.Layer.from_files({"base": one.encode()}))
            for one in platforms
        )
    )


def test_several_platforms_make_an_index() -> None:
    """Each with the files and the base for it."""
    base_index("linux/amd64", "linux/arm64", "linux/arm/v7").write_layout("base", name="1")
    index = read(
        'base = "oci:base:1"\nplatforms = ["linux/amd64", "arm64", "linux/arm/v7"]\n'
        'annotations.a = "b"\n[[layer]]\nfiles = { app = "build/{arch}/{variant}/app" }\n'
        '[[layer.edit]]\nput = "{arch}"\nfile = "build/{arch}/{variant}/app"\n'
    ).images()
    assert isinstance(index, fl.Index)
    base = fl.Index.load("oci:base:1")
    assert [str(image.platform) for image in index] == [
        *("linux/amd64", "linux/arm64", "linux/arm/v7"),
    ]
    for image, folder in zip(index, ("amd64", "arm64", "arm/v7"), strict=True):
        lowest, layer = image.layers
        assert lowest.diff_id == base.image(image.platform).layers[0].diff_id
        # A path of the layer is what it is.
        changes = [edit.put("{arch}", f"build/{folder}/app")]
        assert layer == fl.Layer.from_files({"app": f"build/{folder}/app"}, edits=changes)
        assert image.annotations == index.annotations == {"a": "b"}


def test_what_is_added_is_for_the_platform_that_was_asked_for() -> None:
    """Also where the base is one that only runs there."""
    base_index("linux/amd64").write_layout("base")
    index = read(
        'base = "oci:base"\nplatforms = ["linux/amd64", "linux/amd64/v3"]\n'
        '[[layer]]\nfiles = { a = { content = "" } }'
    ).images()
    assert isinstance(index, fl.Index)
    assert [str(image.platform) for image in index] == ["linux/amd64", "linux/amd64/v3"]


def test_without_platforms_a_name_in_braces_is_the_image_s() -> None:
    """The base's, where there is one; the host's at last."""
    base_index("linux/arm/v7").write_layout("base")
    text = '[[layer]]\nfiles = { app = "build/{arch}/{variant}/app" }'
    image = image_of(f'base = "oci:base"\n{text}')
    assert image.layers[-1] == fl.Layer.from_files({"app": "build/arm/v7/app"})
    host = fl.Platform.host()
    Path("build", str(host)).mkdir(parents=True)
    layer = layer_of('directory = "build/{platform}"')
    assert layer == fl.Layer.from_directory(f"build/{host}", owner=(0, 0))


OUTPUTS = '[[layer]]\nrootfs = "rootfs"\n[[layer]]\nfiles = { a = "build/{arch}/app" }\n'


@pytest.mark.parametrize("platforms", ['"amd64"', '["amd64", "arm64"]'])
def test_layers_are_made_once_for_all_outputs(
    platforms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry gets copies, wherever it stands among the outputs; all have the same digest."""
    made: list[int] = []

    def counted(layers: Sequence[fl.Layer], *args: Any, **options: Any) -> Any:
        made.append(len(layers))
        return build_layers(layers, *args, **options)

    monkeypatch.setattr("fastlayer.assembly.build_layers", counted)
    with Registry() as registry:
        name = f"{registry.domain}/team/app:1"
        outputs = [f"docker://{name}", "/dev/null", "a.tar", "oci:out", "docker-archive:b.tar:b:2"]
        tags = ["x:1", f"{registry.domain}/team/app:2"]
        file = read(f"platforms = {platforms}\ntags = {tags}\noutput = {outputs}\n{OUTPUTS}")
        built = file.build()
        for place in (f"docker://{name}", f"docker://{tags[1]}", "a.tar", "out", "b.tar"):
            assert fl.validate(place).ok
    # What is written to a device cannot be read back: layers are made for it, and for `a.tar`.
    assert sum(made) == 2 * 2 * len(file.platforms)
    assert [one.output for one in built] == [outputs[0], "/dev/null", "a.tar", "out", "b.tar"]
    assert [one.tags for one in built] == [
        (name, tags[1]),
        *[("x:1", tags[1])] * 3,
        ("x:1", tags[1], "b:2"),
    ]
    facts = [{**one.record(), "tags": None, "output": None} for one in built]
    assert facts == [facts[0]] * 5


def test_outputs_are_beside_the_file() -> None:
    """Or where an absolute name says."""
    Path("there").mkdir()
    outputs = ["x.tar", "oci:out:1", f"{os.getcwd()}/y.tar"]  # noqa: PTH109
    file = read(f'base = "../base.tar"\noutput = {outputs}', "there")
    assert file.outputs == (
        Output("archive", "there/x.tar"),
        Output("layout", "there/out", tag="1"),
        Output("archive", f"{os.getcwd()}/y.tar"),  # noqa: PTH109
    )
    file.build()
    assert Path("there/x.tar").is_file()
    assert Path("there/out/index.json").is_file()
    assert Path("y.tar").is_file()


def test_a_file_is_a_value() -> None:
    """What it says can be said anew."""
    file = read('base = "base.tar"\ntags = "a:1"\noutput = "x.tar"\nformat = "docker"')
    (built,) = replace(
        file, tags=("b:1",), format="oci", outputs=(Output("archive", "y.tar"),)
    ).build()
    assert (built.tags, built.output) == (("b:1",), "y.tar")
    assert built.media_type.startswith("application/vnd.oci.")
    assert not Path("x.tar").exists()
    (built,) = file.build()
    assert built.media_type.startswith("application/vnd.docker.")


def test_another_time_is_that_of_what_a_recipe_makes() -> None:
    """Of its entries, too."""
    text = 'recipe = "debian"\nrootfs = "rootfs.tar.xz"\n'
    file = read(f"{text}created = 5")
    assert replace(file, created=7).images() == read(f"{text}created = 7").images()
    assert replace(file, created=None).images() == read(text).images()


@pytest.mark.parametrize(
    "text", ['output = "y.tar"\nformat = "oci"\ncompression = "zstd"', 'compression = "zstd"']
)
def test_what_was_said_anew_is_in_no_line_of_the_file(text: str) -> None:
    """What is wrong with it is told without one."""
    file = read(f"{text}\n[[layer]]\n{OF_FILES}")
    outputs = (Output("archive", "x.tar", tag="1"),)
    with pytest.raises(fl.InvalidArgumentError, match=r"^`oci-archive:x.tar:1` has a tag without "):
        replace(file, outputs=outputs).build()
    outputs = (Output("archive", "x.tar"),)
    with pytest.raises(fl.InvalidArgumentError, match=r"^Docker's "):
        replace(file, outputs=outputs, format="docker").build()


@pytest.mark.parametrize("name", ["rootfs", "rootfs.tar.xz"])
def test_a_base_beside_what_is_no_mtree_file_is_refused(name: str) -> None:
    """As on the command line; nothing would be read of it."""
    with pytest.raises(fl.InvalidArgumentError) as failed:
        layer_of(f'rootfs = "{name}"\nbase = "conf"')
    reason = f"`base` is for the contents of an mtree file, and `{name}` is none"
    assert str(failed.value) == f"`image.toml`:2: layer 1: {reason}"


WRONG = [
    ("", "there is nothing to build from: write `base`, `recipe` or `[[layer]]`", None),
    (
        'base = "scratch"',
        "there is nothing to build from: write `base`, `recipe` or `[[layer]]`",
        None,
    ),
    ("a = [1,\n\n", "not TOML: invalid value (at end of document)", 2),
    ("\na = 1\n\na = 2", "not TOML: cannot overwrite a value (at end of ", 4),
    ("\nbase = 1", "`base` must be text, got `int`", 2),
    ('base = "docker://A"', "", 1),
    (
        'base = "{ach}"',
        "`base` has `{ach}`: expected `{platform}`, `{os}`, `{arch}`, `{variant}`",
        1,
    ),
    ('base = ""', "`base` is empty or has a NUL: ``", 1),
    ('\nbas = "x"', "unknown key `bas`: did you mean `base`?", 2),
    ("xyz = 1", "unknown key `xyz`: expected `base`, `recipe`, ", 1),
    ('\nrootfs = "x"', "`rootfs` belongs under `[[layer]]`, or needs `recipe`", 2),
    ('\narchive = "x"', "unknown key `archive`: it belongs under `[[layer]]`", 2),
    ('set = { a = "b" }\nbase = "x"', "`set` is for a recipe, and there is none: ", 1),
    ('\nrecipe = "debain"\nrootfs = "x"', "there is no recipe `debain`: did you mean `debian`?", 2),
    ('recipe = "x"', "there is no recipe `x`: expected `debian`, ", 1),
    ("recipe = 1", "`recipe` must be text, got `int`", 1),
    ('recipe = "debian"', "a recipe needs `rootfs`", 1),
    ('recipe = "debian"\nrootfs = "{x}"', "`rootfs` has `{x}`: expected ", 2),
    ('recipe = "debian"\nrootfs = "x"\nbase = "y"', "a recipe begins with nothing, ", 3),
    ('recipe = "debian"\nrootfs = "x"\nset.sute = "y"', "the recipe `debian` has no `sute`: ", 3),
    ('recipe = "debian"\nrootfs = "x"\nset.sute = true', "the recipe `debian` has no `sute`: ", 3),
    (
        'recipe = "ubuntu"\nrootfs = "x"\nset.version = true',
        "`version` must be text, got `bool`",
        3,
    ),
    (
        'recipe = "ubuntu"\nrootfs = "x"\n[set]\nprepared = 1',
        "`prepared` must be `true` or `false`",
        4,
    ),
    ('recipe = "debian"\nrootfs = "x"\n[set]\nsuite = 1', "`suite` must be text, got `int`", 4),
    ('entrypoint = ["x"]', "unknown key `entrypoint`: it belongs under `[config]`", 1),
    (
        '[config]\ntags = "x"',
        "unknown key `tags`: it belongs at the top, before the first `[…]`",
        2,
    ),
    ("[config]\ncreated = 1", "unknown key `created`: it belongs at the top, ", 2),
    ("[config]\n\nports = [1]", "unknown key `ports`: did you mean `exposed_ports`?", 3),
    ('[config]\nworkdir = "x"', "unknown key `workdir`: did you mean `working_dir`?", 2),
    ('[config]\nentrypoint = "x"', "`entrypoint` must be a list, got text: write `['x']`", 2),
    ("[config.env]\nA = 1", "`env` must be text, got `int`", 1),
    ("[config]\nlabels = 1", "`labels` must be a mapping of text to text, got `int`", 2),
    ('[config]\nworking_dir = "x"', "`working_dir`: `x` is not an absolute path", 2),
    ("[config]\nexposed_ports = [0]", "`exposed_ports`: `0` is not a port ", 2),
    ("[config]\nuser = 1", "`user` must be text, got `int`", 2),
    ("config = 1", "`config` must be a table, got `int`", 1),
    ("[[config]]", "`config` must be a table, got `list`", 1),
    ("[config]\nhealthcheck = 1", "`healthcheck` must be a table, got `int`", 2),
    ('[config.healthcheck]\ntests = "x"', "unknown key `tests`: did you mean `test`?", 2),
    ('[config.healthcheck]\ntest = ["x"]', "`test` starts with `x`: expected `CMD`, ", 2),
    ('[config.healthcheck]\ntest = "x"\ntimeout = "1"', "`timeout`: `1` is not a duration ", 3),
    ("[config.healthcheck]\nretries = -1", "`retries` must be a number from 0, got `-1`", 2),
    ("[config.remove]\nuser = 1", "unknown key `user`: expected `env`, `labels`, ", 2),
    ('[config]\nremove.env = "A"', "`env` must be a list, got text: write `['A']`", 2),
    ("annotations = 1", "`annotations` must be a table, got `int`", 1),
    ("[annotations]\na = 1", "`a` must be text, got `int`", 2),
    ('[annotations]\nb = "c"\n"" = "b"', "annotations map text that is not empty to text", 3),
    ("created = 1.5", "`created` must be RFC 3339 text, a `datetime` or seconds since 1970", 1),
    ("created = 2025-04-18", "`created` must be RFC 3339 text, ", 1),
    ("created = 2025-04-18T01:02:03", "`created`: `2025-04-18 01:02:03` has no time zone", 1),
    ('created = "now"', "`created`: `now` is not RFC 3339, such as ", 1),
    ('\ntags = ["a", "A"]', "invalid ", 2),
    ("tags = 1", "`tags` must be text or an array of text", 1),
    ('platforms = "linux"', "invalid platform `linux`: expected ", 1),
    ('\nplatforms = ["amd64", "x86_64"]', "`platforms` has `x86_64` twice", 2),
    ('output = ["conf"]', "`conf` is a directory: write `oci:conf` for a layout", 1),
    ('output = "dir:x"', "`dir:x`: this version does not write that form: use `oci:DIR`", 1),
    ('output = ""', "the name of a file is missing", 1),
    ('output = ["x.tar", "-"]', "stdout is for the command line: use `-o -` there", 1),
    ('format = "oco"', "`format` is `oco`: expected `oci` or `docker`", 1),
    ('\ncompression = "xz"', "unknown compression `xz`: expected ", 2),
    ('compression = "zstd:x"', "the level `x` is not a number", 1),
    ('compression = "zstd:9"\nlevel = 9', "`level` is given in `compression` already", 2),
    ('level = 30\ncompression = "zstd"', "zstd level 30 is not in the range ", 1),
    ("threads = 0", "threads is 0: expected 1 to 256", 1),
    ("threads = 1.5", "`threads` must be a number, got `float`", 1),
    ("threads = true", "`threads` must be a number, got `bool`", 1),
    ("verify = 1", "`verify` must be `true` or `false`", 1),
    ("mtime = 1\nclamp_mtime = 1", "`mtime` and `clamp_mtime` exclude each other: give one", 2),
    ('mtime = "1"', "`mtime` must be seconds since 1970, or a time such as ", 1),
    ("mtime = 2025-04-18T01:02:03", "`mtime`: `2025-04-18 01:02:03` has no time zone", 1),
    ("[layer]", "`layer` must be an array of tables: write `[[layer]]`", 1),
    ("author = 0x8000000000000000", "an integer has more than 64 bits", 1),
]

WRONG_LAYERS = [
    ("", "nothing says what is in it: expected one of `rootfs`, `archive`, ", 4),
    ('exclude = "x"', "nothing says what is in it: expected one of `rootfs`, `archive`, ", 4),
    ('rotfs = "x"', "unknown key `rotfs`: did you mean `rootfs`?", 5),
    ('\ntags = "x"', "unknown key `tags`: it belongs at the top, before the first `[…]`", 6),
    ('cmd = ["x"]', "unknown key `cmd`: it belongs under `[config]`", 5),
    ("threads = 1", "unknown key `threads`: it belongs at the top, ", 5),
    (
        'rootfs = "x"\nblob = "x"',
        "`rootfs` and `blob` are two layers: write `[[layer]]` before each",
        6,
    ),
    ("rootfs = 1", "`rootfs` must be text, got `int`", 5),
    ('rootfs = ""', "`rootfs` is empty or has a NUL: ``", 5),
    ('rootfs = "{os}{x}"', "`rootfs` has `{x}`: expected `{platform}`, ", 5),
    ('directory = "x"\nbase = "y"', "`base` is for the contents of an mtree file", 6),
    ('mtree = "x"\nbase = "{x}"', "`base` has `{x}`: expected ", 6),
    ("files = 1", "`files` must be a table, got `int`", 5),
    ("files = {}", "`files` needs at least one file", 5),
    ("[layer.files]\n\na = 1", "`a` must be text, got `int`", 7),
    ('[layer.files]\na = "b"\n"../c" = "d"', "invalid destination: `../c` ", 7),
    ('[layer.files]\na = "b"\n"/a" = "d"', "`/a` is the destination of two files", 5),
    ('[layer.files]\na = "{b}"', "`a` has `{b}`: expected ", 6),
    ("[layer.files]\na = {}", "a file needs a path, or `content`", 6),
    ("[layer.files.a]\ncontent = 1", "`content` must be text, got `int`", 6),
    ('[layer.files.a]\ncontents = "x"', "unknown key `contents`: did you mean `content`?", 6),
    ('diff = "x"', "`diff` must be a table, got `str`", 5),
    ('diff = { lower = "x" }', "`diff` needs `upper`", 5),
    ('[layer.diff]\nlower = "x"\nuper = "y"', "unknown key `uper`: did you mean `upper`?", 7),
    ('blob = "x"\nmode = "0755"', "`blob` is a layer as it is: `mode` cannot change it", 6),
    ('blob = "x"\n[[layer.edit]]\nremove = "x"', "`blob` is a layer as it is: `edit` cannot ", 6),
    ('rootfs = "x"\nowner = 0', "`owner` must be text, got `int`", 6),
    ('rootfs = "x"\n\nowner = "root"', "`owner` is `root`: expected numbers, ", 7),
    ('rootfs = "x"\nlevel = 15\nowner = "x"\ncompression = "zstd"', "`owner` is `x`: ", 7),
    (
        'rootfs = "x"\nowner = "1"\nuid_map = [[0, 0, 1]]',
        "`owner` and `uid_map` exclude each other",
        7,
    ),
    ('rootfs = "x"\nuid_map = [["a"]]', "`uid_map` is `[['a']]`: expected ranges of ids ", 6),
    ('rootfs = "x"\nuid_map = "0:0:1"', "`uid_map` must be an array, got `str`", 6),
    ('rootfs = "x"\ngid_map = [[0, 0, 0]]', "`gid_map` has `0:0:0`: expected ids ", 6),
    ('rootfs = "x"\nmode = 755', '`mode` must be text, such as `"0755"` or `"u=rwX,go=rX"`', 6),
    ('rootfs = "x"\nmode = "zz"', "`mode` is `zz`: expected octal digits ", 6),
    ('rootfs = "x"\ninclude = ["!x"]', "`include` has a pattern with `!`: give it to `exclude`", 6),
    ('rootfs = "x"\nexclude = ["["]', "bad exclusion pattern `[`", 6),
    ('rootfs = "x"\nexclude = [1]', "`exclude` must be text or an array of text", 6),
    ('rootfs = "x"\nxattrs = "user.*"', "`xattrs` is `user.*`: expected `keep`, `none`, or a ", 6),
    ('rootfs = "x"\nxattrs = 1', "`xattrs` must be text or an array of text", 6),
    ('rootfs = "x"\nunmatched = "no"', "`unmatched` is `no`: expected `warn`, `error` or ", 6),
    ('rootfs = "x"\nprefix = "../x"', "invalid prefix: ", 6),
    ('rootfs = "x"\nlevel = 10', "gzip level 10 is not in the range 1-9", 6),
    ('rootfs = "x"\ncreated_by = 1', "`created_by` must be text, got `int`", 6),
    ('rootfs = "x"\nedit = 1', "`edit` must be an array of tables: write `[[layer.edit]]`", 6),
    (
        'rootfs = "x"\n[[layer.edit]]\nput = "a"\nmod = "1"',
        "edit 1: unknown key `mod`: did you ",
        8,
    ),
    (
        'rootfs = "x"\n[[layer.edit]]\nremove = "a"\n[[layer.edit]]\nput = "a"\nfile = "{x}"',
        "edit 2: `put`: `file` has `{x}`: expected ",
        10,
    ),
]


def failure(text: str) -> str:
    """What is wrong with a file."""
    with pytest.raises(fl.InvalidArgumentError) as failed:
        read(text)
    assert "\n" not in str(failed.value)
    return str(failed.value)


@pytest.mark.parametrize(("text", "message", "line"), WRONG)
def test_a_wrong_file_is_named(text: str, message: str, line: int | None) -> None:
    """By its line, before anything is looked at."""
    place = "`image.toml`" if line is None else f"`image.toml`:{line}"
    assert failure(text).startswith(f"{place}: {message}")


@pytest.mark.parametrize(("text", "message", "line"), WRONG_LAYERS)
def test_a_wrong_layer_is_named(text: str, message: str, line: int) -> None:
    """By its line and number."""
    found = failure(f"[[layer]]\n{OF_FILES}# another one\n[[layer]]\n{text}")
    assert found.startswith(f"`image.toml`:{line}: layer 2: {message}")


def test_a_wrong_edit_in_a_file_of_edits_has_the_place_there() -> None:
    """It is the other file that is wrong; one that is missing is asked for here."""
    Path("slim.toml").write_text("[[edit]]\nremov = 1")
    assert failure('[[layer]]\nrootfs = "x"\nedits = "slim.toml"').startswith(
        "`slim.toml`:2: edit 1: "
    )
    with pytest.raises(FileNotFoundError) as failed:
        read('[[layer]]\nrootfs = "x"\nedits = "missing"')
    assert failed.value.filename == "missing"
    assert failed.value.strerror == "No such file or directory (`image.toml`:3, layer 1)"


def test_the_environment_is_no_line_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong there says so itself."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "noon")
    assert failure(f"mtime = 5\n[[layer]]\n{OF_FILES}").startswith("SOURCE_DATE_EPOCH is `noon`")


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        (
            'base = "base"',
            "base",
            "; for an image in a registry write `docker://base` (`image.toml`:1)",
        ),
        ('base = "oci:base"', "base", " (`image.toml`:1)"),
        (f'[[layer]]\n{OF_FILES}[[layer]]\nrootfs = "x"', "x", " (`image.toml`:4, layer 2)"),
        ('recipe = "debian"\nrootfs = "x"', "x", " (`image.toml`:2)"),
        ('[[layer]]\ndirectory = "x"', "x", " (`image.toml`:2, layer 1)"),
        ('[[layer]]\narchive = "x/"', "x", " (`image.toml`:2, layer 1)"),
        (
            '[[layer]]\nfiles.a = "{arch}"',
            fl.Platform.host().architecture,
            " (`image.toml`:2, layer 1)",
        ),
        ('[[layer]]\nmtree = "rootfs.mtree"\nbase = "x"', "x", " (`image.toml`:2, layer 1)"),
        ('[[layer]]\ndiff = { lower = "conf", upper = "x" }', "x", " (`image.toml`:2, layer 1)"),
        ('[[layer]]\noverlay = "x"', "x", " (`image.toml`:2, layer 1)"),
        ('[[layer]]\nblob = "x"', "x", " (`image.toml`:2, layer 1)"),
    ],
)
def test_what_is_missing_has_its_line_before_any_work(text: str, name: str, place: str) -> None:
    """The error stays the system's, with its name."""
    file = read(text)
    with pytest.raises(FileNotFoundError) as failed:
        file.images()
    assert failed.value.filename == name
    assert failed.value.strerror == f"No such file or directory{place}"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('base = "motd"', fl.InvalidImageError, "`image.toml`:1: "),
        ('\nbase = "oci:conf"', fl.InvalidImageError, "`image.toml`:2: "),
        (
            'base = "base.tar"\nplatforms = "linux/s390x"',
            fl.InvalidImageError,
            "`image.toml`:1: `base.tar` has no image for `linux/s390x`, it has ",
        ),
        ('[[layer]]\nblob = "base.tar"', fl.InvalidImageError, "`image.toml`:2: layer 1: "),
    ],
)
def test_what_cannot_be_used_has_its_line(text: str, error: Any, message: str) -> None:
    """As what is missing has."""
    with pytest.raises(error) as failed:
        read(text).images()
    assert str(failed.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`image.toml`: nothing says where the image goes: write `output`"),
        (
            'output = ["x.tar", "oci-archive:y.tar:1"]',
            "`image.toml`:1: `oci-archive:y.tar:1` has a ",
        ),
        ('output = "x.tar"\nformat = "docker"\ncompression = "zstd"', "`image.toml`:2: "),
        (
            'output = ["x.tar"]\nplatforms = ["amd64", "arm64"]\nannotations = { a = "b" }\n'
            'format = "docker"',
            "`image.toml`:4: Docker's manifest list has no annotations: use `oci`",
        ),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_any_work(text: str, message: str) -> None:
    """None of them is begun."""
    before = set(Path().iterdir())
    with pytest.raises(fl.InvalidArgumentError) as failed:
        read(f"{text}\n[[layer]]\n{OF_FILES}").build()
    assert str(failed.value).startswith(message)
    assert {path for path in Path().iterdir() if path.name != "image.toml"} == before


NAMES = st.sampled_from(
    sorted({*keys.TOP, *keys.CONFIG, *keys.LAYER, "put", "content", "test", "lower", "x"})
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(keys.TOP, values(NAMES)),
        "config": st.dictionaries(st.sampled_from(keys.CONFIG), values(NAMES), max_size=3),
        "layer": st.lists(
            st.dictionaries(st.sampled_from(keys.LAYER), values(NAMES), max_size=4), max_size=2
        ),
    },
)
LONG = f'tags = "a"\noutput = "x.tar"\n[config]\nenv.A = "b"\n[[layer]]\n{OF_FILES}'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KNOWN, st.booleans())
@example({"level": 2**64}, False)  # noqa: FBT003 (the example of a flag)
@example({"layer": [{"uid_map": [[float("inf")] * 3], "rootfs": "x"}]}, False)  # noqa: FBT003
def test_whatever_the_values_are_a_file_is_read_or_refused(found: Any, spread: bool) -> None:  # noqa: FBT001
    """In one line that begins with the file."""
    check_any(document(found, spread=spread))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(LONG)), st.integers(0, 3), st.text(string.printable, max_size=3))
def test_whatever_the_text_is_a_file_is_read_or_refused(place: int, gone: int, new: str) -> None:
    """A slip of the pen anywhere."""
    check_any(LONG[:place] + new + LONG[place + gone :])


def replaced(found: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A document with another value somewhere in it."""
    if not path:
        return value
    first, *rest = path
    new = replaced(found[first], tuple(rest), value)
    if isinstance(found, list):
        return [new if number == first else item for number, item in enumerate(found)]
    return {**found, first: new}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), values(NAMES))
def test_whatever_one_value_is_a_file_is_read_or_refused(data: st.DataObject, value: Any) -> None:
    """With all others as they should be."""
    found = tomllib.loads(data.draw(st.sampled_from(examples("toml"))))
    path = data.draw(st.sampled_from(sorted(ways(found) - {()}, key=str)))
    check_any(document(replaced(found, path, value)))


def check_any(text: str) -> None:
    with suppress(OSError):  # for files of edits
        try:
            read(text)
        except fl.InvalidArgumentError as error:
            message = str(error)
        else:
            return
        assert re.fullmatch(r"`image\.toml`(:\d+)?: .*", message)


def examples(language: str) -> list[str]:
    """The examples of the guide."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_the_examples_of_the_guide_are_image_files() -> None:
    """Each is built, and the first again as Python does it."""
    whole, recipe, base, changed = examples("toml")
    with Registry() as registry:
        base_index("linux/amd64", "linux/arm64").push(f"{registry.domain}/demo/debian:12")
        whole = whole.replace("registry.example", registry.domain)
        built = read(whole).build()
        (code,) = examples("python")
        command = [sys.executable, "-c", code]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed == f"('demo/app:1',) {[one.digest for one in built]}\n"
    assert [one.output for one in built] == ["app.tar", "out"]
    assert fl.validate("app.tar").ok
    image = fl.Image.load("app.tar", platform="linux/arm64")
    assert image.config.config.healthcheck == fl.Healthcheck.of(
        ["CMD-SHELL", "app --ping"], interval="30s"
    )
    for text, name in ((recipe, "debian.tar"), (base, "mine.tar")):
        read(text).build()
        assert fl.validate(name).ok
    (built_changed,) = read(changed).build()
    assert built_changed.output == "changed.tar"
