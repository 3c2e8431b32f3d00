"""What holds for the whole cloud: hosts and their roles, access, packages."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.records import Names, PackageSet
from stackwright.services.options import given_secret, host_of, hosts_of, switch, value_of
from stackwright.services.shared_packages import measured
from stackwright.values import path, ports, release, urls, workers

_FIREWALL = (("CONFIG_FIREWALL", "y"),)
_UNSUPPORTED = (("CONFIG_UNSUPPORTED", "y"),)

OPTIONS: tuple[Option, ...] = (
    value_of(
        "CONFIG_SSH_KEY",
        (
            "Public key of yours that is let in as well on every host that is logged in to with a password "
            "(--ask-password). That is needed once: Stackwright makes a key of its own, keeps it with the cloud and "
            "puts it on those hosts too."
        ),
        path,
        flag="ssh-public-key",
    ),
    given_secret(
        "CONFIG_DEFAULT_PASSWORD",
        (
            "One password for everything whose own password is left at PW_PLACEHOLDER. Good for a throw-away cloud; "
            "leave it empty elsewhere, and each service gets its own random one."
        ),
        flag="default-password",
    ),
    value_of(
        "CONFIG_SERVICE_WORKERS",
        (
            "Processes per API service. The default lets each host decide by its processors and memory; give a small "
            "number on machines with little memory."
        ),
        workers,
        default="%{::processorcount}",
        flag="service-workers",
    ),
    value_of(
        "CONFIG_OPENSTACK_RELEASE",
        (
            "OpenStack release to install, such as zed or epoxy; master with CONFIG_RDO_TRUNK. Empty: the newest that "
            "the hosts' operating system carries. Set it to stay on a release when newer ones appear."
        ),
        release,
        ours=True,
    ),
    switch(
        "CONFIG_CLIENT_INSTALL",
        (
            "Install the `openstack` command on the controller, with its credentials in keystonerc_admin and "
            "clouds.yaml."
        ),
        default="y",
        flag="os-client-install",
    ),
    host_of(
        "CONFIG_OSCLIENT_HOST",
        "Host that gets the `openstack` command and the credential files. Empty: the controller.",
        ours=True,
    ),
    hosts_of(
        "CONFIG_NTP_SERVERS",
        (
            "Time servers for all hosts, with commas. Clocks that differ break tokens and messaging. Empty: the time "
            "service that the hosts have is left alone."
        ),
        flag="ntp-servers",
    ),
    switch(
        "CONFIG_HOST_NAMES",
        (
            "Give each host that this file calls by a full name that name, and write all hosts of the cloud into "
            "/etc/hosts of each: for networks whose name server does not know them. With n, names are looked at "
            "before anything is done, and the lines that are missing are told."
        ),
        ours=True,
    ),
    hosts_of(
        "EXCLUDE_SERVERS",
        (
            "Hosts that are named elsewhere in this file but must not be touched in this run. To add a compute host "
            "it is not needed: the others are left as they are, but for their firewall, which lets it in."
        ),
        flag="exclude-servers",
    ),
    switch(
        "CONFIG_FIREWALL",
        (
            "Let each host accept what its own services are asked by the hosts that need them, the APIs and the "
            "dashboard by everyone, SSH, and nothing else: with firewalld on CentOS, with nftables on Debian. Traffic "
            "that hosts pass on for instances is not touched. With n the hosts' firewalls are yours; rules that an "
            "earlier run made are taken away. Packstack has no such key: it always does the like with iptables."
        ),
        default="y",
        ours=True,
    ),
    value_of(
        "CONFIG_FIREWALL_PORTS",
        (
            "Further ports that everyone may reach on every host, for what else runs there, such as "
            "9100,161/udp,8000-8010. SSH's own port is open without being named."
        ),
        ports,
        when=_FIREWALL,
        ours=True,
    ),
    switch(
        "CONFIG_DEBUG_MODE",
        "Let all services log at debug level. Useful when hunting an error; the logs grow quickly.",
        flag="os-debug-mode",
    ),
    host_of(
        "CONFIG_CONTROLLER_HOST",
        "The controller: the host of every API and of each role below that is not given a host of its own.",
        flag="os-controller-host",
    ),
    hosts_of(
        "CONFIG_COMPUTE_HOSTS",
        "Hosts that run instances, with commas; node[01-20] is understood. The controller may be one of them.",
        flag="os-compute-hosts",
        was=("CONFIG_NOVA_COMPUTE_HOSTS",),
    ),
    hosts_of(
        "CONFIG_NETWORK_HOSTS",
        ("Hosts with the routers, DHCP and the way to the external network, with commas. Two or more share the work."),
        flag="os-network-hosts",
        was=("CONFIG_NOVA_NETWORK_HOSTS", "CONFIG_NOVA_NETWORK_HOST"),
    ),
    switch(
        "CONFIG_UNSUPPORTED",
        (
            "Let CONFIG_STORAGE_HOST differ from the controller. The name is Packstack's, which did not test this; "
            "here it works like any other role."
        ),
        flag="unsupported",
    ),
    hosts_of(
        "CONFIG_STORAGE_HOST",
        (
            "Host of volumes (Cinder) and of object storage (Swift), or several with commas. Counts only while "
            "CONFIG_UNSUPPORTED=y; the controller does it otherwise."
        ),
        when=_UNSUPPORTED,
        flag="os-storage-host",
    ),
    switch(
        "CONFIG_USE_SUBNETS",
        (
            "Read the interface keys as networks (198.18.4.0/24) rather than names: each host then uses its own "
            "interface in that network. For hosts whose interfaces have different names."
        ),
        flag="use-subnets",
    ),
    value_of(
        "CONFIG_REPO",
        ("URLs of extra package repositories for all hosts, with commas. For a local mirror or packages of your own."),
        urls,
        flag="additional-repo",
    ),
    switch(
        "CONFIG_ENABLE_RDO_TESTING",
        "Take OpenStack from RDO's testing repository. For test days; not for a cloud that has to last.",
        flag="enable-rdo-testing",
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
    "What holds for the whole cloud: hosts and their roles, access, packages",
    OPTIONS,
    COMPONENTS,
    package_sets=PACKAGE_SETS,
)
