"""Small answer files with the quirks that real ones show, each with its verdict: the values that count, the problems,
and who does what in the plan.

The files are in tests/data/answer-quirks. All of them were written for this test.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from outcome import facts, network, plan, roles, told
from stackwright import answers, planner
from stackwright.model import Severity

TESTS = Path(__file__).resolve().parents[1]
FOLDER = TESTS / "data" / "answer-quirks"

ONE = "controller=198.18.0.10 network=198.18.0.10 compute=198.18.0.10"
COMPUTES = "controller=198.18.0.10 network=198.18.0.10 compute=198.18.0.31"
OVN = "ovn geneve extnet:br-ex demo=172.24.4.0/24"
OVS = OVN.replace("ovn", "openvswitch", 1)


@dataclass(frozen=True)
class Verdict:
    """What is expected of a file. Problems are written as "LINE NAME KEY", as tests/outcome.py does."""

    values: Mapping[str, object] = field(default_factory=dict)
    """By key, without its CONFIG_."""
    errors: tuple[str, ...] = ()
    """With any, there is no plan."""
    warnings: tuple[str, ...] = ()
    hosts: str = ONE
    network: str = OVN


NO_SWIFT = {"SWIFT_INSTALL": False}
PASSWORD = {"KEYSTONE_ADMIN_PW": "s3cret"}

VERDICTS = {
    # How the file is written.
    "no-general-section": Verdict(NO_SWIFT),
    "another-section": Verdict(NO_SWIFT, warnings=("3 section -",)),
    "no-final-newline": Verdict(NO_SWIFT),
    "tabs-before-keys": Verdict(NO_SWIFT),
    "trailing-blanks": Verdict(NO_SWIFT | PASSWORD),
    "blanks-round-the-equals-sign": Verdict(NO_SWIFT | {"HEAT_INSTALL": False}),
    "colon-for-equals": Verdict(NO_SWIFT),
    "lower-case-keys": Verdict(NO_SWIFT),
    "shell-export": Verdict(NO_SWIFT),
    "byte-order-mark": Verdict(NO_SWIFT),
    "utf-16": Verdict(NO_SWIFT),
    "crlf": Verdict(NO_SWIFT | PASSWORD),
    "latin-1-comment": Verdict(NO_SWIFT),
    "utf-8-comment": Verdict(NO_SWIFT),
    "comment-that-looks-like-an-answer": Verdict(
        {"SWIFT_INSTALL": True, "HEAT_INSTALL": False, "HORIZON_INSTALL": True}
    ),
    "zero-bytes-in-a-comment": Verdict(NO_SWIFT),
    "zero-bytes-in-a-value": Verdict(errors=("3 zero-bytes -",)),
    "ruler": Verdict(NO_SWIFT, warnings=("1 no-key -", "4 no-key -")),
    "line-without-a-key": Verdict(errors=("4 no-key -",)),
    "git-conflict": Verdict(errors=("3 conflict-marker -",), warnings=("6 repeated-key CONFIG_SWIFT_INSTALL",)),
    # The last line of a key counts; only a different value is worth a warning.
    "duplicate-keys": Verdict(NO_SWIFT, warnings=("5 repeated-key CONFIG_SWIFT_INSTALL",)),
    "misspelt-key": Verdict(errors=("3 unknown-key -",)),
    # Values.
    "percent-in-values": Verdict({"KEYSTONE_ADMIN_PW": "100%sure", "MARIADB_PW": "%(home)s"}),
    "quoted-values": Verdict(
        NO_SWIFT | {"COMPUTE_HOSTS": ("198.18.0.31",), "KEYSTONE_ADMIN_PW": '"s3cret"'},
        warnings=(
            "3 quoted CONFIG_SWIFT_INSTALL",
            "4 quoted CONFIG_COMPUTE_HOSTS",
            "5 quoted CONFIG_KEYSTONE_ADMIN_PW",
        ),
        hosts=COMPUTES,
    ),
    "remark-behind-a-value": Verdict(NO_SWIFT, warnings=("3 remark-in-value CONFIG_SWIFT_INSTALL",)),
    "remark-behind-a-password": Verdict(
        {"KEYSTONE_ADMIN_PW": "s3cret # change it"}, warnings=("3 remark-in-value CONFIG_KEYSTONE_ADMIN_PW",)
    ),
    "hash-in-passwords": Verdict({"KEYSTONE_ADMIN_PW": "ab#cd", "MARIADB_PW": "#starts;with=signs"}),
    "true-in-any-case": Verdict(
        NO_SWIFT | {"DEBUG_MODE": True, "PROVISION_DEMO": True, "HORIZON_INSTALL": False} | {"HEAT_INSTALL": True}
    ),
    "none-for-a-switch": Verdict({"SWIFT_INSTALL": True}, warnings=("3 empty CONFIG_SWIFT_INSTALL",)),
    "none-for-a-password": Verdict({"KEYSTONE_ADMIN_PW": re.compile(r"(?!None$)\w{16,}")}),
    "password-placeholder": Verdict({"KEYSTONE_ADMIN_PW": "f0r-all", "NOVA_DB_PW": "f0r-all"}),
    "hidden-secrets": Verdict(errors=("3 hidden-secret CONFIG_KEYSTONE_ADMIN_PW",)),
    "host-placeholder": Verdict(errors=("2 bad-value CONFIG_CONTROLLER_HOST", "3 bad-value CONFIG_COMPUTE_HOSTS")),
    "blanks-in-a-list": Verdict(
        {"NTP_SERVERS": ("198.18.0.1", "198.18.0.2")}, hosts=f"{COMPUTES},198.18.0.32,198.18.0.33"
    ),
    "trailing-comma": Verdict(hosts=f"{COMPUTES},198.18.0.32"),
    "list-in-indented-lines": Verdict(NO_SWIFT, hosts=f"{COMPUTES},198.18.0.32"),
    "python-list": Verdict(
        {
            "PROVISION_DEMO_ALLOCATION_POOLS": ("start=172.24.4.20,end=172.24.4.30",),
        },
        network=OVS,
    ),
    "size-without-unit": Verdict(
        {"CINDER_VOLUMES_SIZE": 20 * 2**30, "SWIFT_STORAGE_SIZE": 2 * 2**30},
        warnings=("3 no-unit CONFIG_CINDER_VOLUMES_SIZE",),
    ),
    "home-directory": Verdict({"SSL_CERT_DIR": "~/packstackca/"}),
    # What the keys mean together, and what became of them since.
    "storage-host-that-does-not-count": Verdict(warnings=("3 no-effect CONFIG_STORAGE_HOST",)),
    "retired-keys": Verdict(warnings=("3 retired-key CONFIG_NAGIOS_INSTALL", "4 retired-key CONFIG_USE_EPEL")),
    "nova-network": Verdict(errors=("3 needs CONFIG_NOVA_INSTALL",)),
    "qpid": Verdict({"AMQP_BACKEND": "rabbitmq"}, warnings=("3 retired-value CONFIG_AMQP_BACKEND",)),
    "short-heat-key": Verdict(warnings=("4 key-length CONFIG_HEAT_AUTH_ENC_KEY",)),
    "tempest": Verdict(warnings=("3 not-done CONFIG_PROVISION_TEMPEST",)),
    "metering-agent": Verdict({"NEUTRON_METERING_AGENT_INSTALL": True}, network=OVS),
    "not-installable": Verdict(errors=("4 not-installable CONFIG_NEUTRON_VPNAAS",)),
    "driver-of-another-agent": Verdict(warnings=("4 forced CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS",), network=OVS),
    "interface-that-no-bridge-has": Verdict(warnings=("4 not-mapped CONFIG_NEUTRON_OVS_BRIDGE_IFACES",), network=OVS),
    "interface-for-a-bridge": Verdict(warnings=("4 bridge-interface CONFIG_NEUTRON_OVS_BRIDGES_COMPUTE",), network=OVS),
    "type-driver-left-out": Verdict(errors=("5 network-types CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES",)),
    "integration-bridge-mapped": Verdict(errors=("3 reserved-bridge CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS",)),
    "host-in-a-private-network": Verdict(
        warnings=("- overlap CONFIG_PROVISION_DEMO_PRIVATE_SUBNET",), hosts=ONE.replace("198.18.0.10", "10.0.0.4")
    ),
}


def test_every_file_has_a_verdict() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(VERDICTS)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name: str) -> None:
    path, verdict = FOLDER / f"{name}.txt", VERDICTS[name]
    before = path.read_bytes()
    reading = answers.load([path], files=False, local_host="198.18.0.10")
    for severity, expected in ((Severity.ERROR, verdict.errors), (Severity.WARNING, verdict.warnings)):
        assert tuple(told(problem) for problem in reading.problems if problem.severity is severity) == expected
    for key, value in verdict.values.items():
        found = reading.answers[f"CONFIG_{key}"]
        assert value.fullmatch(found) if isinstance(value, re.Pattern) else found == value, (key, found)
    if not verdict.errors:
        host_facts = facts(reading.answers)
        cloud = planner.cloud(reading.answers, host_facts)
        assert (roles(cloud), network(cloud, reading.answers)) == (verdict.hosts, verdict.network)
        assert set(plan(reading.answers, host_facts).hosts) == set(cloud.hosts)
    assert path.read_bytes() == before


def test_every_kind_of_problem_in_the_corpus_is_shown_by_a_file_here() -> None:
    """The corpus itself is not part of the project; tests/corpus/verdicts.csv says what was found in it."""
    with (TESTS / "corpus" / "verdicts.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    cells = [cell for row in rows for cell in f"{row['errors']}; {row['warnings']}".split("; ") if cell]
    here = [problem for verdict in VERDICTS.values() for problem in (*verdict.errors, *verdict.warnings)]
    assert {cell.split()[1] for cell in cells} <= {problem.split()[1] for problem in here}
