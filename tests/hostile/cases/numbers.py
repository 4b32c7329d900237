"""Header blocks whose fields hold other numbers than they should, or none."""

from __future__ import annotations

from hostile.case import Family
from hostile.doors import ARCHIVE, LAYER
from hostile.tars import CHARACTER, DEVICE, GNU, V7, base256, header, member, tar

NUMBERS = Family("numbers", *ARCHIVE, *LAYER)

_SIZE = "a size that is none"
for _name, _field in {
    "size-negative": base256(-1, 12),
    "size-very-negative": base256(-(1 << 63), 12),
    "size-over-63-bits": base256(1 << 63, 12),
    "size-over-64-bits": base256(1 << 64, 12),
    "size-of-ones": b"\xff" * 12,
    "size-minus-sign": b"-0000000001\0",
    "size-no-octal": b"00000000009\0",
    "size-hexadecimal": b"0x000000010\0",
    "size-with-letters": b"garbage\0\0\0\0\0",
    "size-with-a-gap": b"1 1\0\0\0\0\0\0\0\0\0",
    "size-with-a-nul-inside": b"0000\x00000001\0",
}.items():
    NUMBERS.add(_name, _SIZE, tar(header(b"a", size=_field), b"1".ljust(512, b"\0")), "refused")

for _name, _field in {
    "size-of-8-gib": b"77777777777\0",
    "size-of-12-digits": b"777777777777",
    "size-of-an-exbibyte": base256(1 << 60, 12),
    "size-just-below-63-bits": base256((1 << 63) - 1, 12),
    "size-that-rounds-up-over-63-bits": base256((1 << 63) - 100, 12),
}.items():
    NUMBERS.add(
        _name,
        "a size that the archive does not have: nothing is allocated for it",
        tar(header(b"a", size=_field), b"1".ljust(512, b"\0")),
        "refused",
    )
NUMBERS.add("size-of-nothing", "a size of spaces alone", tar(header(b"a", size=b" " * 12)), "read")

for _name, _field in {
    "uid-negative": base256(-1, 8),
    "uid-over-32-bits": base256(1 << 32, 8),
    "uid-garbage": b"garbage\0",
}.items():
    NUMBERS.add(_name, "an owner that no kernel has", tar(header(b"a", uid=_field)), "refused")
NUMBERS.add(
    "uid-largest",
    "the largest owner that there is",
    tar(header(b"a", uid=base256((1 << 32) - 2, 8))),
    "read",
)
for _name, _field, _verdict in (
    ("mtime-negative", base256(-1, 12), "read"),
    ("mtime-before-all", base256(-(1 << 63), 12), "read"),
    ("mtime-after-all", base256((1 << 63) - 1, 12), "read"),
    ("mtime-over-64-bits", base256(1 << 70, 12), "refused"),
    ("mtime-garbage", b"noon\0", "refused"),
):
    NUMBERS.add(
        _name,
        "a time that is far away, or none",
        tar(header(b"a", mtime=_field)),
        _verdict,  # type: ignore[arg-type]
        doors=("layer", "pipe", "edited", "add", "mtree", "bare", "validate", "flatten", "from"),
    )
NUMBERS.add("mode-garbage", "a mode that is none", tar(header(b"a", mode=b"rwxr-xr\0")), "refused")
NUMBERS.add(
    "mode-negative",
    "a mode with all bits of 64, of which a layer keeps twelve",
    tar(header(b"a", mode=base256(-1, 8))),
    "read",
)
NUMBERS.add(
    "mode-with-a-type",
    "a mode whose upper bits say that it is a device: the type says what it is",
    tar(header(b"a", mode=0o0020777)),
    "read",
)
NUMBERS.add(
    "mode-with-all-bits",
    "a mode with set-id and all other bits",
    tar(header(b"a", mode=b"7777777\0")),
    "read",
)
for _name, _kind in {"device": DEVICE, "character": CHARACTER}.items():
    for _what, _field in {"negative": base256(-1, 8), "over-32-bits": base256(1 << 32, 8)}.items():
        NUMBERS.add(
            f"{_name}-{_what}",
            "a device number that no kernel has",
            tar(member(b"a", kind=_kind, major=_field)),
            "refused",
        )
NUMBERS.add(
    "device-largest",
    "a device number of 32 bits, which no octal field holds",
    tar(member(b"a", kind=DEVICE, major=base256((1 << 32) - 1, 8), minor=base256(1 << 31, 8))),
    "refused",
    doors=("layer", "pipe", "add", "mtree", "bare", "validate", "flatten", "from"),
)

_CHECKSUM = "a header whose checksum is wrong, or none"
_CHECKSUMS: dict[str, int | bytes] = {
    "checksum-wrong": 1,
    "checksum-empty": bytes(8),
    "checksum-spaces": b" " * 8,
    "checksum-garbage": b"\xff" * 8,
    "checksum-negative": b"-000001\0",
}
for _name, _checksum in _CHECKSUMS.items():
    NUMBERS.add(_name, _CHECKSUM, tar(header(b"a", checksum=_checksum)), "refused")

for _name, _kind in {
    "type-unknown": b"Z",
    "type-of-a-volume": b"V",
    "type-of-a-dump": b"D",
    "type-of-a-part": b"M",
    "type-of-solaris": b"X",
    "type-of-high-bit": b"\xff",
}.items():
    NUMBERS.add(_name, "a type that no layer has", tar(member(b"a", kind=_kind)), "refused")
NUMBERS.add(
    "type-contiguous", "the type 7, a file for everybody", tar(member(b"a", b"1", b"7")), "read"
)
NUMBERS.add(
    "type-nul", "the type of old archives, a file", tar(member(b"a", b"1", b"\0", magic=V7)), "read"
)
NUMBERS.add(
    "magic-unknown",
    "a magic that is nobody's: the fields of 1979 count",
    tar(member(b"a", b"1", magic=b"USTAR\x0000")),
    "read",
)
NUMBERS.add(
    "magic-of-gnu-with-prefix",
    "GNU's magic, to which ustar's prefix is no part of the name",
    tar(member(b"a", b"1", magic=GNU, tail=b"prefix")),
    "read",
)
