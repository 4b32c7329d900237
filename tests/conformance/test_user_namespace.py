"""Trees made in a user namespace, seen from outside: the kernel's own maps are the measure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastlayer as fl
from commands import fastlayer, members

from .peers import absent, find, need_root

START = 100_000
COUNT = 65_536

# Code that makes the process root of a new namespace. Somebody outside has to write its maps.
ENTER = f"""
import ctypes, os
ready, go = os.pipe()
helper = os.fork()
if helper == 0:
    os.read(ready, 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{{os.getppid()}}/{{name}}", "w") as file:
            file.write("0 {START} {COUNT}")
    os._exit(0)
entered = ctypes.CDLL(None).unshare(0x10000000)
os.write(go, b"x")
if entered != 0 or os.waitpid(helper, 0)[1] != 0:
    raise SystemExit("no user namespaces here")
os.setgroups([])
os.setresgid(0, 0, 0)
os.setresuid(0, 0, 0)
"""

MAKE = """
set -e
umask 022
mkdir -p tree/bin tree/log
echo ping > tree/bin/ping
echo mail > tree/bin/mail
ln tree/bin/mail tree/bin/sendmail
ln -s ping tree/bin/link
mkfifo tree/pipe
chown -h 7:7 tree/bin/link
chown 33:8 tree/bin/mail
chown 65534:65534 tree/pipe
chmod 2755 tree/bin/mail
setcap cap_net_raw+ep tree/bin/ping
setfacl -m u:33:rwx,g:4:rx tree/log
setfacl -d -m u:34:rx,g:65535:r tree/log
"""


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A directory of the root of a namespace, with a tree that this root made."""
    need_root("entering another user namespace")
    for program in ("setcap", "setfacl"):
        find(program)
    os.chown(tmp_path, START, START)
    script = f'{ENTER}\nos.execv("/bin/sh", ["sh", "-c", {MAKE!r}])'
    made = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False
    )
    if made.returncode:
        absent(f"a tree in a user namespace cannot be made: {made.stderr.decode()}")
    return tmp_path


def test_a_map_gives_what_the_kernel_shows_inside(workplace: Path) -> None:
    """Owners, access lists and capabilities: the layer is the one made inside the namespace."""
    ping = workplace / "tree" / "bin" / "ping"
    assert ping.stat().st_uid == START
    assert len(os.getxattr(ping, "security.capability")) == 24, "no capabilities of a namespace"

    inside = fastlayer("layer", "tree", "-o", "inside.tar", "--json", cwd=workplace, prelude=ENTER)
    assert inside.status == 0, inside.stderr
    maps = ["--uid-map", f"0:{START}:{COUNT}"]
    outside = fastlayer("layer", "tree", "-o", "outside.tar", "--json", *maps, cwd=workplace)
    assert outside.status == 0, outside.stderr
    assert (workplace / "outside.tar").read_bytes() == (workplace / "inside.tar").read_bytes()
    assert outside.record["diffID"] == inside.record["diffID"]
    mail = members(workplace / "outside.tar")["bin/mail"]
    assert (mail.uid, mail.gid, mail.mode) == (33, 8, 0o2755)


def test_an_archive_of_such_a_tree_is_mapped_the_same(workplace: Path) -> None:
    """What a tree is worth, a tar of it is worth too."""
    tree = workplace / "tree"
    maps: fl.LayerOptions = {"uid_map": [(0, START, COUNT)]}
    fl.Layer.from_directory(tree, compression="none").save(workplace / "host.tar")
    from_tree = fl.Layer.from_directory(tree, **maps).save(workplace / "1")
    from_archive = fl.Layer.from_archive(workplace / "host.tar", **maps).save(workplace / "2")
    assert from_tree == from_archive


@pytest.mark.parametrize(
    ("setfacl", "message"),
    [
        (["-m", "u:5:r", "tree/log"], "in its access control list, the user 5 is in no range of "),
        (["-d", "-m", "g:6:r", "tree/log"], "in its access control list, the group 6 is in no "),
    ],
)
def test_an_id_in_a_list_needs_a_place_in_the_image(
    setfacl: list[str], message: str, workplace: Path
) -> None:
    """Else it would be that of somebody else, or of nobody."""
    subprocess.run(["setfacl", *setfacl], cwd=workplace, check=True)
    layer = fl.Layer.from_directory(workplace / "tree", uid_map=[(0, START, COUNT)])
    with pytest.raises(fl.UnsupportedEntryError) as caught:
        layer.save(workplace / "layer")
    path = workplace / "tree" / "log"
    assert str(caught.value).startswith(f"`{path}` cannot be stored in a layer: {message}")


@pytest.mark.parametrize("mode", ["go-w", "g=", "u=rwX,go=rX", "g+s,o+w"])
def test_lists_follow_changes_of_the_mode(mode: str, workplace: Path) -> None:
    """As they do when chmod(1) changes it."""
    tree = workplace / "tree"
    changed = fl.Layer.from_directory(tree, mode=mode).save(workplace / "1")
    script = 'umask 0; exec find tree ! -type l -exec chmod -- "$0" {} +'
    subprocess.run(["sh", "-c", script, mode], cwd=workplace, check=True)
    assert fl.Layer.from_directory(tree).save(workplace / "2") == changed
