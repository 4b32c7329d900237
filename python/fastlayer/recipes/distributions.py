"""The base images of distributions, each as its maintainers make it of a root file system.

Every recipe takes a directory, an archive or a stream, and gives an `Image`; the options of layers
are those of `fastlayer.LayerOptions`, and `edits` among them come after the recipe's own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fastlayer.config import DEFAULT_PATH, History
from fastlayer.platform import Platform
from fastlayer.recipes import tweaks
from fastlayer.recipes.architectures import debian_name
from fastlayer.recipes.rootfs import (
    base_image,
    from_dockerfile,
    is_merged_usr,
    moment,
)

if TYPE_CHECKING:
    from typing import Unpack

    from fastlayer.image import Image
    from fastlayer.options import LayerOptions
    from fastlayer.recipes.rootfs import Created, Rootfs
    from fastlayer.recipes.tweak import Tweaks

__all__ = [
    "BASH",
    "CENTOS",
    "DEBIAN",
    "DEBIAN_SLIM",
    "SH",
    "UBUNTU",
    "alpine",
    "centos",
    "centos_labels",
    "debian",
    "debian_settings",
    "debian_slim",
    "fedora",
    "ubuntu",
]

DEBIAN: Final = (
    tweaks.policy_rc_d
    + tweaks.docker_apt
    + tweaks.machine_id
    + tweaks.no_dev
    + tweaks.apt_lists
    + tweaks.apt_caches
    + tweaks.caches_and_logs
    + tweaks.hostname_and_resolv()
).named("debian", "what debuerreotype makes of debootstrap's minbase")

DEBIAN_SLIM: Final = (DEBIAN + tweaks.slim_docs).named(
    "debian-slim", "the same without manuals, documents and translations"
)

CENTOS: Final = (
    tweaks.no_boot + tweaks.no_hwdb + tweaks.yum_caches + tweaks.yum_container + tweaks.machine_id
).named("centos", "what the kickstart file of CentOS 7 does at its end")


def UBUNTU(*, merged_usr: bool = True) -> Tweaks:  # noqa: N802 (one of a row of names)
    """Give what docker-brew-ubuntu-core did to a cloud image until 2022."""
    return (
        tweaks.policy_rc_d
        + tweaks.initctl_divert(merged_usr=merged_usr)
        + tweaks.apt_speedup
        + tweaks.docker_clean
        + tweaks.docker_no_languages
        + tweaks.docker_gzip_only
        + tweaks.docker_autoremove_suggests
        + tweaks.apt_lists
        + tweaks.universe
        + tweaks.run_systemd_container
    ).named("ubuntu", "what the Dockerfile of Ubuntu did to a cloud image until 2022")


BASH: Final = ("/bin/bash",)
"""The command of those that a Dockerfile of their own makes."""

SH: Final = ("/bin/sh",)
"""The command of Alpine."""


def debian(
    rootfs: Rootfs,
    *,
    suite: str = "stable",
    version: str | None = None,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe Debian's base image: `rootfs` is what `debootstrap --variant=minbase` makes.

    No time in the layer is later than `created`. `suite` and `version`, that of the debuerreotype
    that made `rootfs`, are told by the history.
    """
    return _debian(rootfs, DEBIAN, suite, version, platform=platform, created=created, **options)


def debian_slim(
    rootfs: Rootfs,
    *,
    suite: str = "stable",
    version: str | None = None,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe Debian's slim base image: `debian` without manuals, documents and translations."""
    return _debian(
        rootfs, DEBIAN_SLIM, suite, version, platform=platform, created=created, **options
    )


def _debian(
    rootfs: Rootfs,
    own: Tweaks,
    suite: str,
    version: str | None,
    *,
    platform: Platform | str | None,
    created: Created,
    **options: Unpack[LayerOptions],
) -> Image:
    platform = _parsed(platform)
    latest = moment(created)
    if options.get("mtime") is None and options.get("clamp_mtime") is None:
        options = {**options, "clamp_mtime": latest}
    call = f"# debian.sh --arch '{debian_name(platform)}' out/ '{suite}'"
    if latest is not None:
        seconds = latest if isinstance(latest, int) else int(latest.timestamp())
        call += f" '@{seconds}'"
    maker = "fastlayer" if version is None else f"debuerreotype {version}"
    history = History(created_by=call, comment=maker)
    image = base_image(rootfs, own, platform=platform, created=created, history=history, **options)
    return debian_settings(image)


def debian_settings(image: Image) -> Image:
    """Return the image with variables and command as Debian's have them."""
    return image.with_config(env={"PATH": DEFAULT_PATH}, cmd=["bash"])


def ubuntu(
    rootfs: Rootfs,
    *,
    version: str | None = None,
    prepared: bool = False,
    merged_usr: bool | None = None,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe Ubuntu's base image, of a root file system of a cloud image or of `debootstrap`.

    `prepared` says that the edits are in it already, as in those that Ubuntu makes for containers.
    `version`, such as `24.04`, becomes a label. Whether /sbin is a link is looked up in `rootfs`
    unless `merged_usr` says it; it is taken for one in a stream.
    """
    labels = {} if version is None else _ubuntu_labels(version)
    own = None
    if not prepared:
        own = UBUNTU(merged_usr=is_merged_usr(rootfs) if merged_usr is None else merged_usr)
    return from_dockerfile(
        rootfs,
        own,
        before=tuple(f"LABEL {key}={value}" for key, value in labels.items()),
        cmd=BASH,
        platform=platform,
        created=created,
        **options,
    ).with_config(labels=labels)


def alpine(
    rootfs: Rootfs,
    *,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe Alpine's base image, of its `alpine-minirootfs`, in which nothing is changed."""
    return from_dockerfile(rootfs, cmd=SH, platform=platform, created=created, **options)


def centos(
    rootfs: Rootfs,
    *,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe the base image of CentOS 7, of what `livemedia-creator --make-tar` makes.

    The day of `created` becomes labels.
    """
    labels = centos_labels(moment(created))
    said = " ".join(f"{key}={value}" for key, value in labels.items())
    return from_dockerfile(
        rootfs,
        CENTOS,
        after=(f"LABEL {said}",),
        cmd=BASH,
        platform=platform,
        created=created,
        **options,
    ).with_config(labels=labels)


def fedora(
    rootfs: Rootfs,
    *,
    version: str | None = None,
    platform: Platform | str | None = None,
    created: Created = None,
    **options: Unpack[LayerOptions],
) -> Image:
    """Describe Fedora's base image, of a layer of its build system, in which nothing is changed.

    `version`, such as `42`, becomes the variables DISTTAG, FGC and FBR.
    """
    env = {} if version is None else _fedora_variables(version)
    said = " ".join(f"{key}={value}" for key, value in env.items())
    return from_dockerfile(
        rootfs,
        before=(f"ENV {said}",) if env else (),
        cmd=BASH,
        platform=platform,
        created=created,
        **options,
    ).with_added(env=env)


def _ubuntu_labels(version: str) -> dict[str, str]:
    return {
        "org.opencontainers.image.ref.name": "ubuntu",
        "org.opencontainers.image.version": version,
    }


def centos_labels(day: int | datetime | None) -> dict[str, str]:
    """Give the labels of CentOS; those that tell of the day only if there is one."""
    if isinstance(day, int):
        day = datetime.fromtimestamp(day, UTC)
    known = {
        "org.label-schema.schema-version": "1.0",
        "org.label-schema.name": "CentOS Base Image",
        "org.label-schema.vendor": "CentOS",
        "org.label-schema.license": "GPLv2",
        "org.label-schema.build-date": day and f"{day:%Y%m%d}",
        "org.opencontainers.image.title": "CentOS Base Image",
        "org.opencontainers.image.vendor": "CentOS",
        "org.opencontainers.image.licenses": "GPL-2.0-only",
        "org.opencontainers.image.created": day and f"{day:%Y-%m-%d} 00:00:00+00:00",
    }
    return {key: value for key, value in known.items() if value}


def _fedora_variables(version: str) -> dict[str, str]:
    return {"DISTTAG": f"f{version}container", "FGC": f"f{version}", "FBR": f"f{version}"}


def _parsed(platform: Platform | str | None) -> Platform:
    if platform is None:
        return Platform.host()
    return Platform.parse(platform) if isinstance(platform, str) else platform
