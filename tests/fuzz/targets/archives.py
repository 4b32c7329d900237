"""Image archives of any documents: what can be read can be written, and is the same image then.

The input is members: a line `# NAME`, then its content. `@NAME` in a later one stands for the
digest of that member, `%NAME` for its size, and each is among the blobs too.
"""

import io
import re
from pathlib import Path

import fastlayer as fl
from fastlayer import engine
from fastlayer.archive.contents import open_contents
from fastlayer.digest import Digest
from fastlayer.validation import validate
from fuzz.held import folder, value_of

_NAMED = re.compile(rb"([@%])([a-z]+)")
_MAX_MEMBERS = 16


def check(content: bytes) -> None:
    path = folder() / "image.tar"
    path.write_bytes(_archive(content))
    report = value_of(lambda: validate(path))
    images = value_of(lambda: open_contents(path).images())
    value_of(lambda: open_contents(path).everything())
    value_of(lambda: open_contents(path).multi_platform())
    if report is not None and report.ok and report.checked.images:
        assert images, "what is right cannot be read"
    image = value_of(lambda: fl.Image.load(path))
    if image is not None:
        _check_copy(image, path)


def _check_copy(image: fl.Image, path: Path) -> None:
    copy = path.with_name("copy.tar")
    if value_of(lambda: image.save(copy)) is not None:
        again = fl.Image.load(copy)
        assert again.config == image.config
        assert [layer.diff_id for layer in again.layers] == [
            layer.diff_id for layer in image.layers
        ]


def _archive(content: bytes) -> bytes:
    made: dict[bytes, bytes] = {}
    out = io.BytesIO()
    for part in (b"\n" + content).split(b"\n# ")[1 : 1 + _MAX_MEMBERS]:
        name, _, text = part.partition(b"\n")
        made[name] = _NAMED.sub(lambda match: _said(match, made), text)
        _add(out, name[:30].decode("utf-8", "replace") or "-", made[name])
        _add(out, f"blobs/sha256/{Digest.of(made[name]).encoded}", made[name])
    return out.getvalue() + bytes(1024)


def _said(match: re.Match[bytes], made: dict[bytes, bytes]) -> bytes:
    content = made.get(match[2])
    if content is None:
        return match[0]
    return Digest.of(content).encode() if match[1] == b"@" else b"%d" % len(content)


def _add(out: io.BytesIO, name: str, content: bytes) -> None:
    out.write(engine.member_header(name, len(content)) + content + bytes(-len(content) % 512))
