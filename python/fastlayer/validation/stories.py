"""Two lists of the same images, `index.json` and `manifest.json`, held against each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastlayer.errors import quoted
from fastlayer.stored.listing import spelled_out

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from fastlayer.digest import Digest
    from fastlayer.validation.report import Findings

__all__ = ["Story", "check_tags", "compare_stories"]

_INDEX, _ROWS = "index.json", "manifest.json"


@dataclass(frozen=True, slots=True)
class Story:
    """One image as a list tells it: its tags, its config, and where its layers lie.

    `config` and a layer are `None` where they were not found.
    """

    tags: tuple[str, ...]
    platform: str
    config: Digest | None
    layers: tuple[Hashable, ...]


def check_tags(where: str, stories: Iterable[Story], findings: Findings) -> None:
    """Report tags that a list gives to two images for the same platform."""
    seen: dict[tuple[str, str], Digest | None] = {}
    for story in stories:
        for tag in story.tags:
            earlier = seen.setdefault((spelled_out(tag), story.platform), story.config)
            if earlier != story.config:
                findings.problem(where, f"the tag {quoted(tag)} is given to two images")


def compare_stories(
    indexed: Sequence[Story],
    rows: Sequence[Story],
    digests: Mapping[Hashable, Digest],
    findings: Findings,
) -> None:
    """Report tags and images that only one list has, and tags that mean different images."""
    in_index, in_rows = _by_tag(indexed), _by_tag(rows)
    for tag in in_rows.keys() - in_index.keys():
        findings.problem(_ROWS, f"the tag {quoted(tag)} is not in `{_INDEX}`")
    for tag in in_index.keys() - in_rows.keys():
        findings.problem(_INDEX, f"the tag {quoted(tag)} is not in `{_ROWS}`")
    for tag in in_index.keys() & in_rows.keys():
        # A tag of the index may stand for several platforms, of which Docker's list has one.
        told = {_content(story, digests) for story in in_index[tag]}
        if not told & {_content(story, digests) for story in in_rows[tag]}:
            findings.problem(
                _ROWS, f"the tag {quoted(tag)} has another config or other layers in `{_INDEX}`"
            )
    _compare_untagged(_INDEX, indexed, rows, findings)
    _compare_untagged(_ROWS, rows, indexed, findings)


def _compare_untagged(
    where: str, stories: Sequence[Story], others: Sequence[Story], findings: Findings
) -> None:
    configs = {story.config for story in others}
    other = _ROWS if where == _INDEX else _INDEX
    for story in stories:
        if not story.tags and story.config is not None and story.config not in configs:
            findings.problem(
                where, f"the image with the config {quoted(story.config)} is not in `{other}`"
            )


def _by_tag(stories: Sequence[Story]) -> dict[str, list[Story]]:
    found = defaultdict(list)
    for story in stories:
        for tag in story.tags:
            found[spelled_out(tag)].append(story)
    return found


def _content(
    story: Story, digests: Mapping[Hashable, Digest]
) -> tuple[Digest | None, tuple[Digest | None, ...]]:
    return story.config, tuple(digests.get(place) for place in story.layers)
