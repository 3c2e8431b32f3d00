"""Reading: the quirks of real files, all problems at once, layers, old releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackwright import answers, planner
from stackwright.answers import syntax
from stackwright.answers.reading import AnswersError, Reading, from_documents
from stackwright.model import ExitCode, Severity, StackwrightError
from stackwright.services import SERVICES


def reading(text: str | bytes, **flags: str) -> Reading:
    return from_documents((syntax.parse(text, "f"),), flags, local_host="198.18.0.10", files=False)


def told(found: Reading) -> list[tuple[str, str, str]]:
    return [(problem.where, str(problem.severity), problem.name) for problem in found.problems]


def value(text: str | bytes, key: str) -> object:
    found = reading(text)
    assert not found.errors, [answers.describe(problem) for problem in found.errors]
    return found.answers[key]


@pytest.mark.parametrize(
    "text",
    [
        "[general]\nCONFIG_SWIFT_INSTALL=n\n",
        "CONFIG_SWIFT_INSTALL=n",
        "\ufeff[general]\r\nCONFIG_SWIFT_INSTALL=n\r\n",
        "[general]\nCONFIG_SWIFT_INSTALL=n\n".encode("utf-16"),  # with its mark
        "\t[general]\n\tCONFIG_SSH_KEY=\n\tCONFIG_SWIFT_INSTALL=n   \n",
        "config_swift_install = n",
        "CONFIG_SWIFT_INSTALL: n",
        "export CONFIG_SWIFT_INSTALL=n",
        "CONFIG_SWIFT_INSTALL=False",
        "CONFIG_SWIFT_INSTALL=y\nCONFIG_SWIFT_INSTALL=n\n",
        "# CONFIG_SWIFT_INSTALL = y\n; CONFIG_SWIFT_INSTALL=y\nCONFIG_SWIFT_INSTALL=n",
        "# prose with ñ and CONFIG_NOVA_INSTALL = n\nCONFIG_SWIFT_INSTALL=n".encode("latin-1"),
        "\ufeff# a byte-order mark\nCONFIG_SWIFT_INSTALL=n\n".encode() + "# and ñ\n".encode("latin-1"),
        'CONFIG_SWIFT_INSTALL="n"',
        "CONFIG_SWIFT_INSTALL=n # not needed here",
        "__________\nCONFIG_SWIFT_INSTALL=n",
        "=======\nCONFIG_SWIFT_INSTALL=n",
    ],
)
def test_quirks_of_answer_files_are_accepted(text: str | bytes) -> None:
    assert value(text, "CONFIG_SWIFT_INSTALL") is False


def test_secrets_are_read_verbatim() -> None:
    for secret in ("50%off", "a#b ; c # d", "%(x)s", "=", '"quoted"', "ü", "y", "1e5"):
        assert value(f"CONFIG_KEYSTONE_ADMIN_PW={secret}", "CONFIG_KEYSTONE_ADMIN_PW") == secret


@pytest.mark.parametrize(
    ("secret", "name"),
    [('"s3cret"', "quoted"), ("'s3cret'", "quoted"), ("s3cret # mine", "remark-in-value"), ("s3cret", ""), ("'", "")],
)
def test_quotes_around_a_secret_count_and_cause_a_warning(secret: str, name: str) -> None:
    found = reading(f"CONFIG_KEYSTONE_ADMIN_PW={secret}")
    assert found.answers["CONFIG_KEYSTONE_ADMIN_PW"] == secret
    assert told(found) == ([("f:1", "warning", name)] if name else [])
    assert not any("s3cret" in answers.describe(problem) for problem in found.problems)


def test_a_malformed_line_is_not_shown_because_it_may_be_a_secret() -> None:
    found = reading("CONFIG_KEYSTONE_ADMIN_PW=HUNTER\nTWOHUNTERS\n")
    assert told(found) == [("f:2", "error", "no-key")]
    assert "TWO" not in answers.describe(found.problems[0])


def test_all_invalid_hosts_of_a_list_are_reported() -> None:
    (problem,) = reading("CONFIG_COMPUTE_HOSTS=198.18.0.300,198.18.0.31,HOST_IP,http://198.18.0.1\n").problems
    assert all(part in problem.wanted for part in ("'198.18.0.300', 'http://198.18.0.1'", "'HOST_IP': this looks"))
    assert "'198.18.0.31'" not in problem.wanted


def test_none_for_a_switch_is_shown_verbatim() -> None:
    (problem,) = reading("CONFIG_HORIZON_INSTALL=None\n").problems
    assert (problem.name, problem.seen) == ("empty", "CONFIG_HORIZON_INSTALL = 'None'")


def test_values_continue_on_indented_lines() -> None:
    assert value("CONFIG_COMPUTE_HOSTS=198.18.0.1,\n   198.18.0.2\n", "CONFIG_COMPUTE_HOSTS") == (
        "198.18.0.1",
        "198.18.0.2",
    )


def test_all_problems_are_reported_at_once_with_line_key_and_allowed_values() -> None:
    found = reading(
        "[general]\n"
        "CONFIG_NOVA_INSTAL=y\n"
        "CONFIG_SWIFT_INSTALL=maybe\n"
        "CONFIG_CINDER_BACKEND=lwm\n"
        "<<<<<<< HEAD\n"
        "CONFIG_COMPUTE_HOSTS=COMPUTE_IP\n"
        "what is this\n"
    )
    assert told(found) == [
        ("f:2", "error", "unknown-key"),
        ("f:3", "error", "bad-value"),
        ("f:4", "error", "bad-value"),
        ("f:5", "error", "conflict-marker"),
        ("f:6", "error", "bad-value"),
        ("f:7", "error", "no-key"),
    ]
    lines = [answers.describe(problem) for problem in found.problems]
    assert "did you mean CONFIG_NOVA_INSTALL?" in lines[0]
    assert "CONFIG_SWIFT_INSTALL = 'maybe'" in lines[1]
    assert "y or n" in lines[1]
    assert "did you mean lvm?" in lines[2]
    assert "placeholder" in lines[4]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("CONFIG_NOVA_INSTALL=ja", "correct it, or delete the line: the default is y"),
        ("CONFIG_CONTROLLER_HOST=$HOST", "correct it, or leave it empty"),
        ("CONFIG_SERVICE_WORKERS=-1", "correct it, or delete the line: the default is %{::processorcount}"),
        ("CONFIG_KEYSTONE_ADMIN_PW=a\tb", "correct it, or leave it empty"),
        ("CONFIG_KEYSTONE_ADMIN_PW=!file: /no/such/file", "correct what follows the !, or write the secret itself"),
        ("CONFIG_SWIFT_INSTALL=", "write CONFIG_SWIFT_INSTALL=y to say so"),
    ],
)
def test_each_problem_with_a_value_says_what_to_do(line: str, hint: str) -> None:
    (problem,) = reading(line).problems
    assert problem.hint == hint


def test_reading_raises_one_error_with_all_problems(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("CONFIG_NOVA_INSTAL=y\nCONFIG_SWIFT_INSTALL=maybe\n")
    before = path.read_bytes()
    with pytest.raises(AnswersError) as caught:
        answers.read([path])
    assert caught.value.code is ExitCode.ANSWERS
    assert f"{path}:1" in caught.value.message
    assert f"{path}:2" in caught.value.message
    assert f"`stackwright answers check {path}`" in caught.value.hint
    assert path.read_bytes() == before


def test_an_invalid_value_without_effect_is_a_warning() -> None:
    found = reading("CONFIG_SWIFT_INSTALL=n\nCONFIG_SWIFT_STORAGE_SIZE=big\n")
    assert told(found) == [("f:2", "warning", "bad-value")]
    assert "CONFIG_SWIFT_INSTALL=y" in found.problems[0].hint


def test_files_that_are_not_answer_files(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none", "no answer file"), (tmp_path, "a folder")):
        with pytest.raises(StackwrightError, match=words):
            answers.read([path])
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x7fELF\0\0")
    with pytest.raises(StackwrightError, match="not a text file"):
        answers.read([binary])


def test_common_mistakes_get_a_hint() -> None:
    found = reading("CONFIG_NEUTRON_L2_AGENT=ovs\nCONFIG_NTP_SERVERS\nNOVA_INSTALL=y\n").problems
    assert [problem.hint for problem in found] == [
        "did you mean openvswitch?",
        "write CONFIG_NTP_SERVERS= to leave it empty",
        "did you mean CONFIG_NOVA_INSTALL?",
    ]


def test_repeated_keys_are_reported_only_if_values_differ() -> None:
    assert told(reading("CONFIG_SWIFT_INSTALL=n\nCONFIG_SWIFT_INSTALL=n\n")) == []
    assert told(reading("CONFIG_SWIFT_INSTALL=y\nCONFIG_SWIFT_INSTALL=n\n")) == [("f:2", "warning", "repeated-key")]


def test_the_current_key_name_takes_precedence_over_an_older_one() -> None:
    for text in ("CONFIG_MYSQL_HOST=a\nCONFIG_MARIADB_HOST=b\n", "CONFIG_MARIADB_HOST=b\nCONFIG_MYSQL_HOST=a\n"):
        assert reading(text).answers["CONFIG_MARIADB_HOST"] == "b"


def test_placeholders_for_secrets_are_errors_that_do_not_show_them() -> None:
    found = reading("CONFIG_KEYSTONE_ADMIN_PW=********\n")
    assert told(found) == [("f:1", "error", "hidden-secret")]
    assert "****" not in answers.describe(found.problems[0])


def test_none_and_placeholder_become_a_new_secret_or_the_default_password() -> None:
    made = reading("CONFIG_MARIADB_PW=None\n").answers
    assert len(made["CONFIG_MARIADB_PW"]) >= 16
    common = reading("CONFIG_MARIADB_PW=PW_PLACEHOLDER\nCONFIG_DEFAULT_PASSWORD=abc\n").answers
    assert common["CONFIG_MARIADB_PW"] == "abc"
    assert common["CONFIG_SWIFT_HASH"] != "abc"
    ceph = reading(
        "CONFIG_CINDER_BACKEND=ceph\nCONFIG_CEPH_SECRET=PW_PLACEHOLDER\nCONFIG_DEFAULT_PASSWORD=abc\n"
    ).answers
    assert len(ceph["CONFIG_CEPH_SECRET"]) >= 16


def test_remembered_secrets_are_reused() -> None:
    first = from_documents((), files=False, local_host="a").answers
    second = from_documents((), remembered=answers.made(first), files=False, local_host="a").answers
    assert {k: first[k] for k in first} == {k: second[k] for k in second}
    third = from_documents((), files=False, local_host="a").answers
    assert third["CONFIG_MARIADB_PW"] != first["CONFIG_MARIADB_PW"]


def test_later_layers_take_precedence(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text("CONFIG_SWIFT_INSTALL=n\nCONFIG_DEBUG_MODE=n\nCONFIG_HORIZON_INSTALL=n\nCONFIG_CINDER_INSTALL=n\n")
    two.write_text("CONFIG_DEBUG_MODE=y\nCONFIG_HORIZON_INSTALL=y\nCONFIG_CINDER_INSTALL=y\n")
    environ = {
        "STACKWRIGHT_CONFIG_HORIZON_INSTALL": "n",
        "STACKWRIGHT_CONFIG_CINDER_INSTALL": "n",
        "STACKWRIGHT_STATE": "/x",
    }
    flags = {"CONFIG_CINDER_INSTALL": "y"}
    got = answers.load([one, two], flags, environ, local_host="a").answers
    expected = {
        "CONFIG_GLANCE_INSTALL": (True, "default"),
        "CONFIG_SWIFT_INSTALL": (False, f"{one}:1"),
        "CONFIG_DEBUG_MODE": (True, f"{two}:1"),
        "CONFIG_HORIZON_INSTALL": (False, "environment STACKWRIGHT_CONFIG_HORIZON_INSTALL"),
        "CONFIG_CINDER_INSTALL": (True, "flag --os-cinder-install"),
    }
    assert {key: (got[key], str(got.entries[key].origin)) for key in expected} == expected


def test_a_misspelt_variable_is_reported() -> None:
    found = from_documents((), environ={"STACKWRIGHT_CONFIG_NOVA_INSTAL": "n"}, files=False, local_host="a")
    assert [problem.name for problem in found.errors] == ["unknown-key"]


def test_a_variable_without_config_is_reported() -> None:
    found = from_documents((), environ={"STACKWRIGHT_SWIFT_INSTALL": "n", "STACKWRIGHT_STATE": "/x"}, files=False)
    assert [problem.hint for problem in found.errors] == ["did you mean STACKWRIGHT_CONFIG_SWIFT_INSTALL?"]


def test_a_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("CONFIG_KEYSTONE_ADMIN_PW=secret\n")
    path.chmod(0o644)
    assert [p.name for p in answers.load([path], local_host="a").problems] == ["readable-by-others"]
    path.chmod(0o600)
    assert not answers.load([path], local_host="a").problems
    path.write_text("CONFIG_KEYSTONE_ADMIN_PW=!env: X\nCONFIG_SWIFT_INSTALL=n\n")
    path.chmod(0o644)
    problems = answers.load([path], local_host="a", run=False).problems
    assert "readable-by-others" not in {problem.name for problem in problems}


# ------------------------------------------------------------------------------------------------------ old releases


HAVANA = """\
CONFIG_KEYSTONE_HOST=198.18.0.10
CONFIG_GLANCE_HOST=198.18.0.11
CONFIG_CINDER_HOST=198.18.0.12
CONFIG_NOVA_API_HOST=198.18.0.10
CONFIG_NOVA_CERT_HOST=198.18.0.10
CONFIG_NOVA_SCHED_HOST=198.18.0.10
CONFIG_NOVA_COMPUTE_HOSTS=198.18.0.31,198.18.0.32
CONFIG_NOVA_NETWORK_HOSTS=198.18.0.10
CONFIG_NEUTRON_SERVER_HOST=198.18.0.20
CONFIG_NEUTRON_L3_HOSTS=198.18.0.20
CONFIG_NEUTRON_DHCP_HOSTS=198.18.0.21
CONFIG_NEUTRON_METADATA_HOSTS=198.18.0.20
CONFIG_MYSQL_HOST=198.18.0.13
CONFIG_QPID_HOST=198.18.0.14
CONFIG_NEUTRON_L2_PLUGIN=openvswitch
CONFIG_NEUTRON_OVS_TENANT_NETWORK_TYPE=gre
CONFIG_NEUTRON_OVS_TUNNEL_RANGES=1:1000
CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=
CONFIG_SWIFT_INSTALL=n
"""


def test_havana_files_keep_the_hosts_of_their_services() -> None:
    got = reading(HAVANA).answers
    expected = {
        "CONFIG_CONTROLLER_HOST": "198.18.0.10",
        "CONFIG_KEYSTONE_HOST": "",
        "CONFIG_GLANCE_HOST": "198.18.0.11",
        "CONFIG_CINDER_HOST": "198.18.0.12",
        "CONFIG_STORAGE_HOST": ("198.18.0.12",),
        "CONFIG_COMPUTE_HOSTS": ("198.18.0.31", "198.18.0.32"),
        "CONFIG_NEUTRON_SERVER_HOST": "198.18.0.20",
        "CONFIG_NETWORK_HOSTS": ("198.18.0.20",),
        "CONFIG_NEUTRON_L3_HOSTS": (),
        "CONFIG_NEUTRON_DHCP_HOSTS": ("198.18.0.21",),
        "CONFIG_MARIADB_HOST": "198.18.0.13",
        "CONFIG_AMQP_HOST": "198.18.0.14",
    }
    assert {key: got[key] for key in expected} == expected


def test_havana_services_alone_on_a_host_stay_there() -> None:
    """Empty, the scheduler is beside Nova's API, which is not on the controller here; the conductor and Heat's second
    API could have hosts of their own."""
    text = (
        HAVANA.replace("NOVA_API_HOST=198.18.0.10", "NOVA_API_HOST=198.18.0.15")
        + "CONFIG_HORIZON_HOST=198.18.0.10\nCONFIG_NOVA_CONDUCTOR_HOST=198.18.0.16\nCONFIG_HEAT_INSTALL=y\n"
        + "CONFIG_HEAT_HOST=198.18.0.17\nCONFIG_HEAT_CFN_HOST=198.18.0.10\nCONFIG_PROVISION_DEMO=n\n"
    )
    given = reading(text).answers
    placed = planner.place(given, SERVICES)
    hosts = {part.name: host for host, parts in placed.items() for part in parts}
    expected = {
        "keystone": "198.18.0.10",
        "nova-api": "198.18.0.15",
        "nova-conductor": "198.18.0.16",
        "nova-scheduler": "198.18.0.10",
        "heat-engine": "198.18.0.17",
        "heat-api-cfn": "198.18.0.10",
    }
    assert {name: hosts[name] for name in expected} == expected


def test_values_derived_from_an_old_file_do_not_override_later_layers() -> None:
    """Defaults, files, environment, flags: also where the file needs rules to be understood."""
    given = {
        "CONFIG_NEUTRON_L2_AGENT": "ovn",
        "CONFIG_NETWORK_HOSTS": "198.18.0.29",
        "CONFIG_CONTROLLER_HOST": "198.18.0.9",
    }
    later = "".join(f"{key}={text}\n" for key, text in given.items())
    old, new = syntax.parse(HAVANA, "old"), syntax.parse(later, "new")
    environ = {f"STACKWRIGHT_{key}": text for key, text in given.items()}
    for got in (
        reading(HAVANA, **given),
        from_documents((old,), {}, environ, files=False),
        from_documents((old, new), files=False),
    ):
        assert not got.errors
        assert {key: got.answers.entries[key].text for key in given} == given
        assert got.answers["CONFIG_NETWORK_HOSTS"] == ("198.18.0.29",)
        assert got.answers["CONFIG_NEUTRON_L3_HOSTS"] == ()
        assert got.answers["CONFIG_KEYSTONE_HOST"] == "", "it was on the controller, and goes with it"
        assert got.answers["CONFIG_GLANCE_HOST"] == "198.18.0.11"
    before = from_documents((new, old), files=False).answers
    assert before["CONFIG_NEUTRON_L2_AGENT"] == "openvswitch"


def test_the_open_vswitch_plugin_becomes_ml2_with_its_agent() -> None:
    got = reading(HAVANA).answers
    assert got["CONFIG_NEUTRON_L2_AGENT"] == "openvswitch"
    assert got["CONFIG_NEUTRON_ML2_MECHANISM_DRIVERS"] == ("openvswitch",)
    assert got["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] == ("gre",)
    assert got["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"] == ("gre", "flat")
    assert got["CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES"] == ((1, 1000),)
    # the external network was on its bridge without a mapping
    assert got["CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS"] == (("extnet", "br-ex"),)


def test_grizzlys_quantum_is_understood() -> None:
    got = reading(HAVANA.replace("_NEUTRON_", "_QUANTUM_")).answers
    assert got["CONFIG_NEUTRON_L2_AGENT"] == "openvswitch"
    assert got["CONFIG_NETWORK_HOSTS"] == ("198.18.0.20",)
    assert got["CONFIG_NEUTRON_ML2_TUNNEL_ID_RANGES"] == ((1, 1000),)


def test_icehouse_with_ml2_ignores_the_plugins_keys() -> None:
    got = reading(
        "CONFIG_NEUTRON_L2_PLUGIN=ml2\nCONFIG_NEUTRON_OVS_TENANT_NETWORK_TYPE=gre\n"
        "CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan\nCONFIG_NEUTRON_ML2_TYPE_DRIVERS=vxlan,flat\n"
    ).answers
    assert got["CONFIG_NEUTRON_L2_AGENT"] == "openvswitch"
    assert got["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] == ("vxlan",)


def test_dropped_values_have_successors() -> None:
    found = reading("CONFIG_KEYSTONE_TOKEN_FORMAT=UUID\nCONFIG_KEYSTONE_API_VERSION=v2.0\nCONFIG_AMQP_SERVER=qpid\n")
    assert not found.errors
    assert found.answers["CONFIG_KEYSTONE_TOKEN_FORMAT"] == "FERNET"
    assert found.answers["CONFIG_KEYSTONE_API_VERSION"] == "v3"
    assert found.answers["CONFIG_AMQP_BACKEND"] == "rabbitmq"
    assert [problem.name for problem in found.problems] == ["retired-value"]


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("CONFIG_LBAAS_INSTALL=y", "error"),
        ("CONFIG_LBAAS_INSTALL=n", ""),
        ("CONFIG_NAGIOS_INSTALL=y", "warning"),
        ("CONFIG_NAGIOS_INSTALL=n", ""),
        ("CONFIG_SAHARA_INSTALL=True", "error"),
        ("CONFIG_NOVA_NETWORK_MANAGER=nova.network.manager.FlatDHCPManager", ""),
        ("CONFIG_CINDER_GLUSTER_MOUNTS=198.18.0.1:/x", "warning"),
    ],
)
def test_retired_keys(line: str, severity: str) -> None:
    assert [str(problem.severity) for problem in reading(line).problems] == ([severity] if severity else [])


def test_ovn_forces_what_packstack_forces() -> None:
    found = reading("CONFIG_NEUTRON_L2_AGENT=ovn\nCONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan\n"
                    "CONFIG_NEUTRON_ML2_TYPE_DRIVERS=vxlan,flat\n")  # fmt: skip
    assert found.answers["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"] == ("geneve",)
    assert "geneve" in found.answers["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"]
    assert [(p.name, p.severity) for p in found.problems] == [("forced", Severity.WARNING)]


def test_the_storage_host_counts_as_in_packstack() -> None:
    text = "CONFIG_CONTROLLER_HOST=198.18.0.10\nCONFIG_STORAGE_HOST=198.18.0.50\n"
    found = reading(text)
    assert found.answers["CONFIG_STORAGE_HOST"] == ("198.18.0.10",)
    assert [problem.name for problem in found.problems] == ["no-effect"]
    assert reading(text + "CONFIG_UNSUPPORTED=y\n").answers["CONFIG_STORAGE_HOST"] == ("198.18.0.50",)


def test_an_invalid_heat_key_is_replaced() -> None:
    found = reading("", CONFIG_HEAT_INSTALL="y", CONFIG_HEAT_AUTH_ENC_KEY="sh0rt")
    (problem,) = [problem for problem in found.problems if "ENC_KEY" in problem.seen]
    assert (problem.name, problem.severity) == ("key-length", Severity.WARNING)
    assert len(found.answers["CONFIG_HEAT_AUTH_ENC_KEY"]) == 32
    assert "CONFIG_HEAT_AUTH_ENC_KEY" in answers.made(found.answers)
    assert not reading("", CONFIG_HEAT_AUTH_ENC_KEY="sh0rt").problems, "without Heat it does not matter"
    kept = reading("", CONFIG_HEAT_INSTALL="y", CONFIG_HEAT_AUTH_ENC_KEY="0123456789abcdef").answers
    assert kept["CONFIG_HEAT_AUTH_ENC_KEY"] == "0123456789abcdef"


def test_an_invalid_heat_key_from_a_command_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAT_KEY", "sh0rt")
    found = reading("", CONFIG_HEAT_INSTALL="y", CONFIG_HEAT_AUTH_ENC_KEY="!env: HEAT_KEY")
    (problem,) = [problem for problem in found.errors if "ENC_KEY" in problem.seen]
    assert "it has 5" in problem.wanted


def test_spelling_is_not_reported_for_values_without_effect() -> None:
    looks = {"CONFIG_CINDER_VOLUMES_SIZE": "20", "CONFIG_CINDER_VOLUME_NAME": "'volumes'"}
    assert {problem.name for problem in reading("", **looks).problems} == {"no-unit", "quoted"}
    assert not reading("", CONFIG_CINDER_INSTALL="n", **looks).problems
