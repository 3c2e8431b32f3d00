"""Keys of earlier releases that have no successor: the reason for each, and what to do instead.

A retired key is ignored. It is a warning if its value asks for something that will be missing, and an error if it
switches on something important that no longer exists.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Retired:
    """A key without a successor. `stops` are the values that are an error, `warns` those that are a warning (in lower
    case; "*" is any value except an empty one). Other values are ignored silently."""

    why: str
    instead: str = ""
    stops: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


_NOVA_NETWORK = Retired(
    "Nova's own network service ended with Newton", "the keys CONFIG_NEUTRON_* say how networks are created"
)
_NAGIOS = Retired(
    "Packstack stopped installing Nagios after Ocata", "`stackwright status` shows the health of the services"
)
_UEC = Retired("Tempest needs no separate kernel and ramdisk any more", "CONFIG_PROVISION_IMAGE_URL is the image")
_TEMPEST_SOURCE = Retired("Tempest comes as a package", "CONFIG_OPENSTACK_RELEASE chooses the release")
_AMQP_TLS = Retired(
    "the broker's certificate is generated from the keys CONFIG_SSL_*",
    "bring your own with CONFIG_SSL_CACERT_SELFSIGN=n",
)
_AMQP_BROUGHT = Retired(_AMQP_TLS.why, _AMQP_TLS.instead, (), ("n",))
_SENTINEL = Retired("Packstack stopped installing Redis on several hosts after Mitaka", "one Redis is installed")
_LDAP_WRITE = Retired("Keystone only reads LDAP directories since Queens", "write to the directory itself", (), ("y",))
_SAHARA = Retired(
    "OpenStack retired Sahara after 2023.2",
    "set it to n; Heat can create Hadoop or Spark clusters on instances",
    ("y",),
)
_PANKO = Retired("OpenStack retired Panko after Victoria", "set it to n; nothing reads its events any more", (), ("y",))
_MONGODB = Retired("Gnocchi stores measurements, no longer by MongoDB", "no host for MongoDB is needed")

RETIRED: dict[str, Retired] = {
    "CONFIG_AMQP_NSS_CERTDB_PW": Retired("it belonged to Qpid", "RabbitMQ has no such database"),
    "CONFIG_QPID_NSS_CERTDB_PW": Retired("it belonged to Qpid", "RabbitMQ has no such database"),
    "CONFIG_AMQP_SSL_CACERT_FILE": _AMQP_TLS,
    **{f"CONFIG_{who}_SSL_{name}": _AMQP_TLS for who in ("AMQP", "QPID") for name in ("CERT_FILE", "KEY_FILE", "PORT")},
    **{f"CONFIG_{who}_SSL_SELF_SIGNED": _AMQP_BROUGHT for who in ("AMQP", "QPID")},
    "CONFIG_CEILOMETER_EVENTS_BACKEND": Retired("Ceilometer keeps events nowhere since Pike", "leave it out"),
    "CONFIG_CEILOMETER_METERING_BACKEND": Retired("Gnocchi stores measurements", "leave it out"),
    "CONFIG_CEILOMETER_SERVICE_NAME": Retired("Ceilometer has had no API since Queens", "leave it out"),
    "CONFIG_CINDER_GLUSTER_MOUNTS": Retired(
        "Cinder dropped GlusterFS with Ocata", "CONFIG_CINDER_BACKEND=nfs and CONFIG_CINDER_NFS_MOUNTS can reach it",
        (), ("*",),
    ),
    "CONFIG_GNOCCHI_INSTALL": Retired("Gnocchi comes with Ceilometer", "CONFIG_CEILOMETER_INSTALL decides"),
    "CONFIG_HEAT_CLOUDWATCH_HOST": Retired("Heat dropped its CloudWatch API with Queens", "Aodh raises alarms"),
    "CONFIG_HEAT_CLOUDWATCH_INSTALL": Retired(
        "Heat dropped its CloudWatch API with Queens", "Aodh raises alarms", (), ("y",)
    ),
    "CONFIG_HEAT_USING_TRUSTS": Retired("Heat always uses trusts", "leave it out"),
    "CONFIG_KEYSTONE_ADMIN_TOKEN": Retired(
        "Keystone dropped the admin token", "CONFIG_KEYSTONE_ADMIN_PW is the administrator's password"
    ),
    "CONFIG_KEYSTONE_ADMINTOKEN": Retired(
        "Keystone dropped the admin token", "CONFIG_KEYSTONE_ADMIN_PW is the administrator's password"
    ),
    "CONFIG_KEYSTONE_DB_PURGE_ENABLE": Retired("Fernet tokens are not stored in the database", "leave it out"),
    "CONFIG_KEYSTONE_SERVICE_NAME": Retired("Keystone always runs behind a web server", "leave it out"),
    **{
        f"CONFIG_KEYSTONE_LDAP_{who}_ALLOW_{what}": _LDAP_WRITE
        for who in ("USER", "GROUP") for what in ("CREATE", "UPDATE", "DELETE")
    },
    "CONFIG_LBAAS_INSTALL": Retired(
        "Neutron dropped load balancers (LBaaS) with Train", "set it to n; Octavia, which took over, is not installed",
        ("y",),
    ),
    "CONFIG_NEUTRON_LBAAS_HOSTS": Retired(
        "Neutron dropped load balancers (LBaaS) with Train", "empty it; Octavia, which took over, is not installed",
        ("*",),
    ),
    "CONFIG_NEUTRON_FWAAS": Retired(
        "Packstack dropped the firewall service (FWaaS) after Ussuri; upstream maintains it again since May 2025, but "
        "Debian 12 and 13 do not have it",
        "set it to n and use security groups",
        ("y",),
    ),
    "CONFIG_MONGODB_HOST": _MONGODB,
    "CONFIG_NAGIOS_INSTALL": Retired(_NAGIOS.why, _NAGIOS.instead, (), ("y",)),
    "CONFIG_NAGIOS_HOST": _NAGIOS,
    "CONFIG_NAGIOS_PW": _NAGIOS,
    "CONFIG_NEUTRON_ML2_SRIOV_AGENT_REQUIRED": Retired("Neutron's SR-IOV agent is always needed", "leave it out"),
    "CONFIG_NEUTRON_ML2_SUPPORTED_PCI_VENDOR_DEVS": Retired("Neutron supports every device", "leave it out"),
    "CONFIG_NOVA_CERT_HOST": Retired("Nova dropped its certificate service with Ocata", "leave it out"),
    "CONFIG_NOVA_COMPUTE_MANAGER": Retired("Nova has one compute manager", "leave it out"),
    "CONFIG_NOVA_COMPUTE_PRIVIF": _NOVA_NETWORK,
    "CONFIG_NOVA_VOLUME_HOST": Retired("volumes moved from Nova to Cinder", "CONFIG_STORAGE_HOST is the host"),
    **{
        f"CONFIG_NOVA_NETWORK_{name}": _NOVA_NETWORK
        for name in (
            "AUTOASSIGNFLOATINGIP", "DEFAULTFLOATINGPOOL", "FIXEDRANGE", "FLOATINGRANGE", "FLOATRANGE", "MANAGER",
            "NUMBER", "PRIVIF", "PUBIF", "SIZE", "VLAN_START",
        )
    },
    "CONFIG_PANKO_INSTALL": _PANKO,
    "CONFIG_PANKO_DB_PW": Retired(_PANKO.why, _PANKO.instead),
    "CONFIG_PANKO_KS_PW": Retired(_PANKO.why, _PANKO.instead),
    "CONFIG_PROVISION_TEMPEST_REPO_REVISION": _TEMPEST_SOURCE,
    "CONFIG_PROVISION_TEMPEST_REPO_URI": _TEMPEST_SOURCE,
    **{f"CONFIG_PROVISION_UEC_IMAGE_{name}": _UEC for name in ("DISK_URL", "KERNEL_URL", "NAME", "RAMDISK_URL")},
    "CONFIG_PUPPET_REMOVEMODULES": Retired("Puppet modules come as packages", "leave it out"),
    "CONFIG_QUANTUM_USE_NAMESPACES": Retired("Neutron always uses namespaces", "leave it out", (), ("n",)),
    "CONFIG_REDIS_HA": Retired(_SENTINEL.why, _SENTINEL.instead, (), ("y",)),
    **{
        f"CONFIG_REDIS_{name}": _SENTINEL
        for name in (
            "MASTER_NAME", "SENTINEL_CONTACT_HOST", "SENTINEL_HOSTS", "SENTINEL_PORT", "SENTINEL_QUORUM", "SLAVE_HOSTS",
        )
    },
    "CONFIG_RH_BETA_REPO": Retired("Red Hat's beta channels of that time are gone", "leave it out", (), ("y",)),
    "CONFIG_SAHARA_INSTALL": _SAHARA,
    "CONFIG_SAHARA_HOST": Retired(_SAHARA.why, _SAHARA.instead),
    "CONFIG_SAHARA_DB_PW": Retired(_SAHARA.why, _SAHARA.instead),
    "CONFIG_SAHARA_KS_PW": Retired(_SAHARA.why, _SAHARA.instead),
    "CONFIG_USE_EPEL": Retired(
        "EPEL's packages conflict with RDO's", "leave it out; OpenStack needs nothing from EPEL", (), ("y",)
    ),
}  # fmt: skip

TRANSLATED: dict[str, str] = {
    "CONFIG_NEUTRON_L2_PLUGIN": "CONFIG_NEUTRON_L2_AGENT and CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS",
    "CONFIG_NEUTRON_OVS_TENANT_NETWORK_TYPE": "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES",
    "CONFIG_NEUTRON_OVS_TUNNEL_RANGES": "CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES and CONFIG_NEUTRON_ML2_VNI_RANGES",
    "CONFIG_NEUTRON_OVS_VLAN_RANGES": "CONFIG_NEUTRON_ML2_VLAN_RANGES",
    "CONFIG_NEUTRON_LB_TENANT_NETWORK_TYPE": "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES",
    "CONFIG_NEUTRON_LB_VLAN_RANGES": "CONFIG_NEUTRON_ML2_VLAN_RANGES",
}
"""Keys whose meaning moved to others, by rules that look at several keys (legacy.py)."""


@functools.cache
def translated() -> dict[str, str]:
    """TRANSLATED, and the names that its keys had in Grizzly, when Neutron was called Quantum."""
    old = {key.replace("_NEUTRON_", "_QUANTUM_"): new for key, new in TRANSLATED.items()}
    return {**TRANSLATED, **old}
