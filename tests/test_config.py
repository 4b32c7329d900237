"""Image configs: settings as people give them, times, durations, and the JSON form."""

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastlayer.config import (
    ConfigSettings,
    Healthcheck,
    History,
    ImageConfig,
    RootFS,
    RunConfig,
    chain_ids,
)
from fastlayer.digest import Digest
from fastlayer.document import decode, encode
from fastlayer.errors import InvalidConfigError, InvalidImageError
from fastlayer.platform import Platform
from fastlayer.setting import Duration, timestamp
from vectors import cases, check_document, check_schema, documents

DIFF_ID = Digest.of(b"")
BASE = ImageConfig(os="linux", architecture="amd64", rootfs=RootFS(diff_ids=(DIFF_ID,)))


def run(**changes: Any) -> RunConfig:
    """The settings of a config after the changes, which also satisfy the schema."""
    config = BASE.with_changes(**changes)
    check_schema(encode(config), "config-schema.json")
    return config.config


@pytest.mark.parametrize("row", documents("config"))
def test_conformance(row: dict[str, Any]) -> None:
    """Configs of image-spec's tests and pages, and Docker's, are read or refused rightly."""
    check_document(row, ImageConfig, "config-schema.json")


@pytest.mark.parametrize("row", cases("chainid.json", "cases", "name"))
def test_chain_ids(row: dict[str, Any]) -> None:
    """A ChainID is computed from all layers below, as image-spec's own test does."""
    assert list(chain_ids(row["diff_ids"])) == row["chain_ids"]


def test_the_smallest_config() -> None:
    """Architecture, system and layers are written, and the empty `config` that Docker expects."""
    content = (
        '{"architecture":"amd64","os":"linux","config":{},'
        f'"rootfs":{{"type":"layers","diff_ids":["{DIFF_ID}"]}}}}'
    ).encode()
    assert encode(BASE) == content
    assert decode(content, ImageConfig, what="test") == BASE
    assert decode(content.replace(b'"config":{},', b""), ImageConfig, what="test") == BASE


def test_members_come_in_the_order_of_go() -> None:
    """All members at once, as Go's image-spec writes them."""
    config = ImageConfig(
        created="2025-04-18T19:07:30Z",
        author="a",
        architecture="arm",
        os="windows",
        os_version="10.0",
        os_features=("win32k",),
        variant="v7",
        config=RunConfig(  # noqa: S604 (the shell of an image, not of this process)
            user="u",
            exposed_ports={"80/tcp": {}, "53/udp": {}},
            env=("A=1",),
            entrypoint=("/e",),
            cmd=("c",),
            volumes={"/v": {}},
            working_dir="/w",
            labels={"b": "1", "a": "2"},
            stop_signal="SIGTERM",
            args_escaped=True,
            memory=1,
            memory_swap=2,
            cpu_shares=3,
            healthcheck=Healthcheck.of(["CMD", "/ok"], interval="30s", timeout=1, retries=2),
            on_build=("RUN x",),
            shell=("/bin/sh",),
            unknown={"Hostname": ""},
        ),
        rootfs=RootFS(diff_ids=(DIFF_ID,)),
        history=(
            History(created_by="x"),
            History(created="2025-04-18T19:07:30Z", comment="c", author="a", empty_layer=True),
        ),
        unknown={"container": "c"},
    )
    content = (
        '{"created":"2025-04-18T19:07:30Z","author":"a","architecture":"arm","os":"windows",'
        '"os.version":"10.0","os.features":["win32k"],"variant":"v7","config":{"User":"u",'
        '"ExposedPorts":{"53/udp":{},"80/tcp":{}},"Env":["A=1"],"Entrypoint":["/e"],"Cmd":["c"],'
        '"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"a":"2","b":"1"},"StopSignal":"SIGTERM",'
        '"ArgsEscaped":true,"Memory":1,"MemorySwap":2,"CpuShares":3,'
        '"Healthcheck":{"Test":["CMD","/ok"],"Interval":30000000000,"Timeout":1000000000,'
        '"Retries":2},"OnBuild":["RUN x"],"Shell":["/bin/sh"],"Hostname":""},'
        f'"rootfs":{{"type":"layers","diff_ids":["{DIFF_ID}"]}},'
        '"history":[{"created_by":"x"},{"created":"2025-04-18T19:07:30Z","author":"a",'
        '"comment":"c","empty_layer":true}],"container":"c"}'
    ).encode()
    assert encode(config) == content
    assert decode(content, ImageConfig, what="test") == config
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 (made right here)
    check_schema(content, "config-schema.json")


def test_platform() -> None:
    """The platform of a config has all of its parts."""
    content = (
        b'{"architecture":"arm64","os":"windows","os.version":"10","os.features":["f"],'
        b'"variant":"v8","rootfs":{"type":"layers","diff_ids":[]}}'
    )
    platform = decode(content, ImageConfig, what="test").platform
    assert platform == Platform("windows", "arm64", "v8", os_version="10", os_features=("f",))


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"entrypoint": ["/app", "-v"]}, "entrypoint", ("/app", "-v")),
        ({"entrypoint": ()}, "entrypoint", ()),
        ({"cmd": ("a b",)}, "cmd", ("a b",)),
        ({"shell": ["/bin/bash", "-c"]}, "shell", ("/bin/bash", "-c")),
        ({"on_build": ["RUN x"]}, "on_build", ("RUN x",)),
        ({"env": {"B": "1", "A": ""}}, "env", ("B=1", "A=")),
        ({"env": ["B=1", "A=x=y"]}, "env", ("B=1", "A=x=y")),
        ({"env": ["A=1", "B=2", "A=3"]}, "env", ("A=3", "B=2")),
        ({"labels": {"b": "1", "a": ""}}, "labels", {"a": "", "b": "1"}),
        ({"user": "1000:1000"}, "user", "1000:1000"),
        ({"working_dir": "/"}, "working_dir", "/"),
        ({"working_dir": "C:\\app"}, "working_dir", "C:\\app"),
        ({"exposed_ports": ["80"]}, "exposed_ports", {"80/tcp": {}}),
        ({"exposed_ports": [80, "80/tcp"]}, "exposed_ports", {"80/tcp": {}}),
        ({"exposed_ports": ["53/udp", "1"]}, "exposed_ports", {"1/tcp": {}, "53/udp": {}}),
        ({"exposed_ports": ["65535/sctp"]}, "exposed_ports", {"65535/sctp": {}}),
        ({"exposed_ports": ["8-9/udp"]}, "exposed_ports", {"8/udp": {}, "9/udp": {}}),
        ({"exposed_ports": ["8-8"]}, "exposed_ports", {"8/tcp": {}}),
        ({"volumes": ["/b", "/a"]}, "volumes", {"/a": {}, "/b": {}}),
        ({"stop_signal": "SIGTERM"}, "stop_signal", "SIGTERM"),
        ({"stop_signal": "term"}, "stop_signal", "SIGTERM"),
        ({"stop_signal": "SIGRTMIN+3"}, "stop_signal", "SIGRTMIN+3"),
        ({"stop_signal": 9}, "stop_signal", "9"),
        ({"stop_signal": "64"}, "stop_signal", "64"),
        ({"healthcheck": Healthcheck(test=("NONE",))}, "healthcheck", Healthcheck(test=("NONE",))),
    ],
)
def test_settings(changes: dict[str, Any], field: str, expected: object) -> None:
    """A setting is taken in every form that people give it, and becomes the specification's."""
    assert getattr(run(**changes), field) == expected


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("entrypoint", "/app -v", "must be a list, got text: write `['/app -v']`"),
        ("cmd", "x", "must be a list, got text"),
        ("shell", "/bin/sh", "must be a list, got text"),
        ("on_build", "RUN x", "must be a list, got text"),
        ("env", "A=1", "must be a list, got text"),
        ("volumes", "/v", "must be a list, got text"),
        ("exposed_ports", "80", "must be a list of ports, got `str`"),
        ("exposed_ports", 80, "must be a list of ports, got `int`"),
        ("cmd", {"a"}, "must be a list of text, got `set`"),
        ("cmd", b"a", "must be a list of text, got `bytes`"),
        ("cmd", [1], "must be text, got `int`"),
        ("cmd", ["a\0"], "has a NUL"),
        ("cmd", ["a\udcff"], "is not valid Unicode"),
        ("env", ["A"], "`A` has no `=`"),
        ("env", ["=1"], "`` is not the name of a variable"),
        ("env", {"": "1"}, "`` is not the name of a variable"),
        ("env", {"A=B": "1"}, "`A=B` is not the name of a variable"),
        ("env", {"A": 1}, "must be text, got `int`"),
        ("env", {"A": "\0"}, "has a NUL"),
        ("labels", ["a=b"], "must be a mapping of text to text, got `list`"),
        ("labels", {"a": None}, "must be text, got `NoneType`"),
        ("labels", {"": "a"}, "a key is empty"),
        ("user", 1000, "must be text, got `int`"),
        ("user", "a\0", "has a NUL"),
        ("author", 1, "must be text, got `int`"),
        ("working_dir", "app", "`app` is not an absolute path"),
        ("working_dir", "", "`` is not an absolute path"),
        ("volumes", ["v"], "`v` is not an absolute path"),
        ("exposed_ports", [0], "`0` is not a port"),
        ("exposed_ports", [65536], "`65536` is not a port"),
        ("exposed_ports", ["-1"], "`-1` is not a port"),
        ("exposed_ports", ["9-8"], "`9-8` is not a port"),
        ("exposed_ports", ["1-65536"], "`1-65536` is not a port"),
        ("exposed_ports", ["80/http"], "`80/http` is not a port"),
        ("exposed_ports", ["80/TCP"], "`80/TCP` is not a port"),
        ("exposed_ports", ["٨٠"], "is not a port"),
        ("exposed_ports", ["80\n"], "is not a port"),
        ("exposed_ports", [True], "must be a list of ports, got `bool`"),
        ("exposed_ports", [80.0], "must be a list of ports, got `float`"),
        ("stop_signal", "SIGNOPE", "`SIGNOPE` is not a signal"),
        ("stop_signal", "SIGRTMIN+16", "is not a signal"),
        ("stop_signal", 0, "`0` is not a signal"),
        ("stop_signal", 65, "`65` is not a signal"),
        ("stop_signal", "9" * 5000, "is not a signal"),
        ("stop_signal", True, "must be text, got `bool`"),
        ("healthcheck", ["CMD", "x"], "must be a `Healthcheck`, got `list`"),
        ("created", "2025-04-18", "`2025-04-18` is not RFC 3339"),
        ("created", "", "`` is not RFC 3339"),
        ("created", True, "got `bool`"),
        ("created", datetime(2025, 4, 18), "has no time zone"),
        ("created", 10**15, "is out of range"),
        ("created", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "is out of range"),
    ],
)
def test_a_wrong_setting_is_refused(field: str, value: object, reason: str) -> None:
    """It is refused at once, by an error that names the argument and the value."""
    with pytest.raises(InvalidConfigError) as caught:
        BASE.with_changes(**{field: value})  # type: ignore[arg-type]
    assert f"`{field}`" in str(caught.value)
    assert reason in str(caught.value)


def test_what_is_not_given_stays_and_none_clears() -> None:
    """Each argument replaces one setting; the original config does not change."""
    config = BASE.with_changes(
        entrypoint=["/a"], env={"A": "1"}, labels={"a": "b"}, user="u", created=0, author="me"
    )
    assert config.with_changes(cmd=["b"]).config.entrypoint == ("/a",)
    assert config.with_changes() == config
    cleared = config.with_changes(
        entrypoint=None, env=None, labels=None, user=None, created=None, author=None
    )
    assert cleared == BASE
    assert config.config.user == "u"


def test_all_settings_can_be_cleared() -> None:
    """`None` gives the config of an image that states nothing."""
    nothing = cast("ConfigSettings", dict.fromkeys(ConfigSettings.__annotations__))
    assert BASE.with_changes(**nothing) == BASE


def test_an_unknown_setting_is_refused() -> None:
    """A name that is mistyped would otherwise do nothing."""
    with pytest.raises(InvalidConfigError, match="unknown setting `entrypont`"):
        BASE.with_changes(entrypont=["/a"])  # type: ignore[call-arg]


def test_changes_keep_unknown_members() -> None:
    """What a base image states beyond the specification survives a change, at every level."""
    content = (
        b'{"os":"linux","x":[1],"architecture":"amd64","config":{"Hostname":"h","User":"a"},'
        b'"rootfs":{"diff_ids":[],"y":{},"type":"layers"},"history":[{"z":null}]}'
    )
    config = decode(content, ImageConfig, what="test").with_changes(user="b")
    expected = json.loads(content)
    expected["config"]["User"] = "b"
    assert json.loads(encode(config)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2025-04-18T19:07:30Z",
        "2015-10-31T22:22:56.015925234Z",
        "2025-04-18T19:07:30.10+05:30",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999-23:59",
        "2024-02-29T00:00:00Z",
    ],
)
def test_a_valid_time_is_kept_as_written(text: str) -> None:
    """RFC 3339 text passes unchanged, through settings and documents."""
    assert timestamp(text) == text
    assert History(created=text).created == text
    config = BASE.with_changes(created=text)
    assert decode(encode(config), ImageConfig, what="test").created == text


@pytest.mark.parametrize(
    "text",
    [
        "2025-04-18T19:07:30",
        "2025-04-18 19:07:30Z",
        "2025-04-18t19:07:30z",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-04-18T24:00:00Z",
        "2025-04-18T19:07:60Z",
        "2025-04-18T19:07:30+24:00",
        "2025-04-18T19:07:30.Z",
        "2025-04-18T19:07:30,5Z",
        "2025-04-18T19:07:30Z\n",
        "٢٠٢٥-04-18T19:07:30Z",
        "now",
    ],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    """What Go would not read is refused, as a setting and in a document."""
    with pytest.raises(InvalidConfigError, match="is not RFC 3339"):
        timestamp(text)
    content = encode(BASE)[:-1] + b',"created":' + json.dumps(text).encode() + b"}"
    with pytest.raises(InvalidImageError, match=r"test: `created`: .* is not RFC 3339"):
        decode(content, ImageConfig, what="test")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (1745003250, "2025-04-18T19:07:30Z"),
        (datetime(2025, 4, 18, 19, 7, 30, tzinfo=UTC), "2025-04-18T19:07:30Z"),
        (datetime(2025, 4, 18, 19, 7, 30, 120000, tzinfo=UTC), "2025-04-18T19:07:30.12Z"),
        (
            datetime(2025, 4, 19, 0, 37, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2025-04-18T19:07:30Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_other_times_become_utc(value: datetime | int, expected: str) -> None:
    """Seconds and datetimes are written in UTC, a fraction only if there is one."""
    assert timestamp(value) == expected


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_reads_back(moment: datetime) -> None:
    """The text of any moment is valid and means that moment."""
    text = timestamp(moment)
    assert timestamp(text) == text
    assert datetime.fromisoformat(text) == moment


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        (0, 0),
        (30, 30 * 10**9),
        (0.1, 10**8),
        (0.001, 10**6),
        (timedelta(minutes=1, milliseconds=1), 60_001 * 10**6),
        ("30s", 30 * 10**9),
        ("1m30s", 90 * 10**9),
        ("1.5h", 5400 * 10**9),
        ("1h1ms", 3600 * 10**9 + 10**6),
        ("1000us", 10**6),
        ("1000µs", 10**6),
        ("1000000ns", 10**6),
        ("0s", 0),
    ],
)
def test_durations(value: Duration, nanoseconds: int) -> None:
    """Seconds, timedeltas and Docker's text become nanoseconds without rounding errors."""
    healthcheck = Healthcheck.of(interval=value, start_interval=value)
    assert healthcheck == Healthcheck(interval=nanoseconds, start_interval=nanoseconds)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("30", "`30` is not a duration"),
        ("", "`` is not a duration"),
        ("1m 30s", "is not a duration"),
        ("-1s", "is not a duration"),
        ("1d", "is not a duration"),
        (-1, "`-1` is less than 1 ms"),
        (0.0009, "is less than 1 ms"),
        ("999us", "is less than 1 ms"),
        (timedelta(seconds=-1), "is less than 1 ms"),
        (2**63 / 10**9, "is longer than 292 years"),
        ("9" * 19 + "h", "is longer than 292 years"),
        ("9" * 100_000, "is not a duration"),
        (10**400, "is longer than 292 years"),
        (float("nan"), "`timeout` must be seconds"),
        (float("inf"), "`timeout` must be seconds"),
        (True, "got `bool`"),
        (None, "got `NoneType`"),
    ],
)
def test_a_wrong_duration_is_refused(value: Any, reason: str) -> None:
    """Docker takes no duration under 1 ms but 0, which stands for its default."""
    with pytest.raises(InvalidConfigError, match="`timeout`") as caught:
        Healthcheck.of(["CMD", "x"], timeout=value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"test": "curl localhost"}, "`test` must be a list, got text"),
        ({"test": ["curl", "localhost"]}, "`test` starts with `curl`"),
        ({"retries": -1}, "`retries` must be a number from 0, got `-1`"),
        ({"retries": True}, "`retries` must be a number from 0, got `True`"),
    ],
)
def test_a_wrong_healthcheck_is_refused(changes: dict[str, Any], reason: str) -> None:
    """The command of a health check says how it is run."""
    with pytest.raises(InvalidConfigError, match=reason):
        Healthcheck.of(**changes)


@pytest.mark.parametrize(
    ("layers", "history", "reason"),
    [
        (1, 0, ""),
        (1, 1, ""),
        (0, 0, "the config has 1 diff_ids for 0 layers"),
        (2, 0, "the config has 1 diff_ids for 2 layers"),
        (1, 2, "the config has the history of 2 layers for 1"),
    ],
)
def test_layer_counts(layers: int, history: int, reason: str) -> None:
    """History may be short, or longer by empty layers, but never describes more layers."""
    config = ImageConfig(
        os=BASE.os,
        architecture=BASE.architecture,
        rootfs=BASE.rootfs,
        history=(History(empty_layer=True), *[History()] * history),
    )
    if reason:
        with pytest.raises(InvalidImageError, match=reason):
            config.check_layer_count(layers)
    else:
        config.check_layer_count(layers)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"os":"linux","architecture":"amd64"}', "missing required field `rootfs`"),
        (b'{"os":"linux","architecture":"amd64","rootfs":null}', r"got `null` at `\$.rootfs`"),
        (
            b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":null}}',
            r"got `null` at `\$.rootfs.diff_ids`",
        ),
        (
            b'{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}}',
            r"missing required field `type` at `\$.rootfs`",
        ),
        (
            b'{"os":"linux","architecture":"amd64","rootfs":{"type":"base","diff_ids":[]}}',
            r"invalid enum value 'base' at `\$.rootfs.type`",
        ),
    ],
)
def test_a_broken_rootfs_is_refused(content: bytes, reason: str) -> None:
    """A config without layers to speak of is a clean error."""
    with pytest.raises(InvalidImageError, match=reason):
        decode(content, ImageConfig, what="test")


text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)


@given(
    env=st.dictionaries(text.filter(lambda key: key and "=" not in key), text, max_size=3),
    labels=st.dictionaries(text.filter(bool), text, max_size=3),
    cmd=st.lists(text, max_size=3),
    ports=st.lists(st.integers(1, 65535), max_size=3),
    interval=st.integers(0, 10**6),
)
def test_any_settings_read_back(
    env: dict[str, str],
    labels: dict[str, str],
    cmd: list[str],
    ports: list[int],
    interval: int,
) -> None:
    """What is set is written, satisfies the schema, and is read again as the same value."""
    config = BASE.with_changes(
        env=env,
        labels=labels,
        cmd=cmd,
        exposed_ports=ports,
        healthcheck=Healthcheck.of(["CMD", "x"], interval=interval),
    )
    content = encode(config)
    check_schema(content, "config-schema.json")
    assert decode(content, ImageConfig, what="test") == config
    assert config.config.env == tuple(f"{key}={value}" for key, value in env.items())
    assert config.config.exposed_ports.keys() == {f"{port}/tcp" for port in ports}
