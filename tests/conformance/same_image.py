"""Whether an image is the one that Docker built of the same Dockerfile.

Equal are the config, the history, the number of layers, and the file system that the layers make
together, but for

- what the clock decides: times of creation, and with them all digests; times of what the build
  itself made (new directories, files of heredocs and of commands). Docker gives those the time of
  the build; fastlayer's are the same in each build.
- a key without a value: Docker writes `"OnBuild": null`, fastlayer leaves it out.
- attributes in `user.`: `docker save` keeps capabilities only.
- what Docker 20.10 wrote otherwise into the history, as `_as_older` says.
"""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastlayer as fl

from .dockers import OLDER

Json = Any

# No time in a table of files is as late as this, and no build as early.
CLOCK = 1_600_000_000

SHOWN = 20


def assert_same_image(ours: Path, theirs: Path, version: int) -> None:
    """Fail with what differs between two archives; the second is what `docker save` wrote."""
    differences = [*_configs(ours, theirs, version), *_files(ours, theirs)]
    shown = "\n".join(differences[:SHOWN])
    assert not differences, f"{len(differences)} differences from Docker {version}:\n{shown}"


def _configs(ours: Path, theirs: Path, version: int) -> Iterator[str]:
    mine, want = _config(ours), _config(theirs)
    if version == OLDER:
        mine["history"] = [_as_older(step) for step in mine["history"]]
    for key in sorted(mine.keys() | want.keys()):
        if mine.get(key) != want.get(key):
            yield from _unlike(key, mine.get(key), want.get(key))


def _unlike(key: str, mine: Json, want: Json) -> Iterator[str]:
    match mine, want:
        case dict(), dict():
            for inner in sorted(mine.keys() | want.keys()):
                if mine.get(inner) != want.get(inner):
                    yield from _unlike(f"{key}.{inner}", mine.get(inner), want.get(inner))
        case list(), list() if len(mine) == len(want):
            for number, (one, other) in enumerate(zip(mine, want, strict=True)):
                if one != other:
                    yield from _unlike(f"{key}[{number}]", one, other)
        case _:
            yield f"{key}: {mine!r}, not {want!r}"


def _config(archive: Path) -> dict[str, Json]:
    """Return what is comparable of the config in an archive as `docker save` writes it."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> Json:
            file = tar.extractfile(name)
            assert file is not None
            return json.load(file)

        (entry,) = read("manifest.json")
        document = read(entry["Config"])
    document["layers"] = len(document.pop("rootfs")["diff_ids"])
    for step in (document, *document.setdefault("history", [])):
        step.pop("created", None)
    document["config"] = _filled(document["config"])
    return _filled(document)


def _filled(values: dict[str, Json]) -> dict[str, Json]:
    """Leave out keys without a value."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _as_older(step: dict[str, Json]) -> dict[str, Json]:
    """Return a step of the history as Docker 20.10 wrote it.

    It left out the flags of COPY and ADD, and knew no start interval of a health check.
    """
    text = re.sub(r"^(COPY|ADD) (--ch\w+=\S+ )+", r"\1 ", step["created_by"])
    text = re.sub(r'^(HEALTHCHECK &\{.*) "0s" (\S+\})$', r"\1 \2", text)
    return {**step, "created_by": text}


def _files(ours: Path, theirs: Path) -> Iterator[str]:
    for change in fl.diff(theirs, ours):
        match change.change:
            case "A":
                yield f"{change.path!r} is not in Docker's"
            case "D":
                yield f"{change.path!r} is missing"
            case _:
                for fact in change.facts:
                    if not _excused(fact):
                        yield f"{change.path!r}: {fact.name} {fact.after}, not {fact.before}"


def _excused(fact: fl.Fact) -> bool:
    if fact.name == "mtime":
        return int(fact.before) >= CLOCK  # of Docker's
    return fact.name.startswith("xattr user.") and not fact.before
