"""All recipes by name, with what there is to say about each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from fastlayer.config import ImageConfig, RootFS
from fastlayer.errors import InvalidArgumentError, quoted
from fastlayer.image import Image
from fastlayer.recipes import distributions
from fastlayer.recipes.distroless import ACCOUNTS, BUNDLE, distroless, distroless_settings
from fastlayer.recipes.rootfs import dockerfile_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastlayer.recipes.tweak import Tweaks

__all__ = ["RECIPES", "Recipe"]

# What settings are shown of: not `Image.scratch`, which reads SOURCE_DATE_EPOCH.
_EMPTY: Final = Image(ImageConfig(architecture="", os="", rootfs=RootFS(diff_ids=())))
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe with its name, and a line that says what it makes of what.

    `details` are the arguments of its own, each with a line about its values, and `flags` those of
    them that are true or false. `settings` gives an image what the recipe sets whatever its details
    are, and `more` tells, in lines, what depends on the root file system or the time. `str()` gives
    all that as comments, and the tweaks as a file of edits.
    """

    name: str
    why: str
    make: Callable[..., Image]
    settings: Callable[[Image], Image] = field(repr=False)
    tweaks: Tweaks | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    more: tuple[str, ...] = ()

    def arguments(self, texts: Mapping[str, str]) -> dict[str, str | bool]:
        """Read details that were given as text.

        Raises `InvalidArgumentError` for one that the recipe does not have, or that is wrong.
        """
        for name, text in texts.items():
            if name not in self.details:
                known = ", ".join(map(quoted, self.details)) or "none"
                raise InvalidArgumentError(
                    f"the recipe {quoted(self.name)} has no {quoted(name)}: it has {known}"
                )
            if name in self.flags and text not in _FLAGS:
                raise InvalidArgumentError(
                    f"{quoted(name)} is {quoted(text)}: expected `true` or `false`"
                )
        return {name: _FLAGS[text] if name in self.flags else text for name, text in texts.items()}

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.why}", "", *_settings(self.settings(_EMPTY))]
        lines += [f"--set {name}={value}" for name, value in self.details.items()]
        lines += ["", *self.more] if self.more else []
        head = "".join(f"# {line}".rstrip() + "\n" for line in lines)
        return f"{head}\n{self.tweaks}" if self.tweaks else head


def _settings(image: Image) -> list[str]:
    run = image.config.config
    said = [f"env {variable}" for variable in run.env]
    said += [f"label {key}={value}" for key, value in run.labels.items()]
    said += [f"user {run.user}"] if run.user else []
    said += [f"workdir {run.working_dir}"] if run.working_dir else []
    return [*said, *([f"cmd {json.dumps(run.cmd)}"] if run.cmd else ())]


def _bash_settings(image: Image) -> Image:
    return dockerfile_settings(image, distributions.BASH)


_DEBIAN: Final = {
    "suite": "SUITE, such as bookworm, which the history tells",
    "version": "VERSION of the debuerreotype that made the root file system",
}

_ALL: Final = (
    Recipe(
        "debian",
        "Debian, of what debootstrap's minbase makes",
        distributions.debian,
        distributions.debian_settings,
        distributions.DEBIAN,
        _DEBIAN,
    ),
    Recipe(
        "debian-slim",
        "Debian without manuals, documents and translations",
        distributions.debian_slim,
        distributions.debian_settings,
        distributions.DEBIAN_SLIM,
        _DEBIAN,
    ),
    Recipe(
        "ubuntu",
        "Ubuntu, of the root file system of a cloud image",
        distributions.ubuntu,
        _bash_settings,
        distributions.UBUNTU(),
        {
            "version": "VERSION, such as 24.04, for a label",
            "prepared": "true if the root file system has the edits already",
            "merged_usr": "true or false: whether /sbin is a link; else it is looked up",
        },
        frozenset({"prepared", "merged_usr"}),
        more=("Where /sbin is a directory, and no link, the edits are in sbin.",),
    ),
    Recipe(
        "alpine",
        "Alpine, of its alpine-minirootfs",
        distributions.alpine,
        lambda image: dockerfile_settings(image, distributions.SH),
    ),
    Recipe(
        "centos",
        "CentOS 7, of what livemedia-creator makes",
        distributions.centos,
        lambda image: _bash_settings(image).with_config(labels=distributions.centos_labels(None)),
        distributions.CENTOS,
        more=("With a time of creation, two more labels have its day.",),
    ),
    Recipe(
        "fedora",
        "Fedora, of a layer of its build system",
        distributions.fedora,
        _bash_settings,
        details={"version": "VERSION, such as 42, for variables"},
    ),
    Recipe(
        "distroless",
        "Debian packages and nothing else, of a folder of .deb files",
        distroless,
        distroless_settings,
        ACCOUNTS,
        {
            "user": "nonroot or root, which is the default",
            "source": "URL, for an annotation",
            "merged_usr": "false to leave /bin, /lib and /sbin out of /usr",
        },
        frozenset({"merged_usr"}),
        (
            "The edits are those of the last layer. What depends on the packages is in no edit:",
            "- control data of each goes to /var/lib/dpkg/status.d",
            "- what is in /bin, /lib, /sbin and, for some, /lib64 goes to /usr; links lead there",
            "- /usr/lib/os-release is that of base-files, but for its PRETTY_NAME",
            f"- /{BUNDLE} joins what ca-certificates has;",
            "  without that package, there is no SSL_CERT_FILE",
        ),
    ),
)

RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType({recipe.name: recipe for recipe in _ALL})
"""The recipes by their names on the command line."""
