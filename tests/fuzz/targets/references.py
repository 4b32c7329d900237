"""Names that people write: of images, platforms, digests, files and registries."""

from collections.abc import Callable
from functools import partial

from fastlayer.destination import Output
from fastlayer.digest import Digest
from fastlayer.location import placed_in, reference_in
from fastlayer.options import compression_and_level
from fastlayer.platform import Platform
from fastlayer.reference import Reference
from fastlayer.registry.place import check_domain
from fastlayer.tags import annotations_for, check_ref_name, parse_tags, repo_tag
from fuzz.held import text, value_of

_READERS: tuple[Callable[[str], object], ...] = (
    check_domain,
    check_ref_name,
    compression_and_level,
    reference_in,
    Output.parse,
)


def check(content: bytes) -> None:
    name = text(content)
    reference = value_of(lambda: Reference.parse(name))
    if reference is not None:
        assert Reference.parse(str(reference)) == reference
        assert Reference.parse(repo_tag(reference)) == reference
        assert annotations_for(reference.with_default_tag())
        value_of(lambda: check_domain(reference.domain))
    for tag in value_of(lambda: parse_tags([name])) or ():
        assert tag.tag
    _check_platform(name)
    digest = value_of(lambda: Digest.from_document(name))
    assert digest is None or digest.supported == (value_of(lambda: Digest(name)) is not None)
    for act in _READERS:
        value_of(partial(act, name))
    assert name in placed_in("folder", name) or ":" in name


def _check_platform(name: str) -> None:
    platform = value_of(lambda: Platform.parse(name))
    if platform is None:
        return
    normal = platform.normalized()
    assert normal == normal.normalized()
    assert platform.matches(normal)
    assert platform.runs(platform)
    assert Platform.parse(str(platform)).matches(platform)
