"""A host gets only the secrets that its own components use. Packstack gives all settings with 25 secrets to every
host."""

from __future__ import annotations

import re

import pytest

import golden
from golden import CASES, Case
from stackwright import planner, services
from stackwright.planner import firewall_policy

CEPH = "(a client's key of Ceph)"
"""The name that `golden.secrets_of` uses for `ceph-key` in the records."""


def used(components: set[str]) -> set[str]:
    """The secrets that these components need, from their records."""
    records = [c for c in services.all_components() if c.name in components]
    derived = {name for c in records for name in c.derived_secrets}
    return {key for c in records for key in c.secrets} | {CEPH if d == "ceph-key" else f"({d})" for d in derived}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_host_gets_only_what_its_components_use(case: Case) -> None:
    runs = golden.last_runs(case.plan())
    for host, keys in golden.secrets_of(case).items():
        components = set(runs[host].components)
        if "keystone" in components and not any("clients" in run.components for run in runs.values()):
            components.add("clients")  # without clients, the credential files are on Keystone's host
        assert set(keys) - used(components) == set(), f"{host} has {', '.join(sorted(components))}"


def test_records_name_existing_secrets() -> None:
    known = {key for key, option in services.options().items() if option.secret}
    assert {key for component in services.all_components() for key in component.secrets} <= known


def test_the_search_finds_every_secret() -> None:
    """No secret is part of another one, and an all-in-one host has all secrets of its components."""
    texts = sorted(golden.secrets().values())
    assert not [(a, b) for a in texts for b in texts if a != b and a in b]
    (found,) = golden.secrets_of(CASES["heat"]).values()
    names = set(CASES["heat"].plan().summary["hosts"]["198.18.0.10"])
    assert {key for c in services.all_components() if c.name in names for key in c.secrets} <= set(found)
    assert CEPH in found


def test_compute_hosts_have_no_administrative_passwords() -> None:
    """An attacker who escapes from an instance finds none."""
    hosts = golden.secrets_of(CASES["roles-everywhere"])
    for host in ("compute1.lab.stackwright.test", "compute2.lab.stackwright.test"):
        assert not [key for key in hosts[host] if "_DB_PW" in key or "ADMIN" in key or "MARIADB" in key]
        # Nothing is added to these by accident: docs/security.md says why each is needed.
        assert hosts[host] == (
            "(id_ed25519)",
            "CONFIG_AMQP_AUTH_PASSWORD",
            "CONFIG_CINDER_KS_PW",
            "CONFIG_NEUTRON_KS_PW",
            "CONFIG_NEUTRON_METADATA_PW",
            "CONFIG_NOVA_KS_PW",
            "CONFIG_PLACEMENT_KS_PW",
        )
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


REACHED = {
    ("tcp", 5672): "queues, by the user without a tag below",
    ("tcp", 8775): "metadata of instances, with the shared secret",
    ("tcp", 6642): "OVN's southbound database",
    ("tcp", 3260): "volumes",
    ("udp", 6081): "tunnels",
    ("tcp", 49152): "instances that are moved",
}
"""What a compute host reaches on others besides public ports; docs/security.md has the same list."""


def test_who_took_a_compute_host_reaches_few_ports_of_others() -> None:
    """No database, no cache with tokens, and nothing that manages the message broker."""
    case = CASES["roles-everywhere"]
    whole = planner.cloud(case.answers(), case.facts())
    mine = "compute1.lab.stackwright.test"
    assert "nova-compute" in whole.hosts[mine].components
    addresses = {whole.hosts[mine].address, whole.hosts[mine].tunnel_address}
    found = {
        (opening.protocol, opening.first)
        for name, openings in firewall_policy.openings(whole).items()
        if name != mine
        for opening in openings
        if opening.sources and addresses & {*opening.sources}
    }
    assert found == set(REACHED)
    listed = {port.number for c in services.all_components() for port in services.listening(c, case.answers())}
    assert {3306, 6641, 11211} <= listed, "these are known, and closed to it"


def test_the_user_of_the_message_broker_administers_nothing() -> None:
    """All hosts with a service have its password."""
    broker = golden.last_runs(CASES["roles-everywhere"].plan())["broker.lab.stackwright.test"]
    (user,) = re.findall(r"(?m)^rabbitmq_user \{.*?^\}", broker.manifest, re.DOTALL)
    assert re.search(r"admin +=> false,", user)
    assert "tags" not in user
