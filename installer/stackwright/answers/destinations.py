"""Where an answer ends up: the components that it places or switches on, and the Puppet parameters that it goes into.

What a template says itself is read from its source. `HANDED_ON` is what reaches the templates under another name, by
way of the planner; a test changes each of these answers and looks whether that name's value changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackwright import services
from stackwright.answers.checking import named_hosts
from stackwright.model import Answers, StackwrightError
from stackwright.planner import assets

_BRIDGES = ("host.bridges", "host.bridge_mappings")

HANDED_ON: Mapping[str, tuple[str, ...]] = {
    "CONFIG_SERVICE_WORKERS": ("choices.workers",),
    "CONFIG_CACHE_HOSTS": ("memcached",),
    "CONFIG_AMQP_HOST": ("transport_url",),
    "CONFIG_AMQP_ENABLE_SSL": ("transport_url",),
    "CONFIG_AMQP_AUTH_USER": ("transport_url",),
    "CONFIG_AMQP_AUTH_PASSWORD": ("transport_url",),
    "CONFIG_MARIADB_HOST": ("db_url",),
    "CONFIG_NOVA_LIBVIRT_VIRT_TYPE": ("choices.virt_type",),
    "CONFIG_NEUTRON_DATAPATH": ("choices.datapath_type",),
    "CONFIG_NEUTRON_L2_AGENT": ("network.agent", "network.service_plugins"),
    "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": ("network.type_drivers",),
    "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": ("network.tenant_types", "network.tunnel_types"),
    "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": ("network.mechanism_drivers",),
    "CONFIG_NEUTRON_ML2_FLAT_NETWORKS": ("network.flat_networks",),
    "CONFIG_NEUTRON_ML2_VLAN_RANGES": ("network.vlan_ranges",),
    "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES": ("network.tunnel_ranges",),
    "CONFIG_NEUTRON_ML2_VNI_RANGES": ("network.vni_ranges",),
    "CONFIG_NEUTRON_ML2_VXLAN_GROUP": ("network.vxlan_group",),
    "CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS": ("network.interface_mappings",),
    "CONFIG_NEUTRON_L3_EXT_BRIDGE": _BRIDGES,
    **{
        f"CONFIG_NEUTRON_{family}_{key}": names
        for family in ("OVN", "OVS")
        for key, names in {
            "BRIDGE_MAPPINGS": _BRIDGES,
            "BRIDGE_IFACES": ("host.bridges",),
            "BRIDGES_COMPUTE": _BRIDGES,
            "EXTERNAL_PHYSNET": ("network.external_physnet",),
            "TUNNEL_IF": ("host.tunnel_address",),
            "TUNNEL_SUBNETS": ("host.tunnel_address",),
        }.items()
    },
    "CONFIG_SWIFT_STORAGES": ("host.swift_devices", "swift_devices"),
    "CONFIG_SWIFT_STORAGE_ZONES": ("host.swift_devices", "swift_devices"),
    "CONFIG_PROVISION_OVS_BRIDGE": ("host.bridges",),
    "CONFIG_PROVISION_DEMO_FLOATRANGE": ("external.cidr", "external.gateway", "external.version", "external.pools"),
    "CONFIG_PROVISION_DEMO_ALLOCATION_POOLS": ("external.pools",),
    "CONFIG_PROVISION_IMAGE_NAME": ("image.path",),
    "CONFIG_PROVISION_IMAGE_FORMAT": ("image.format",),
    "CONFIG_PROVISION_IMAGE_SOURCE": ("image.path", "image.format"),
}
"""By key, what the templates know it as."""

_IMAGE = "the step that brings the demonstration's image, before Puppet"
_SIGNED = "the certificates that the cloud's authority signs, before anything is planned"
_SHOWN = "what the dashboard's host shows to those who connect; read before anything is planned"
_CONSOLE = "what the host of instances' screens shows to those who connect; read before anything is planned"
_REPOSITORIES = "package repositories"
_REGISTERED = "registration of hosts with Red Hat Enterprise Linux, before anything is installed"
_ONE_VALUE = "nothing: one value only can be installed"

BESIDES: Mapping[str, str] = {
    "CONFIG_DEFAULT_PASSWORD": "every password that is left at PW_PLACEHOLDER",
    "CONFIG_USE_SUBNETS": "how the keys of interfaces are read: as names, or as networks",
    "CONFIG_OPENSTACK_RELEASE": "package repositories, and what templates do for that release",
    "CONFIG_REPO": _REPOSITORIES,
    "CONFIG_REPO_KEYS": _REPOSITORIES,
    "CONFIG_ENABLE_RDO_TESTING": _REPOSITORIES,
    "CONFIG_RDO_TRUNK": _REPOSITORIES,
    "CONFIG_PACKAGE_MIRROR": _REPOSITORIES,
    "CONFIG_MIRROR_KEYS": _REPOSITORIES,
    "CONFIG_PACKAGE_PROXY": _REPOSITORIES,
    "CONFIG_PACKAGE_CACHE_HOST": "how package managers reach their repositories, and Squid on that host",
    "CONFIG_OFFLINE_REPO": _REPOSITORIES,
    "CONFIG_SIG_PREVIEW": _REPOSITORIES,
    "CONFIG_VERSION_LOCK": "what `dnf update` may do to OpenStack's packages later",
    **{f"CONFIG_RH_{key}": _REGISTERED for key in ("USER", "PW", "SAT6_SERVER", "SAT6_ORG", "SAT6_KEY")},
    **{f"CONFIG_RH_PROXY{key}": _REGISTERED for key in ("", "_PORT", "_USER", "_PW")},
    "CONFIG_RH_OPTIONAL": "nothing: CodeReady Builder, which took that channel's place, is always needed",
    "CONFIG_NTP_SERVERS": "each host's clock (chrony)",
    "CONFIG_HOST_NAMES": "each host's name, and /etc/hosts",
    "EXCLUDE_SERVERS": "the plan, which leaves these hosts out",
    "CONFIG_SSH_KEY": "root's authorized_keys on hosts that are logged in to with a password",
    "CONFIG_FIREWALL": "each host's firewall",
    "CONFIG_FIREWALL_PORTS": "each host's firewall",
    "CONFIG_HORIZON_SSL": "how browsers reach the dashboard and the screens of instances: over TLS, or without",
    "CONFIG_HORIZON_SSL_CERT": _SHOWN,
    "CONFIG_HORIZON_SSL_KEY": _SHOWN,
    "CONFIG_HORIZON_SSL_CACERT": _SHOWN,
    "CONFIG_VNC_SSL_CERT": _CONSOLE,
    "CONFIG_VNC_SSL_KEY": _CONSOLE,
    "CONFIG_SSL_CACERT_SELFSIGN": _SIGNED,
    "CONFIG_SSL_CACERT_FILE": _SIGNED,
    "CONFIG_SSL_CACERT_KEY_FILE": _SIGNED,
    "CONFIG_SSL_CERT_DIR": _SIGNED,
    **{f"CONFIG_SSL_CERT_SUBJECT_{part}": _SIGNED for part in ("C", "ST", "L", "O", "OU", "CN", "MAIL")},
    "CONFIG_AMQP_BACKEND": _ONE_VALUE,
    "CONFIG_AMQP_ENABLE_AUTH": "nothing: the services always log in",
    "CONFIG_KEYSTONE_API_VERSION": _ONE_VALUE,
    "CONFIG_KEYSTONE_IDENTITY_BACKEND": _ONE_VALUE,
    "CONFIG_KEYSTONE_TOKEN_FORMAT": _ONE_VALUE,
    "CONFIG_MARIADB_USER": "how the controller logs in to that database, and makes the services' databases",
    "CONFIG_NOVA_MIGRATION_SECRET": "nova's SSH key on the compute hosts, where there are several",
    "CONFIG_PROVISION_IMAGE_URL": _IMAGE,
    "CONFIG_PROVISION_IMAGE_CHECKSUM": _IMAGE,
    "CONFIG_PROVISION_IMAGE_SSH_USER": "`stackwright verify`, which logs in to an instance",
}
"""What neither a template nor the placement of components shows."""

_INCLUDE = re.compile(r"\{%-?\s*include\s+'([^']+)'\s*-?%\}")
_SET = re.compile(r"\{%-?\s*set\s+([\w\s,]+?)\s*=\s*(.*?)\s*-?%\}")
_SETTING = re.compile(r"^\s*([a-z][\w:]*(?:::\w+)+)\s*(?::|=>)", re.IGNORECASE)


@dataclass(frozen=True)
class Destinations:
    """Where one answer ends up."""

    switches: tuple[str, ...]
    """Components that there are, or are not, because of it."""
    places: tuple[str, ...]
    """Components whose hosts it names."""
    settings: tuple[str, ...]
    """Puppet parameters of this cloud's components that its value goes into, as "component: class::parameter"."""
    besides: str
    """What else it decides; empty for nothing."""
    hosts: tuple[str, ...]
    """The hosts of these components; those that the answer itself names where there are none."""


class _Watched(Mapping[str, Any]):
    """Answers that remember which of them were asked for."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return self._answers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)


def destinations(answers: Answers, key: str) -> Destinations:
    """Where the answer to `key` ends up, with these answers."""
    from stackwright.planner.placement import place

    switches: dict[str, None] = {}
    places: dict[str, None] = {}
    roles = {role.name: role for role in services.roles()}
    for component in services.all_components():
        watched = _Watched(answers)
        wanted = component.when(watched)
        if key in watched.asked:
            switches[component.name] = None
        watched = _Watched(answers)
        if wanted and services.hosts_of(roles[component.role], watched) and key in watched.asked:
            places[component.name] = None
    try:
        placed = {host: {part.name for part in parts} for host, parts in place(answers).items()}
    except StackwrightError:
        placed = {}
    there = set().union(*placed.values())
    found = tuple(setting for setting in settings(key) if setting.partition(":")[0] in there)
    concerned = {*switches, *places, *(setting.partition(":")[0] for setting in found)}
    hosts = [host for host, parts in placed.items() if concerned & parts]
    if not hosts:
        hosts = [host for host, keys in named_hosts(answers).items() if key in keys]
    return Destinations(tuple(switches), tuple(places), found, BESIDES.get(key, ""), tuple(hosts))


def settings(key: str) -> tuple[str, ...]:
    """The Puppet parameters that templates give the value of `key` to, as "component: class::parameter"."""
    names = (key, *HANDED_ON.get(key, ()))
    found: dict[str, None] = {}
    folder = assets.templates()
    for template, path in sorted(assets.component_templates(folder).items()):
        component = template.removesuffix(".j2").rpartition(".")[0]
        for name in _uses(_expanded(folder / path), names):
            found[f"{component}: {name}"] = None
    return tuple(found)


def _expanded(template: Path) -> str:
    """The template's source with its partials in place."""

    def partial(match: re.Match[str]) -> str:
        return _expanded(assets.templates() / match[1])

    return _INCLUDE.sub(partial, template.read_text(encoding="utf-8"))


def _uses(source: str, names: Iterable[str]) -> Iterator[str]:
    """The parameters that these names' values go into, also by way of a variable that the template sets."""
    wanted = re.compile(r"(?<![\w.])(?:answers\.)?(?:" + "|".join(map(re.escape, names)) + r")\b")
    variables: dict[str, str] = {}  # by name: its expression
    carriers: set[str] = set()
    for line in source.splitlines():
        assigned = _SET.search(line)
        if assigned:
            targets = [target.strip() for target in assigned[1].split(",")]
            parts = re.split(r",\s*(?![^()]*\))", assigned[2])
            fresh = dict(zip(targets, (part.strip() for part in parts), strict=False))
            variables.update(fresh)
            carriers -= set(fresh)
            carriers |= {target for target, part in fresh.items() if wanted.search(part)}
            continue
        if not wanted.search(line) and not any(re.search(rf"{{{{.*\b{name}\b", line) for name in carriers):
            continue
        shown = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: variables.get(match[1], match[1]).strip("'"), line)
        match = _SETTING.match(shown)
        yield match[1] if match else "what it consists of"
