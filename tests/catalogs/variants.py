"""The matrix: answers whose catalogs are to compile on CentOS Stream 9, each with what is special about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import golden
import outcome
from stackwright import answers
from stackwright.model import Answers, Facts, Plan

EXAMPLES = Path(__file__).parents[2] / "answer-files"

_C, _N, _A, _B = (f"198.18.0.{n}" for n in (10, 20, 31, 32))
_THREE = {"CONFIG_CONTROLLER_HOST": _C, "CONFIG_NETWORK_HOSTS": _N, "CONFIG_COMPUTE_HOSTS": _A}
_DEMO = {"CONFIG_PROVISION_DEMO_FLOATRANGE": "198.19.4.0/24", "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": "198.19.8.0/24"}
_OVS = {
    "CONFIG_NEUTRON_L2_AGENT": "openvswitch",
    "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": "openvswitch",
    "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "vxlan,flat,vlan",
    "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "vxlan",
}
_ELSEWHERE = {
    "CONFIG_MARIADB_INSTALL": "n",
    "CONFIG_MARIADB_HOST": "198.18.0.200",
    "CONFIG_MARIADB_USER": "cloudadmin",
    "CONFIG_MARIADB_PW": "theirs",
    "CONFIG_AMQP_INSTALL": "n",
    "CONFIG_AMQP_HOST": "198.18.0.201",
    "CONFIG_AMQP_AUTH_PASSWORD": "theirs",
}
_TLS = {"CONFIG_HORIZON_SSL": "y", "CONFIG_AMQP_ENABLE_SSL": "y"}
_TELEMETRY = {
    "CONFIG_CEILOMETER_INSTALL": "y",
    "CONFIG_AODH_INSTALL": "y",
    "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE": "y",
}
_LB = _OVS | {"CONFIG_NEUTRON_L2_AGENT": "linuxbridge", "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": "linuxbridge"}
_NONE = {
    f"CONFIG_{name}": "n"
    for name in (
        "GLANCE_INSTALL", "NOVA_INSTALL", "NEUTRON_INSTALL", "CINDER_INSTALL", "SWIFT_INSTALL", "HORIZON_INSTALL",
        "HEAT_INSTALL", "PROVISION_DEMO",
    )
}  # fmt: skip

# One host for each role that can have one, besides the controller, the network and the compute hosts.
_APART = {
    key: f"198.18.0.{number}"
    for number, key in enumerate(
        (
            "CONFIG_MARIADB_HOST", "CONFIG_AMQP_HOST", "CONFIG_CACHE_HOSTS", "CONFIG_KEYSTONE_HOST",
            "CONFIG_GLANCE_HOST", "CONFIG_NOVA_API_HOST", "CONFIG_NOVA_SCHED_HOST", "CONFIG_NOVA_VNCPROXY_HOST",
            "CONFIG_NEUTRON_SERVER_HOST", "CONFIG_CINDER_HOST", "CONFIG_STORAGE_HOST", "CONFIG_SWIFT_PROXY_HOSTS",
            "CONFIG_HORIZON_HOST", "CONFIG_OSCLIENT_HOST", "CONFIG_NOVA_CONDUCTOR_HOST",
        ),
        start=40,
    )
} | {"CONFIG_UNSUPPORTED": "y"}  # fmt: skip

_PLAIN = ("CONFIG_HEAT_AUTH_ENC_KEY", "CONFIG_CEPH_SECRET", "CONFIG_REDIS_PW")
"""Secrets that cannot have any characters."""

# What shells, URLs, YAML, Puppet and INI files each have an opinion on.
ODD = "p%40'\"\\ ${x} #;|&<~>"


@dataclass(frozen=True)
class Variant:
    """Answers, laid over an example or over the all-in-one defaults."""

    settings: Mapping[str, str] = field(default_factory=dict)
    example: str = ""
    arch: str = "x86_64"
    linuxbridge: bool = False
    """Whether it needs a release that still has the linuxbridge agent."""
    once: bool = False
    """Whether the oldest release is enough: what is special about it is ours, and not the modules'."""

    @cache  # noqa: B019 -- there are few, and they live as long as the tests
    def answers(self, release: str) -> Answers:
        paths = [EXAMPLES / f"{self.example}.txt"] if self.example else []
        flags = {} if self.example else {"CONFIG_CONTROLLER_HOST": _C, **_DEMO}
        flags |= {"CONFIG_OPENSTACK_RELEASE": release, **self.settings}
        return answers.read(paths, flags, {}, local_host=_C, remembered=golden.secrets())

    @cache  # noqa: B019
    def facts(self, release: str) -> dict[str, Facts]:
        found = outcome.facts(self.answers(release), "centos", "9")
        return {host: replace(seen, arch=self.arch) for host, seen in found.items()}

    @cache  # noqa: B019
    def plan(self, release: str) -> Plan:
        return outcome.plan(self.answers(release), self.facts(release))

    def __hash__(self) -> int:
        return id(self)


VARIANTS: dict[str, Variant] = {
    **{f"example-{path.stem}": Variant(example=path.stem) for path in sorted(EXAMPLES.glob("*.txt"))},
    # --- networks
    "ovn": Variant(),
    "ovn-three-hosts": Variant(_THREE),
    "ovn-two-network-hosts": Variant(_THREE | {"CONFIG_NETWORK_HOSTS": f"{_N},198.18.0.21"}),
    "ovn-tunnels-apart": Variant(_THREE | {"CONFIG_NEUTRON_OVN_TUNNEL_IF": "eth1"}, once=True),
    "ovn-vlans": Variant(
        _THREE
        | {
            "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "geneve,vlan,flat",
            "CONFIG_NEUTRON_ML2_VLAN_RANGES": "physnet1:1000:1099",
            "CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS": "extnet:br-ex,physnet1:br-data",
            "CONFIG_NEUTRON_OVN_BRIDGE_IFACES": "br-ex:eth2,br-data:eth3",
            "CONFIG_NEUTRON_OVN_BRIDGES_COMPUTE": "br-data",
            "CONFIG_PROVISION_OVS_BRIDGE": "n",
        }
    ),
    "ovn-netdev": Variant({"CONFIG_NEUTRON_DATAPATH": "netdev"}),
    "ovs": Variant(_OVS),
    "ovs-three-hosts": Variant(_OVS | _THREE),
    "ovs-gre": Variant(
        _OVS
        | _THREE
        | {
            "CONFIG_NEUTRON_ML2_TYPE_DRIVERS": "gre,flat",
            "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES": "gre",
            "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES": "20:100",
        }
    ),
    "ovs-l2population": Variant(
        _OVS
        | _THREE
        | {
            "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS": "openvswitch,l2population",
            "CONFIG_NEUTRON_ML2_VXLAN_GROUP": "239.1.1.2",
            "CONFIG_NEUTRON_OVS_VXLAN_UDP_PORT": "8472",
        },
        once=True,
    ),
    "ovs-agents-apart": Variant(
        _OVS
        | _THREE
        | {
            "CONFIG_NEUTRON_DHCP_HOSTS": _C,
            "CONFIG_NEUTRON_L3_HOSTS": _N,
            "CONFIG_NEUTRON_METADATA_HOSTS": "198.18.0.21",
        }
    ),
    "ovs-netdev": Variant(_OVS | {"CONFIG_NEUTRON_DATAPATH": "netdev"}),
    "linuxbridge": Variant(_LB, linuxbridge=True),
    "linuxbridge-three-hosts": Variant(
        _LB | _THREE | {"CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS": "extnet:eth1"}, linuxbridge=True
    ),
    "ipv6": Variant(
        {
            "CONFIG_CONTROLLER_HOST": "2001:2:0:1::10",
            "CONFIG_NETWORK_HOSTS": "2001:2:0:1::10",
            "CONFIG_COMPUTE_HOSTS": "2001:2:0:1::10",
            "CONFIG_PROVISION_DEMO_FLOATRANGE": "2001:2:0:4::/64",
            "CONFIG_PROVISION_DEMO_PRIVATE_SUBNET": "2001:2:0:8::/64",
            "CONFIG_CINDER_BACKEND": "lvm,nfs,ceph",
            "CONFIG_CINDER_NFS_MOUNTS": "[2001:2:0:1::9]:/srv/volumes",
        }
    ),
    # --- volumes, objects, images
    "cinder-nfs": Variant({"CONFIG_CINDER_BACKEND": "nfs", "CONFIG_CINDER_NFS_MOUNTS": "198.18.0.9:/a,198.18.0.9:/b"}),
    "cinder-ceph": Variant(_THREE | {"CONFIG_CINDER_BACKEND": "ceph"}),
    "cinder-own-group": Variant({"CONFIG_CINDER_VOLUMES_CREATE": "n", "CONFIG_CINDER_VOLUME_NAME": "vg0"}, once=True),
    "cinder-three-backends": Variant(
        _THREE | {"CONFIG_CINDER_BACKEND": "lvm,nfs,ceph", "CONFIG_CINDER_NFS_MOUNTS": "198.18.0.9:/srv/volumes"}
    ),
    "storage-apart": Variant(_THREE | {"CONFIG_UNSUPPORTED": "y", "CONFIG_STORAGE_HOST": "198.18.0.50"}, once=True),
    "swift-three-hosts": Variant(
        {
            "CONFIG_SWIFT_STORAGES": "198.18.0.51:/dev/vdb,198.18.0.52:/dev/vdb,198.18.0.53:/dev/vdb",
            "CONFIG_SWIFT_STORAGE_ZONES": "3",
            "CONFIG_SWIFT_STORAGE_REPLICAS": "3",
            "CONFIG_SWIFT_STORAGE_FSTYPE": "xfs",
        }
    ),
    "swift-without-cinder": Variant({"CONFIG_CINDER_INSTALL": "n"}, once=True),
    "glance-swift": Variant({"CONFIG_GLANCE_BACKEND": "swift"}),
    # --- one service more, or less
    "heat": Variant({"CONFIG_HEAT_INSTALL": "y"}),
    "heat-without-its-cfn": Variant(_THREE | {"CONFIG_HEAT_INSTALL": "y", "CONFIG_HEAT_CFN_INSTALL": "n"}),
    "telemetry": Variant(_TELEMETRY),
    "telemetry-three-hosts": Variant(
        _THREE
        | _TELEMETRY
        | {
            "CONFIG_CEILOMETER_HOST": "198.18.0.66",
            "CONFIG_REDIS_HOST": "198.18.0.67",
            "CONFIG_HEAT_INSTALL": "y",
            "CONFIG_AMQP_ENABLE_SSL": "y",
        }
    ),
    "telemetry-without-redis": Variant(
        {"CONFIG_CEILOMETER_INSTALL": "y", "CONFIG_CEILOMETER_COORDINATION_BACKEND": "none"}, once=True
    ),
    "telemetry-alone": Variant(_NONE | {"CONFIG_CEILOMETER_INSTALL": "y", "CONFIG_AODH_INSTALL": "y"}, once=True),
    "metering-agent": Variant(_OVS | _THREE | {"CONFIG_NEUTRON_METERING_AGENT_INSTALL": "y"}),
    "no-glance": Variant({"CONFIG_GLANCE_INSTALL": "n", "CONFIG_NOVA_INSTALL": "n", "CONFIG_PROVISION_DEMO": "n"}),
    "no-neutron": Variant({"CONFIG_NEUTRON_INSTALL": "n", "CONFIG_NOVA_INSTALL": "n", "CONFIG_PROVISION_DEMO": "n"}),
    "no-cinder": Variant({"CONFIG_CINDER_INSTALL": "n", "CONFIG_HEAT_INSTALL": "y"}),
    "no-swift": Variant({"CONFIG_SWIFT_INSTALL": "n"}),
    "no-horizon": Variant({"CONFIG_HORIZON_INSTALL": "n"}),
    "no-cinder-no-swift": Variant({"CONFIG_CINDER_INSTALL": "n", "CONFIG_SWIFT_INSTALL": "n"}),
    "no-nova": Variant({"CONFIG_NOVA_INSTALL": "n"}),
    "no-clients": Variant({"CONFIG_CLIENT_INSTALL": "n"}, once=True),
    "no-demo": Variant({"CONFIG_PROVISION_DEMO": "n"}, once=True),
    "no-flavors": Variant({"CONFIG_NOVA_MANAGE_FLAVORS": "n"}, once=True),
    "keystone-alone": Variant(_NONE | {"CONFIG_CLIENT_INSTALL": "n"}),
    "objects-alone": Variant(_NONE | {"CONFIG_SWIFT_INSTALL": "y"}, once=True),
    "volumes-alone": Variant(_NONE | {"CONFIG_CINDER_INSTALL": "y", "CONFIG_GLANCE_INSTALL": "y"}, once=True),
    "networks-alone": Variant(_NONE | {"CONFIG_NEUTRON_INSTALL": "y"}, once=True),
    "dashboard-alone": Variant(_NONE | {"CONFIG_HORIZON_INSTALL": "y"}, once=True),
    # --- where things are
    "roles-apart": Variant(_THREE | _APART),
    "database-and-messaging-apart": Variant(
        _THREE | {"CONFIG_MARIADB_HOST": "198.18.0.40", "CONFIG_AMQP_HOST": "198.18.0.41"}, once=True
    ),
    "keystone-apart": Variant({"CONFIG_KEYSTONE_HOST": "198.18.0.42"}, once=True),
    "dashboard-apart": Variant({"CONFIG_HORIZON_HOST": "198.18.0.43"}, once=True),
    "compute-api-apart": Variant({"CONFIG_NOVA_API_HOST": "198.18.0.44"}, once=True),
    "network-api-apart": Variant({"CONFIG_NEUTRON_SERVER_HOST": "198.18.0.45"}, once=True),
    "controller-is-compute-too": Variant(
        {"CONFIG_COMPUTE_HOSTS": f"{_C},{_A},{_B}", "CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL": "tcp"}
    ),
    "names-for-hosts": Variant(
        {
            "CONFIG_CONTROLLER_HOST": "control.example.org",
            "CONFIG_NETWORK_HOSTS": "control.example.org",
            "CONFIG_COMPUTE_HOSTS": "compute1.example.org,gpu-compute1.example.org",
        },
        once=True,
    ),
    "database-and-messaging-elsewhere": Variant(_ELSEWHERE),
    "database-and-messaging-elsewhere-three-hosts": Variant(_THREE | _ELSEWHERE | {"CONFIG_HEAT_INSTALL": "y"}),
    "roles-apart-twice": Variant(
        _THREE
        | _APART
        | {
            "CONFIG_HEAT_INSTALL": "y",
            "CONFIG_HEAT_HOST": "198.18.0.60",
            "CONFIG_HEAT_CFN_HOST": "198.18.0.65",
            "CONFIG_CACHE_HOSTS": "198.18.0.42,198.18.0.61",
            "CONFIG_HORIZON_HOST": "198.18.0.52,198.18.0.62",
            "CONFIG_STORAGE_HOST": "198.18.0.50,198.18.0.63",
            "CONFIG_SWIFT_PROXY_HOSTS": "198.18.0.51,198.18.0.64",
            "CONFIG_COMPUTE_HOSTS": f"{_A},{_B}",
            **_TLS,
        }
    ),
    # --- settings
    "tls": Variant(_TLS, once=True),
    "tls-three-hosts": Variant(_THREE | _TLS | {"CONFIG_AMQP_HOST": _N, "CONFIG_HEAT_INSTALL": "y"}),
    "aarch64": Variant(_THREE, arch="aarch64"),
    "time-servers": Variant({"CONFIG_NTP_SERVERS": "198.18.0.1,time.example.org"}, once=True),
    "debug": Variant({"CONFIG_DEBUG_MODE": "y", "CONFIG_SERVICE_WORKERS": "3"}, once=True),
    "no-nightly-jobs": Variant(
        {
            "CONFIG_NOVA_DB_PURGE_ENABLE": "n",
            "CONFIG_CINDER_DB_PURGE_ENABLE": "n",
            "CONFIG_KEYSTONE_FERNET_TOKEN_ROTATE_ENABLE": "n",
        },
        once=True,
    ),
    "names-of-its-own": Variant(
        {
            "CONFIG_KEYSTONE_REGION": "Region-2",
            "CONFIG_KEYSTONE_ADMIN_USERNAME": "root",
            "CONFIG_KEYSTONE_ADMIN_EMAIL": "cloud@example.org",
            "CONFIG_AMQP_AUTH_USER": "stackwright",
            "CONFIG_PROVISION_IMAGE_NAME": "it's small",
            "CONFIG_PROVISION_IMAGE_PROPERTIES": "hw_disk_bus=scsi,os_type=linux",
            "CONFIG_HEAT_INSTALL": "y",
            "CONFIG_HEAT_DOMAIN": "orchestra",
            "CONFIG_HEAT_DOMAIN_ADMIN": "conductor",
            "CONFIG_CACHE_MEMORY": "256",
        },
        once=True,
    ),
    "qemu": Variant(
        _THREE
        | {"CONFIG_NOVA_LIBVIRT_VIRT_TYPE": "qemu", "CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO": "4.0"}
        | {"CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO": "1.25"},
        once=True,
    ),
    "odd-passwords": Variant(
        _THREE
        | _TELEMETRY
        | {key: ODD for key in golden.secrets() if key not in _PLAIN}
        | {"CONFIG_KEYSTONE_DB_PW": ODD.replace("%", "")}
    ),
}
