"""What the catalogs for CentOS Stream 9 mean: each service that is asked for is there, whole, and on its own host only.

Names of packages and units come from two sides, which know nothing of each other: the platform's record, and RDO's
names as the upstream modules have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from matrix import Compiled, catalogs, matrix
from puppet_tools import Catalog

import golden
from stackwright import planner, services
from stackwright.model import Upload
from stackwright.planner.topology import Cloud

MAIN = {
    "aodh-api": ("openstack-aodh-api", "Aodh_config[database/connection]"),
    "aodh-evaluator": ("openstack-aodh-evaluator", "Aodh_config[evaluator/workers]"),
    "aodh-listener": ("openstack-aodh-listener", "Aodh_config[listener/workers]"),
    "aodh-notifier": ("openstack-aodh-notifier", "Aodh_config[notifier/workers]"),
    "ceilometer-central": ("openstack-ceilometer-polling", "File[polling]"),
    "ceilometer-compute": ("openstack-ceilometer-polling", "User[ceilometer]"),
    "ceilometer-notification": ("openstack-ceilometer-notification", "File[event_pipeline]"),
    "cinder-api": ("openstack-cinder", "Cinder_config[database/connection]"),
    "cinder-volume": ("openstack-cinder", "Cinder_config[DEFAULT/enabled_backends]"),
    "cinder-backup": ("openstack-cinder", "Cinder_config[DEFAULT/backup_driver]"),
    "clients": ("python3-openstackclient", ""),
    "database-client": ("mariadb", "Class[Mysql::Client]"),
    "dhcp-agent": ("openstack-neutron", "Neutron_dhcp_agent_config[DEFAULT/interface_driver]"),
    "external-bridge": ("openvswitch", ""),
    "glance-api": ("openstack-glance", "Glance_api_config[database/connection]"),
    "glance-notifications": ("openstack-glance", "Glance_api_config[oslo_messaging_notifications/driver]"),
    "gnocchi-api": ("gnocchi-api", "Gnocchi_config[indexer/url]"),
    "gnocchi-metricd": ("gnocchi-metricd", "Gnocchi_config[metricd/workers]"),
    "gnocchi-statsd": ("gnocchi-statsd", "Gnocchi_config[statsd/resource_id]"),
    "heat-api": ("openstack-heat-api", "Heat_config[database/connection]"),
    "heat-api-cfn": ("openstack-heat-api-cfn", "Heat_config[database/connection]"),
    "heat-engine": ("openstack-heat-engine", "Heat_config[DEFAULT/heat_metadata_server_url]"),
    "horizon": ("openstack-dashboard", "Concat[/etc/openstack-dashboard/local_settings]"),
    "keystone": ("openstack-keystone", "Keystone_config[database/connection]"),
    "l3-agent": ("openstack-neutron", "Neutron_l3_agent_config[DEFAULT/interface_driver]"),
    "linuxbridge-agent": ("openstack-neutron-linuxbridge", "Neutron_agent_linuxbridge[vxlan/local_ip]"),
    "mariadb": ("mariadb-server", "File[mysql-config-file]"),
    "memcached": ("memcached", "File[/etc/sysconfig/memcached]"),
    "metadata-agent": ("openstack-neutron", "Neutron_metadata_agent_config[DEFAULT/nova_metadata_host]"),
    "metering-agent": ("openstack-neutron-metering-agent", "Neutron_metering_agent_config[DEFAULT/driver]"),
    "neutron-server": ("openstack-neutron", "Neutron_config[database/connection]"),
    "nova-api": ("openstack-nova-api", "Nova_config[api_database/connection]"),
    "nova-compute": ("openstack-nova-compute", "Nova_config[libvirt/virt_type]"),
    "nova-conductor": ("openstack-nova-conductor", "Nova_config[conductor/workers]"),
    "nova-scheduler": ("openstack-nova-scheduler", "Nova_config[scheduler/workers]"),
    "nova-vncproxy": ("openstack-nova-novncproxy", "Nova_config[vnc/novncproxy_host]"),
    "openvswitch-agent": ("openstack-neutron-openvswitch", "Neutron_agent_ovs[ovs/local_ip]"),
    "ovn-controller": ("openvswitch-ovn-host", "Vs_config[external_ids:ovn-remote]"),
    "ovn-metadata": ("openstack-neutron-ovn-metadata-agent", "Ovn_metadata_agent_config[DEFAULT/nova_metadata_host]"),
    "ovn-northd": ("openvswitch-ovn-central", "Augeas[config-ovn-northd]"),
    "placement-api": ("openstack-placement-api", "Placement_config[placement_database/connection]"),
    "rabbitmq": ("rabbitmq-server", "File[rabbitmq.config]"),
    "swift-notifications": ("python3-ceilometermiddleware", "Swift_proxy_config[filter:ceilometer/url]"),
    "swift-proxy": ("openstack-swift-proxy", "Swift_proxy_config[filter:authtoken/password]"),
    "swift-rings": ("openstack-swift", "Swift::Ringbuilder::Create[object]"),
    "swift-storage": ("openstack-swift-object", "Swift_object_config[DEFAULT/devices]"),
}
"""By component: RDO's package, and a resource that configures it."""

BARE = {"ceph", "demo", "redis", "volume-types"}
"""Components that are no service of RDO's."""

DATABASES = {
    "aodh-database": ("aodh",),
    "cinder-database": ("cinder",),
    "glance-database": ("glance",),
    "gnocchi-database": ("gnocchi",),
    "heat-database": ("heat",),
    "keystone-database": ("keystone",),
    "neutron-database": ("neutron",),
    "nova-database": ("nova", "nova_api", "nova_cell0"),
    "placement-database": ("placement",),
}

_NOVA = ("nova-api", "nova-conductor", "nova-scheduler")
USERS = {
    "aodh": ("aodh-api", "aodh-evaluator", "aodh-listener", "aodh-notifier"),
    "cinder": ("cinder-api", "cinder-volume"),
    "glance": ("glance-api",),
    "gnocchi": ("gnocchi-api", "gnocchi-metricd", "gnocchi-statsd"),
    "heat": ("heat-api", "heat-api-cfn", "heat-engine"),
    "keystone": ("keystone",),
    "neutron": ("neutron-server",),
    "nova": _NOVA,
    "nova_api": _NOVA,
    "nova_cell0": _NOVA,
    "placement": ("placement-api",),
}
"""By database: the components that use it."""

IDENTITIES = {
    "aodh-identity": ("aodh", "aodh::alarming", "aodh-api", ""),
    "ceilometer-identity": ("ceilometer", "", "", ""),
    "cinder-identity": ("cinder", "cinderv3::volumev3", "cinder-api", "/v3"),
    "glance-identity": ("glance", "glance::image", "glance-api", ""),
    "gnocchi-identity": ("gnocchi", "gnocchi::metric", "gnocchi-api", ""),
    "heat-identity": ("heat", "heat::orchestration", "heat-api", "/v1/%(tenant_id)s"),
    "neutron-identity": ("neutron", "neutron::network", "neutron-server", ""),
    "nova-identity": ("nova", "nova::compute", "nova-api", "/v2.1"),
    "placement-identity": ("placement", "placement::placement", "placement-api", ""),
    "swift-identity": ("swift", "swift::object-store", "swift-proxy", "/v1/AUTH_%(tenant_id)s"),
}
"""By component: the user, the service's name and type (none for one without an API), whose address it is, and the
path."""

NOT_IN_THE_TRANSACTION = {
    "mod_wsgi",  # so puppetlabs-apache 5 of Debian 12 calls what is python3-mod_wsgi for RDO's, and for the record
}

HELPERS = {"dbus", "firewalld", "neutron-destroy-patch-ports", "systemd-journald", "target", "tuned"}
HELPERS |= {f"virt{name}d.socket" for name in ("nodedev", "proxy", "qemu", "secret", "storage")}
HELPERS |= {"iscsid", "libvirtd", "virtlockd", "virtlogd", "virtnodedevd", "virtproxyd", "virtqemud", "virtsecretd"}
"""Units that belong to no component of their own."""


def whole(case: Compiled) -> Cloud:
    return planner.cloud(case.variant.answers(case.release), case.variant.facts(case.release))


def hosts(case: Compiled) -> Iterator[tuple[Catalog, frozenset[str]]]:
    """Each host's catalog, and the names of its components."""
    placement = whole(case).placement
    for catalog in catalogs(case):
        assert catalog.ok, f"{catalog.host}: {catalog.error}"
        yield catalog, frozenset(c.name for c in placement[catalog.host])


def of_type(catalog: Catalog, kind: str) -> Mapping[str, dict[str, str]]:
    """By what the host calls them, which is the parameter name where there is one."""
    return {
        parameters.get("name", ref[len(kind) + 1 : -1]): parameters
        for ref, parameters in catalog.resources.items()
        if ref.startswith(f"{kind}[")
    }


def running(catalog: Catalog) -> set[str]:
    """Units that are to run, now and after a reboot."""
    return {
        name
        for name, p in of_type(catalog, "Service").items()
        if p.get("enable") == "true" and p.get("ensure") in ("running", "true")
    }


@pytest.mark.parametrize("case", matrix())
def test_each_component_is_complete_on_its_hosts(case: Compiled) -> None:
    for catalog, components in hosts(case):
        installed, units = of_type(catalog, "Package"), running(catalog)
        platform = whole(case).hosts[catalog.host].platform
        for name in components:
            if name in MAIN:
                package, configuration = MAIN[name]
                assert package in installed, f"{catalog.host}: {name}"
                assert not configuration or configuration in catalog.resources, f"{catalog.host}: {name}"
            else:
                assert name in BARE or name in DATABASES or name in IDENTITIES, name
            missing = set(services.units(name, platform, whole(case).release)) - units
            assert name in BARE or not missing, f"{catalog.host}: {name} is to run {missing}; {sorted(units)} run"


@pytest.mark.parametrize("case", matrix())
def test_no_service_runs_on_other_hosts(case: Compiled) -> None:
    for catalog, components in hosts(case):
        platform = whole(case).hosts[catalog.host].platform
        wanted = {unit for name in components for unit in services.units(name, platform, whole(case).release)}
        own = {u for u in running(catalog) if u.startswith(("stackwright-", "srv-node-", "ceph-"))}
        # Swift has a dozen helpers beside each of its servers.
        swift = {
            u
            for u in running(catalog)
            if "swift-storage" in components and re.match("openstack-swift-(acc|con|obj)", u)
        }
        over_tcp = case.variant.answers(case.release)["CONFIG_NOVA_COMPUTE_MIGRATE_PROTOCOL"] == "tcp"
        sockets = (
            {"libvirtd-tcp.socket", "virtproxyd-tcp.socket"} if over_tcp and "nova-compute" in components else set()
        )
        assert running(catalog) - wanted - own - swift - sockets - HELPERS == set(), catalog.host
        assert bool(running(catalog) & sockets) == bool(sockets), catalog.host


@pytest.mark.parametrize("case", matrix())
def test_databases_and_accounts(case: Compiled) -> None:
    """Each database, with an account for each host that uses it."""
    for catalog, components in hosts(case):
        expected = {name for component in components for name in DATABASES.get(component, ())}
        made = {n for n, p in of_type(catalog, "Mysql_database").items() if p["ensure"] == "present"}
        assert made == expected, catalog.host
        for name in expected:
            account = "nova" if name == "nova_cell0" else name
            for at in whole(case).addresses(*USERS[name]):
                assert f"Mysql_user[{account}@{at}]" in catalog.resources, catalog.host
                assert f"Mysql_grant[{account}@{at}/{name}.*]" in catalog.resources, catalog.host


@pytest.mark.parametrize("case", matrix())
def test_users_and_endpoints(case: Compiled) -> None:
    answers = case.variant.answers(case.release)
    region = str(answers["CONFIG_KEYSTONE_REGION"])
    for catalog, components in hosts(case):
        expected = {IDENTITIES[c][0] for c in components if c in IDENTITIES}
        if "heat-identity" in components:
            expected.add(str(answers["CONFIG_HEAT_DOMAIN_ADMIN"]))
        if "keystone" in components:
            expected.add(str(answers["CONFIG_KEYSTONE_ADMIN_USERNAME"]))
        if "demo" in components and answers["CONFIG_PROVISION_DEMO"]:
            expected.add("demo")
        assert set(of_type(catalog, "Keystone_user")) == expected, catalog.host
        for component in components & IDENTITIES.keys():
            user, service, api, path = IDENTITIES[component]
            assert f"Keystone_user_role[{user}@services]" in catalog.resources, catalog.host
            if not service:
                continue
            endpoint = catalog.resources[f"Keystone_endpoint[{region}/{service}]"]
            url = whole(case).url(api) + path
            assert {endpoint[f"{kind}_url"] for kind in ("public", "internal", "admin")} == {url}, catalog.host


@pytest.mark.parametrize("case", matrix())
def test_puppet_finds_all_its_packages_installed(case: Compiled) -> None:
    """A package that Puppet has to install by itself costs a transaction of its own, and nobody has checked before that
    it can be had."""
    cloud = whole(case)
    for catalog, _ in hosts(case):
        in_transaction = set(planner.packages(cloud, cloud.hosts[catalog.host]))
        assert set(of_type(catalog, "Package")) - in_transaction <= NOT_IN_THE_TRANSACTION, catalog.host


LISTENS = {
    "aodh-api": {8042},
    "gnocchi-api": {8041},
    "keystone": {5000},
    "nova-api": {8774, 8775},
    "nova-vncproxy": {6080},
    "placement-api": {8778},
    "swift-proxy": {8080},
    "swift-storage": {6200, 6201, 6202},
}
"""By component: what its configuration is told to listen on. The others listen where they always do."""

LISTENING = re.compile(
    r"Apache::Listen\[(?:\S*:)?(?P<port>\d+)\]|Swift_\w+_config\[DEFAULT/bind_port\]"
    r"|Nova_config\[vnc/novncproxy_port\]"
)


@pytest.mark.parametrize("case", matrix())
def test_the_firewall_opens_the_listening_ports(case: Compiled) -> None:
    """Ports are known from three sides: what Puppet configures, what the components' records say, what is opened."""
    cloud, plan = whole(case), case.variant.plan(case.release)
    for catalog, components in hosts(case):
        listening = set()
        for ref, parameters in catalog.resources.items():
            if found := LISTENING.fullmatch(ref):
                port = found["port"] or parameters["value"]
                listening |= {int(port)} if port.isdigit() else set()
        expected = set().union(*(LISTENS.get(name, set()) for name in components))
        if "horizon" in components:
            expected |= {80, 443} if cloud.answers["CONFIG_HORIZON_SSL"] else {80}
        assert listening == expected, catalog.host
        records = [p for c in cloud.placement[catalog.host] for p in services.listening(c, cloud.answers)]
        declared = {number for p in records for number in range(p.number, (p.end or p.number) + 1)}
        assert listening <= declared, catalog.host
        (policy,) = (
            file.content.decode()
            for action in plan.step(f"{catalog.host}:firewall").actions if isinstance(action, Upload)
            for file in action.files if file.path.endswith("/firewalld-stackwright.xml")
        )  # fmt: skip
        opened = {int(number) for number in re.findall(r'<port port="(\d+)', policy)}
        assert {p.number for p in records if p.public} <= opened, catalog.host
        assert opened <= declared | {22}, catalog.host


@pytest.mark.parametrize("case", matrix())
def test_only_hosts_that_use_a_database_know_its_password(case: Compiled) -> None:
    cloud = whole(case)
    runs = golden.last_runs(case.variant.plan(case.release))
    with_databases = {
        host.name
        for name in ("mariadb", *(user for users in USERS.values() for user in users), "nova-vncproxy")
        for host in cloud.having(name)
    } | {host.name for host in cloud.having("database-client")}
    for name, run in runs.items():
        told = "mysql+pymysql" in run.hieradata or bool(re.search(r"-db-pw\.secret|mariadb-pw\.secret", run.hieradata))
        assert name in with_databases or not told, name
