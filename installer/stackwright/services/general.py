"""What holds for the whole cloud: hosts and their roles, access, packages."""

from __future__ import annotations

from stackwright.model import Component, Option, Service
from stackwright.values import YES_NO, boolean, host, hosts, path, ports, release, text, urls, workers

_FIREWALL = (("CONFIG_FIREWALL", "y"),)
_UNSUPPORTED = (("CONFIG_UNSUPPORTED", "y"),)

OPTIONS: tuple[Option, ...] = (
    Option(
        "CONFIG_SSH_KEY",
        (
            "Public key of yours that is let in as well on every host that is logged in to with a password "
            "(--ask-password). That is needed once: Stackwright makes a key of its own, keeps it with the cloud and "
            "puts it on those hosts too."
        ),
        default="",
        parse=path,
        flag="ssh-public-key",
    ),
    Option(
        "CONFIG_DEFAULT_PASSWORD",
        (
            "One password for everything whose own password is left at PW_PLACEHOLDER. Good for a throw-away "
            "cloud; leave it empty elsewhere, and each service gets its own random one."
        ),
        default="",
        parse=text,
        secret=True,
        flag="default-password",
    ),
    Option(
        "CONFIG_SERVICE_WORKERS",
        (
            "Processes per API service. The default lets each host decide by its processors and memory; give a "
            "small number on machines with little memory."
        ),
        default="%{::processorcount}",
        parse=workers,
        flag="service-workers",
    ),
    Option(
        "CONFIG_OPENSTACK_RELEASE",
        (
            "OpenStack release to install, such as zed or epoxy; master with CONFIG_RDO_TRUNK. Empty: the newest that "
            "the hosts' operating system carries. Set it to stay on a release when newer ones appear."
        ),
        default="",
        parse=release,
        ours=True,
    ),
    Option(
        "CONFIG_CLIENT_INSTALL",
        (
            "Install the `openstack` command on the controller, with its credentials in keystonerc_admin and "
            "clouds.yaml."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        flag="os-client-install",
    ),
    Option(
        "CONFIG_OSCLIENT_HOST",
        "Host that gets the `openstack` command and the credential files. Empty: the controller.",
        default="",
        parse=host,
        ours=True,
    ),
    Option(
        "CONFIG_NTP_SERVERS",
        (
            "Time servers for all hosts, with commas. Clocks that differ break tokens and messaging. Empty: the "
            "time service that the hosts have is left alone."
        ),
        default="",
        parse=hosts,
        flag="ntp-servers",
    ),
    Option(
        "CONFIG_HOST_NAMES",
        (
            "Give each host that this file calls by a full name that name, and write all hosts of the cloud into "
            "/etc/hosts of each: for networks whose name server does not know them. With n, names are looked at before "
            "anything is done, and the lines that are missing are told."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        ours=True,
    ),
    Option(
        "EXCLUDE_SERVERS",
        (
            "Hosts that are named elsewhere in this file but must not be touched in this run. To add a compute "
            "host it is not needed: the others are left as they are, but for their firewall, which lets it in."
        ),
        default="",
        parse=hosts,
        flag="exclude-servers",
    ),
    Option(
        "CONFIG_FIREWALL",
        (
            "Let each host accept what its own services are asked by the hosts that need them, the APIs and the "
            "dashboard by everyone, SSH, and nothing else: with firewalld on CentOS, with nftables on Debian. "
            "Traffic that hosts pass on for instances is not touched. With n the hosts' firewalls are yours; rules "
            "that an earlier run made are taken away. Packstack has no such key: it always does the like with "
            "iptables."
        ),
        default="y",
        parse=boolean,
        choices=YES_NO,
        ours=True,
    ),
    Option(
        "CONFIG_FIREWALL_PORTS",
        (
            "Further ports that everyone may reach on every host, for what else runs there, such as "
            "9100,161/udp,8000-8010. SSH's own port is open without being named."
        ),
        default="",
        parse=ports,
        when=_FIREWALL,
        ours=True,
    ),
    Option(
        "CONFIG_DEBUG_MODE",
        "Let all services log at debug level. Useful when hunting an error; the logs grow quickly.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="os-debug-mode",
    ),
    Option(
        "CONFIG_CONTROLLER_HOST",
        "The controller: the host of every API and of each role below that is not given a host of its own.",
        default="",
        parse=host,
        flag="os-controller-host",
    ),
    Option(
        "CONFIG_COMPUTE_HOSTS",
        "Hosts that run instances, with commas; node[01-20] is understood. The controller may be one of them.",
        default="",
        parse=hosts,
        was=("CONFIG_NOVA_COMPUTE_HOSTS",),
        flag="os-compute-hosts",
    ),
    Option(
        "CONFIG_NETWORK_HOSTS",
        "Hosts with the routers, DHCP and the way to the external network, with commas. Two or more share the work.",
        default="",
        parse=hosts,
        was=(
            "CONFIG_NOVA_NETWORK_HOSTS",
            "CONFIG_NOVA_NETWORK_HOST",
        ),
        flag="os-network-hosts",
    ),
    Option(
        "CONFIG_UNSUPPORTED",
        (
            "Let CONFIG_STORAGE_HOST differ from the controller. The name is Packstack's, which did not test "
            "this; here it works like any other role."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="unsupported",
    ),
    Option(
        "CONFIG_STORAGE_HOST",
        (
            "Host of volumes (Cinder) and of object storage (Swift), or several with commas. Counts only while "
            "CONFIG_UNSUPPORTED=y; the controller does it otherwise."
        ),
        default="",
        parse=hosts,
        when=_UNSUPPORTED,
        flag="os-storage-host",
    ),
    Option(
        "CONFIG_USE_SUBNETS",
        (
            "Read the interface keys as networks (198.18.4.0/24) rather than names: each host then uses its own "
            "interface in that network. For hosts whose interfaces have different names."
        ),
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="use-subnets",
    ),
    Option(
        "CONFIG_REPO",
        "URLs of extra package repositories for all hosts, with commas. For a local mirror or packages of your own.",
        default="",
        parse=urls,
        flag="additional-repo",
    ),
    Option(
        "CONFIG_ENABLE_RDO_TESTING",
        "Take OpenStack from RDO's testing repository. For test days; not for a cloud that has to last.",
        default="n",
        parse=boolean,
        choices=YES_NO,
        flag="enable-rdo-testing",
    ),
)

COMPONENTS: tuple[Component, ...] = (
    Component(
        "clients",
        role="clients",
        provides=("clients",),
        when=lambda answers: bool(answers["CONFIG_CLIENT_INSTALL"]),
    ),
)

SERVICE = Service(
    "general",
    "What holds for the whole cloud: hosts and their roles, access, packages",
    OPTIONS,
    COMPONENTS,
)
