"""A host gets the secrets that its own components use, and no other. Packstack gives all settings, 25 secrets among
them, to every host."""

from __future__ import annotations

import pytest

import golden
from golden import CASES, Case
from stackwright.services import SERVICES, options

DEMO, ADMIN = "KEYSTONE_DEMO_PW", "KEYSTONE_ADMIN_PW"
BROKER = "AMQP_AUTH_PASSWORD"
# Nova acts in the name of an instance's owner on networks and volumes, and counts what it takes.
INSTANCES = f"{BROKER} NOVA_KS_PW PLACEMENT_KS_PW NEUTRON_KS_PW CINDER_KS_PW"
CEPH = "(a client's key of Ceph)"
HEAT = f"{BROKER} HEAT_DB_PW HEAT_KS_PW"

USES: dict[str, str] = {
    "mariadb": "MARIADB_PW",
    "database-client": "MARIADB_PW",
    "rabbitmq": BROKER,
    "keystone": f"KEYSTONE_DB_PW {ADMIN} {BROKER}",
    "glance-api": "GLANCE_DB_PW GLANCE_KS_PW",
    "placement-api": "PLACEMENT_DB_PW PLACEMENT_KS_PW",
    "nova-api": f"{INSTANCES} NOVA_DB_PW NEUTRON_METADATA_PW",
    "nova-conductor": f"{INSTANCES} NOVA_DB_PW",
    "nova-scheduler": f"{BROKER} NOVA_DB_PW PLACEMENT_KS_PW",
    "nova-vncproxy": f"{BROKER} NOVA_DB_PW",
    "nova-compute": INSTANCES,
    "neutron-server": f"{BROKER} NEUTRON_DB_PW NEUTRON_KS_PW NOVA_KS_PW PLACEMENT_KS_PW",
    "ovn-metadata": f"{BROKER} NEUTRON_METADATA_PW",
    "metadata-agent": f"{BROKER} NEUTRON_METADATA_PW",
    "openvswitch-agent": BROKER,
    "linuxbridge-agent": BROKER,
    "dhcp-agent": BROKER,
    "l3-agent": BROKER,
    "cinder-api": f"{BROKER} CINDER_DB_PW CINDER_KS_PW NOVA_KS_PW",
    "cinder-volume": f"{BROKER} CINDER_DB_PW",
    "swift-rings": "SWIFT_HASH",
    "swift-storage": "SWIFT_HASH",
    "swift-proxy": "SWIFT_HASH SWIFT_KS_PW",
    "horizon": "HORIZON_SECRET_KEY",
    "heat-api": HEAT,
    "heat-api-cfn": HEAT,
    "heat-engine": f"{HEAT} HEAT_AUTH_ENC_KEY HEAT_DOMAIN_PASSWORD",
    "heat-identity": "HEAT_KS_PW HEAT_DOMAIN_PASSWORD",
    "demo": DEMO,
    "clients": f"{ADMIN} {DEMO}",
    **{f"{name}-database": f"{name.upper()}_DB_PW" for name in ("keystone", "glance", "placement", "nova")},
    **{f"{name}-database": f"{name.upper()}_DB_PW" for name in ("neutron", "cinder", "heat")},
    **{f"{name}-identity": f"{name.upper()}_KS_PW" for name in ("glance", "placement", "nova", "neutron")},
    **{f"{name}-identity": f"{name.upper()}_KS_PW" for name in ("cinder", "swift")},
}
"""By component: the keys, without CONFIG_, of the secrets that it cannot do its work without."""

DERIVED = {
    "ceph": {CEPH},
    "cinder-volume": {CEPH},
    "nova-compute": {CEPH, "(id_ed25519)"},
    "rabbitmq": {"(rabbitmq.key)"},
    "nova-vncproxy": {"(nova-vncproxy.key)"},
    "horizon": {"(horizon.key)"},
}
"""By component: what follows from a secret, or is made with it: keys of Ceph, of SSH, and of certificates."""


def used(components: set[str]) -> set[str]:
    keys = {f"CONFIG_{name}" for c in components for name in USES.get(c, "").split()}
    return keys.union(*(DERIVED.get(c, set()) for c in components))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_host_gets_only_what_its_components_use(case: Case) -> None:
    runs = golden.last_runs(case.plan())
    for host, keys in golden.secrets_of(case).items():
        components = set(runs[host].components)
        if "keystone" in components and not any("clients" in run.components for run in runs.values()):
            components.add("clients")  # without clients, the files to log in with are where Keystone is
        assert set(keys) - used(components) == set(), f"{host} has {', '.join(sorted(components))}"


def test_the_table_is_about_what_there_is() -> None:
    assert USES.keys() <= {c.name for s in SERVICES for c in s.components}
    known = {key for key, option in options().items() if option.secret}
    assert used({*USES, *DERIVED}) - known == set().union(*DERIVED.values())


def test_the_search_finds_what_it_looks_for() -> None:
    """No secret's text is part of another's, and where all is on one host, nearly all are found there."""
    texts = sorted(golden.secrets().values())
    assert not [(a, b) for a in texts for b in texts if a != b and a in b]
    (found,) = golden.secrets_of(CASES["heat"]).values()
    assert {
        f"CONFIG_{name}"
        for c in CASES["heat"].plan().summary["hosts"]["198.18.0.10"]
        for name in USES.get(c, "").split()
    } <= set(found)
    assert CEPH in found


def test_who_runs_instances_administers_nothing() -> None:
    """What an instance that breaks out finds there."""
    hosts = golden.secrets_of(CASES["roles-everywhere"])
    for host in ("compute1.lab.stackwright.test", "compute2.lab.stackwright.test"):
        assert not [key for key in hosts[host] if "_DB_PW" in key or "ADMIN" in key or "MARIADB" in key]
    assert hosts["network.lab.stackwright.test"] == ()
    assert hosts["dashboard.lab.stackwright.test"] == ("CONFIG_HORIZON_SECRET_KEY",)
    assert hosts["store1.lab.stackwright.test"] == (
        "CONFIG_AMQP_AUTH_PASSWORD",
        "CONFIG_CINDER_DB_PW",
        "CONFIG_SWIFT_HASH",
    )
    assert [h for h, keys in hosts.items() if "(id_ed25519)" in keys] == [
        "compute1.lab.stackwright.test",
        "compute2.lab.stackwright.test",
    ]
