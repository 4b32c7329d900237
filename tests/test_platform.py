"""Platforms: reading, writing, normalising and matching them as containerd does."""

import pickle
import platform as host
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.document import decode, encode
from fastlayer.errors import InvalidPlatformError
from fastlayer.platform import Platform
from vectors import cases

Members = dict[str, Any]


def of_members(members: Members) -> Platform:
    return Platform(
        members["OS"],
        members["Architecture"],
        members.get("Variant", ""),
        os_version=members.get("OSVersion", ""),
        os_features=tuple(members.get("OSFeatures", ())),
    )


@pytest.mark.parametrize("row", cases("platforms.json", "parse_selector"))
def test_containerd_reads_the_same(row: dict[str, Any]) -> None:
    """Text becomes the platform that containerd makes of it, and back, and matches the same."""
    if row.get("skip"):
        pytest.skip("a wildcard: containerd skips these too, they name no platform")
    expected, text = row["expected"], row["input"]
    if expected["Architecture"] == "defaultArch":
        # Without an architecture the host would decide, which is refused here.
        with pytest.raises(InvalidPlatformError):
            Platform.parse(text)
        expected, text = expected | {"Architecture": "amd64"}, f"{text}/amd64"
    elif expected["OS"] == "defaultOS":
        expected = expected | {"OS": "linux"}  # never the host's
    platform = Platform.parse(text)
    assert platform == of_members(expected)
    assert str(platform) == formatted(row["formatted"])
    for other in row.get("matches", []):
        assert platform.matches(of_members(other))
        assert of_members(other).matches(platform)


def formatted(text: str | dict[str, list[str]]) -> str:
    """The expected text, the host's parts replaced as in `test_containerd_reads_the_same`."""
    if isinstance(text, str):
        return text.replace("windows()", "windows")
    defaults = {"defaultOS": "linux", "defaultArch": "amd64"}
    return "/".join(defaults.get(part, part) for part in text["args"] if part)


@pytest.mark.parametrize("row", cases("platforms.json", "parse_selector_invalid"))
def test_containerd_refuses_the_same(row: dict[str, str]) -> None:
    """Text that containerd refuses is refused."""
    with pytest.raises(InvalidPlatformError):
        Platform.parse(row["input"])


@pytest.mark.parametrize("row", cases("platforms.json", "only_match", "platform"))
def test_what_a_platform_runs(row: dict[str, Any]) -> None:
    """A platform runs what containerd's `Only` matches: older variants and 32-bit images."""
    platform = Platform.parse(row["platform"])
    for expected in (True, False):
        for other in row["matches"][str(expected).lower()]:
            assert platform.runs(Platform.parse(other)) is expected, other


@pytest.mark.parametrize("row", cases("platforms.json", "only_strict_match", "platform"))
def test_what_a_platform_matches(row: dict[str, Any]) -> None:
    """A platform matches what containerd's `OnlyStrict` matches: itself in any spelling."""
    platform = Platform.parse(row["platform"])
    for expected in (True, False):
        for other in row["matches"][str(expected).lower()]:
            assert platform.matches(Platform.parse(other)) is expected, other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("LINUX/AMD64", Platform("linux", "amd64")),
        ("linux/amd64/v1", Platform("linux", "amd64")),
        ("linux/amd64/v3", Platform("linux", "amd64", "v3")),
        ("linux/aarch64", Platform("linux", "arm64")),
        ("linux/arm64/8", Platform("linux", "arm64", "v8")),
        ("linux/armhf", Platform("linux", "arm")),
        ("linux/arm/7", Platform("linux", "arm", "v7")),
        ("linux/armv6l", Platform("linux", "arm", "v6")),
        ("linux/i686", Platform("linux", "386")),
        ("linux/made-up", Platform("linux", "made-up")),
        ("macos/arm64", Platform("darwin", "arm64")),
    ],
)
def test_parse(text: str, expected: Platform) -> None:
    """The names that people and `uname` use become Go's."""
    assert Platform.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["linux", "windows(10.0)", "arm63", "*", "linux/*", "linux//v8", "linux/amd64\n", "a(%2)/arm"],
)
def test_what_is_refused(text: str) -> None:
    """An operating system alone, a slip of the pen, wildcards and broken escapes are refused."""
    with pytest.raises(InvalidPlatformError, match="expected `os/architecture"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("aarch64", "linux/arm64"),
        ("armv7l", "linux/arm"),
        ("armv6l", "linux/arm/v6"),
        ("i686", "linux/386"),
        ("loongarch64", "linux/loong64"),
        ("ppc64le", "linux/ppc64le"),
    ],
)
def test_host(monkeypatch: pytest.MonkeyPatch, machine: str, expected: str) -> None:
    """The host's platform is Linux on the processor that `uname -m` names."""
    monkeypatch.setattr(host, "machine", lambda: machine)
    assert str(Platform.host()) == expected


def test_only_host_asks_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a platform gives the same on every machine."""
    monkeypatch.setattr(host, "machine", None)
    assert str(Platform.parse("arm64")) == "linux/arm64"


def test_the_best_fallback_comes_first() -> None:
    """Fallbacks go down one step at a time, so that the first one found is the best."""
    fallbacks = [str(other) for other in Platform.parse("linux/amd64/v3").fallbacks()]
    assert fallbacks == ["linux/amd64/v2", "linux/amd64/v1", "linux/386"]
    fallbacks = [str(other) for other in Platform.parse("linux/arm64").fallbacks()]
    assert fallbacks == [f"linux/arm/v{version}" for version in (8, 7, 6, 5)]
    assert Platform.parse("linux/s390x").fallbacks() == ()
    fallbacks = [str(other) for other in Platform.parse("linux/arm64/odd").fallbacks()]
    assert fallbacks[0] == "linux/arm/v8"


def test_windows_versions() -> None:
    """A Windows container needs the same build; what comes after it does not matter."""
    wanted = Platform.parse("windows(10.0.17763.5)/amd64")
    assert wanted.matches(Platform.parse("windows(10.0.17763.9)/amd64"))
    assert wanted.matches(Platform.parse("windows/amd64"))
    assert not wanted.matches(Platform.parse("windows(10.0.20348.5)/amd64"))
    assert Platform.parse("linux(5)/amd64").matches(Platform.parse("linux(6)/amd64"))


def test_features() -> None:
    """An image may need features that the platform has, in any order, and no others."""
    wanted = Platform.parse("windows(+a+b)/amd64")
    assert wanted.matches(Platform.parse("windows(+b+a)/amd64"))
    assert wanted.matches(Platform.parse("windows/amd64"))
    assert not wanted.matches(Platform.parse("windows(+a+c)/amd64"))


def test_what_is_no_text_reads_back() -> None:
    """A version whose escapes are no UTF-8 has a text all the same."""
    platform = Platform.parse("windows(10%B2+a%FF)/amd64")
    assert Platform.parse(str(platform)) == platform


def test_a_platform_is_a_frozen_value() -> None:
    """It cannot be changed, keys a dictionary, and is kept as it was stated."""
    platform = Platform("linux", "arm64", "v8")
    with pytest.raises(AttributeError):
        platform.os = "plan9"  # type: ignore[misc]
    assert {platform: 1}[Platform("linux", "arm64", "v8")] == 1
    assert platform != Platform("linux", "arm64")
    assert platform.normalized() == Platform("linux", "arm64")
    assert pickle.loads(pickle.dumps(platform)) == platform  # noqa: S301


def test_unknown_members_are_kept() -> None:
    """Docker's manifest lists state `features`, which are written again."""
    content = b'{"architecture":"amd64","os":"linux","features":["sse4"]}'
    platform = decode(content, Platform, what="test")
    assert platform.unknown == {"features": ["sse4"]}
    assert encode(platform) == content
    assert {platform} == {platform}


option = st.text("abc019._-~%+()/", max_size=6) | st.text(max_size=3)


@given(
    os=st.from_regex(r"[a-z0-9_-]+", fullmatch=True).filter(lambda os: os != "macos"),
    architecture=st.sampled_from(["386", "amd64", "arm", "arm64", "s390x", "other"]),
    variant=st.sampled_from(["", "v5", "v6", "v9.3"]),
    version=option,
    features=st.sets(option.filter(bool), max_size=2).map(sorted).map(tuple),
)
def test_text_reads_back(
    os: str, architecture: str, variant: str, version: str, features: tuple[str, ...]
) -> None:
    """The text of any platform means that platform, whatever its version and features hold."""
    platform = Platform(os, architecture, variant, os_version=version, os_features=features)
    assert Platform.parse(str(platform)) == platform
