"""The shape of a platform's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stackwright.records import Family as Family


@dataclass(frozen=True)
class Repository:
    """A package repository. `url` may hold dnf's variables ($basearch)."""

    id: str
    title: str
    url: str = ""
    """Base URL. Empty: the system has the repository, it is only to be enabled."""
    key: str = ""
    """URL of the key its packages are signed with."""
    module_hotfixes: bool = False
    """Let its packages win over module streams (dnf)."""
    exclude: tuple[str, ...] = ()
    """Packages that are never taken from it."""


@dataclass(frozen=True)
class Release:
    """An OpenStack release as one platform carries it."""

    name: str
    """By its name in small letters: zed, epoxy."""
    series: str
    """By year: 2022.2, 2025.1."""
    modules: str
    """Major version of the OpenStack Puppet modules that belong to it."""
    puppet: str = ""
    """Major version of Puppet that comes with it."""
    repositories: tuple[Repository, ...] = ()
    released: bool = True
    """Whether RDO has released it for this system. If not, its own repository is not there: it is to be had from the
    testing one, or from trunk."""
    preview: tuple[Repository, ...] = ()
    """Newer packages of the base system, for who asks for them."""
    release_package: str = ""
    """The package that sets the same repositories up, for people who do it by hand."""
    module_data: Mapping[str, str] = field(default_factory=dict)
    """Class parameters that have no value here: their modules keep it in files which the packages leave out."""
    module_types: Mapping[str, str] = field(default_factory=dict)
    """Type aliases that their modules use and the packages leave out, by name."""
    libvirt_in_parts: bool | None = None
    """Whether libvirt's daemons are apart (virtqemud...) rather than one libvirtd, where the modules do not know it."""
    chassis_in_external_ids: bool = False
    """Whether Neutron looks for what OVN's chassis are in a place that OVN has left (modules/stackwright)."""
    linuxbridge: bool = True
    """Whether Neutron still has its linuxbridge driver and agent (gone in 2025.1)."""


@dataclass(frozen=True)
class Platform:
    """One operating system and release."""

    id: str
    os_id: str
    """ID of /etc/os-release."""
    os_version: str
    """VERSION_ID of /etc/os-release up to the first dot."""
    family: Family
    name: str
    """For people."""
    arches: tuple[str, ...]
    """As `uname -m` says."""
    releases: tuple[Release, ...]
    """Oldest first; the last is the default."""
    package_manager: Literal["apt", "dnf"]
    puppet: str
    """The program."""
    puppet_packages: tuple[str, ...]
    modulepath: str
    """Where the packaged Puppet modules are."""
    module_packages: tuple[str, ...]
    """Puppet modules: those the OpenStack ones do not pull in by themselves are named too."""
    base_packages: tuple[str, ...]
    """On every host."""
    paths: Mapping[str, str]
    """Files and folders that differ: apache_sites, apache_log, rabbitmq_env..."""
    users: Mapping[str, str]
    """Accounts that differ: web, libvirt."""
    firewall: Literal["firewalld", "nftables"]
    network: Literal["NetworkManager", "any"]
    """Who makes bridges to physical networks: NetworkManager, or a unit of ours beside whatever manages the rest."""
    mysql_charset: str
    """What MariaDB calls the three-byte UTF-8 that the databases have. Another name for it in a manifest is a change in
    every run, after which the databases are synchronised and services restarted."""
    starts_services: bool
    """Whether installing a package starts its services (Debian does, hence policy-rc.d during the transaction)."""
    mariadb_server: Mapping[str, str] = field(default_factory=dict)
    """Options that MariaDB itself needs there besides."""
    mariadb_client: Mapping[str, str] = field(default_factory=dict)
    """Options of MariaDB's own client programs, which Puppet's module starts."""
    codename: str = ""
    """Debian's name of the release, by which a lab's nodes are called."""
    conflicts: tuple[str, ...] = ()
    """Names of repositories whose packages break the installation (EPEL)."""

    @property
    def default_release(self) -> Release:
        """What is installed when nobody asks for another."""
        return self.releases[-1]
