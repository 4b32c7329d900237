"""One path twice: which of the two counts is where readers differ."""

from __future__ import annotations

from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import folder, hard, member, pax, symbolic, tar

DUPLICATES = Family("duplicates", *ARCHIVE, *LAYER)

for _name, _second in {
    "same": b"a",
    "with-a-dot": b"./a",
    "absolute": b"/a",
    "with-slashes": b".///a",
    "with-a-dot-behind": b"a/.",
}.items():
    DUPLICATES.add(
        _name,
        "two files whose names are one path: the last counts",
        tar(member(b"a", b"first"), member(_second, b"last")),
        "read",
    )
DUPLICATES.add(
    "by-pax",
    "a second name for a path by a PAX record",
    tar(member(b"a", b"first"), pax({b"path": b"a"}), member(b"b", b"last")),
    "read",
)
DUPLICATES.add(
    "in-other-letters",
    "names that differ in case, or in how a letter is put together: two files",
    tar(
        member(b"a", b"1"),
        member(b"A", b"2"),
        member("\u00e9".encode(), b"3"),
        member("e\u0301".encode(), b"4"),
    ),
    "read",
)
DUPLICATES.add(
    "file-then-folder",
    "a file, then a directory of its name",
    tar(member(b"a", b"1"), folder(b"a/")),
    "read",
)
DUPLICATES.add(
    "folder-then-file",
    "a directory with a file in it, then a file of its name",
    tar(folder(b"a/"), member(b"a/b", b"1"), member(b"a", b"2")),
    "read",
)
DUPLICATES.add(
    "folder-twice",
    "a directory twice, with other modes: the last counts, what is in it stays",
    tar(folder(b"a/", mode=0o700), member(b"a/b", b"1"), folder(b"a/", mode=0o755)),
    "read",
)
DUPLICATES.add(
    "folder-after-its-file",
    "a directory after what is in it",
    tar(member(b"a/b", b"1"), folder(b"a/", mode=0o700)),
    "read",
)
DUPLICATES.add(
    "links-to-both",
    "a hard link after each of two files of one path",
    tar(member(b"a", b"1"), hard(b"h", b"a"), member(b"a", b"2"), hard(b"i", b"a")),
    "read",
)
DUPLICATES.add(
    "link-then-file-then-link",
    "a path that is a link, a file, and a link again",
    tar(symbolic(b"a", b"/etc"), member(b"a", b"1"), symbolic(b"a", b"/canary")),
    "read",
)
DUPLICATES.add(
    "root-twice",
    "the root twice, with other owners",
    tar(folder(b"./", uid=1), folder(b"/", uid=2), member(b"a", b"1")),
    "read",
)
DUPLICATES.add(
    "ten-thousand-times",
    "one path ten thousand times",
    lambda: tar(*(member(b"a", b"%d" % number) for number in range(10_000))),
    "read",
)
