"""What base images change in a root file system, by name.

Each is a value to be read, printed and combined: `print(policy_rc_d + docker_apt)`. They are facts
of the recipes of Debian (debuerreotype), Ubuntu (docker-brew-ubuntu-core), Docker (`mkimage`) and
CentOS (sig-cloud-instance-build).
"""

from __future__ import annotations

from typing import Final

from fastlayer import edit
from fastlayer.recipes.tweak import Tweaks

__all__ = [
    "apt_caches",
    "apt_lists",
    "apt_speedup",
    "caches_and_logs",
    "docker_apt",
    "docker_autoremove_suggests",
    "docker_clean",
    "docker_gzip_indexes",
    "docker_gzip_only",
    "docker_no_languages",
    "hostname_and_resolv",
    "initctl_divert",
    "machine_id",
    "no_boot",
    "no_dev",
    "no_hwdb",
    "policy_rc_d",
    "run_systemd_container",
    "slim_docs",
    "universe",
    "yum_caches",
    "yum_container",
]

_APT: Final = "etc/apt/apt.conf.d"
_DPKG: Final = "etc/dpkg/dpkg.cfg.d"

# Those of "apt-get clean", which would wait for a lock that its caller holds.
_CLEAN: Final = (
    '"rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb '
    '/var/cache/apt/*.bin || true"'
)

policy_rc_d: Final = Tweaks.of(
    "policy-rc.d",
    "no daemon is started when its package is installed",
    edit.put("usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", mode=0o755),
)

apt_speedup: Final = Tweaks.of(
    "apt-speedup",
    "dpkg does not wait for the disk: a build that is cut short is begun again",
    edit.put(f"{_DPKG}/docker-apt-speedup", b"force-unsafe-io\n"),
)

docker_clean: Final = Tweaks.of(
    "docker-clean",
    "packages that were installed, and indexes of caches, do not stay in the layer",
    edit.put(
        f"{_APT}/docker-clean",
        f"DPkg::Post-Invoke {{ {_CLEAN}; }};\n"
        f"APT::Update::Post-Invoke {{ {_CLEAN}; }};\n"
        'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n'.encode(),
    ),
)

docker_no_languages: Final = Tweaks.of(
    "docker-no-languages",
    "descriptions of packages are not fetched in other languages",
    edit.put(f"{_APT}/docker-no-languages", b'Acquire::Languages "none";\n'),
)

docker_gzip_indexes: Final = Tweaks.of(
    "docker-gzip-indexes",
    "lists of packages stay compressed: `apt-get update` makes a smaller layer",
    edit.put(f"{_APT}/docker-gzip-indexes", b'Acquire::GzipIndexes "true";\n'),
)

docker_gzip_only: Final = Tweaks.of(
    "docker-gzip-only",
    "the same for an apt before 1.0.9.2, which keeps only gzip compressed",
    edit.put(
        f"{_APT}/docker-gzip-indexes",
        b'Acquire::GzipIndexes "true"; Acquire::CompressionTypes::Order:: "gz";\n',
    ),
)

docker_autoremove_suggests: Final = Tweaks.of(
    "docker-autoremove-suggests",
    "`apt-get autoremove` keeps nothing that is only suggested",
    edit.put(
        f"{_APT}/docker-autoremove-suggests", b'Apt::AutoRemove::SuggestsImportant "false";\n'
    ),
)

docker_apt: Final = (
    apt_speedup
    + docker_clean
    + docker_no_languages
    + docker_gzip_indexes
    + docker_autoremove_suggests
).named("docker-apt", "apt and dpkg as they are in images for Docker")

apt_lists: Final = Tweaks.of(
    "apt-lists",
    "lists of packages are old soon, and `apt-get update` fetches them",
    edit.exclude("var/lib/apt/lists/*", "var/state/apt/lists/*"),
)

apt_caches: Final = Tweaks.of(
    "apt-caches", "what apt fetched and computed is made again", edit.exclude("var/cache/apt/*")
)

caches_and_logs: Final = Tweaks.of(
    "caches-and-logs",
    "what tells of the machine and the moment of the build is left out",
    edit.exclude(
        "var/log/alternatives.log",
        "var/log/apt/history.log",
        "var/log/apt/term.log",
        "var/log/bootstrap.log",
        "var/log/dpkg.log",
        "var/cache/ldconfig/aux-cache",
        "var/lib/systemd/catalog/database",
        "etc/apt/apt.conf.d/01autoremove-kernels",
        "run/mount",
    ),
)

machine_id: Final = Tweaks.of(
    "machine-id",
    "each container gets an id of its own (machine-id(5))",
    edit.truncate("etc/machine-id"),
)

no_dev: Final = Tweaks.of(
    "no-dev",
    "an engine makes what is in /dev, /proc and /sys",
    edit.exclude("dev/*", "proc/*", "sys/*"),
)

run_systemd_container: Final = Tweaks.of(
    "run-systemd-container",
    "systemd-detect-virt says that it is in a container",
    edit.put("run/systemd/container", b"docker\n"),
)

universe: Final = Tweaks.of(
    "universe",
    "the packages of Ubuntu's community can be installed",
    edit.substitute("etc/apt/sources.list", r"^#[ \t]*(deb.*universe)$", r"\1"),
)

# What debuerreotype gives to dpkg (`.slimify-excludes`, `.slimify-includes`), in its order.
_SLIM_RULES: Final = (
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/doc/kde/HTML/*/*",
    "path-exclude=/usr/share/gnome/help/*/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/linda/*",
    "path-exclude=/usr/share/lintian/overrides/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/omf/*/*-*.emf",
    "path-include=/usr/share/doc/*/copyright",
    "path-include=/usr/share/doc/kde/HTML/C/*",
    "path-include=/usr/share/gnome/help/*/C/*",
    "path-include=/usr/share/locale/all_languages",
    "path-include=/usr/share/locale/currency/*",
    "path-include=/usr/share/locale/l10n/*",
    "path-include=/usr/share/locale/languages",
    "path-include=/usr/share/locale/locale.alias",
    "path-include=/usr/share/omf/*/*-C.emf",
)

_NO_MANUALS: Final = "path-exclude=/usr/share/man/*"
# The same, but for sections: the directories stay, since alternatives put links there, and fail
# without them.
_MANUALS: Final = ("usr/share/man/*", "!usr/share/man/man[0-9]", "usr/share/man/man[0-9]/*")

slim_docs: Final = Tweaks.of(
    "slim-docs",
    "no manuals, documents and translations, now and for packages to come; copyrights stay",
    edit.path_rules(*(rule for rule in _SLIM_RULES if rule != _NO_MANUALS)),
    edit.exclude(*_MANUALS),
    edit.put(
        f"{_DPKG}/docker",
        "\n".join(
            (
                "# Manuals, documents and translations are not unpacked: this image is a slim one.",
                *_SLIM_RULES,
                "",
            )
        ).encode(),
    ),
)

no_boot: Final = Tweaks.of(
    "no-boot",
    "a container boots no kernel, and keeps no firewall",
    edit.remove("boot"),
    edit.remove("etc/firewalld"),
)

no_hwdb: Final = Tweaks.of(
    "no-hwdb",
    "a container has no hardware to look up, and its network is the engine's",
    edit.exclude(
        "etc/udev/hwdb.bin", "usr/lib/udev/hwdb.d/*", "etc/sysconfig/network-scripts/ifcfg-*"
    ),
)

yum_caches: Final = Tweaks.of(
    "yum-caches", "what yum fetched is old soon", edit.exclude("var/cache/yum/*", "tmp/ks-script*")
)

yum_container: Final = Tweaks.of(
    "yum-container",
    "yum installs no documents and one language, and knows that it is in a container",
    edit.put("etc/yum/vars/infra", b"container\n"),
    # Before the first empty line, which ends the section that they belong to; once.
    edit.substitute(
        "etc/yum.conf",
        r"\A(?!(?s:.*)^tsflags=nodocs$)((?s:.*?))^([ \t]*)$",
        r"\1override_install_langs=en_US.utf8\ntsflags=nodocs\n\2",
    ),
)


def hostname_and_resolv(hostname: str = "debuerreotype", *nameservers: str) -> Tweaks:
    """Say what is in /etc/hostname and /etc/resolv.conf before an engine mounts its own there."""
    servers = nameservers or ("1.1.1.1", "1.0.0.1")
    return Tweaks.of(
        "hostname-and-resolv",
        "what the machine of the build is called, and whom it asks, is left out",
        edit.put("etc/hostname", f"{hostname}\n".encode()),
        edit.put("etc/resolv.conf", "".join(f"nameserver {name}\n" for name in servers).encode()),
    )


def initctl_divert(*, merged_usr: bool = True) -> Tweaks:
    """Put a program that does nothing in place of upstart's, and tell dpkg of it.

    `merged_usr` says whether /sbin is a link to usr/sbin, as it is from Ubuntu 20.04 and Debian 12
    on: edits follow no links.
    """
    sbin = "usr/sbin" if merged_usr else "sbin"
    return Tweaks.of(
        "initctl-divert",
        "no job of upstart is started when its package is installed",
        edit.rename(f"{sbin}/initctl", f"{sbin}/initctl.distrib"),
        edit.put(f"{sbin}/initctl", b"#!/bin/sh\nexit 0\n", mode=0o755),
        # dpkg knows the file by the path that its package has for it.
        edit.append("var/lib/dpkg/diversions", b"/sbin/initctl\n/sbin/initctl.distrib\n:\n"),
    )
