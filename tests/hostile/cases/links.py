"""Links that lead out, in circles, or to where later entries would go through them."""

from __future__ import annotations

from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import END, FOLDER, HARD, folder, hard, member, pax, symbolic, tar

LINKS = Family("links", *ARCHIVE, *LAYER)

# Layers on top of each other, of which no source can be made.
_STACK = ("validate", "unpack", "export", "flatten", "from")

_THROUGH = "a file through a symbolic link that leads out (CVE-2018-1002200, CVE-2021-32803)"

for _name, _target in {
    "file-through-a-link-up": b"../../canary",
    "file-through-an-absolute-link": b"/canary",
    "file-through-a-link-to-the-root": b"/",
    "file-through-a-link-to-here": b".",
    "file-through-a-link-to-proc": b"/proc/self/cwd",
    "file-through-a-dangling-link": b"nowhere",
}.items():
    LINKS.add(
        _name, _THROUGH, tar(symbolic(b"l", _target), member(b"l/passwd", b"evil")), "refused"
    )

for _name, _target in {
    "link-up": b"../../canary/passwd",
    "link-absolute": b"/etc/passwd",
    "link-to-itself": b"l",
    "link-to-up": b"..",
    "link-with-an-escape": b"\x1b[31m",
}.items():
    LINKS.add(
        _name,
        "a symbolic link alone, which is stored as it is and never followed",
        tar(symbolic(b"l", _target)),
        "read",
    )

LINKS.add("link-without-target", "a symbolic link to nothing", tar(symbolic(b"l", b"")), "refused")
LINKS.add(
    "link-of-5000",
    "a target longer than any kernel takes it",
    tar(pax({b"linkpath": b"a" * 5000}), symbolic(b"l", b"b")),
    "read",
)
LINKS.add(
    "file-through-a-replaced-folder",
    "a directory, then a link of its name, then a file in it (CVE-2021-32804 kind)",
    tar(folder(b"d/"), symbolic(b"d", b"../../canary"), member(b"d/passwd", b"evil")),
    "refused",
)
LINKS.add(
    "file-through-two-links",
    "a link to a link that leads out, and a file through both (GHSA-9r2w-394v-53qc)",
    tar(symbolic(b"a", b"../../canary"), symbolic(b"b", b"a"), member(b"b/passwd", b"evil")),
    "refused",
)
LINKS.add(
    "file-over-a-link",
    "a file of a link's name: written through, it would change what the link leads to",
    tar(symbolic(b"l", b"../../canary/passwd"), member(b"l", b"evil")),
    "read",
)
LINKS.add(
    "folder-over-a-link",
    "a directory of a link's name, and a file in it",
    tar(symbolic(b"l", b"../../canary"), folder(b"l/", mode=0o700), member(b"l/passwd", b"evil")),
    "read",
)
LINKS.add(
    "links-in-a-circle",
    "two links to each other, and a file through them",
    tar(symbolic(b"a", b"b"), symbolic(b"b", b"a"), member(b"a/x", b"evil")),
    "refused",
)

_OUT = "a hard link to what the archive does not hold (CVE-2024-12905 kind)"
for _name, _target in {
    "hard-up": b"../../canary/passwd",
    "hard-absolute": b"/etc/passwd",
    "hard-to-nothing": b"nowhere",
    "hard-to-itself": b"h",
    "hard-without-target": b"",
    "hard-to-the-root": b"/",
    "hard-with-an-escape": b"\x1b]0;x\x07",
}.items():
    LINKS.add(_name, _OUT, tar(hard(b"h", _target)), "refused")
LINKS.add(
    "hard-to-a-mebibyte",
    "a hard link to a name of 1 MiB, to fill the message",
    lambda: tar(pax({b"linkpath": b"a" * 999_000}), hard(b"h", b"x")),
    "refused",
)

LINKS.add(
    "hard-to-a-link",
    "a hard link to a symbolic link: whoever follows it links what lies outside",
    tar(symbolic(b"l", b"../../canary/passwd"), hard(b"h", b"l"), member(b"h", b"evil")),
    "read",
)
LINKS.add(
    "hard-to-a-link-alone",
    "a hard link to a symbolic link, which is the link once more",
    tar(symbolic(b"l", b"../../canary/passwd"), hard(b"h", b"l")),
    "read",
)
LINKS.add(
    "hard-through-a-link",
    "a hard link whose target lies behind a symbolic link",
    tar(symbolic(b"l", b"../../canary"), hard(b"h", b"l/passwd")),
    "refused",
)
LINKS.add(
    "hard-to-a-folder",
    "a hard link to a directory",
    tar(folder(b"d/"), hard(b"h", b"d")),
    "refused",
)
LINKS.add(
    "hard-with-content",
    "a hard link that states a size: old pax puts content there, Go reads none",
    tar(member(b"a", b"1"), hard(b"h", b"a", size=512), member(b"b", b"2")),
    "read",
)
LINKS.add(
    "hard-before-its-target",
    "a hard link that comes before what it is a link to",
    tar(hard(b"h", b"a"), member(b"a", b"1")),
    "read",
)
LINKS.add(
    "hard-chain",
    "links to links, a thousand long",
    lambda: tar(member(b"0", b"1"), *(hard(b"%d" % n, b"%d" % (n - 1)) for n in range(1, 1000))),
    "read",
)
LINKS.add(
    "hard-chain-backwards",
    "the same, each before its target",
    lambda: tar(*(hard(b"%d" % n, b"%d" % (n - 1)) for n in range(999, 0, -1)), member(b"0", b"1")),
    "read",
)
LINKS.add(
    "hard-circle", "hard links to each other", tar(hard(b"a", b"b"), hard(b"b", b"a")), "refused"
)
LINKS.add(
    "hard-then-changed",
    "a link, then another file in its target's place: the link keeps the old content",
    tar(member(b"a", b"1"), hard(b"h", b"a"), member(b"a", b"2")),
    "read",
)
LINKS.add(
    "file-in-a-file",
    "a file inside of a file",
    tar(member(b"a", b"1"), member(b"a/b", b"2")),
    "refused",
)


def _stack(*layers: bytes) -> dict[str, bytes]:
    return {f"{number}.tar": layer + END for number, layer in enumerate(layers)}


LINKS.add(
    "layer-through-a-link",
    "an upper layer's file through a link of the lower one (CVE-2014-9356, CVE-2015-3627)",
    _stack(symbolic(b"d", b"../../canary"), member(b"d/passwd", b"evil")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "layer-folder-for-a-link",
    "an upper layer's directory over a link of the lower one: the link is gone",
    _stack(symbolic(b"d", b"../../canary"), folder(b"d/") + member(b"d/passwd", b"evil")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "layer-link-for-a-folder",
    "an upper layer's link in place of a directory with files",
    _stack(folder(b"d/") + member(b"d/passwd", b"1"), symbolic(b"d", b"../../canary")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "layer-link-then-file",
    "a directory, a link in its place one layer up, a file in it one more up",
    _stack(folder(b"d/"), symbolic(b"d", b"../../canary"), member(b"d/passwd", b"evil")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "whiteout-through-a-link",
    "a whiteout behind a link that leads out: what it removes lies outside",
    _stack(symbolic(b"d", b"../../canary"), member(b"d/.wh.passwd")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "whiteout-through-a-link-of-its-layer",
    "the same with link and whiteout in one layer",
    _stack(symbolic(b"d", b"../../canary") + member(b"d/.wh.passwd")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "opaque-through-a-link",
    "an opaque mark behind a link that leads out: it would empty a directory outside",
    _stack(symbolic(b"d", b"../../canary"), member(b"d/.wh..wh..opq")),
    "read",
    doors=_STACK,
)
for _name, _path in {
    "whiteout-up": b".wh...",
    "whiteout-of-itself": b".wh..",
    "whiteout-of-nothing": b".wh.",
    "whiteout-of-the-root": b".wh..wh..opq",
    "whiteout-of-a-whiteout": b".wh..wh.a",
}.items():
    LINKS.add(
        _name,
        "a whiteout of `..`, `.` and other names that are none (umoci, GHSA-9m95-8hx6-7p9v)",
        _stack(folder(b"d/") + member(b"d/a", b"1"), member(_path)),
        "read",
        doors=_STACK,
    )
LINKS.add(
    "whiteout-that-is-a-folder",
    "a directory with a whiteout's name, and a file in it",
    _stack(folder(b"d/"), member(b".wh.d", kind=FOLDER) + member(b".wh.d/x", b"1")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "whiteout-that-is-a-link",
    "a whiteout that is a hard link, and a link to a whiteout",
    _stack(member(b"a", b"1"), member(b".wh.a", kind=HARD, link=b"a") + hard(b"b", b".wh.a")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "hard-across-layers",
    "a hard link to a file of the layer below, which no layer may have",
    _stack(member(b"a", b"1"), hard(b"h", b"a")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "hard-across-layers-through-a-link",
    "a hard link to what lies behind a link of the layer below",
    _stack(symbolic(b"d", b"../../canary"), hard(b"h", b"d/passwd")),
    "read",
    doors=_STACK,
)
LINKS.add(
    "overlay-attributes",
    "marks of overlayfs in a layer, which would open what an overlay hides",
    _stack(
        pax({b"SCHILY.xattr.trusted.overlay.opaque": b"y"})
        + folder(b"d/")
        + pax({b"SCHILY.xattr.trusted.overlay.redirect": b"/../canary"})
        + folder(b"e/")
    ),
    "read",
    doors=_STACK,
)
LINKS.add(
    "overlay-device",
    "a character device 0:0, which is a whiteout to an overlay: it needs root",
    _stack(member(b"a", kind=b"3", major=0, minor=0)),
    "read",
    doors=("validate", "export", "flatten", "from"),
)
