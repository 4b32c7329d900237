"""Extended headers that two readers understand differently, or that are none."""

from __future__ import annotations

from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import (
    GLOBAL,
    GNU,
    LONG_LINK,
    folder,
    hard,
    header,
    long_name,
    member,
    pax,
    record,
    symbolic,
    tar,
)
from hostile.tars import (
    PAX as EXTENDED,
)

PAX = Family("pax", *ARCHIVE, *LAYER)

_SMUGGLED = member(b"smuggled", b"evil")

PAX.add(
    "size-over-a-file",
    "a PAX size of 0 before a file of 1024 bytes, which hold another member (CVE-2025-62518)",
    tar(pax({b"size": b"0"}), header(b"a", size=1024), _SMUGGLED),
    "read",
)
PAX.add(
    "size-under-a-file",
    "a PAX size of 1024 before a file of 0 bytes: what follows is content",
    tar(pax({b"size": b"1024"}), header(b"a", size=0), _SMUGGLED),
    "read",
)
PAX.add(
    "size-over-an-extended-header",
    "a PAX size before another extended header, which it must not apply to (CVE-2025-62518)",
    tar(pax({b"size": b"2048"}), pax({b"path": b"b"}), member(b"a", b"1"), _SMUGGLED),
    "read",
)
PAX.add(
    "size-over-a-long-name",
    "a PAX size before GNU's long name, which it must not apply to",
    tar(pax({b"size": b"2048"}), long_name(b"b"), member(b"a", b"1"), _SMUGGLED),
    "read",
)
PAX.add(
    "size-over-a-folder",
    "a PAX size for a directory, which has no content",
    tar(pax({b"size": b"1024"}), folder(b"d/"), _SMUGGLED),
    "read",
)
PAX.add(
    "size-over-a-link",
    "a PAX size for a symbolic link, which has no content",
    tar(pax({b"size": b"1024"}), symbolic(b"l", b"x"), _SMUGGLED),
    "read",
)
PAX.add(
    "size-over-a-hard-link",
    "a PAX size for a hard link, which in Go has no content",
    tar(member(b"a"), pax({b"size": b"1024"}), hard(b"h", b"a"), _SMUGGLED),
    "read",
)
PAX.add(
    "size-by-a-global-header",
    "a global size, which POSIX applies to all and Go to none",
    tar(pax({b"size": b"1024"}, GLOBAL), header(b"a", size=0), _SMUGGLED),
    "read",
)
PAX.add(
    "path-by-a-global-header",
    "a global path, which POSIX applies to all and Go to none",
    tar(pax({b"path": b"../canary"}, GLOBAL), member(b"a", b"1"), member(b"b", b"2")),
    "read",
)
PAX.add(
    "global-between",
    "a global header between an extended one and its member, which Go lets end it",
    tar(pax({b"path": b"b"}), pax({b"comment": b"x"}, GLOBAL), member(b"a", b"1")),
    "read",
)
for _name, _value in {
    "negative": b"-1",
    "huge": b"9223372036854775807",
    "over-63-bits": b"9223372036854775808",
    "over-64-bits": b"18446744073709551616",
    "hexadecimal": b"0x10",
    "with-a-space": b" 1",
    "with-a-dot": b"1.0",
    "with-an-underscore": b"1_0",
    "in-other-digits": "\u0661".encode(),
    "of-a-mebibyte": b"1" * 1_000_000,
}.items():
    PAX.add(
        f"size-{_name}",
        "a size that is no number of bytes",
        tar(pax({b"size": _value}), member(b"a", b"1")),
        "refused",
    )
PAX.add(
    "size-with-a-sign",
    "a size with a plus sign, which Go takes for a number",
    tar(pax({b"size": b"+1"}), member(b"a", b"1")),
    "read",
)
for _name, _value in {
    "negative": b"-1",
    "over-32-bits": b"4294967296",
    "over-64-bits": b"99999999999999999999",
    "no-number": b"root",
}.items():
    PAX.add(
        f"uid-{_name}",
        "an owner that no kernel has",
        tar(pax({b"uid": _value}), member(b"a", b"1")),
        "refused",
    )
PAX.add(
    "uid-of-nobody-at-all",
    "the owner 2^32-1, which means `unchanged` to chown: a layer has it, a disk cannot",
    tar(pax({b"uid": b"4294967295"}), member(b"a", b"1")),
    "read",
)
for _name, _value in {
    "no-number": b"yesterday",
    "two-dots": b"1.2.3",
    "infinity": b"inf",
    "nan": b"nan",
    "exponent": b"1e9",
    "over-64-bits": b"9" * 30,
}.items():
    PAX.add(
        f"mtime-{_name}",
        "a time that is none",
        tar(pax({b"mtime": _value}), member(b"a", b"1")),
        "refused",
    )
PAX.add(
    "mtime-huge",
    "a time in three hundred milliards of years: no calendar has it, Python's neither",
    tar(pax({b"mtime": b"9223372036854775807"}), member(b"a", b"1")),
    "read",
)
PAX.add(
    "mtime-before-all",
    "the same in the past, with a fraction, to be rounded down",
    tar(pax({b"mtime": b"-9223372036854775808.5"}), member(b"a", b"1")),
    "refused",
)
PAX.add(
    "atime-no-number",
    "a time that is not kept, and yet is none",
    tar(pax({b"atime": b"never"}), member(b"a", b"1")),
    "refused",
)

_BROKEN = "an extended header whose records do not add up"
for _name, _content in {
    "length-of-nothing": b" path=a\n",
    "length-0": b"0 path=a\n",
    "length-too-short": b"5 path=a\n",
    "length-too-long": b"99 path=a\n",
    "length-negative": b"-9 path=a\n",
    "length-huge": b"99999999999999999999 path=a\n",
    "length-with-a-zero": b"010 path=a\n",
    "length-with-a-sign": b"+9 path=a\n",
    "no-equals-sign": b"9 path a\n",
    "no-line-break": b"9 path=aX",
    "no-key": b"6 =aa\n",
    "zero-in-a-key": b"10 pa\0h=a\n",
    "bytes-behind": record(b"path", b"a") + b"\0\0\0",
    "text": b"no records at all",
}.items():
    PAX.add(_name, _BROKEN, tar(pax(_content), member(b"b", b"1")), "refused")

PAX.add(
    "two-headers",
    "two extended headers in a row: the later replaces the earlier",
    tar(pax({b"path": b"first"}), pax({b"uid": b"7"}), member(b"a", b"1")),
    "read",
)
PAX.add(
    "two-paths",
    "one key twice in one header: the last counts",
    tar(pax(record(b"path", b"first") + record(b"path", b"last")), member(b"a", b"1")),
    "read",
)
PAX.add(
    "long-name-and-path",
    "GNU's long name and a PAX path: GNU's counts, in any order",
    tar(long_name(b"gnu"), pax({b"path": b"pax"}), member(b"a", b"1")),
    "read",
)
PAX.add(
    "path-and-long-name",
    "a PAX path, then GNU's long name",
    tar(pax({b"path": b"pax"}), long_name(b"gnu"), member(b"a", b"1")),
    "read",
)
PAX.add(
    "two-long-names",
    "two long names in a row: the last counts",
    tar(long_name(b"first"), long_name(b"last"), member(b"a", b"1")),
    "read",
)
PAX.add(
    "long-link-for-a-file",
    "GNU's long link before a regular file, which is no link for that",
    tar(long_name(b"/etc/passwd", LONG_LINK), member(b"a", b"1")),
    "read",
)
PAX.add(
    "linkpath-for-a-file",
    "a PAX link target before a regular file",
    tar(pax({b"linkpath": b"/etc/passwd"}), member(b"a", b"1")),
    "read",
)
PAX.add(
    "empty-path",
    "an empty PAX path: the header's counts",
    tar(pax({b"path": b""}), member(b"a", b"1")),
    "read",
)
PAX.add(
    "nothing-behind",
    "an extended header for a member that never comes",
    tar(pax({b"path": b"a"})),
    "read",
)
PAX.add(
    "long-name-behind", "a long name for a member that never comes", tar(long_name(b"a")), "read"
)
PAX.add(
    "header-above-a-mebibyte",
    "an extended header that says it has 1 MiB and a byte",
    tar(header(b"x", EXTENDED, size=(1 << 20) + 1), bytes((1 << 20) + 512), member(b"a")),
    "refused",
)
PAX.add(
    "header-of-8-gib",
    "an extended header that says it has 8 GiB: nothing is allocated for it",
    tar(header(b"x", EXTENDED, size=b"77777777777"), member(b"a")),
    "refused",
)
PAX.add(
    "header-cut",
    "an extended header that is longer than the archive",
    header(b"x", EXTENDED, size=4096) + b"9 path=a\n",
    "refused",
)
PAX.add(
    "long-name-of-8-gib",
    "a long name that says it has 8 GiB",
    tar(header(b"././@LongLink", b"L", size=b"77777777777", magic=GNU), member(b"a")),
    "refused",
)
PAX.add(
    "many-records",
    "a mebibyte of records of one key, of which all but the last are nothing",
    lambda: tar(pax(record(b"path", b"a") * 116_000), member(b"b", b"1")),
    "read",
)
PAX.add(
    "many-attributes",
    "fifty thousand attributes of one file",
    lambda: tar(
        pax(b"".join(record(b"SCHILY.xattr.u%d" % n, b"") for n in range(40_000))), member(b"a")
    ),
    "read",
    doors=("layer", "pipe", "mtree", "bare", "validate"),
)
PAX.add(
    "many-headers",
    "twenty thousand extended headers before one member",
    lambda: tar(pax({b"comment": b"x"}) * 20_000, member(b"a", b"1")),
    "read",
)
PAX.add(
    "many-globals",
    "twenty thousand global headers",
    lambda: tar(pax({b"comment": b"x"}, GLOBAL) * 20_000, member(b"a", b"1")),
    "read",
)
PAX.add(
    "attribute-without-name",
    "an extended attribute whose name is empty",
    tar(pax({b"SCHILY.xattr.": b"1"}), member(b"a")),
    "refused",
)
PAX.add(
    "attribute-with-a-zero",
    "an extended attribute whose value has a NUL, which is fine",
    tar(pax({b"SCHILY.xattr.user.a": b"1\02"}), member(b"a")),
    "read",
    doors=("layer", "pipe", "add", "mtree", "bare", "flatten", "from"),
)
PAX.add(
    "charset",
    "records that say to be in another character set, which nobody heeds",
    tar(pax({b"hdrcharset": b"BINARY", b"path": b"\xff"}), member(b"a")),
    "read",
)
PAX.add(
    "padding-with-content",
    "bytes that are no zeroes between content and the next header",
    tar(header(b"a", size=1), b"1" + b"\xff" * 511, member(b"b", b"2")),
    "read",
)
