"""Files as people have them, of releases and habits that the corpus lacks: each with the verdict of a person.

Every text was judged by hand before it was tried: what an administrator wants to be told, and who does what in the
plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from outcome import facts, network, plan, roles, told
from stackwright import answers, planner
from stackwright.answers import syntax
from stackwright.model import Facts, Interface, Severity

ONE = "controller=198.18.0.10 network=198.18.0.10 compute=198.18.0.10"
THREE = "controller=198.18.0.10 network=198.18.0.20 compute=198.18.0.31,198.18.0.32"
OVN = "ovn geneve extnet:br-ex demo=172.24.4.0/24"
HOSTS = """\
CONFIG_CONTROLLER_HOST=198.18.0.10
CONFIG_COMPUTE_HOSTS=198.18.0.31,198.18.0.32
CONFIG_NETWORK_HOSTS=198.18.0.20
"""


@dataclass(frozen=True)
class Case:
    """A file, and what is expected of it: problems as "LINE NAME KEY", hosts and networks of the plan."""

    name: str
    text: str | bytes
    hosts: str = ""
    """Empty: there are errors, and no plan."""
    network: str = OVN
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


ESSEX = """\
[general]
CONFIG_GLANCE_INSTALL=y
CONFIG_NOVA_INSTALL=y
CONFIG_DASHBOARD_INSTALL=y
CONFIG_CLIENT_INSTALL=y
CONFIG_PUPPET_REMOVEMODULES=n
CONFIG_MYSQL_HOST=198.18.0.10
CONFIG_MYSQL_USER=root
CONFIG_MYSQL_PW=abcdefgh
CONFIG_QPID_HOST=198.18.0.10
CONFIG_KEYSTONE_HOST=198.18.0.10
CONFIG_KEYSTONE_ADMINTOKEN=0123456789abcdef
CONFIG_KEYSTONE_ADMINPASSWD=abcdefgh
CONFIG_GLANCE_HOST=198.18.0.10
CONFIG_NOVA_API_HOST=198.18.0.10
CONFIG_NOVA_CERT_HOST=198.18.0.10
CONFIG_NOVA_COMPUTE_HOSTS=198.18.0.31
CONFIG_LIBVIRT_TYPE=kvm
CONFIG_NOVA_COMPUTE_PRIVIF=eth1
CONFIG_NOVA_NETWORK_HOST=198.18.0.10
CONFIG_NOVA_NETWORK_PUBIF=eth0
CONFIG_NOVA_NETWORK_PRIVIF=eth1
CONFIG_NOVA_NETWORK_FIXEDRANGE=192.168.32.0/22
CONFIG_NOVA_NETWORK_FLOATINGRANGE=10.3.4.0/22
CONFIG_NOVA_SCHED_HOST=198.18.0.10
CONFIG_NOVA_VOLUME_HOST=198.18.0.10
CONFIG_DASHBOARD_HOST=198.18.0.10
CONFIG_DASHBOARD_SECRET_KEY=abcdefgh
CONFIG_OSCLIENT_HOST=198.18.0.10
CONFIG_SWIFT_INSTALL=n
CONFIG_REPO=
"""

GRIZZLY = """\
[general]
CONFIG_CINDER_INSTALL=y
CONFIG_QUANTUM_INSTALL=y
CONFIG_SWIFT_INSTALL=n
CONFIG_NAGIOS_INSTALL=n
CONFIG_MYSQL_HOST=198.18.0.10
CONFIG_QPID_HOST=198.18.0.10
CONFIG_KEYSTONE_HOST=198.18.0.10
CONFIG_KEYSTONE_TOKEN_FORMAT=PKI
CONFIG_GLANCE_HOST=198.18.0.10
CONFIG_CINDER_HOST=198.18.0.40
CONFIG_NOVA_API_HOST=198.18.0.10
CONFIG_NOVA_CERT_HOST=198.18.0.10
CONFIG_NOVA_VNCPROXY_HOST=198.18.0.10
CONFIG_NOVA_COMPUTE_HOSTS=198.18.0.31,198.18.0.32
CONFIG_NOVA_CONDUCTOR_HOST=198.18.0.10
CONFIG_NOVA_SCHED_HOST=198.18.0.10
CONFIG_NOVA_NETWORK_HOST=198.18.0.10
CONFIG_QUANTUM_SERVER_HOST=198.18.0.10
CONFIG_QUANTUM_USE_NAMESPACES=y
CONFIG_QUANTUM_L3_HOSTS=198.18.0.20
CONFIG_QUANTUM_L3_EXT_BRIDGE=br-ex
CONFIG_QUANTUM_DHCP_HOSTS=198.18.0.20
CONFIG_QUANTUM_METADATA_HOSTS=198.18.0.20
CONFIG_QUANTUM_L2_PLUGIN=openvswitch
CONFIG_QUANTUM_LB_TENANT_NETWORK_TYPE=local
CONFIG_QUANTUM_LB_VLAN_RANGES=
CONFIG_QUANTUM_LB_INTERFACE_MAPPINGS=
CONFIG_QUANTUM_OVS_TENANT_NETWORK_TYPE=vlan
CONFIG_QUANTUM_OVS_VLAN_RANGES=physnet1:1000:1999
CONFIG_QUANTUM_OVS_BRIDGE_MAPPINGS=physnet1:br-eth1
CONFIG_QUANTUM_OVS_BRIDGE_IFACES=br-eth1:eth1
CONFIG_QUANTUM_OVS_TUNNEL_RANGES=
CONFIG_QUANTUM_OVS_TUNNEL_IF=
CONFIG_OSCLIENT_HOST=198.18.0.10
CONFIG_HORIZON_HOST=198.18.0.10
CONFIG_PROVISION_DEMO=n
"""

HAVANA = """\
[general]
CONFIG_CEILOMETER_INSTALL=n
CONFIG_MYSQL_HOST=198.18.0.80
CONFIG_AMQP_SERVER=qpid
CONFIG_QPID_HOST=198.18.0.81
CONFIG_KEYSTONE_HOST=198.18.0.10
CONFIG_GLANCE_HOST=198.18.0.50
CONFIG_CINDER_HOST=198.18.0.40
CONFIG_NOVA_API_HOST=198.18.0.10
CONFIG_NOVA_VNCPROXY_HOST=198.18.0.60
CONFIG_NOVA_SCHED_HOST=198.18.0.10
CONFIG_NOVA_COMPUTE_HOSTS=198.18.0.31,198.18.0.32
CONFIG_NEUTRON_SERVER_HOST=198.18.0.10
CONFIG_NEUTRON_L3_HOSTS=198.18.0.20,198.18.0.21
CONFIG_NEUTRON_DHCP_HOSTS=198.18.0.20
CONFIG_NEUTRON_METADATA_HOSTS=198.18.0.20,198.18.0.21
CONFIG_NEUTRON_LBAAS_HOSTS=
CONFIG_NEUTRON_L2_PLUGIN=linuxbridge
CONFIG_NEUTRON_LB_TENANT_NETWORK_TYPE=vlan
CONFIG_NEUTRON_LB_VLAN_RANGES=physnet1:100:199, physnet2
CONFIG_NEUTRON_LB_INTERFACE_MAPPINGS=physnet1:eth1,physnet2:eth2
CONFIG_HORIZON_HOST=198.18.0.60
CONFIG_SWIFT_PROXY_HOSTS=198.18.0.60
CONFIG_SWIFT_STORAGE_HOSTS=198.18.0.71/vdb,198.18.0.72/vdb
CONFIG_SWIFT_STORAGE_REPLICAS=2
CONFIG_PROVISION_DEMO=n
"""

CASES = [
    # --- releases
    Case(
        "essex: nova-network was there without being asked for, and volumes were in Nova; Neutron and Cinder do it now",
        ESSEX, "controller=198.18.0.10 network=198.18.0.10 compute=198.18.0.31",
    ),
    Case(
        "grizzly: Quantum's names; Cinder's host keeps the volumes; VLANs reach the computes, as they did then",
        GRIZZLY, f"{THREE} volume-api=198.18.0.40 volumes=198.18.0.40",
        "openvswitch vlan physnet1:br-eth1:eth1 extnet:br-ex vlan=physnet1:1000:1999 compute:physnet1:br-eth1",
    ),
    Case(
        "grizzly without namespaces: they are always used today, which takes nothing from anybody",
        GRIZZLY.replace("NAMESPACES=y", "NAMESPACES=n"), f"{THREE} volume-api=198.18.0.40 volumes=198.18.0.40",
        "openvswitch vlan physnet1:br-eth1:eth1 extnet:br-ex vlan=physnet1:1000:1999 compute:physnet1:br-eth1",
        warnings=("20 retired-key CONFIG_QUANTUM_USE_NAMESPACES",),
    ),
    Case(
        "grizzly with nova-network: somebody has to decide",
        GRIZZLY.replace("QUANTUM_INSTALL=y", "QUANTUM_INSTALL=n"), errors=("- needs CONFIG_NOVA_INSTALL",),
    ),
    Case(
        "havana: every service has a host of its own and stays there; linuxbridge with VLANs",
        HAVANA,
        "controller=198.18.0.10 network=198.18.0.20,198.18.0.21 compute=198.18.0.31,198.18.0.32 database=198.18.0.80"
        " messages=198.18.0.81 images=198.18.0.50 console=198.18.0.60 dashboard=198.18.0.60 object-api=198.18.0.60"
        " volume-api=198.18.0.40 volumes=198.18.0.40 objects=198.18.0.71,198.18.0.72",
        "linuxbridge vlan extnet:br-ex vlan=physnet1:100:199 vlan=physnet2",
        warnings=("4 retired-value CONFIG_AMQP_BACKEND",),
    ),
    Case(
        "icehouse with a certificate of one's own for Qpid: the authority makes one today, which is said",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_AMQP_ENABLE_SSL=y\nCONFIG_AMQP_SSL_SELF_SIGNED=n\n", ONE,
        warnings=("3 retired-key CONFIG_AMQP_SSL_SELF_SIGNED",),
    ),
    Case(
        "havana with load balancers: gone, and to be decided",
        HAVANA.replace("LBAAS_HOSTS=", "LBAAS_HOSTS=198.18.0.20"),
        errors=("17 retired-key CONFIG_NEUTRON_LBAAS_HOSTS",), warnings=("4 retired-value CONFIG_AMQP_BACKEND",),
    ),
    Case(
        "kilo: the demo on a physical network that is not called extnet, which no key could say then",
        HOSTS + "CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=vxlan\n"
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan\nCONFIG_NEUTRON_ML2_MECHANISM_DRIVERS=openvswitch,l2population\n"
        "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-ex\nCONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth1\n",
        THREE, "openvswitch vxlan physnet1:br-ex:eth1 demo=172.24.4.0/24",
    ),
    Case(
        "mitaka with a driver that is gone: the other one counts",
        HOSTS + "CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_MECHANISM_DRIVERS=openvswitch,hyperv\n"
        "CONFIG_NEUTRON_ML2_TYPE_DRIVERS=vxlan,flat\nCONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan\n",
        THREE, "openvswitch vxlan extnet:br-ex demo=172.24.4.0/24",
        warnings=("5 retired-value CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS",),
    ),
    Case(
        "liberty with GlusterFS: Cinder has dropped it",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_CINDER_BACKEND=gluster\n"
        "CONFIG_CINDER_GLUSTER_MOUNTS=198.18.0.40:/volumes\n",
        errors=("2 bad-value CONFIG_CINDER_BACKEND",), warnings=("3 retired-key CONFIG_CINDER_GLUSTER_MOUNTS",),
    ),
    Case(
        "an interface by its MAC address, which may be written with colons",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_NEUTRON_OVN_BRIDGE_IFACES=br-ex:52:54:00:11:22:33\n"
        "CONFIG_PROVISION_DEMO=n\n",
        ONE, "ovn geneve extnet:br-ex:eth7",
    ),
    Case(
        "until stein the default was Open vSwitch: what is set for it is not passed over",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=vxlan,flat\n"
        "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=extnet:br-ex\nCONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth1\n"
        "CONFIG_PROVISION_DEMO=n\n",
        ONE, "openvswitch vxlan extnet:br-ex:eth1",
    ),
    Case(
        "a registered RHEL goes on being registered",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_RH_USER=jane\nCONFIG_RH_PW=secret\nCONFIG_SATELLITE_URL=\n", ONE,
    ),
    Case(
        "OVN has no VPN; Packstack switched it off in silence",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_NEUTRON_L2_AGENT=ovn\nCONFIG_NEUTRON_VPNAAS=y\n", ONE,
        warnings=("3 forced CONFIG_NEUTRON_VPNAAS",),
    ),
    # --- how files are written
    Case(
        "a byte-order mark, CRLF, no header, small letters, blanks, and a tab",
        "\ufeffconfig_controller_host = 198.18.0.10\r\n\tCONFIG_SWIFT_INSTALL\t=\tNO  \r\n".encode(), ONE,
    ),
    Case(
        "Packstack's own file on CentOS 9, whose docutils keeps a zero byte in the place of each backslash",
        b'[general]\n# share-volume-\0d+$", "manila-share-volume-#{size}G-\0d+$"\nCONFIG_CONTROLLER_HOST=198.18.0.10\n',
        ONE,
    ),
    Case(
        "a file that lost its end when the machine did: the line is named, the others are read",
        b"CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_SWIFT_INST\0\0\0\0", errors=("2 zero-bytes -",),
    ),
    Case(
        "UTF-16 without a byte-order mark",
        "[general]\r\nCONFIG_CONTROLLER_HOST=198.18.0.10\r\n".encode("utf-16-le"), ONE,
    ),
    Case(
        "files that were joined, and letters without a width from a web page",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\n\ufeffCONFIG_SWIFT_INSTALL=n\n\u200bCONFIG_HEAT_INSTALL=n\u200b\n", ONE,
    ),
    Case(
        "a remark behind the section, which Packstack's reader took",
        "[general] # written in May\nCONFIG_CONTROLLER_HOST=198.18.0.10\n", ONE,
    ),
    Case(
        "a second section: Packstack did not read it, and what [general] says counts",
        "[general]\nCONFIG_CONTROLLER_HOST=198.18.0.10\n[old]\nCONFIG_CONTROLLER_HOST=198.18.0.99\n", ONE,
        warnings=("3 section -", "4 repeated-key CONFIG_CONTROLLER_HOST"),
    ),
    Case(
        "only a section of another name",
        "[packstack]\nCONFIG_CONTROLLER_HOST=198.18.0.10\n", ONE, warnings=("1 section -",),
    ),
    Case(
        "UTF-16 from an editor on Windows",
        "[general]\r\nCONFIG_CONTROLLER_HOST=198.18.0.10\r\n".encode("utf-16"), ONE,
    ),
    Case(
        "a key twice: the last counts, and is worth a word where they differ",
        "CONFIG_CONTROLLER_HOST=198.18.0.99\nCONFIG_SWIFT_INSTALL=n\nCONFIG_SWIFT_INSTALL=n\n"
        "CONFIG_CONTROLLER_HOST=198.18.0.10\n",
        ONE, warnings=("4 repeated-key CONFIG_CONTROLLER_HOST",),
    ),
    Case(
        "remarks behind values, with and without a blank",
        "CONFIG_CONTROLLER_HOST=198.18.0.10 # the big one\nCONFIG_SWIFT_INSTALL=n ;not now\n"
        "CONFIG_CINDER_VOLUMES_SIZE=40G #grows\n",
        ONE,
        warnings=(
            "1 remark-in-value CONFIG_CONTROLLER_HOST",
            "2 remark-in-value CONFIG_SWIFT_INSTALL",
            "3 remark-in-value CONFIG_CINDER_VOLUMES_SIZE",
        ),
    ),
    Case(
        "quotes, as in a shell",
        "CONFIG_CONTROLLER_HOST=\"198.18.0.10\"\nexport CONFIG_SWIFT_INSTALL='n'\n", ONE,
        warnings=("1 quoted CONFIG_CONTROLLER_HOST", "2 quoted CONFIG_SWIFT_INSTALL"),
    ),
    Case(
        "signs in passwords are the password's",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_KEYSTONE_ADMIN_PW=a=b%c#d;'e\"\nCONFIG_MARIADB_PW=50%\n", ONE,
    ),
    Case(
        "lists with blanks, empty members, commas at the end, and as Python writes them",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_COMPUTE_HOSTS= 198.18.0.31, ,198.18.0.32,\n"
        "CONFIG_NETWORK_HOSTS=['198.18.0.20']\nCONFIG_NEUTRON_ML2_FLAT_NETWORKS=*,\nEXCLUDE_SERVERS=,\n",
        THREE,
    ),
    Case(
        "a list that goes on in indented lines",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_COMPUTE_HOSTS=198.18.0.31,\n    198.18.0.32\n"
        "CONFIG_NETWORK_HOSTS=198.18.0.20\n",
        THREE,
    ),
    Case(
        "empty values are defaults: Packstack asked for no user where there was no login",
        HOSTS + "CONFIG_AMQP_ENABLE_AUTH=n\nCONFIG_AMQP_AUTH_USER=\nCONFIG_KEYSTONE_REGION=\nCONFIG_STORAGE_HOST=\n",
        THREE, warnings=("5 empty CONFIG_AMQP_AUTH_USER", "6 empty CONFIG_KEYSTONE_REGION"),
    ),
    Case(
        "None, True and sizes without a unit",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_SSH_KEY=None\nCONFIG_SWIFT_INSTALL=True\nCONFIG_NTP_SERVERS=None\n"
        "CONFIG_CINDER_VOLUMES_SIZE=20\n",
        ONE, warnings=("5 no-unit CONFIG_CINDER_VOLUMES_SIZE",),
    ),
    Case(
        "other people's keys are passed over; one that is nearly ours is a slip",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nLAB_OWNER=jane\nCONFIG_ZUN_INSTALL_EVERYWHERE=y\n"
        "CONFIG_SWFT_INSTALL=n\n",
        errors=("4 unknown-key -",), warnings=("2 unknown-key -", "3 unknown-key -"),
    ),
    Case(
        "a key of a release that does not exist yet",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_QUOKKA_MODE=fast\n", ONE, warnings=("2 unknown-key -",),
    ),
    Case(
        "a merge that nobody finished",
        "<<<<<<< HEAD\nCONFIG_CONTROLLER_HOST=198.18.0.10\n=======\nCONFIG_CONTROLLER_HOST=198.18.0.11\n"
        ">>>>>>> theirs\n",
        errors=("1 conflict-marker -",), warnings=("4 repeated-key CONFIG_CONTROLLER_HOST",),
    ),
    Case(
        "a template that was never filled in",
        "CONFIG_CONTROLLER_HOST={{ controller }}\nCONFIG_COMPUTE_HOSTS=<compute hosts>\nCONFIG_NETWORK_HOSTS=$NETWORK\n"
        "CONFIG_KEYSTONE_ADMIN_PW={{ password }}\nCONFIG_SWIFT_INSTALL=@SWIFT@\n",
        errors=(
            "1 bad-value CONFIG_CONTROLLER_HOST",
            "2 bad-value CONFIG_COMPUTE_HOSTS",
            "3 bad-value CONFIG_NETWORK_HOSTS",
            "4 hidden-secret CONFIG_KEYSTONE_ADMIN_PW",
            "5 bad-value CONFIG_SWIFT_INSTALL",
        ),
    ),
    # --- hosts
    Case(
        "names, one of them in capitals; a compute host is added and the others are left alone",
        "CONFIG_CONTROLLER_HOST=Control.example.org\nCONFIG_COMPUTE_HOSTS=node[1-2].example.org\n"
        "CONFIG_NETWORK_HOSTS=control.example.org\nEXCLUDE_SERVERS=node1.example.org\n",
        "controller=control.example.org network=control.example.org compute=node2.example.org",
    ),
    Case(
        "IPv6, in brackets and without",
        "CONFIG_CONTROLLER_HOST=2001:2::10\nCONFIG_COMPUTE_HOSTS=[2001:2::31],2001:2:0::32\n"
        "CONFIG_NETWORK_HOSTS=2001:2::10\nCONFIG_PROVISION_DEMO=n\n",
        "controller=2001:2::10 network=2001:2::10 compute=2001:2::31,2001:2::32", "ovn geneve extnet:br-ex",
    ),
    Case(
        "localhost beside other hosts is another machine on each",
        "CONFIG_CONTROLLER_HOST=localhost\nCONFIG_COMPUTE_HOSTS=198.18.0.31\n",
        errors=("1 loopback CONFIG_CONTROLLER_HOST",),
    ),
    Case(
        "a storage host counts with CONFIG_UNSUPPORTED=y",
        HOSTS + "CONFIG_UNSUPPORTED=y\nCONFIG_STORAGE_HOST=198.18.0.40\nCONFIG_SWIFT_STORAGES=/dev/sdb\n",
        f"{THREE} objects=198.18.0.40 volumes=198.18.0.40",
    ),
    # --- networks
    Case(
        "VLANs in several ranges, with a bare name; the bridge has to be on the compute hosts as well",
        HOSTS + "CONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=vlan,flat\n"
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vlan\n"
        "CONFIG_NEUTRON_ML2_VLAN_RANGES=physnet1:100:199, physnet1:300:399,extnet\n"
        "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=extnet:br-ex, physnet1:br-data\n"
        "CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth1,br-data:eth2\nCONFIG_NEUTRON_OVS_BRIDGES_COMPUTE=br-ex\n"
        "CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS=openvswitch\n",
        THREE,
        "openvswitch vlan extnet:br-ex:eth1 physnet1:br-data:eth2 vlan=physnet1:100:199 vlan=physnet1:300:399"
        " vlan=extnet compute:extnet:br-ex demo=172.24.4.0/24",
        warnings=("10 no-way-out CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE",),
    ),
    Case(
        "VLAN numbers that are none",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_NEUTRON_L2_AGENT=openvswitch\n"
        "CONFIG_NEUTRON_ML2_TYPE_DRIVERS=vlan,flat,geneve\nCONFIG_NEUTRON_ML2_VLAN_RANGES=physnet1:1:4095\n",
        errors=("4 bad-value CONFIG_NEUTRON_ML2_VLAN_RANGES",),
    ),
    Case(
        "interfaces given as networks",
        HOSTS + "CONFIG_USE_SUBNETS=y\nCONFIG_NEUTRON_L2_AGENT=ovn\nCONFIG_NEUTRON_OVN_TUNNEL_IF=198.18.1.0/24\n"
        "CONFIG_NEUTRON_OVN_BRIDGE_IFACES=br-ex:198.18.2.0/24\nCONFIG_PROVISION_DEMO=n\n",
        THREE, "ovn geneve extnet:br-ex:eth2 tunnel=198.18.1.0/24",
    ),
    Case(
        "a floating range in its long form, with host bits, and pools in Packstack's words",
        "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_PROVISION_DEMO_FLOATRANGE=198.18.4.33/255.255.255.224\n"
        'CONFIG_PROVISION_DEMO_ALLOCATION_POOLS=["start=198.18.4.40,end=198.18.4.50"]\n',
        ONE, "ovn geneve extnet:br-ex demo=198.18.4.32/27",
    ),
]  # fmt: skip


def with_mac(host: Facts) -> Facts:
    """The host with an interface whose MAC address its bridge has, too, as after a first run."""
    more = (Interface("br-ex", mac="52:54:00:11:22:33"), Interface("eth7", mac="52:54:00:11:22:33", up=True))
    return replace(host, interfaces=(*host.interfaces, *more))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problems_of_real_variants_are_as_expected(case: Case) -> None:
    reading = answers.from_documents([syntax.parse(case.text, "file")], files=False, local_host="198.18.0.10")
    for severity, expected in ((Severity.ERROR, case.errors), (Severity.WARNING, case.warnings)):
        assert [told(problem) for problem in reading.problems if problem.severity is severity] == list(expected)
    assert bool(case.hosts) is not bool(reading.errors)
    if case.hosts:
        seen = {host: with_mac(one) for host, one in facts(reading.answers).items()}
        cloud = planner.cloud(reading.answers, seen)
        assert roles(cloud) == case.hosts
        assert network(cloud, reading.answers) == case.network
        assert set(plan(reading.answers, seen).hosts) == set(cloud.hosts)
