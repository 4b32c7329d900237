"""Dockerfiles, mtree files and TOML files that were made to do harm."""

from __future__ import annotations

from functools import partial

from archives import Link
from hostile.case import Family, Files, Special

DOCKERFILES = Family("dockerfiles", "dockerfile")
MTREES = Family("mtrees", "described")
TOMLS = Family("tomls", "edits")


def _dockerfile(text: str | bytes, **files: bytes | Link | Special) -> Files:
    return {"Dockerfile": _bytes(text), **files}


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


_BESIDE: dict[str, Link] = {"lead": Link("../canary"), "passwd": Link("../canary/passwd")}
_IGNORED: dict[str, dict[str, bytes]] = {"dockerignore-of-all": {".dockerignore": b"*\n"}}


_BILLION = "\n".join(
    ["FROM scratch", "ARG A0=" + "x" * 1000]
    + [f"ARG A{n}=" + f"${{A{n - 1}}}" * 10 for n in range(1, 12)]
    + ["LABEL x=$A11"]
)
for _name, _what, _text in (
    ("nothing", "an empty file", ""),
    ("comments-alone", "a file of comments", "# nothing\n" * 10),
    ("no-from", "a file that begins with COPY", "COPY a /\n"),
    ("binary", "bytes that are no text", bytes(range(256)) * 10),
    ("nul", "a NUL byte", b"FROM scratch\nLABEL a=\0\n"),
    ("escapes", "an instruction of terminal escapes", "FROM scratch\n\x1b[2J\x1b]0;x\x07 a\n"),
    ("escapes-in-a-word", "a stage with a name of terminal escapes", "FROM scratch AS \x1b[31m\n"),
    ("long-line", "a line of 2 MiB", "FROM scratch\nLABEL a=" + "x" * (2 << 20)),
    ("above-the-limit", "a file of 8 MiB", b"FROM scratch\n" + b"# x\n" * (2 << 20)),
    ("expansion", "ARGs that grow tenfold eleven times (a billion laughs)", _BILLION),
    (
        "expansion-of-itself",
        "a variable made of itself, a thousand times over",
        "FROM scratch\nENV A=x\n" + "ENV A=$A$A\n" * 60,
    ),
    (
        "patterns",
        "patterns that take for ever where matching goes back",
        "FROM scratch\nCOPY good.tar /\nENV A="
        + "a" * 5000
        + "\nLABEL x=${A##"
        + "*a" * 500
        + "b}\n",
    ),
    (
        "nested-words",
        "variables in variables, ten thousand deep",
        "FROM scratch\nLABEL x=" + "${A:-" * 10_000 + "}" * 10_000 + "\n",
    ),
    ("open-quote", "a quote that never ends", 'FROM scratch\nLABEL a="x\n'),
    ("open-heredoc", "a heredoc that never ends", "FROM scratch\nCOPY <<EOF /a\n" + "x\n" * 1000),
    (
        "many-heredocs",
        "a thousand heredocs in a line, none of which ends",
        "FROM scratch\nCOPY " + " ".join(f"<<E{n}" for n in range(1000)) + " /\n",
    ),
    (
        "copy-circle",
        "two stages that copy from each other",
        "FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nCOPY --from=a / /\n",
    ),
    (
        "copy-from-itself",
        "a stage that copies from itself",
        "FROM scratch AS a\nCOPY --from=a / /\n",
    ),
    (
        "copy-from-a-number",
        "a stage by a number that there is not",
        "FROM scratch\nCOPY --from=99 / /\n",
    ),
    ("copy-up", "a source outside of the context", "FROM scratch\nCOPY ../canary/passwd /\n"),
    (
        "copy-absolute",
        "a source at the root, which is the context's",
        "FROM scratch\nCOPY /etc/passwd /\n",
    ),
    (
        "copy-through-a-link",
        "a source behind a link that leads out of the context",
        "FROM scratch\nCOPY lead/passwd /\n",
    ),
    (
        "copy-a-link-by-name",
        "a link that leads out of the context, by its name",
        "FROM scratch\nCOPY passwd /\n",
    ),
    ("add-url-file", "ADD with a file: address", "FROM scratch\nADD file:///etc/passwd /\n"),
    (
        "add-url",
        "ADD with an address on the machine itself",
        "FROM scratch\nADD http://127.0.0.1:1/x /\n",
    ),
    (
        "copy-from-up",
        "an image whose name is a path",
        "FROM scratch\nCOPY --from=../../canary / /\n",
    ),
    ("from-path", "a base whose name is a path", "FROM ../../canary\n"),
    ("from-variable", "a base whose name grows from nothing", "FROM ${A:?not there}\n"),
    ("on-build-loop", "ONBUILD of ONBUILD", "FROM scratch\nONBUILD ONBUILD COPY a /\n"),
    ("on-build-from", "ONBUILD of FROM", "FROM scratch\nONBUILD FROM scratch\n"),
    ("chmod-garbage", "rights that are none", "FROM scratch\nCOPY --chmod=\x1b[31m good.tar /\n"),
    (
        "chown-huge",
        "an owner that no kernel has",
        "FROM scratch\nCOPY --chown=4294967296 good.tar /\n",
    ),
    ("run", "RUN without a runtime: nothing is run", "FROM scratch\nRUN touch /tmp/canary\n"),
    (
        "syntax",
        "a frontend from elsewhere: it is neither fetched nor run",
        "# syntax=docker.io/evil/frontend\nFROM scratch\nRUN x\n",
    ),
    ("escape-directive", "an escape character that is none", "# escape=\x1b\nFROM scratch\n"),
    ("unknown-flag", "a flag that is none", "FROM scratch\nCOPY --\x1b[31m=x a /\n"),
    ("dockerignore-of-all", "a context of which nothing is left", "FROM scratch\nCOPY . /\n"),
):
    _verdict = {"dockerignore-of-all": "read", "patterns": "read"}
    DOCKERFILES.add(
        _name,
        _what,
        partial(_dockerfile, _text, **_BESIDE, **_IGNORED.get(_name, {})),
        _verdict.get(_name, "refused"),  # type: ignore[arg-type]
    )
DOCKERFILES.add(
    "stages",
    "ten thousand stages, each made of the one before",
    lambda: _dockerfile(
        "FROM scratch AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(10_000))
    ),
    "refused",
)
DOCKERFILES.add(
    "heredoc-up",
    "a heredoc whose destination has `..`, which stays inside of the root",
    _dockerfile("FROM scratch\nCOPY <<EOF /../../canary/passwd\nevil\nEOF\n"),
    "read",
)
DOCKERFILES.add(
    "destination-up",
    "a destination with `..`, which stays inside of the root",
    _dockerfile("FROM scratch\nWORKDIR /../../..\nCOPY good.tar ../../canary/passwd\n"),
    "read",
)
DOCKERFILES.add(
    "destination-through-a-link",
    "a destination behind a link of the layer below, which is followed inside of the root",
    _dockerfile(
        "FROM scratch\nCOPY tree /\nCOPY good.tar /l/x\n", **{"tree/l": Link("../../canary")}
    ),
    "read",
)
DOCKERFILES.add(
    "link-for-a-dockerfile",
    "a Dockerfile that is a link to itself",
    {"Dockerfile": Link("Dockerfile")},
    "refused",
)
DOCKERFILES.add(
    "folder-for-a-dockerfile",
    "a folder in place of a Dockerfile",
    {"Dockerfile": Special("folder")},
    "refused",
)
DOCKERFILES.add(
    "ignore-patterns",
    "patterns of .dockerignore that are none",
    _dockerfile("FROM scratch\nCOPY . /\n", **{".dockerignore": b"[a-\n"}),
    "refused",
)
DOCKERFILES.add(
    "ignore-for-ever",
    "a pattern of .dockerignore that takes for ever where matching goes back",
    _dockerfile(
        "FROM scratch\nCOPY t /\n",
        **{".dockerignore": b"t/" + b"a*" * 500 + b"b\n**/" * 100, "t/" + "a" * 200: b""},
    ),
    "refused",
)

_HEAD = "#mtree\n"
for _name, _what, _text in (
    ("binary", "bytes that are no text", bytes(range(256)) * 4),
    ("up", "a name with `..`", _HEAD + "./../canary/passwd type=file mode=0644 content=good.tar\n"),
    ("up-relative", "more `..` than there are directories", _HEAD + "..\n"),
    ("nul-name", "a name with a NUL", _HEAD + "./a\\000b type=file\n"),
    (
        "slash-name",
        "a name with a slash that is written as a number",
        _HEAD + "a\\057..\\057b type=file\n",
    ),
    ("escapes", "a keyword of terminal escapes", _HEAD + "./a type=file \x1b[2J=1\n"),
    (
        "escaped-escapes",
        "a name of escapes, of an unknown type",
        _HEAD + "./\\033[2J type=elephant\n",
    ),
    ("long-line", "a line of 2 MiB", _HEAD + "./a type=file comment=" + "x" * (2 << 20) + "\n"),
    (
        "long-name",
        "a name of 1 MiB of an unknown type",
        _HEAD + "./" + "x" * (1 << 20) + " type=elephant\n",
    ),
    (
        "long-name-in-a-file",
        "a name of 1 MiB inside of what is no directory",
        _HEAD
        + "./"
        + "x" * 999_000
        + " type=link link=a\n./"
        + "x" * 999_000
        + "/a type=link link=a\n",
    ),
    ("mode-garbage", "rights that are none", _HEAD + "./a type=dir mode=rwx\n"),
    ("mode-huge", "rights of many digits", _HEAD + "./a type=dir mode=" + "7" * 50 + "\n"),
    ("uid-negative", "an owner that is none", _HEAD + "./a type=dir uid=-1\n"),
    ("size-wrong", "a file of another size", _HEAD + "./a type=file size=1 content=good.tar\n"),
    (
        "size-huge",
        "a file of 2^64 bytes",
        _HEAD + "./a type=file size=18446744073709551616 content=good.tar\n",
    ),
    (
        "digest-wrong",
        "a file of another digest",
        _HEAD + "./a type=file sha256=" + "0" * 64 + " content=good.tar\n",
    ),
    (
        "digest-garbage",
        "a digest that is none",
        _HEAD + "./a type=file sha256=\x1b content=good.tar\n",
    ),
    ("time-garbage", "a time that is none", _HEAD + "./a type=dir time=noon\n"),
    ("time-huge", "a time of many digits", _HEAD + "./a type=dir time=" + "9" * 40 + "\n"),
    (
        "link-content",
        "a file whose content is behind a symbolic link",
        _HEAD + "./a type=file content=link\n",
    ),
    ("fifo-content", "a file whose content is a pipe", _HEAD + "./a type=file content=pipe\n"),
    (
        "folder-content",
        "a file whose content is a directory",
        _HEAD + "./a type=file content=void\n",
    ),
    (
        "device-content",
        "a file whose content is a device without an end",
        _HEAD + "./a type=file content=/dev/zero\n",
    ),
    ("no-content", "a file without a content", _HEAD + "./a type=file content=nowhere\n"),
    ("whiteout", "a whiteout", _HEAD + "./.wh.a type=dir\n"),
    (
        "through-a-link",
        "a file below a symbolic link",
        _HEAD + "./l type=link link=../../canary\n./l/passwd type=dir\n",
    ),
    ("device-garbage", "a device that is none", _HEAD + "./a type=char device=\x1b\n"),
    ("device-huge", "a device of large numbers", _HEAD + "./a type=char device=99999999999,1\n"),
    (
        "set-forever",
        "two hundred thousand lines of /set",
        _HEAD + "/set uid=1\n" * 200_000 + "./a type=elephant\n",
    ),
    ("include", "an include, which nobody reads", _HEAD + "include /etc/passwd\n"),
):
    MTREES.add(
        _name,
        _what,
        {"in.mtree": _bytes(_text), "link": Link("../canary/passwd"), "pipe": Special("fifo")},
        "refused",
    )
MTREES.add(
    "twice",
    "a path twice: the later line adds to the earlier",
    {"in.mtree": (_HEAD + "./a type=dir uid=1\n./a type=dir mode=0700\n").encode()},
    "read",
)
MTREES.add(
    "up-and-up",
    "directories left more often than entered, where the root has one above it too",
    {"in.mtree": (_HEAD + "a type=dir\n..\n..\n..\n").encode()},
    "read",
)
MTREES.add(
    "deep",
    "directories a thousand deep, relative to each other",
    lambda: {"in.mtree": (_HEAD + "d type=dir\n" * 1000).encode()},
    "read",
)
MTREES.add(
    "of-10000-levels",
    "directories ten thousand deep",
    lambda: {"in.mtree": (_HEAD + "d type=dir\n" * 10_000).encode()},
    "refused",
)

for _name, _what, _text in (
    ("binary", "bytes that are no text", b"\xff\xfe" * 100),
    ("no-toml", "text that is no TOML", "edit = [[[\n"),
    ("escapes", "a key of terminal escapes", '[[edit]]\n"\\u001b[2J" = 1\n'),
    ("raw-escape", "a raw escape in text", '[[edit]]\nremove = ["\x1b[2J"]\n'),
    ("deep", "arrays ten thousand deep", "a = " + "[" * 10_000 + "]" * 10_000 + "\n"),
    ("deep-tables", "a key of ten thousand parts", ".".join("a" * 10_000) + " = 1\n"),
    ("twice", "a key twice", "[[edit]]\nremove = ['a']\nremove = ['b']\n"),
    ("other-verb", "an edit that is none", "[[edit]]\nexplode = ['/']\n"),
    ("wrong-type", "a number in place of paths", "[[edit]]\nremove = 7\n"),
    (
        "huge-number",
        "a number of a hundred thousand digits",
        "[[edit]]\nremove = " + "9" * 100_000 + "\n",
    ),
    ("remove-up", "a path with `..`", "[[edit]]\nremove = ['../canary/passwd']\n"),
    ("remove-nul", "a path with a NUL", '[[edit]]\nremove = ["a\\u0000b"]\n'),
    (
        "put-of-up",
        "a file outside, which whoever wrote the edits may name",
        "[[edit]]\nput.'/a'.file = '../nowhere'\n",
    ),
    (
        "pattern",
        "a pattern that takes for ever where matching goes back",
        "[[edit]]\nexclude = ['" + "*a" * 500 + "b']\n",
    ),
    ("above-the-limit", "8 MiB of comments", "# x\n" * (2 << 20)),
):
    TOMLS.add(
        f"edits-{_name}",
        _what,
        {"edits.toml": _bytes(_text)},
        "read" if _name == "pattern" else "refused",
    )
for _name, _what, _text in (
    ("binary", "bytes that are no text", b"\xff\xfe" * 100),
    ("escapes", "a key of terminal escapes", '"\\u001b[2J" = 1\n'),
    ("deep", "arrays ten thousand deep", "a = " + "[" * 10_000 + "]" * 10_000 + "\n"),
    (
        "tag-up",
        "a tag that is a path",
        "tags = ['../../canary/x']\n[[layer]]\nrootfs = 'good.tar'\n",
    ),
    (
        "output-up",
        "a config that is no text",
        "[config]\nentrypoint = 7\n[[layer]]\nrootfs = 'good.tar'\n",
    ),
    (
        "from-nowhere",
        "a base that is not there",
        "base = 'docker-archive:../canary/passwd'\ntags = ['a']\n",
    ),
    ("link", "a base that is a link to itself", "base = 'loop'\ntags = ['a']\n"),
    (
        "escape-value",
        "a platform of terminal escapes",
        "platforms = [\"\\u001b[2J\"]\n[[layer]]\nrootfs = 'good.tar'\n",
    ),
):
    TOMLS.add(
        f"image-{_name}",
        _what,
        {"image.toml": _bytes(_text), "loop": Link("loop")},
        "refused",
        doors=("image-file",),
    )
