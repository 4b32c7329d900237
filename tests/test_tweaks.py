"""`fastlayer.recipes.tweaks`: sets of edits that people read and combine."""

import io
import re
import tarfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import pytest

import fastlayer as fl
from archives import Link, tar
from fastlayer import edit, recipes
from fastlayer.recipes import Tweaks, tweaks
from fastlayer.recipes.tweaks import hostname_and_resolv, initctl_divert

SETS = {
    name: found() if callable(found) else found
    for name, found in ((name, getattr(tweaks, name)) for name in tweaks.__all__)
}
STUB = b"#!/bin/sh\nexit 0\n"


def made(members: Mapping[str, bytes | Link], *sets: Tweaks) -> dict[str, tuple[int, bytes]]:
    """Mode and content of each file that sets leave of an archive, with no warning."""
    blob = io.BytesIO()
    edits = [one for tweak in sets for one in tweak.edits]
    with warnings.catch_warnings(action="error"):
        stream = io.BytesIO(tar(members))
        fl.Layer.from_stream(stream, edits=edits, compression="none").save(blob)
    blob.seek(0)
    found = {}
    with tarfile.open(fileobj=blob) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if not member.isdir():
                found[member.name] = (member.mode, file.read() if file else b"")
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_set_has_a_name_a_reason_and_edits(name: str, tmp_path: Path) -> None:
    """Printed, it is a file with the same edits."""
    tweak = SETS[name]
    assert re.sub(r"[-.]", "_", tweak.name) == name
    assert tweak.why
    assert not tweak.why.endswith(".")
    assert tweak.edits
    (tmp_path / "edits.toml").write_text(str(tweak))
    assert [one.terms for one in edit.load(tmp_path / "edits.toml")] == [
        one.terms for one in tweak.edits
    ]


@pytest.mark.parametrize("name", SETS)
def test_no_set_misses_what_is_not_there(name: str, tmp_path: Path) -> None:
    """A set is for more than one archive: nobody is warned, and none is an error."""
    (tmp_path / "rootfs/x").mkdir(parents=True)
    with warnings.catch_warnings(action="error"):
        layer = fl.Layer.from_directory(
            tmp_path / "rootfs", edits=SETS[name].edits, unmatched="error"
        )
        layer.save(tmp_path / "layer")


def test_sets_add_up() -> None:
    """In their order; a combination may get a name of its own."""
    both = tweaks.machine_id + tweaks.no_dev
    assert both.edits == (*tweaks.machine_id.edits, *tweaks.no_dev.edits)
    assert both.name == "machine-id + no-dev"
    named = (both + tweaks.apt_lists).named("mine", "why not")
    assert [part.name for part in named] == ["machine-id", "no-dev", "apt-lists"]
    assert (named.name, named.why) == ("mine", "why not")
    assert str(both) == f"{tweaks.machine_id}\n{tweaks.no_dev}"
    assert str(tweaks.machine_id) == (
        "# machine-id: each container gets an id of its own (machine-id(5))\n"
        '[[edit]]\ntruncate = "etc/machine-id"\noptional = true\n'
    )


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "\0", "\x7f", "\udcff"])
def test_what_is_printed_can_be_read_back(text: str) -> None:
    """So names and reasons are what a comment of TOML can hold."""
    message = "is no name or reason of a set: expected one line of text"
    with pytest.raises(fl.InvalidArgumentError, match=message):
        Tweaks.of(text, "why")
    with pytest.raises(fl.InvalidArgumentError, match=message):
        tweaks.no_dev.named("name", text)


def test_what_has_a_name_of_its_own_is_told_if_it_is_missed(tmp_path: Path) -> None:
    """Edits of a caller are not those of a set."""
    (tmp_path / "rootfs").mkdir()
    image = recipes.base_image(
        tmp_path / "rootfs", tweaks.no_dev, edits=[edit.remove("a")], unmatched="error"
    )
    with pytest.raises(fl.UnmatchedEditError, match="`remove a`"):
        image.save(tmp_path / "x.tar", tags=["x:1"])


def test_initctl_is_diverted_where_programs_are() -> None:
    """With dpkg's record, by the path that the package has; the real one has another name."""
    diversions = b"/bin/sh\n/bin/sh.distrib\ndash\n"
    record = b"/sbin/initctl\n/sbin/initctl.distrib\n:\n"
    for merged, sbin in ((True, "usr/sbin"), (False, "sbin")):
        members = {f"{sbin}/initctl": b"upstart", "var/lib/dpkg/diversions": diversions}
        found = made(members, initctl_divert(merged_usr=merged))
        assert found[f"{sbin}/initctl"] == (0o755, STUB)
        assert found[f"{sbin}/initctl.distrib"][1] == b"upstart"
        assert found["var/lib/dpkg/diversions"][1] == diversions + record
        assert len(found) == 3
        # dpkg refuses a file with a record twice.
        members["var/lib/dpkg/diversions"] = record + diversions
        found = made(members, initctl_divert(merged_usr=merged))
        assert found["var/lib/dpkg/diversions"][1] == record + diversions


def test_universe_is_enabled_and_nothing_else() -> None:
    """A line that is a comment becomes one that is none."""
    before = (
        b"# a comment on universe\n#deb http://a focal main\n# deb http://a focal universe\n"
        b"#\tdeb-src http://a focal universe\ndeb http://a focal universe\n"
    )
    after = (
        b"# a comment on universe\n#deb http://a focal main\ndeb http://a focal universe\n"
        b"deb-src http://a focal universe\ndeb http://a focal universe\n"
    )
    found = made({"etc/apt/sources.list": before}, tweaks.universe)
    assert found == {"etc/apt/sources.list": (0o644, after)}


def test_yum_learns_of_documents_once() -> None:
    """Before the first empty line, as the kickstart file does it."""
    before = b"[main]\ncachedir=/x\n\n# comment\n\n[other]\n"
    lines = b"override_install_langs=en_US.utf8\ntsflags=nodocs\n"
    after = before.replace(b"\n\n#", b"\n" + lines + b"\n#")
    for content in (before, after):
        found = made({"etc/yum.conf": content}, tweaks.yum_container)
        assert found["etc/yum.conf"] == (0o644, after)
        assert found["etc/yum/vars/infra"] == (0o644, b"container\n")


def test_slim_leaves_copyrights_links_to_them_and_sections_of_the_manual() -> None:
    """All that dpkg would leave, and the directories that alternatives need."""
    members: dict[str, bytes | Link] = {
        "usr/share/doc/a/copyright": b"rights",
        "usr/share/doc/a/NEWS": b"news",
        "usr/share/doc/b": Link("a"),
        "usr/share/man/man1/": b"",
        "usr/share/man/man1/a.1": b"",
        "usr/share/man/de/man1/a.1": b"",
        "usr/share/locale/de/x": b"",
        "usr/share/locale/de/link": Link("x"),
        "usr/share/locale/locale.alias": b"alias",
        "usr/share/info/x": b"",
        "usr/share/lintian/overrides/a": b"",
        "usr/bin/a": b"",
    }
    found = made(members, tweaks.slim_docs)
    assert sorted(found) == [
        "etc/dpkg/dpkg.cfg.d/docker",
        "usr/bin/a",
        "usr/share/doc/a/copyright",
        "usr/share/doc/b",
        "usr/share/locale/locale.alias",
    ]
    blob = io.BytesIO()
    stream = io.BytesIO(tar(members))
    fl.Layer.from_stream(stream, edits=tweaks.slim_docs.edits, compression="none").save(blob)
    blob.seek(0)
    with tarfile.open(fileobj=blob) as archive:
        assert "usr/share/man/man1" in archive.getnames()


def test_engine_s_directories_stay_empty() -> None:
    """Their contents are left out; so are lists and logs."""
    members: dict[str, bytes | Link] = {
        "dev/null": b"",
        "proc/1/x": b"",
        "sys/x": b"",
        "etc/machine-id": b"0123",
        "var/lib/apt/lists/partial/": b"",
        "var/lib/apt/lists/x": b"",
        "var/log/dpkg.log": b"",
        "var/log/other": b"",
        "var/cache/apt/pkgcache.bin": b"",
    }
    everything = recipes.RECIPES["debian"].tweaks
    assert everything is not None
    found = made(members, everything)
    assert {"dev/null", "proc/1/x", "sys/x", "var/log/dpkg.log"}.isdisjoint(found)
    assert not any(path.startswith(("var/lib/apt/lists/", "var/cache/apt/")) for path in found)
    assert found["etc/machine-id"] == (0o644, b"")
    assert "var/log/other" in found


def test_names_of_the_build_s_machine_are_replaced() -> None:
    """By those that are asked for."""
    found = made({"etc/hostname": b"builder"}, hostname_and_resolv("box", "9.9.9.9"))
    assert found["etc/hostname"][1] == b"box\n"
    assert found["etc/resolv.conf"][1] == b"nameserver 9.9.9.9\n"
