"""The data of a lock: exact versions and origins of everything that is installed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = "stackwright.lock"
"""The name of the file."""


@dataclass(frozen=True)
class Repository:
    """A package repository in the state in which a host used it."""

    urls: tuple[str, ...] = ()
    snapshot: str = ""
    """Its state: the date of a Debian archive, the hash of a trunk (DLRN) repository, the revision of others."""
    checksum: str = ""
    """SHA-256 of its signed index (InRelease), or of its repomd.xml."""


@dataclass(frozen=True)
class Package:
    """An installed package. Versions are complete, with epoch and release; there may be several, as of kernels."""

    version: str
    origin: str = ""
    """The repository that has this version; empty if none has it any more."""


@dataclass(frozen=True)
class HostLock:
    """What is installed on one host."""

    platform: str
    """Id of the platform's record: debian-12."""
    package_manager: str = "apt"
    arch: str = ""
    kernel: str = ""
    python: str = ""
    puppet: str = ""
    facter: str = ""
    packages: Mapping[str, Package] = field(default_factory=dict)
    """By name; with the architecture if packages of several may be installed."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Versions of Puppet modules."""
    repositories: Mapping[str, Repository] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of images for instances, by file name."""

    @property
    def clients(self) -> dict[str, str]:
        """Versions of the packages with OpenStack clients."""
        return {n: p.version for n, p in self.packages.items() if _CLIENT.fullmatch(n.partition(":")[0])}

    @property
    def installable(self) -> dict[str, str]:
        """Versions by package, without those that belong to the machine and not to the cloud: kernels and boot loaders.
        A kernel takes effect only after a restart, and a container has none."""
        return {name: p.version for name, p in sorted(self.packages.items()) if not _MACHINES.match(name)}


_CLIENT = re.compile(r"python3-[a-z0-9]+client(\.noarch)?")
_MACHINES = re.compile(
    r"(linux-(image|headers|modules|kbuild|base|libc-dev)|kernel|grub|shim|efibootmgr|firmware-|linux-firmware"
    r"|microcode|intel-microcode|amd64-microcode|dracut|initramfs-tools|gpg-pubkey)"
)


@dataclass(frozen=True)
class Lock:
    """The lock of a whole cloud."""

    version: str
    """Ours."""
    templates: str
    """Digest of the templates and of our Puppet module."""
    release: str
    """OpenStack's."""
    plan: str = ""
    """Digest of the plan that was carried out."""
    control: Mapping[str, str] = field(default_factory=dict)
    """The controlling machine: versions of Python and of the libraries that are used."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Those that differ from the defaults, without secrets."""
    hosts: Mapping[str, HostLock] = field(default_factory=dict)
    trunk: str = ""
    """Tag and hash of RDO trunk, as TAG/HASH; empty if OpenStack is not from trunk."""
