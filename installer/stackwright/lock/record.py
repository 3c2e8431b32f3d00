"""What a lock holds: everything that decides what a setup is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = "stackwright.lock"
"""Of the file."""


@dataclass(frozen=True)
class Repository:
    """A package repository as a host saw it."""

    urls: tuple[str, ...] = ()
    snapshot: str = ""
    """What it was then: the date of a Debian archive, the hash of a trunk (DLRN) repository, the revision of others."""
    checksum: str = ""
    """SHA-256 of its signed index (InRelease), or of its repomd.xml."""


@dataclass(frozen=True)
class Package:
    """An installed package. Versions are complete, with epoch and release; several, where the system keeps several."""

    version: str
    origin: str = ""
    """The repository that has this version; empty where none has it any more."""


@dataclass(frozen=True)
class HostLock:
    """What one host consists of."""

    platform: str
    """Id of the platform's record: debian-12."""
    package_manager: str = "apt"
    arch: str = ""
    kernel: str = ""
    python: str = ""
    puppet: str = ""
    facter: str = ""
    packages: Mapping[str, Package] = field(default_factory=dict)
    """By name; with its architecture where packages of several may be installed."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Versions of Puppet's modules."""
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of images for instances, by file name."""

    @property
    def clients(self) -> dict[str, str]:
        """Versions of the packages with OpenStack's clients."""
        return {n: p.version for n, p in self.packages.items() if _CLIENT.fullmatch(n.partition(":")[0])}

    @property
    def installable(self) -> dict[str, str]:
        """Versions by package, without what belongs to the machine rather than to the cloud: kernels and what boots
        them; a kernel takes effect with a restart only, and a container has none."""
        return {name: p.version for name, p in sorted(self.packages.items()) if not _MACHINES.match(name)}


_CLIENT = re.compile(r"python3-[a-z0-9]+client(\.noarch)?")
_MACHINES = re.compile(
    r"(linux-(image|headers|modules|kbuild|base|libc-dev)|kernel|grub|shim|efibootmgr|firmware-|linux-firmware"
    r"|microcode|intel-microcode|amd64-microcode|dracut|initramfs-tools|gpg-pubkey)"
)


@dataclass(frozen=True)
class Lock:
    """A whole setup."""

    version: str
    """Ours."""
    templates: str
    """Digest of the templates and of our Puppet module."""
    release: str
    """OpenStack's."""
    plan: str = ""
    """Digest of the plan that was carried out."""
    control: Mapping[str, str] = field(default_factory=dict)
    """The controlling machine: versions of Python and of the libraries that we stand on."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Those that differ from the defaults, without secrets."""
    hosts: Mapping[str, HostLock] = field(default_factory=dict)
    trunk: str = ""
    """What the tag of RDO's trunk meant, as TAG/HASH; empty where OpenStack is not from there."""
