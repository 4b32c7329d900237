"""Settings of images and options of layers as text: a value of its form, or a refusal."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import fastlayer as fl
from fastlayer import attribute, setting
from fastlayer.config import Healthcheck, ImageConfig, RootFS
from fastlayer.document import decode, encode
from fuzz.held import lines, value_of

_BARE = ImageConfig(architecture="amd64", os="linux", rootfs=RootFS(diff_ids=()))

_Made = Callable[[Sequence[str]], Any]

# Each setting with how a few texts become its value.
_SETTINGS: dict[str, _Made] = {
    "entrypoint": list,
    "env": list,
    "labels": lambda texts: dict.fromkeys(texts, texts[0]),
    "user": lambda texts: texts[0],
    "working_dir": lambda texts: texts[0],
    "exposed_ports": list,
    "volumes": list,
    "stop_signal": lambda texts: texts[0],
    "healthcheck": lambda texts: Healthcheck.of(texts[:1], interval=texts[-1]),
    "created": lambda texts: texts[0],
}

_OPTIONS: dict[str, _Made] = {
    "prefix": lambda texts: texts[0],
    "owner": lambda texts: texts[0],
    "mode": lambda texts: texts[0],
    "include": list,
    "exclude": list,
    "xattrs": list,
}


def check(content: bytes) -> None:
    texts = lines(content)
    for name, made in _SETTINGS.items():
        config = value_of(partial(_changed, name, made, texts))
        if config is not None:
            again = decode(encode(config), ImageConfig, what="the config")
            assert again == config
            assert config.with_changes(**{name: None}).config == _BARE.config
    for name, made in _OPTIONS.items():
        value_of(partial(_of_file, name, made, texts))
    for act in (attribute.octal, attribute.owner_ids, attribute.mode_text):
        value_of(partial(act, texts[0]))
    duration: int | None = value_of(lambda: setting.nanoseconds("interval", texts[0]))
    assert duration is None or 0 <= duration < 2**63


def _changed(name: str, made: _Made, texts: Sequence[str]) -> ImageConfig:
    return _BARE.with_changes(**{name: made(texts)})


def _of_file(name: str, made: _Made, texts: Sequence[str]) -> fl.Layer:
    return fl.Layer.from_files({"a": b""}, **{name: made(texts)})
