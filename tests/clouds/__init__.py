"""The clouds of the tests on real nodes, as data. Each is installed once per run; tests attach to one by its name:

    CLOUD = clouds.named("testday")
    pytestmark = [pytest.mark.lab, pytest.mark.cloud(CLOUD.name)]

Building a cloud costs minutes, so features are spread over few of them: tests/unit/test_clouds.py says which feature
and which pair of features has to be on one, and finds it in what is planned for its answers. A new service or setting
is added to an existing cloud unless it conflicts with that cloud's purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cloud:
    """One installation."""

    name: str
    """Also the name of its node if it has one."""
    why: str
    """Its purpose: what no other cloud tests."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """The answers that differ from those of `--allinone`. They name hosts as in `hosts`."""
    platform: str = "debian-12"
    hosts: tuple[str, ...] = ()
    """Its nodes, the controller first. Empty: one node, called `name`."""
    joins: tuple[str, ...] = ()
    """Nodes that tests add later."""
    from_packages: bool = False
    """Whether its nodes start from a snapshot that has the packages (`with_packages`), because the tests of this cloud
    are not about packages."""
    seconds: int = 300
    """The approximate duration with its tests on two cores, two clouds at a time: the longest are started first."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of all nodes, in the order in which they are created."""
        return (*(self.hosts or (self.name,)), *self.joins)

    @property
    def release(self) -> str:
        """The OpenStack release of this platform, for `--release`."""
        return {"debian-12": "zed", "debian-13": "epoxy"}[self.platform]

    @property
    def settings(self) -> tuple[str, ...]:
        """The answers as arguments of the command."""
        return tuple(word for key, value in self.answers.items() for word in ("--set", f"{key}={value}"))


WITHOUT_STORAGE = {"CONFIG_SWIFT_INSTALL": "n", "CONFIG_CINDER_INSTALL": "n", "CONFIG_HORIZON_INSTALL": "n"}
"""For clouds that test networks: the packages of these services would only take time."""

ODD = "p\"w'd $x #{y} %{z} \\ & <z>;|`!?*~^=+,:@/"
"""A password with the characters that mean something to a shell, to Puppet, or in a configuration file or a URL."""

ODD_PASSWORDS = {
    **{f"CONFIG_{name}_PW": f"{name} {ODD}" for name in ("MARIADB", "KEYSTONE_ADMIN", "KEYSTONE_DEMO")},
    **{
        f"CONFIG_{name}_DB_PW": f"{name} {ODD}"
        for name in ("GLANCE", "PLACEMENT", "NOVA", "NEUTRON", "CINDER", "HEAT", "GNOCCHI", "AODH")
    },
    **{
        f"CONFIG_{name}_KS_PW": f"{name} {ODD}"
        for name in ("GLANCE", "PLACEMENT", "NOVA", "NEUTRON", "CINDER", "HEAT", "GNOCCHI", "AODH", "CEILOMETER")
    },
    "CONFIG_KEYSTONE_DB_PW": "KEYSTONE "
    + ODD.translate({ord("%"): "", ord("@"): ""}),  # its migrations cannot read them
    "CONFIG_SWIFT_KS_PW": f"SWIFT {ODD}",
    "CONFIG_HEAT_DOMAIN_PASSWORD": f"HEAT DOMAIN {ODD}",
    "CONFIG_NEUTRON_METADATA_PW": f"METADATA {ODD}",
    "CONFIG_AMQP_AUTH_PASSWORD": "AMQP " + ODD.replace("/", ""),  # the driver puts it into a URL unquoted
}

ALL = (
    Cloud(
        "testday",
        "the defaults of one command on Debian 12, and nearly all of docs/test-day.md on it: Tempest, status, locks, "
        "bundles, the firewall, the dashboard in a browser; nothing changes the second time",
        seconds=1100,
    ),
    Cloud(
        "trixie",
        "one command on Debian 13, with Heat and telemetry, with TLS for the dashboard and for the messages, and with "
        "passwords of all characters",
        {
            **dict.fromkeys(("CONFIG_HEAT_INSTALL", "CONFIG_HORIZON_SSL", "CONFIG_AMQP_ENABLE_SSL"), "y"),
            **dict.fromkeys(("CONFIG_CEILOMETER_INSTALL", "CONFIG_AODH_INSTALL"), "y"),
            "CONFIG_ENABLE_CEILOMETER_MIDDLEWARE": "y",
            **ODD_PASSWORDS,
        },
        platform="debian-13",
        seconds=700,
    ),
    Cloud(
        "many",
        "roles on separate hosts, tunnels between them, a host that is added, instances that are migrated",
        # Tunnels in user space need an interface of their own (planner/tunnels.py).
        WITHOUT_STORAGE | {"CONFIG_NEUTRON_OVN_TUNNEL_IF": "eth1"},
        hosts=("control", "network", "compute1"),
        joins=("compute2",),
        from_packages=True,
        seconds=450,
    ),
    Cloud(
        "openvswitch",
        "the agents of Open vSwitch instead of OVN",
        WITHOUT_STORAGE | {"CONFIG_NEUTRON_L2_AGENT": "openvswitch"},
        from_packages=True,
        seconds=250,
    ),
    Cloud(
        "linuxbridge",
        "the Linux bridge agent instead of OVN",
        WITHOUT_STORAGE | {"CONFIG_NEUTRON_L2_AGENT": "linuxbridge"},
        from_packages=True,
        seconds=250,
    ),
    Cloud(
        "small",
        "a bundle of it makes a second cloud with the same packages and configuration; identity and images only",
        WITHOUT_STORAGE | {"CONFIG_NOVA_INSTALL": "n", "CONFIG_NEUTRON_INSTALL": "n", "CONFIG_PROVISION_DEMO": "n"},
        seconds=350,
    ),
)


def named(name: str) -> Cloud:
    """The cloud of that name. Raises KeyError."""
    return {cloud.name: cloud for cloud in ALL}[name]


SECONDS = {
    "with_packages": sum(cloud.seconds for cloud in ALL if cloud.from_packages),
    "test_rpm_packages": 450,
    "test_ceph": 350,
}
"""The approximate duration of other groups of tests: those that share `with_packages`, and files without a cloud. The
groups that are not listed take less."""

WAITING = (
    *("test_faults", "test_lab", "test_guest_boot", "test_firewall_node", "test_lock_node", "test_report_browser"),
    "test_report_live_browser",
    *("test_network_manager", "test_names_node", "test_package_cache_node", "test_control_host"),
    "test_horizon_browser",
)
"""Files whose tests mostly wait: for a node to boot, for a link to come back. They run in parallel with the clouds, one
after the other, and use the time in which these leave a core idle."""
