"""Facts of a CentOS Stream 9 host, as Puppet sees them there: the one place where they come from.

Facterdb has them as Facter 4 printed them on a real host. Three kinds are missing there, and are added here:

* legacy facts (osfamily, operatingsystem, fqdn...), which Facter 4 only tells when it is asked for them by name. The
  modules of Zed still ask;
* what the modules' own custom facts say on such a host (lib/facter of openstacklib, stdlib, swift, systemd...). They
  run code on the host, so they are written down here as they come out on EL 9;
* the host's name and addresses, which each test gives.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CPUS = 4


@cache
def _facterdb() -> Any:
    found = sorted(Path("/usr/share/rubygems-integration/all/gems").glob("facterdb-*/facts/4.*/centos-9-x86_64.facts"))
    if not found:
        pytest.skip("facterdb is not installed; `make test` installs it")
    return json.loads(found[-1].read_text())


@cache
def _puppet_version() -> str:
    done = subprocess.run(["puppet", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def centos_9(fqdn: str, address: str, arch: str = "x86_64") -> dict[str, Any]:
    """The facts of a host of this name and address; eth1 to eth3 are there and have none."""
    recorded = _facterdb()
    system = {**recorded["os"], "architecture": arch, "hardware": arch}
    hostname, _, domain = fqdn.partition(".")
    network = _network(hostname, domain, fqdn, address)
    return {
        **recorded,
        "os": system,
        **_legacy(system, recorded["ruby"]["version"]),
        **_custom(),
        "fqdn": fqdn,
        "hostname": hostname,
        "domain": domain,
        "networking": network,
        "interfaces": ",".join(network["interfaces"]),
        "ipaddress" if "ip" in network else "ipaddress6": address,
        "mountpoints": {"/": {"device": "/dev/vda4", "filesystem": "xfs", "size_bytes": 97850402304}},
        "processors": {**recorded["processors"], "isa": arch, "count": CPUS, "physicalcount": 1},
    }


def _legacy(system: dict[str, Any], ruby: str) -> dict[str, Any]:
    return {
        "architecture": system["architecture"],
        "hardwaremodel": system["hardware"],
        "id": "root",
        "gid": "root",
        "lsbdistcodename": "n/a",
        "lsbdistid": system["distro"]["id"],
        "lsbdistrelease": system["release"]["full"],
        "lsbmajdistrelease": system["release"]["major"],
        "memorysize": "15.63 GiB",
        "memorysize_mb": 16000.85,
        "operatingsystem": system["name"],
        "operatingsystemmajrelease": system["release"]["major"],
        "operatingsystemrelease": system["release"]["full"],
        "osfamily": system["family"],
        "physicalprocessorcount": 1,
        "processorcount": CPUS,
        "rubyversion": ruby,
        "selinux": True,
    }


def _custom() -> dict[str, Any]:
    version = _puppet_version()
    return {
        # Not custom: what an agent adds. Concat 7 reads the first.
        "clientversion": version,
        "puppetversion": version,
        # firewall
        "iptables_version": "1.8.8",
        "ip6tables_version": "1.8.8",
        # mysql
        "mysql_server_id": 1,
        # openstacklib
        "os_package_type": "rpm",
        "os_service_default": "<SERVICE DEFAULT>",
        "os_workers": max(CPUS // 2, 2),
        "os_workers_heat_engine": 4,
        "os_workers_keystone": 4,
        "os_workers_large": CPUS // 2,
        "os_workers_small": 2,
        # stdlib
        "is_pe": False,
        "package_provider": "dnf",
        "puppet_environmentpath": "/etc/puppetlabs/code/environments",
        "puppet_server": "puppet",
        "puppet_vardir": "/opt/puppetlabs/puppet/cache",
        "root_home": "/root",
        "service_provider": "systemd",
        # staging
        "staging_http_get": "curl",
        # swift, as Debian patches it
        "swift_commented_fstab_entries": {},
        "swift_device_uuids": {},
        # systemd
        "systemd": True,
        "systemd_version": "252",
        "systemd_internal_services": {},
    }


def _network(hostname: str, domain: str, fqdn: str, address: str) -> dict[str, Any]:
    if ":" in address:
        prefix = re.sub(r"[0-9a-f]*$", "", address)
        mask = {"address": address, "netmask": "ffff:ffff:ffff:ffff::", "network": prefix}
        own = {"ip6": address, "netmask6": mask["netmask"], "network6": prefix}
        first = {"bindings6": [mask], **own, "mtu": 1500}
    else:
        mask = {"address": address, "netmask": "255.255.255.0", "network": address.rpartition(".")[0] + ".0"}
        own = {"ip": address, "netmask": mask["netmask"], "network": mask["network"]}
        first = {"bindings": [mask], **own, "mtu": 1500}
    rest = {f"eth{number}": {"mtu": 1500} for number in (1, 2, 3)}
    return {
        "fqdn": fqdn,
        "hostname": hostname,
        "domain": domain,
        "primary": "eth0",
        "mtu": 1500,
        **own,
        "interfaces": {"eth0": first, **rest, "lo": {"ip": "127.0.0.1", "mtu": 65536}},
    }
