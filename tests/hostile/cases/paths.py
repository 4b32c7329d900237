"""Names that lead elsewhere, that readers take apart differently, or that are too much."""

from __future__ import annotations

from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import GNU, V7, folder, header, long_name, member, padded, pax, tar

PATHS = Family("paths", *ARCHIVE, *LAYER)

_UP = "a name with `..` (CVE-2007-4131, CVE-2018-20834: tar-slip)"
_ODD = "a name that terminals, shells or other systems take for something else"

for _name, _path in {
    "up": b"../canary/passwd",
    "up-inside": b"a/../../canary/passwd",
    "up-and-back": b"a/../b",
    "up-at-the-end": b"a/..",
    "up-alone": b"..",
    "up-folder": b"../",
    "up-after-a-dot": b"./../canary/passwd",
    "up-after-slashes": b".//../canary/passwd",
    "up-from-the-root": b"/../canary/passwd",
}.items():
    PATHS.add(_name, _UP, tar(member(_path, b"evil")), "refused")

for _name, _path in {
    "absolute": b"/canary/passwd",
    "absolute-twice": b"//canary//passwd",
    "dot-parts": b"././a/./b",
}.items():
    PATHS.add(_name, "a name that is not in its normal form", tar(member(_path, b"evil")), "read")

for _name, _path in {
    "backslashes": b"..\\..\\canary\\passwd",
    "drive": b"C:\\canary",
    "three-dots": b"...",
    "space": b" ",
    "dash": b"-rf",
    "star": b"*",
    "line-break": b"a\nfastlayer: error: forged",
    "escape": b"\x1b[2J\x1b]0;owned\x07",
    "carriage-return": b"harmless\rfastlayer: done",
    "c1-control": b"\xc2\x9b31m",
    "right-to-left": "gnp.\u202ecod".encode(),
    "line-separator": "a\u2028b".encode(),
    "not-utf8": b"\xff\xfe\x80",
    "overlong-dots": b"\xc0\xae\xc0\xae/canary",
    "backtick": b"a`b",
}.items():
    PATHS.add(_name, _ODD, tar(member(_path, b"evil")), "read")

PATHS.add("empty", "a file without a name: the root would be a file", tar(member(b"")), "refused")
PATHS.add("dot", "a file whose name is the root's", tar(member(b".", b"evil")), "refused")
PATHS.add("slash", "a file whose name is `/`", tar(member(b"/", b"evil")), "refused")
PATHS.add(
    "slash-at-the-end",
    "a regular file with a slash at its end, which old archives mean as a directory",
    tar(member(b"a/", b"", magic=V7)),
    "read",
)
PATHS.add(
    "content-of-a-folder",
    "a directory that states a size, behind which a reader may look for the next header",
    tar(folder(b"a/", size=512), member(b"b", b"1")),
    "read",
)
PATHS.add(
    "zero-in-a-pax-name",
    "a NUL byte in a PAX path: C ends the name there (CVE-2019-14664 kind)",
    tar(pax({b"path": b"a\0../../canary/passwd"}), member(b"b")),
    "refused",
)
PATHS.add(
    "zero-in-a-pax-link",
    "a NUL byte in a PAX link target",
    tar(pax({b"linkpath": b"a\0b"}), member(b"l", kind=b"2", link=b"c")),
    "refused",
)
PATHS.add(
    "zero-in-a-long-name",
    "a NUL byte in GNU's long name: it ends there for everybody",
    tar(
        padded(header(b"././@LongLink", b"L", size=20, magic=GNU)),
        padded(b"a\0../canary/passwd"),
        member(b"b"),
    ),
    "read",
)
PATHS.add(
    "up-by-prefix",
    "ustar's prefix and name, put together to `../canary/passwd`",
    tar(member(b"canary/passwd", tail=b"..")),
    "refused",
)
PATHS.add(
    "up-by-pax",
    "a PAX path with `..` before a harmless header",
    tar(pax({b"path": b"../canary/passwd"}), member(b"b", b"evil")),
    "refused",
)
PATHS.add(
    "up-by-long-name",
    "GNU's long name with `..` before a harmless header",
    tar(long_name(b"../canary/passwd"), member(b"b", b"evil", magic=GNU)),
    "refused",
)
PATHS.add(
    "part-of-255",
    "a part as long as a file system takes it",
    tar(pax({b"path": b"a" * 255}), member(b"b", b"1")),
    "read",
)
PATHS.add(
    "part-of-256",
    "a part longer than any file system takes it: a layer holds it, a disk does not",
    tar(pax({b"path": b"a" * 256}), member(b"b", b"1")),
    "read",
)
PATHS.add(
    "path-of-5000",
    "a path longer than any system call takes it",
    tar(pax({b"path": b"abcdefghi/" * 500 + b"x"}), member(b"b", b"1")),
    "read",
)
PATHS.add(
    "file-in-a-file-of-a-mebibyte",
    "a path of nearly 1 MiB in what is no directory, to fill the message",
    lambda: tar(
        pax({b"path": b"a" * 999_000}),
        member(b"b"),
        pax({b"path": b"a" * 999_000 + b"/b"}),
        member(b"b"),
    ),
    "refused",
)
PATHS.add(
    "folders-of-10000-levels",
    "directories ten thousand deep, which a recursive reader dies of",
    lambda: tar(pax({b"path": b"d/" * 10_000}), folder(b"d/")),
    "refused",
)
PATHS.add(
    "folders-of-1500-levels",
    "directories fifteen hundred deep: a layer, and deeper than Python recurses",
    lambda: tar(pax({b"path": b"d/" * 1_500}), folder(b"d/")),
    "read",
    heavy=True,
)
PATHS.add(
    "name-of-a-mebibyte",
    "a path of nearly 1 MiB in one part, to fill messages and memory",
    lambda: tar(pax({b"path": b"a" * 1_048_000}), member(b"b")),
    "read",
    heavy=True,
)
for _name, _path in {
    "whiteout": b"d/.wh.inner",
    "whiteout-of-nothing": b".wh.",
    "whiteout-up": b".wh...",
    "whiteout-of-itself": b".wh..",
    "opaque": b"d/.wh..wh..opq",
    "aufs": b".wh..wh.plnk/1.2",
    "whiteout-as-folder": b".wh.d/x",
}.items():
    PATHS.add(
        _name,
        "a source with a whiteout, which would delete files of the layers below",
        tar(member(_path)),
        "refused",
    )
