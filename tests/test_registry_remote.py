"""Blobs that are read: all of them, whatever happens on the way, and not a byte more."""

import os

import pytest

from fastlayer.descriptor import Descriptor
from fastlayer.digest import Digest
from fastlayer.errors import InvalidImageError, RegistryError
from fastlayer.media_type import OCI_LAYER
from fastlayer.registry.remote import RemoteBlob
from registry_twin import CUT, Asked, Pauses, Reply, Twin, digest_of, refusal, session

CONTENT = bytes(range(256)) * 4
DIGEST = Digest(digest_of(CONTENT))


def blob(twin: Twin, pauses: Pauses | None = None) -> RemoteBlob:
    descriptor = Descriptor(OCI_LAYER, DIGEST, len(CONTENT), urls=("https://other.example/blob",))
    return session(twin, pauses=pauses).repository("team/app").blob(descriptor)


def read(twin: Twin, pauses: Pauses | None = None) -> bytes:
    return b"".join(blob(twin, pauses).chunks())


def part(start: int, end: int | None = None, **headers: str) -> Reply:
    said = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"}
    return Reply(206, said | headers, [CONTENT[start:end], *([] if end is None else [CUT])])


def test_a_blob_is_read_from_its_repository() -> None:
    """Not from where its descriptor says that it is too."""
    twin = Twin([Reply(200, body=CONTENT)])
    assert read(twin) == CONTENT
    assert twin.lines == [f"GET /v2/team/app/blobs/{DIGEST}"]
    assert blob(twin).name == f"registry.example/team/app@{DIGEST}"


def test_nothing_is_asked_for_an_empty_one() -> None:
    """There is only one."""
    empty = Descriptor(OCI_LAYER, Digest.of(b""), 0)
    assert list(session([]).repository("a").blob(empty).chunks()) == []


def test_after_a_cut_it_goes_on() -> None:
    """Three times, each where the last ended."""
    twin = Twin([Reply(200, body=[CONTENT[:100], CUT]), part(100, 101), part(101, 700), part(700)])
    pauses = Pauses()
    assert read(twin, pauses) == CONTENT
    ranges = [asked.headers.get("Range") for asked in twin.asked]
    assert ranges == [None, "bytes=100-", "bytes=101-", "bytes=700-"]
    assert len(pauses) == 3


def test_who_sends_all_again_is_understood() -> None:
    """What was read is not given twice, wherever the pieces end."""
    for size in (1, 99, 100, 101, 1000):
        pieces = [CONTENT[start : start + size] for start in range(0, len(CONTENT), size)]
        twin = Twin([Reply(200, body=[CONTENT[:100], CUT]), Reply(200, body=[*pieces])])
        assert read(twin) == CONTENT


def test_who_always_cuts_is_given_up() -> None:
    """After five times without much in between."""
    cuts = [part(number, number + 1) for number in range(1, 9)]
    with pytest.raises(RegistryError, match=r"after 5 of 1024 bytes: the .* cut \(5 tries\)$"):
        read(Twin([Reply(200, body=[CONTENT[:1], CUT]), *cuts]))


def test_who_always_cuts_is_borne_with_if_it_gets_on() -> None:
    """A MiB each time is worth another try."""
    size = 10 << 20
    descriptor = Descriptor(OCI_LAYER, DIGEST, size)

    def answer(asked: Asked) -> Reply:
        start = int(asked.headers.get("Range", "bytes=0-")[6:-1])
        said = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return Reply(206 if start else 200, said if start else {}, [bytes(1 << 20), CUT])

    chunks = session(answer).repository("a").blob(descriptor).chunks()
    assert sum(map(len, chunks)) == size


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([Reply(200, body=CONTENT[:-1])], "has 1023 bytes, expected 1024"),
        ([Reply(200, body=CONTENT + b"x")], "has 1025 bytes, expected 1024"),
        ([Reply(200, body=[CONTENT, b"x"])], "has at least 1025 bytes, expected 1024"),
        (
            [Reply(200, {"Transfer-Encoding": "chunked"}, [CONTENT[:-1]])],
            "has 1023 bytes, expected 1024",
        ),
        (
            [Reply(200, body=[CONTENT[:9], CUT]), part(9, None, **{"Content-Length": "1014"})],
            "has 1023 bytes, expected 1024",
        ),
    ],
)
def test_another_size_is_refused(replies: list[Reply], reason: str) -> None:
    """At once if it is said, at the latest when it shows."""
    with pytest.raises(InvalidImageError, match=f"{DIGEST}` {reason}"):
        read(Twin(replies))


@pytest.mark.parametrize("said", ["bytes 8-1023/1024", "bytes 10-1023/1024", "", "9-", "bytes */9"])
def test_another_part_is_refused(said: str) -> None:
    """Bytes at the wrong place are worse than none."""
    replies = [Reply(200, body=[CONTENT[:9], CUT]), part(9, None, **{"Content-Range": said})]
    with pytest.raises(RegistryError, match="was not sent from byte 9 on"):
        read(Twin(replies))


def test_what_ends_early_is_asked_for_again() -> None:
    """Without a length, an end may be a cut."""
    assert read(Twin([Reply(200, body=[CONTENT[:9]]), part(9)])) == CONTENT


def test_a_refusal_in_the_middle_is_one() -> None:
    """Somebody deleted it."""
    replies = [Reply(200, body=[CONTENT[:9], CUT]), refusal(404, "BLOB_UNKNOWN")]
    with pytest.raises(RegistryError, match="404 `BLOB_UNKNOWN`"):
        read(Twin(replies))


def test_it_can_be_a_part_of_a_file() -> None:
    """Of one that has no name and is gone afterwards."""
    with blob(Twin([Reply(200, body=CONTENT)])).stretch() as (descriptor, offset, size, name):
        assert os.pread(descriptor, size + 1, offset) == CONTENT
        assert os.fstat(descriptor).st_nlink == 0
        assert name.endswith(DIGEST)


def test_progress_is_told() -> None:
    """In all it is the size, also after a cut."""
    seen: list[int] = []
    asking = session([Reply(200, body=[CONTENT[:9], CUT]), part(9)], progress=seen.append)
    descriptor = Descriptor(OCI_LAYER, DIGEST, len(CONTENT))
    list(asking.repository("a").blob(descriptor).chunks())
    assert sum(seen) == len(CONTENT)
