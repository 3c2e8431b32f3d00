"""General: hosts and their roles, access, packages."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.records import Names, PackageSet, Role, applied, changes_of, extendable, fixed
from stackwright.services.named_hosts import CONTROLLER
from stackwright.services.options import given_secret, host_of, hosts_of, switch, value_of
from stackwright.services.shared_packages import measured
from stackwright.values import path, ports, release, time_servers, urls, workers

_FIREWALL = (("CONFIG_FIREWALL", "y"),)
_UNSUPPORTED = (("CONFIG_UNSUPPORTED", "y"),)

_REPOSITORIES = "package repositories"

_LEFT = "the programs on the old host stay installed"

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_SSH_KEY",
        (
            "Your SSH public key file. It is added to root's authorized_keys on each host that is reached with a "
            "password (--ask-password). The password is needed once: Stackwright creates a key of its own, keeps it "
            "with the cloud and installs it on those hosts as well."
        ),
        path,
        flag="ssh-public-key",
        effect="root's authorized_keys on hosts that are reached with a password",
    ),
    given_secret(
        "CONFIG_DEFAULT_PASSWORD",
        (
            "One password for every key that is left at PW_PLACEHOLDER. Use it for throw-away clouds only; if it is "
            "empty, each service gets a random password of its own."
        ),
        flag="default-password",
        effect="every password that is left at PW_PLACEHOLDER",
    ),
    value_of(
        "CONFIG_SERVICE_WORKERS",
        (
            "Worker processes per API service. The default depends on each host's processors and memory; set a small "
            "number on hosts with little memory. Keystone has at least two."
        ),
        workers,
        default="%{::processorcount}",
        flag="service-workers",
        passed_as=("choices.workers",),
    ),
    value_of(
        "CONFIG_OPENSTACK_RELEASE",
        (
            "OpenStack release to install, such as zed or epoxy, or master with CONFIG_RDO_TRUNK. Empty: the newest "
            "release for the hosts' operating system. Set it to stay on a release when newer ones appear."
        ),
        release,
        ours=True,
        effect="package repositories, and release-specific parts of the templates",
    ),
    switch(
        "CONFIG_CLIENT_INSTALL",
        "Install the `openstack` command on the controller, with credentials in keystonerc_admin and clouds.yaml.",
        default="y",
        flag="os-client-install",
    ),
    host_of(
        "CONFIG_OSCLIENT_HOST",
        "Host that gets the `openstack` command and the credential files. Empty: the controller.",
        ours=True,
    ),
    value_of(
        "CONFIG_NTP_SERVERS",
        (
            "NTP servers for all hosts, comma-separated. Clocks that differ break tokens and messaging. Empty: the "
            "hosts' own time service stays as it is."
        ),
        time_servers,
        flag="ntp-servers",
        effect="each host's clock (chrony)",
    ),
    switch(
        "CONFIG_HOST_NAMES",
        (
            "Set host names as given in this file, and write all hosts of the cloud to /etc/hosts on each of them. "
            "Use it where DNS does not know the hosts. With n, the preflight checks names and prints the lines that "
            "are missing."
        ),
        ours=True,
        effect="each host's name, and /etc/hosts",
    ),
    hosts_of(
        "EXCLUDE_SERVERS",
        (
            "Hosts of this file that this run must not change, comma-separated. It is not needed to add a compute "
            "host: the other hosts stay unchanged, except that their firewalls admit the new host."
        ),
        flag="exclude-servers",
        effect="the plan, which omits these hosts",
    ),
    switch(
        "CONFIG_FIREWALL",
        (
            "Manage the hosts' firewalls (firewalld on CentOS, nftables on Debian): SSH, the APIs and the dashboard "
            "are open to everyone, each other port only to the hosts that need it. Forwarded traffic of instances is "
            "not filtered. With n, the firewalls are yours to manage, and rules of an earlier run are removed. "
            "Packstack has no such key: it always manages iptables."
        ),
        default="y",
        ours=True,
        effect="each host's firewall",
    ),
    value_of(
        "CONFIG_FIREWALL_PORTS",
        (
            "More ports to open to everyone on every host, such as 9100,161/udp,8000-8010, for other software there. "
            "SSH's port is always open."
        ),
        ports,
        when=_FIREWALL,
        ours=True,
        effect="each host's firewall",
    ),
    switch(
        "CONFIG_DEBUG_MODE",
        "Log at debug level in all services. Use it for troubleshooting; the logs grow quickly.",
        flag="os-debug-mode",
    ),
    host_of(
        "CONFIG_CONTROLLER_HOST",
        "The controller: host of every API, and of each role below that has no host set.",
        flag="os-controller-host",
    ),
    hosts_of(
        "CONFIG_COMPUTE_HOSTS",
        ("Compute hosts, comma-separated; ranges such as node[01-20] are allowed. The controller may be one of them."),
        flag="os-compute-hosts",
        was=("CONFIG_NOVA_COMPUTE_HOSTS",),
    ),
    hosts_of(
        "CONFIG_NETWORK_HOSTS",
        "Network hosts (routers, DHCP, external access), comma-separated. Two or more share the load.",
        flag="os-network-hosts",
        was=("CONFIG_NOVA_NETWORK_HOSTS", "CONFIG_NOVA_NETWORK_HOST"),
    ),
    switch(
        "CONFIG_UNSUPPORTED",
        (
            "Allow a CONFIG_STORAGE_HOST other than the controller. The key's name comes from Packstack, which did "
            "not test this; here it works like any other role."
        ),
        flag="unsupported",
    ),
    hosts_of(
        "CONFIG_STORAGE_HOST",
        (
            "Storage hosts (Cinder volumes, Swift objects), comma-separated. Used only with CONFIG_UNSUPPORTED=y; "
            "otherwise the controller is the storage host."
        ),
        when=_UNSUPPORTED,
        flag="os-storage-host",
    ),
    switch(
        "CONFIG_USE_SUBNETS",
        (
            "Read the interface keys as subnets (198.18.4.0/24) instead of names: each host uses its interface in "
            "that subnet. Use it where interface names differ between hosts."
        ),
        flag="use-subnets",
        effect="whether interface keys are read as names or as subnets",
    ),
    value_of(
        "CONFIG_REPO",
        (
            "URLs of extra package repositories for all hosts, comma-separated, such as a local mirror or a "
            "repository of your own packages."
        ),
        urls,
        flag="additional-repo",
        effect=_REPOSITORIES,
    ),
    switch(
        "CONFIG_ENABLE_RDO_TESTING",
        "Install OpenStack from RDO's testing repository. For test days, not for production.",
        flag="enable-rdo-testing",
        effect=_REPOSITORIES,
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "clients",
        role="clients",
        provides=("clients",),
        when=lambda answers: bool(answers["CONFIG_CLIENT_INSTALL"]),
        packages=Names(debian=("python3-openstackclient",), redhat=("python3-openstackclient",)),
        memory=measured(100),
        secrets=(
            "CONFIG_KEYSTONE_ADMIN_PW",
            "CONFIG_KEYSTONE_DEMO_PW",
        ),
        without={
            "units": "programs that people start",
            "logs": "programs that people start",
            "proof": "`stackwright verify` talks to the API itself",
        },
    ),
)

PACKAGE_SETS: tuple[PackageSet, ...] = (
    PackageSet(
        "firewall",
        Names(debian=("nftables",), redhat=("firewalld",)),
        when=lambda answers: bool(answers.get("CONFIG_FIREWALL")),
    ),
    PackageSet(
        "chrony",
        Names(debian=("chrony",), redhat=("chrony",)),
        when=lambda answers: bool(answers.get("CONFIG_NTP_SERVERS")),
        units=Names(debian=("chrony",), redhat=("chronyd",)),
    ),
)

SERVICE = Service(
    "general",
    "General: hosts and their roles, access, packages",
    OPTIONS,
    COMPONENTS,
    roles=(
        Role("controller", (CONTROLLER,), rank=0),
        Role(
            "clients",
            (
                "CONFIG_OSCLIENT_HOST",
                CONTROLLER,
            ),
            rank=60,
        ),
    ),
    tempest={
        "smoke": (
            r"tempest\.api\.(identity|image|compute|network)\..*\[.*\bsmoke\b.*\]",
            r"tempest\.scenario\.test_server_basic_ops\b",
            r"tempest\.scenario\.test_network_basic_ops\.TestNetworkBasicOps\.test_network_basic_ops\b",
        ),
        "quick": (  # some of smoke, and tests of volumes and objects; one of them starts an instance
            r"tempest\.api\.identity\.(v3\.test_(tokens|catalog|domains)|admin\.v3\.test_(endpoints|roles))\..*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.image\.v2\.test_images\.BasicOperations.*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.compute\.(flavors\.test_flavors|security_groups\.test_security_groups)\..*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.network\.test_(networks\.NetworksTest|floating_ips\..*|extensions\..*)\..*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.volume\.test_volumes_get\..*\[.*\bsmoke\b.*\]",
            r"tempest\.api\.object_storage\.test_(account|container|object)_services\..*\[.*\bsmoke\b.*\]",
            r"tempest\.scenario\.test_server_basic_ops\b",
        ),
    },
    package_sets=PACKAGE_SETS,
    changes={
        **changes_of(
            (
                "CONFIG_SERVICE_WORKERS",
                "CONFIG_NTP_SERVERS",
                "EXCLUDE_SERVERS",
                "CONFIG_FIREWALL_PORTS",
                "CONFIG_SSH_KEY",
                "CONFIG_DEFAULT_PASSWORD",
                "CONFIG_REPO",
            )
        ),
        "CONFIG_OPENSTACK_RELEASE": fixed("this version does not upgrade a cloud"),
        "CONFIG_HOST_NAMES": fixed(
            "Nova and Neutron know their hosts by name, and instances belong to a name",
            "nova-compute",
            "neutron-server",
        ),
        "CONFIG_CONTROLLER_HOST": fixed("the cloud and its state directory are named after it"),
        "CONFIG_OSCLIENT_HOST": applied(_LEFT),
        "CONFIG_COMPUTE_HOSTS": applied("a host that is left out keeps its instances and stays registered"),
        "CONFIG_NETWORK_HOSTS": applied("a host that is left out stays as it is"),
        "CONFIG_STORAGE_HOST": extendable(
            "the volumes and objects of a host do not move", "cinder-volume", "swift-storage"
        ),
        "CONFIG_UNSUPPORTED": fixed(
            "CONFIG_STORAGE_HOST is used only with y, and volumes do not move", "cinder-volume"
        ),
    },
)
