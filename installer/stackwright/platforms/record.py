"""The data classes of platform records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stackwright.records import Family as Family


@dataclass(frozen=True)
class Repository:
    """A package repository. `url` may contain dnf variables ($basearch)."""

    id: str
    title: str
    url: str = ""
    """Base URL. Empty: the system has the repository, which only needs to be enabled."""
    key: str = ""
    """URL of the packages' signing key; empty: the keys that the system knows."""
    unsigned: str = ""
    """The answer that allows its packages to be unsigned; empty: they have to be signed."""
    module_hotfixes: bool = False
    """Prefer its packages over module streams (dnf)."""
    exclude: tuple[str, ...] = ()
    """Packages that are never installed from it."""


@dataclass(frozen=True)
class Release:
    """An OpenStack release on one platform."""

    name: str
    """Its name in lower case: zed, epoxy."""
    series: str
    """Its number: 2022.2, 2025.1."""
    modules: str
    """Major version of the OpenStack Puppet modules that belong to it."""
    puppet: str = ""
    """Major version of Puppet that comes with it."""
    repositories: tuple[Repository, ...] = ()
    released: bool = True
    """Whether RDO has released it for this system. If not, only the testing repository and trunk have it."""
    preview: tuple[Repository, ...] = ()
    """Repositories with newer base packages, for CONFIG_SIG_PREVIEW=y."""
    release_package: str = ""
    """The package that sets up the same repositories, for manual use."""
    module_data: Mapping[str, str] = field(default_factory=dict)
    """Values of class parameters that the modules keep in data files which the packages omit."""
    module_types: Mapping[str, str] = field(default_factory=dict)
    """Type aliases that the modules use and the packages omit, by name."""
    libvirt_in_parts: bool | None = None
    """Whether libvirt has modular daemons (virtqemud...) instead of libvirtd, if the modules cannot tell."""
    chassis_in_external_ids: bool = False
    """Whether Neutron reads OVN chassis options from a column that OVN no longer uses (modules/stackwright)."""
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
    """Display name."""
    arches: tuple[str, ...]
    """As printed by `uname -m`."""
    releases: tuple[Release, ...]
    """Oldest first; the last is the default."""
    package_manager: Literal["apt", "dnf"]
    puppet: str
    """Path or name of the Puppet program."""
    puppet_packages: tuple[str, ...]
    modulepath: str
    """Folder of the packaged Puppet modules."""
    module_packages: tuple[str, ...]
    """Packages of Puppet modules, including those that the OpenStack modules need but do not depend on."""
    base_packages: tuple[str, ...]
    """Packages for every host."""
    paths: Mapping[str, str]
    """Files and folders that differ: apache_sites, apache_log, rabbitmq_env..."""
    users: Mapping[str, str]
    """Accounts that differ: web, libvirt."""
    firewall: Literal["firewalld", "nftables"]
    network: Literal["NetworkManager", "any"]
    """What creates bridges to physical networks: NetworkManager, or a systemd unit of ours (any)."""
    mysql_charset: str
    """MariaDB's name for the databases' three-byte UTF-8. With another name, every run would report a change, migrate
    the databases and restart services."""
    starts_services: bool
    """Whether installing a package starts its services (Debian does, hence policy-rc.d during the transaction)."""
    mariadb_server: Mapping[str, str] = field(default_factory=dict)
    """Additional options of the MariaDB server."""
    mariadb_client: Mapping[str, str] = field(default_factory=dict)
    """Options of the MariaDB client programs that Puppet's module runs."""
    codename: str = ""
    """Debian's code name of the release, used by lab nodes."""
    conflicts: tuple[str, ...] = ()
    """Repositories whose packages break the installation (EPEL)."""

    @property
    def default_release(self) -> Release:
        """The release that is installed by default: the newest."""
        return self.releases[-1]
